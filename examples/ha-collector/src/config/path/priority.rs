//! Names and numbers of facilities and severities, as they are set.

use super::PriorityPart;
use super::filter::leaf::{facility, severity};

/// The number of this part of a PRI (RFC 5424 §6.2.1), by its name or its number; of a whole one: `local0.err`, or 131.
pub(crate) fn number(part: PriorityPart, text: &str) -> Option<u16> {
    let small = |most: u16| text.parse().ok().filter(|number| *number <= most);
    let named = match part {
        PriorityPart::Severity => return severity(text).map(narrow).or_else(|| small(7)),
        PriorityPart::Facility => return facility(text).map(narrow).or_else(|| small(23)),
        PriorityPart::Whole => text.split_once('.'),
    };
    match named {
        Some((left, right)) => {
            let (left, right) =
                (number(PriorityPart::Facility, left)?, number(PriorityPart::Severity, right)?);
            Some(left << 3 | right)
        }
        None => small(191),
    }
}

fn narrow(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_mean_the_same() {
        use PriorityPart::{Facility, Severity, Whole};
        assert_eq!(number(Severity, "warn"), Some(4));
        assert_eq!(number(Severity, "7"), Some(7));
        assert_eq!(number(Severity, "8"), None);
        assert_eq!(number(Facility, "local7"), Some(23));
        assert_eq!(number(Facility, "24"), None);
        assert_eq!(number(Whole, "local0.err"), Some(131));
        assert_eq!(number(Whole, "131"), Some(131));
        assert_eq!((number(Whole, "192"), number(Whole, "local0"), number(Whole, "a.b")), (None, None, None));
    }
}
