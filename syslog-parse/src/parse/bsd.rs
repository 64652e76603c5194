//! Time stamps of RFC 3164 §4.1.2, `Mmm dd hh:mm:ss`, and what devices make of them.

use super::{digits, iso, stamps};
use crate::scan::{at, is_blank};
use crate::{Deviation, Header, Span, Stamp, UtcOffset, Weekday};
use nom::Offset as _;

/// Reads a stamp at `from`, and the name of its zone, into `header` and says where both end; `None` if what stands
/// there has not the shape of one.
///
/// There need not be such a date.
#[inline(always)]
pub(super) fn stamp(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    let end = match usual(text, from, header) {
        Some(end) => end,
        None => loose(text, from, header)?,
    };
    Some(behind_seconds(text, end, header))
}

/// Reads what belongs to the stamp in `header`, whose seconds end at `end`, and says where it ends.
#[inline(always)]
pub(super) fn behind_seconds(text: &[u8], end: usize, header: &mut Header) -> usize {
    if is_over(text, end) { end } else { appendix(text, end, header) }
}

/// Whether the stamp ends here, at a glance.
#[inline(always)]
fn is_over(text: &[u8], end: usize) -> bool {
    match at(text, end) {
        b' ' => begins_name(text, end + 1),
        b':' => is_blank(at(text, end + 1)),
        b'\t' => true,
        _ => false,
    }
}

/// To the letter, but for days with one digit or a zero before it, and a year between day and time.
#[inline(always)]
fn usual(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    let rest = text.get(from..)?;
    let [m1, m2, m3, b' ', d1, d2, d3] = *rest.first_chunk()? else { return None };
    let month = usual_month([m1, m2, m3])?;
    let [tens, units, next] = [d1, d2, d3].map(|octet| octet ^ b'0');
    let (day, mut clock_at) = match (tens, units, next) {
        (BLANK, 0..=9, BLANK) => (units, 7),
        (1..=9, 0..=9, BLANK) => (tens * 10 + units, 7),
        (0, 0..=9, BLANK) => (units, 7),
        (0..=9, BLANK, 0..=9) => (tens, 6),
        _ => return None,
    };
    if tens == 0 || units == BLANK {
        header.deviations.insert(Deviation::UnpaddedDay);
    }
    let mut year = None;
    if let Some([y1, y2, y3, y4, b' ']) = rest.get(clock_at..)?.first_chunk()
        && let Some(number) = year_of([*y1, *y2, *y3, *y4])
    {
        year = Some(number);
        header.deviations.insert(Deviation::BsdYear);
        clock_at += 5;
    }
    let clock = rest.get(clock_at..)?.first_chunk()?;
    let (hour, minute, second) = digits::clock(*clock)?;
    header.stamp = Some(Stamp { year, month, day, hour, minute, second, ..Stamp::NOTHING });
    Some(from + clock_at + 8)
}

/// A blank where a digit is expected, as `octet ^ b'0'` sees it.
const BLANK: u8 = b' ' ^ b'0';

/// Whether the word behind a stamp and a blank is, at a glance, neither a year nor an offset nor the name of a zone.
#[inline(always)]
fn begins_name(text: &[u8], from: usize) -> bool {
    match at(text, from) {
        b'a'..=b'z' => true,
        b'0'..=b'9' => !matches!(at(text, from + 4), b' ' | b'\t' | b':' | 0),
        // A zone has three capitals; `Z`, `AM`, `PM` and `TZ-6` have less.
        b'A'..=b'Z' => match at(text, from + 1) {
            0..=b' ' | b':' | b'M' | b'Z' => false,
            b'A'..=b'Z' => !at(text, from + 2).is_ascii_uppercase(),
            _ => true,
        },
        _ => false,
    }
}

/// Whatever else devices write.
#[inline(never)]
fn loose(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    let (rest, (stamp, remarks)) = stamps::stamp(text.get(from..)?).ok()?;
    header.deviations = header.deviations.union(remarks);
    header.stamp = Some(stamp);
    Some(text.len() - rest.len())
}

