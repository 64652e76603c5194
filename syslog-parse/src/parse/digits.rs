//! Digits of stamps, eight octets at a time.
//!
//! Where the digits stand, and what is between them, `bsd` and `iso` know.

/// `hh:mm:ss`, whatever the numbers.
#[inline(always)]
pub(super) fn clock(octets: [u8; 8]) -> Option<(u8, u8, u8)> {
    let [hour, _, _, minute, _, _, second, _] = pairs(octets, *b"00:00:00", DIGITS_OF_CLOCK)?;
    Some((hour, minute, second))
}

/// A time of the day.
pub(super) struct Clock {
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
}

/// `hh:mm:ss`, below 24, 60 and 60.
#[inline(always)]
pub(super) fn clock_of_a_day(octets: [u8; 8]) -> Option<Clock> {
    let numbers = u64::from_le_bytes(pairs(octets, *b"00:00:00", DIGITS_OF_CLOCK)?);
    if ((numbers & NUMBERS_OF_CLOCK) + BEYOND_A_DAY) & HIGH != 0 {
        return None;
    }
    let [hour, _, _, minute, _, _, second, _] = numbers.to_le_bytes();
    Some(Clock { hour, minute, second })
}

/// `yyyy-mm-`, whatever the numbers.
#[inline(always)]
pub(super) fn year_and_month(octets: [u8; 8]) -> Option<(u16, u8)> {
    let [century, _, year, _, _, month, _, _] = pairs(octets, *b"0000-00-", DIGITS_OF_DATE)?;
    Some((u16::from(century) * 100 + u16::from(year), month))
}

/// How many of eight octets are digits before the first that is none, and those digits as if zeros followed up to
/// eight: `25Z45678` is 2 and 25,000,000.
#[inline(always)]
pub(super) fn leading(octets: [u8; 8]) -> (u8, u32) {
    let word = u64::from_le_bytes(octets) ^ u64::from_le_bytes([b'0'; 8]);
    let others = (word.wrapping_add(u64::from_le_bytes([0x76; 8])) | word) & HIGH;
    let count = others.trailing_zeros() / 8;
    let word = word & 1_u64.checked_shl(8 * count).map_or(u64::MAX, |bit| bit - 1);
    // Pairs, fours and eight are added up.
    let twos = (word * 10 + (word >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_ffff_0000_ffff;
    let eight = (fours * 10_000 + (fours >> 32)) & 0xffff_ffff;
    (count.to_le_bytes()[0], u32::try_from(eight).unwrap_or(0))
}

/// Octets that look like `pattern`, with any digit for a `0`: at the place of the first of two digits, their number.
#[inline(always)]
fn pairs(octets: [u8; 8], pattern: [u8; 8], digits: u64) -> Option<[u8; 8]> {
    let word = u64::from_le_bytes(octets) ^ u64::from_le_bytes(pattern);
    // A digit is below 10 now, and all else is 0: with 0x76 or 0x7f more, what is right stays below 0x80.
    if (word.wrapping_add(digits) | word) & HIGH != 0 {
        return None;
    }
    Some((word * 10 + (word >> 8)).to_le_bytes())
}

const DIGITS_OF_CLOCK: u64 = u64::from_le_bytes([0x76, 0x76, 0x7f, 0x76, 0x76, 0x7f, 0x76, 0x76]);
const NUMBERS_OF_CLOCK: u64 = u64::from_le_bytes([0xff, 0, 0, 0xff, 0, 0, 0xff, 0]);
/// What makes 24 hours, 60 minutes and 60 seconds 0x80.
const BEYOND_A_DAY: u64 = u64::from_le_bytes([0x80 - 24, 0, 0, 0x80 - 60, 0, 0, 0x80 - 60, 0]);
const DIGITS_OF_DATE: u64 = u64::from_le_bytes([0x76, 0x76, 0x76, 0x76, 0x7f, 0x76, 0x76, 0x7f]);
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_clock_is_six_digits_and_two_colons(text in "[0-9:/;]{8}") {
            let octets: [u8; 8] = text.as_bytes().try_into().unwrap();
            let number = |at: usize| text[at..at + 2].parse::<u8>().ok();
            let plainly = (&text[2..3] == ":" && &text[5..6] == ":")
                .then(|| Some((number(0)?, number(3)?, number(6)?)))
                .flatten();
            prop_assert_eq!(clock(octets), plainly);
            let of_a_day = clock_of_a_day(octets).map(|clock| (clock.hour, clock.minute, clock.second));
            prop_assert_eq!(of_a_day, plainly.filter(|&(hour, minute, second)| hour < 24 && minute < 60 && second < 60));
        }

        #[test]
        fn leading_digits_are_a_number_with_zeros_behind_it(digits in "[0-9]{0,8}", rest in "[^0-9]{8}") {
            let mut octets = digits.clone().into_bytes();
            octets.extend_from_slice(rest.as_bytes());
            let expected: u32 = format!("{digits:0<8}").parse().unwrap();
            prop_assert_eq!(leading(*octets.first_chunk().unwrap()), (u8::try_from(digits.len()).unwrap(), expected));
        }
    }

    #[test]
    fn a_year_and_its_month_are_six_digits_and_two_dashes() {
        assert_eq!(year_and_month(*b"2026-11-"), Some((2026, 11)));
        assert_eq!(year_and_month(*b"2026/11-"), None);
        assert_eq!(year_and_month(*b"202x-11-"), None);
        assert_eq!(year_and_month(*b"9999-99-"), Some((9999, 99)));
    }
}
