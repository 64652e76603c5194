//! Time stamps of RFC 3164 §4.1.2, `Mmm dd hh:mm:ss`, and what devices make of them.

use super::{digits, iso};
use crate::scan::{at, digits_end, is_blank, skip_blanks, two_digits};
use crate::{Deviation, Deviations, Header, Span, Stamp, Weekday};

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
    Some(if at(text, end) == b' ' && begins_name(text, end + 1) { end } else { appendix(text, end, header) })
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
        b'A'..=b'Z' => matches!(at(text, from + 1), b'a'..=b'z' | b'0'..=b'9'),
        _ => false,
    }
}

/// With the day of the week or the year before it, the year between day and time, and numbers of any width.
#[inline(never)]
fn loose(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    let mut stamp = Stamp::NOTHING;
    let mut remarks = Deviations::NONE;
    let mut from = from;
    if let Some(weekday) = weekday([at(text, from), at(text, from + 1), at(text, from + 2)]) {
        let end = from + 3 + usize::from(at(text, from + 3) == b',');
        if is_blank(at(text, end)) {
            stamp.weekday = Some(weekday);
            remarks.insert(Deviation::Weekday);
            from = skip_blanks(text, end);
        }
    }
    if let Some((year, end)) = year(text, from) {
        stamp.year = Some(year);
        remarks.insert(Deviation::BsdYear);
        from = skip_blanks(text, end);
    }
    let letters = [at(text, from), at(text, from + 1), at(text, from + 2)];
    stamp.month = month(letters)?;
    if letters[0] & 0x20 != 0 || letters[1] & letters[2] & 0x20 == 0 {
        remarks.insert(Deviation::StampSpelling);
    }
    let day_from = skip_blanks(text, from + 3);
    let (day, mut end) = small_number(text, day_from)?;
    if day_from == from + 3 || !is_blank(at(text, end)) {
        return None;
    }
    if (end - day_from == 1 && day_from == from + 4) || at(text, day_from) == b'0' {
        remarks.insert(Deviation::UnpaddedDay);
    }
    stamp.day = day;
    end = skip_blanks(text, end);
    if stamp.year.is_none()
        && let Some((year, behind)) = year(text, end)
    {
        stamp.year = Some(year);
        remarks.insert(Deviation::BsdYear);
        end = skip_blanks(text, behind);
    }
    end = clock(text, end, &mut stamp, &mut remarks)?;
    header.deviations = header.deviations.union(remarks);
    header.stamp = Some(stamp);
    Some(end)
}

/// Dates of nothing but numbers: NetScaler's `03/14/2024:10:00:00 GMT`, month first; Sophos' `2024:03:14-10:00:00`, and
/// `2024/03/14 10:00:00`. The year shows what is first.
pub(super) fn numbers(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    let date: [u8; 11] = *text.get(from..)?.first_chunk()?;
    let (year, [m1, m2], [d1, d2]) = match date {
        [m1, m2, b'/', d1, d2, b'/', y1, y2, y3, y4, b':'] => ([y1, y2, y3, y4], [m1, m2], [d1, d2]),
        [y1, y2, y3, y4, first @ (b':' | b'/' | b'.'), m1, m2, second, d1, d2, b'-' | b' ' | b'T']
            if first == second =>
        {
            ([y1, y2, y3, y4], [m1, m2], [d1, d2])
        }
        _ => return None,
    };
    if ![m1, m2, d1, d2].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut stamp = Stamp {
        year: Some(year_of(year)?),
        month: two_digits(m1, m2),
        day: two_digits(d1, d2),
        ..Stamp::NOTHING
    };
    let end = clock(text, from + 11, &mut stamp, &mut header.deviations)?;
    header.deviations.insert(Deviation::StampSpelling);
    header.deviations.insert(Deviation::BsdYear);
    header.stamp = Some(stamp);
    Some(appendix(text, end, header))
}

/// `hh:mm:ss`, or `h:mm:ss`.
fn clock(text: &[u8], from: usize, stamp: &mut Stamp, deviations: &mut Deviations) -> Option<usize> {
    let (hour, end) = small_number(text, from)?;
    if end - from == 1 {
        deviations.insert(Deviation::StampSpelling);
    }
    let fixed: &[u8; 6] = text.get(end..)?.first_chunk()?;
    let [b':', m1, m2, b':', s1, s2] = *fixed else { return None };
    if ![m1, m2, s1, s2].iter().all(u8::is_ascii_digit) || at(text, end + 6).is_ascii_digit() {
        return None;
    }
    (stamp.hour, stamp.minute, stamp.second) = (hour, two_digits(m1, m2), two_digits(s1, s2));
    Some(end + 6)
}

/// What may stand behind the seconds: fraction, AM or PM, offset, zone name, year.
#[inline(never)]
fn appendix(text: &[u8], from: usize, header: &mut Header) -> usize {
    let Header { stamp: Some(stamp), zone_name: zone, deviations, .. } = header else { return from };
    let mut end = clock_fraction(text, from, stamp, deviations);
    if let Some(behind) = half_of_day(text, end, stamp) {
        deviations.insert(Deviation::StampSpelling);
        end = clock_fraction(text, behind, stamp, deviations);
    }
    let word = end + usize::from(at(text, end) == b' ');
    if matches!(at(text, word), b'+' | b'-' | b'Z')
        && let Some((offset, behind)) = iso::offset(text, word, deviations)
        && ends_stamp(text, behind)
    {
        stamp.offset = Some(offset);
        deviations.insert(Deviation::BsdZone);
        end = behind;
    } else if word > end
        && let Some(behind) = known_zone(text, word)
    {
        *zone = Span::new(word, behind);
        deviations.insert(Deviation::BsdZone);
        end = behind;
    }
    if stamp.year.is_none()
        && at(text, end) == b' '
        && let Some((year, behind)) = year(text, end + 1)
    {
        stamp.year = Some(year);
        deviations.insert(Deviation::BsdYear);
        end = behind;
    }
    end
}