/// Reads the name of a zone between brackets, and says where it ends. UTC and GMT are offsets where the stamp has none.
#[cold]
pub(super) fn behind_offset(text: &[u8], from: usize, header: &mut Header) -> usize {
    let Some(Ok((rest, name))) = text.get(from..).map(stamps::suffix) else { return from };
    header.zone_name = Span::new(from + 1, from + 1 + name.len());
    if let (b"UTC" | b"GMT", Some(stamp)) = (name, &mut header.stamp) {
        stamp.offset = stamp.offset.or(Some(UtcOffset::UTC));
    }
    header.deviations.insert(Deviation::BsdZone);
    text.len() - rest.len()
}

/// What may stand behind the seconds: fraction, AM or PM, offset, zone name, year.
#[inline(never)]
fn appendix(text: &[u8], from: usize, header: &mut Header) -> usize {
    let mut end = from;
    if let (b'.' | b',', Some(stamp)) = (at(text, from), &mut header.stamp) {
        end = iso::fraction(text, from, stamp, &mut header.deviations);
        if end > from {
            header.deviations.insert(Deviation::BsdFraction);
        }
    }
    if is_over(text, end) {
        return end;
    }
    let (Some(stamp), Some(octets)) = (header.stamp, text.get(end..)) else { return end };
    let Ok((rest, tail)) = stamps::tail(stamp, octets) else { return end };
    header.stamp = Some(tail.stamp);
    header.deviations = header.deviations.union(tail.remarks);
    if let Some(name) = tail.zone {
        let start = text.offset(name);
        header.zone_name = Span::new(start, start + name.len());
    }
    text.len() - rest.len()
}

/// Between 1970 and 2099.
#[inline(always)]
pub(super) fn year_of(digits: [u8; 4]) -> Option<u16> {
    let [a, b, c, d] = digits.map(|digit| digit.wrapping_sub(b'0'));
    if a > 2 || b > 9 || c > 9 || d > 9 {
        return None;
    }
    let year = u16::from(a * 10 + b) * 100 + u16::from(c * 10 + d);
    (1970..2100).contains(&year).then_some(year)
}

/// 1 to 12, in any case.
#[inline]
pub(super) fn month(letters: [u8; 3]) -> Option<u8> {
    Some(match &letters.map(|letter| letter | 0x20) {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    })
}

/// 1 to 12, written as RFC 3164 does.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "a hash of four bits into a table of 16")]
pub(super) fn usual_month([a, b, c]: [u8; 3]) -> Option<u8> {
    let letters = u32::from_le_bytes([a, b, c, 0]);
    let (name, month) = MONTHS[month_hash(letters)];
    (name == letters).then_some(month)
}

pub(super) fn weekday(letters: [u8; 3]) -> Option<Weekday> {
    Some(match &letters.map(|letter| letter | 0x20) {
        b"mon" => Weekday::Monday,
        b"tue" => Weekday::Tuesday,
        b"wed" => Weekday::Wednesday,
        b"thu" => Weekday::Thursday,
        b"fri" => Weekday::Friday,
        b"sat" => Weekday::Saturday,
        b"sun" => Weekday::Sunday,
        _ => return None,
    })
}

/// Four bits that are different for all months.
#[inline(always)]
const fn month_hash(letters: u32) -> usize {
    (letters.wrapping_mul(MONTH_FACTOR) >> 28) as usize
}

/// Found by trying.
const MONTH_FACTOR: u32 = 0x67e5;

#[expect(clippy::indexing_slicing, reason = "a hash of four bits into a table of 16, when it is compiled")]
static MONTHS: [(u32, u8); 16] = {
    let names = *b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut table = [(0, 0); 16];
    let mut month = 0;
    while month < 12 {
        let at = month as usize * 3;
        let letters = u32::from_le_bytes([names[at], names[at + 1], names[at + 2], 0]);
        assert!(table[month_hash(letters)].1 == 0, "no two months have one place");
        table[month_hash(letters)] = (letters, month + 1);
        month += 1;
    }
    table
};
