//! Time stamps of RFC 3164 §4.1.2, `Mmm dd hh:mm:ss`, and what devices make of them.

use super::iso;
use crate::scan::{at, digits_end, is_blank, skip_blanks, two_digits};
use crate::{Deviation, Deviations, Header, Span, Stamp, Weekday};

/// Reads a stamp at `from`, and the name of its zone, into `header` and says where both end; `None` if what stands
/// there has not the shape of one.
///
/// There need not be such a date.
#[inline]
pub(super) fn stamp(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    let end = match plain(text, from, header) {
        Some(end) => end,
        None => loose(text, from, header)?,
    };
    // The usual case: a blank, and then a word that does not begin with a digit, a sign or two capitals.
    let (next, second, third) = (at(text, end), at(text, end + 1), at(text, end + 2));
    let usual = second.is_ascii_lowercase() || (second.is_ascii_uppercase() && third.is_ascii_lowercase());
    Some(if next == b' ' && usual { end } else { appendix(text, end, header) })
}

/// To the letter, but for the case of the month, and zeros in front of the day.
#[inline]
#[expect(clippy::indexing_slicing, reason = "fixed indices below LEN into an array of LEN")]
fn plain(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    let fixed: &[u8; LEN] = text.get(from..)?.first_chunk()?;
    let month = month([fixed[0], fixed[1], fixed[2]])?;
    let punctuation = (fixed[3] ^ b' ') | (fixed[6] ^ b' ') | (fixed[9] ^ b':') | (fixed[12] ^ b':');
    let mut bad = punctuation != 0 || (fixed[4] != b' ' && fixed[4].wrapping_sub(b'0') > 9);
    for index in [5, 7, 8, 10, 11, 13, 14] {
        bad |= fixed[index].wrapping_sub(b'0') > 9;
    }
    if bad {
        return None;
    }
    if fixed[0] & 0x20 != 0 || fixed[1] & fixed[2] & 0x20 == 0 {
        header.deviations.insert(Deviation::StampSpelling);
    }
    if fixed[4] == b'0' {
        header.deviations.insert(Deviation::UnpaddedDay);
    }
    let tens = if fixed[4] == b' ' { b'0' } else { fixed[4] };
    header.stamp = Some(Stamp {
        month,
        day: two_digits(tens, fixed[5]),
        hour: two_digits(fixed[7], fixed[8]),
        minute: two_digits(fixed[10], fixed[11]),
        second: two_digits(fixed[13], fixed[14]),
        ..Stamp::NOTHING
    });
    Some(from + LEN)
}

/// With the day of the week or the year before it, the year between day and time, and numbers of any width.
#[cold]
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

/// NetScaler: `03/14/2024:10:00:00 GMT`, month first.
pub(super) fn slashed(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    let [m1, m2, b'/', d1, d2, b'/', y1, y2, y3, y4, b':'] = *text.get(from..)?.first_chunk()? else {
        return None;
    };
    if ![m1, m2, d1, d2, y1, y2, y3, y4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut stamp = Stamp {
        year: Some(u16::from(two_digits(y1, y2)) * 100 + u16::from(two_digits(y3, y4))),
        month: two_digits(m1, m2),
        day: two_digits(d1, d2),
        ..Stamp::NOTHING
    };
    let end = clock(text, from + 11, &mut stamp, &mut header.deviations)?;
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
    let rest = text.get(from..).filter(|rest| rest.first().is_some_and(u8::is_ascii_uppercase))?;
    let len = rest
        .iter()
        .take(8)
        .position(|&octet| matches!(octet, b' ' | b':'))
        .or_else(|| (rest.len() < 8).then_some(rest.len()))?;
    let word = rest.get(..len)?;
    let known = ZONE_NAMES.binary_search(&word).is_ok()
        || matches!(word, [b'T', b'Z', b'+' | b'-', digits @ ..] if (1..=2).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit));
    known.then_some(from + len)
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
    let [a, b, c, d] = *text.get(from..)?.first_chunk()?;
    let year = u16::from(two_digits(a, b)) * 100 + u16::from(two_digits(c, d));
    (1970..2100).contains(&year).then_some((year, from + 4))
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

/// `Oct 11 22:14:15`.
const LEN: usize = 15;

/// Abbreviations of the IANA database that are in use, sorted. What they mean, the caller's table says.
const ZONE_NAMES: [&[u8]; 44] = [
    b"ACDT", b"ACST", b"ADT", b"AEDT", b"AEST", b"AKDT", b"AKST", b"AST", b"AWST", b"BRT", b"BST", b"CAT",
    b"CDT", b"CEST", b"CET", b"CST", b"EAT", b"EDT", b"EEST", b"EET", b"EST", b"GMT", b"HKT", b"HST", b"IDT",
    b"IST", b"JST", b"KST", b"MDT", b"MSK", b"MST", b"NDT", b"NST", b"NZDT", b"NZST", b"PDT", b"PKT", b"PST",
    b"SAST", b"SGT", b"UTC", b"WAT", b"WEST", b"WET",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_names_are_in_order_for_the_search() {
        assert!(ZONE_NAMES.is_sorted());
    }
}