fn clock_fraction(text: &[u8], from: usize, stamp: &mut Stamp, deviations: &mut Deviations) -> usize {
    if !matches!(at(text, from), b'.' | b',') {
        return from;
    }
    let end = iso::fraction(text, from, stamp, deviations);
    if end > from {
        deviations.insert(Deviation::BsdFraction);
    }
    end
}

/// ` AM` or ` PM` behind an hour of 1 to 12.
fn half_of_day(text: &[u8], from: usize, stamp: &mut Stamp) -> Option<usize> {
    let [b' ', half @ (b'A' | b'P'), b'M'] = *text.get(from..)?.first_chunk()? else { return None };
    if !(1..=12).contains(&stamp.hour) || !matches!(at(text, from + 3), b' ' | b'.' | b',' | b':' | 0) {
        return None;
    }
    stamp.hour = stamp.hour % 12 + if half == b'P' { 12 } else { 0 };
    Some(from + 3)
}

/// The name of a zone that is known for one: nothing else tells it from a host name in capitals.
fn known_zone(text: &[u8], from: usize) -> Option<usize> {
    let mut end = from;
    let mut packed = 0;
    while at(text, end).is_ascii_uppercase() && end < from + 5 {
        packed = packed << 8 | u64::from(at(text, end));
        end += 1;
    }
    if packed == TZ && matches!(at(text, end), b'+' | b'-') {
        let behind = digits_end(text, end + 1);
        return ((1..=2).contains(&(behind - end - 1)) && ends_word(text, behind)).then_some(behind);
    }
    (end > from + 2 && ends_word(text, end) && ZONE_NAMES.binary_search(&packed).is_ok()).then_some(end)
}

/// Whether a word ends here: at a blank, a colon or the end.
fn ends_word(text: &[u8], end: usize) -> bool {
    end >= text.len() || matches!(at(text, end), b' ' | b':')
}

/// Whether a stamp may end here.
fn ends_stamp(text: &[u8], end: usize) -> bool {
    end >= text.len() || matches!(at(text, end), b' ' | b'\t' | b':')
}

/// Four digits between 1970 and 2099, and a blank or a colon and a blank behind them. `2001:db8::7` is a host.
fn year(text: &[u8], from: usize) -> Option<(u16, usize)> {
    let end = from + 4 + usize::from(at(text, from + 4) == b':');
    if digits_end(text, from) != from + 4 || (end < text.len() && !is_blank(at(text, end))) {
        return None;
    }
    Some((year_of(*text.get(from..)?.first_chunk()?)?, from + 4))
}

/// Between 1970 and 2099.
#[inline(always)]
fn year_of(digits: [u8; 4]) -> Option<u16> {
    let [a, b, c, d] = digits.map(|digit| digit.wrapping_sub(b'0'));
    if a > 2 || b > 9 || c > 9 || d > 9 {
        return None;
    }
    let year = u16::from(a * 10 + b) * 100 + u16::from(c * 10 + d);
    (1970..2100).contains(&year).then_some(year)
}

/// One or two digits.
fn small_number(text: &[u8], from: usize) -> Option<(u8, usize)> {
    match digits_end(text, from) - from {
        1 => Some((two_digits(b'0', at(text, from)), from + 1)),
        2 => Some((two_digits(at(text, from), at(text, from + 1)), from + 2)),
        _ => None,
    }
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

fn weekday(letters: [u8; 3]) -> Option<Weekday> {
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

/// Abbreviations of the IANA database that are in use, the shorter first, then by letters. What they mean, the caller's
/// table says.
const ZONE_NAMES: [u64; 44] = [
    zone(b"ADT"),
    zone(b"AST"),
    zone(b"BRT"),
    zone(b"BST"),
    zone(b"CAT"),
    zone(b"CDT"),
    zone(b"CET"),
    zone(b"CST"),
    zone(b"EAT"),
    zone(b"EDT"),
    zone(b"EET"),
    zone(b"EST"),
    zone(b"GMT"),
    zone(b"HKT"),
    zone(b"HST"),
    zone(b"IDT"),
    zone(b"IST"),
    zone(b"JST"),
    zone(b"KST"),
    zone(b"MDT"),
    zone(b"MSK"),
    zone(b"MST"),
    zone(b"NDT"),
    zone(b"NST"),
    zone(b"PDT"),
    zone(b"PKT"),
    zone(b"PST"),
    zone(b"SGT"),
    zone(b"UTC"),
    zone(b"WAT"),
    zone(b"WET"),
    zone(b"ACDT"),
    zone(b"ACST"),
    zone(b"AEDT"),
    zone(b"AEST"),
    zone(b"AKDT"),
    zone(b"AKST"),
    zone(b"AWST"),
    zone(b"CEST"),
    zone(b"EEST"),
    zone(b"NZDT"),
    zone(b"NZST"),
    zone(b"SAST"),
    zone(b"WEST"),
];

/// `TZ-6`.
const TZ: u64 = zone(b"TZ");

/// The letters of a zone's name, the last in the lowest place.
const fn zone(mut name: &[u8]) -> u64 {
    let mut packed = 0;
    while let [letter, rest @ ..] = name {
        packed = packed << 8 | *letter as u64;
        name = rest;
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_names_are_in_order_for_the_search() {
        assert!(ZONE_NAMES.is_sorted());
    }
}
