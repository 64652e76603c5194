//! Time stamps of ISO 8601, of which RFC 3339 and RFC 5424 §6.2.3 are the narrow ones.

use crate::scan::{at, digits_end, two_digits};
use crate::{Deviation, Deviations, Header, Stamp, UtcOffset};

/// Reads a stamp at `from` into `header` and says where it ends; `None` if what stands there has not the shape of one.
///
/// There need not be such a date. (Stamps are written where they stay: carried by value they cost more than to read.)
#[inline]
#[expect(clippy::indexing_slicing, reason = "fixed indices below LEN into an array of LEN")]
pub(super) fn stamp(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    let fixed: &[u8; LEN] = text.get(from..)?.first_chunk()?;
    let separator = fixed[10];
    let punctuation = (fixed[4] ^ b'-') | (fixed[7] ^ b'-') | (fixed[13] ^ b':') | (fixed[16] ^ b':');
    if punctuation != 0 || !matches!(separator, b'T' | b't' | b' ') {
        return None;
    }
    let not_digit = |index: usize| fixed[index].wrapping_sub(b'0') > 9;
    let mut bad = false;
    for index in [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18] {
        bad |= not_digit(index);
    }
    if bad {
        return None;
    }
    let century = two_digits(fixed[0], fixed[1]);
    let deviations = &mut header.deviations;
    let stamp = header.stamp.insert(Stamp {
        year: Some(u16::from(century) * 100 + u16::from(two_digits(fixed[2], fixed[3]))),
        month: two_digits(fixed[5], fixed[6]),
        day: two_digits(fixed[8], fixed[9]),
        hour: two_digits(fixed[11], fixed[12]),
        minute: two_digits(fixed[14], fixed[15]),
        second: two_digits(fixed[17], fixed[18]),
        fraction_digits: 0,
        weekday: None,
        nanos: 0,
        offset: None,
    });
    if separator != b'T' {
        deviations.insert(Deviation::LooseStamp);
    }
    let mut end = from + LEN;
    if matches!(at(text, end), b'.' | b',') {
        if at(text, end) == b',' {
            deviations.insert(Deviation::LooseStamp);
        }
        end = fraction(text, end, stamp, deviations);
    }
    match offset(text, end, deviations) {
        Some((offset, behind)) => {
            stamp.offset = Some(offset);
            end = behind;
        }
        None => deviations.insert(Deviation::NoOffset),
    }
    Some(end)
}

/// Reads the fraction whose mark stands at `mark`, and says where it ends; a mark without digits is none.
#[inline]
pub(super) fn fraction(text: &[u8], mark: usize, stamp: &mut Stamp, deviations: &mut Deviations) -> usize {
    let mut nanos: u32 = 0;
    let mut digits: u8 = 0;
    let mut end = mark + 1;
    while let digit @ 0..=9 = at(text, end).wrapping_sub(b'0') {
        nanos = nanos * 10 + u32::from(digit);
        digits += 1;
        end += 1;
        if digits == 9 {
            end = digits_end(text, end);
            break;
        }
    }
    if digits == 0 {
        return mark;
    }
    if digits > 6 {
        deviations.insert(Deviation::LongFraction);
    }
    stamp.nanos = nanos * POWERS_OF_TEN.get(usize::from(9 - digits)).copied().unwrap_or(0);
    stamp.fraction_digits = digits;
    end
}

/// Reads `Z`, `+hh:mm` or `+hhmm` at `from`, and says where it ends.
#[inline]
pub(super) fn offset(text: &[u8], from: usize, deviations: &mut Deviations) -> Option<(UtcOffset, usize)> {
    let sign = match at(text, from) {
        b'Z' => return Some((UtcOffset::UTC, from + 1)),
        b'z' => {
            deviations.insert(Deviation::LooseStamp);
            return Some((UtcOffset::UTC, from + 1));
        }
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let fixed: &[u8; 4] = text.get(from + 1..)?.first_chunk()?;
    let (hours, minutes, end) = if fixed[2] == b':' {
        ([fixed[0], fixed[1]], [fixed[3], at(text, from + 5)], from + 6)
    } else {
        ([fixed[0], fixed[1]], [fixed[2], fixed[3]], from + 5)
    };
    if !hours.iter().chain(&minutes).all(u8::is_ascii_digit) || at(text, end).is_ascii_digit() {
        return None;
    }
    if fixed[2] != b':' {
        deviations.insert(Deviation::OffsetWithoutColon);
    }
    let (hours, minutes) = (two_digits(hours[0], hours[1]), two_digits(minutes[0], minutes[1]));
    let offset = if hours < 24 && minutes < 60 {
        UtcOffset::from_seconds(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60))
    } else {
        None
    };
    Some((offset.unwrap_or(UtcOffset::IMPOSSIBLE), end))
}

/// `2003-10-11T22:14:15`.
const LEN: usize = 19;

const POWERS_OF_TEN: [u32; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
