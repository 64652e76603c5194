//! Time stamps of ISO 8601, of which RFC 3339 and RFC 5424 §6.2.3 are the narrow ones.

use super::digits;
use crate::scan::{at, digits_end, of_two_digits};
use crate::{Deviation, Deviations, Header, Stamp, UtcOffset};

/// Reads a stamp at `from` into `header` and says where it ends; `None` if what stands there has not the shape of one.
///
/// There need not be such a date.
#[inline(always)]
pub(super) fn stamp(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    let fixed: &[u8; LEN] = text.get(from..)?.first_chunk()?;
    let (date, rest) = fixed.split_first_chunk::<8>()?;
    let (&[d1, d2, separator], clock) = rest.split_first_chunk::<3>()?;
    let (year, month) = digits::year_and_month(*date)?;
    let (hour, minute, second) = digits::clock(*clock.first_chunk()?)?;
    if !(d1.is_ascii_digit() && d2.is_ascii_digit() && matches!(separator, b'T' | b't' | b' ' | b'_')) {
        return None;
    }
    let day = of_two_digits(d1, d2);
    let stamp = Stamp { year: Some(year), month, day, hour, minute, second, ..Stamp::NOTHING };
    let deviations = &mut header.deviations;
    let stamp = header.stamp.insert(stamp);
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
#[inline(always)]
pub(super) fn fraction(text: &[u8], mark: usize, stamp: &mut Stamp, deviations: &mut Deviations) -> usize {
    let (digits, eight) = match text.get(mark + 1..).and_then(<[u8]>::first_chunk) {
        Some(octets) => digits::leading(*octets),
        None => near_the_end(text, mark + 1),
    };
    let mut end = mark + 1 + usize::from(digits);
    if digits == 0 {
        return mark;
    }
    if digits > 6 {
        deviations.insert(Deviation::LongFraction);
    }
    stamp.nanos = eight * 10;
    stamp.fraction_digits = digits;
    if let (8, ninth @ 0..=9) = (digits, at(text, end).wrapping_sub(b'0')) {
        stamp.nanos += u32::from(ninth);
        stamp.fraction_digits = 9;
        end = digits_end(text, end);
    }
    end
}

/// [`digits::leading`] where less than eight octets are left.
#[cold]
fn near_the_end(text: &[u8], from: usize) -> (u8, u32) {
    digits::leading(std::array::from_fn(|index| at(text, from + index)))
}

/// Reads `Z`, `+hh:mm` or `+hhmm` at `from`, and says where it ends.
#[inline(always)]
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
    let [h1, h2, third, fourth] = *text.get(from + 1..)?.first_chunk()?;
    let (m1, m2, end) =
        if third == b':' { (fourth, at(text, from + 5), from + 6) } else { (third, fourth, from + 5) };
    let [d1, d2, d3, d4] = [h1, h2, m1, m2].map(|digit| digit.wrapping_sub(b'0'));
    if d1.max(d2).max(d3).max(d4) > 9 || at(text, end).is_ascii_digit() {
        return None;
    }
    if third != b':' {
        deviations.insert(Deviation::OffsetWithoutColon);
    }
    let (hours, minutes) = (d1 * 10 + d2, d3 * 10 + d4);
    let offset = if hours < 24 && minutes < 60 {
        UtcOffset::from_seconds(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60))
    } else {
        None
    };
    Some((offset.unwrap_or(UtcOffset::IMPOSSIBLE), end))
}

/// `2003-10-11T22:14:15`.
const LEN: usize = 19;
