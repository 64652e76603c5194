//! A walk through a message up to the first octet that is not as its RFC asks: what both shapes have in common.

use super::{Field, NotStrict, field_of};
use crate::scan::{at, digits_end};
use crate::{Deviation, Deviations, Header, Message};

/// Where a walk is.
pub(super) struct Walk<'a> {
    pub(super) raw: &'a [u8],
    pub(super) header: &'a Header,
    /// What was remarked, and is forbidden.
    pub(super) forbidden: Deviations,
    pub(super) at: usize,
}

/// One step: it went well, or here it is.
pub(super) type Step = Result<(), NotStrict>;

impl<'a> Walk<'a> {
    pub(super) fn through(message: &'a Message<'_>) -> Self {
        Self { raw: message.raw(), header: message.header(), forbidden: message.forbidden(), at: 0 }
    }

    /// The octet here; NUL beyond the end.
    pub(super) fn octet(&self) -> u8 {
        at(self.raw, self.at)
    }

    /// Where the message ends, without what terminates it.
    pub(super) fn end(&self) -> usize {
        self.header.message.end()
    }

    /// The fault at an octet: the first of the candidates that was remarked, else what was remarked of that field, else the
    /// first candidate.
    pub(super) fn fault(&self, field: Field, offset: usize, candidates: &[Deviation]) -> NotStrict {
        let remarked = candidates.iter().copied().find(|&one| self.forbidden.contains(one));
        let of_field = || self.forbidden.iter().find(|&one| field_of(one) == Some(field));
        let any = || candidates.first().copied().or_else(|| self.forbidden.iter().next());
        let deviation = remarked.or_else(of_field).or_else(any).unwrap_or(Deviation::NoHeader);
        NotStrict { deviation, field, offset: offset.min(self.raw.len()) }
    }

    /// That octet, or a fault.
    pub(super) fn expect(&mut self, octet: u8, field: Field, candidates: &[Deviation]) -> Step {
        if self.octet() != octet {
            return Err(self.fault(field, self.at, candidates));
        }
        self.at += 1;
        Ok(())
    }

    /// Digits where the pattern has zeros, else what it has.
    pub(super) fn pattern(&mut self, pattern: &[u8], candidates: &[Deviation]) -> Step {
        for &wanted in pattern {
            let octet = self.octet();
            if if wanted == b'0' { !octet.is_ascii_digit() } else { octet != wanted } {
                return Err(self.fault(Field::Timestamp, self.at, candidates));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// "<" PRIVAL ">" (RFC 5424 §6.2.1, RFC 3164 §4.1.1)
    pub(super) fn pri(&mut self) -> Step {
        use Deviation as D;
        self.expect(b'<', Field::Pri, &[D::OctetCountInMessage, D::MissingPri])?;
        let digits = self.raw.get(1..digits_end(self.raw, 1)).unwrap_or_default();
        let value = digits.iter().fold(0_u32, |value, digit| {
            value.saturating_mul(10).saturating_add(u32::from(digit.wrapping_sub(b'0')))
        });
        let zero = digits.len() > 1 && digits.first() == Some(&b'0');
        if digits.len() > 3 || value > 191 || zero {
            let first = if zero { D::PriLeadingZero } else { D::PriOutOfRange };
            return Err(self.fault(Field::Pri, 1, &[D::BadPri, first]));
        }
        self.at += digits.len();
        if digits.is_empty() {
            return Err(self.fault(Field::Pri, self.at, &[D::BadPri, D::EmptyPri]));
        }
        self.expect(b'>', Field::Pri, &[D::BadPri])?;
        if self.octet() == b' ' && self.forbidden.contains(D::SpaceAfterPri) {
            return Err(self.fault(Field::Pri, self.at, &[D::SpaceAfterPri]));
        }
        Ok(())
    }

    /// That date and clock time can be; where month, day, hour, minute and second stand is told.
    pub(super) fn possible(&self, places: [usize; 5]) -> Step {
        use Deviation as D;
        let Some(stamp) = &self.header.stamp else { return Ok(()) };
        let [month, day, hour, minute, second] = places;
        let days = if (1..=12).contains(&stamp.month) {
            crate::civil::days_in_month(stamp.year.map_or(2000, i32::from), stamp.month)
        } else {
            31
        };
        let of_hour = if stamp.hour == 24 { D::Hour24 } else { D::InvalidTime };
        let of_second = if stamp.second == 60 { D::LeapSecond } else { D::InvalidTime };
        let faults = [
            (!(1..=12).contains(&stamp.month), month, D::InvalidTime),
            (stamp.day == 0 || stamp.day > days, day, D::InvalidTime),
            (stamp.hour > 23, hour, of_hour),
            (stamp.minute > 59, minute, D::InvalidTime),
            (stamp.second > 59, second, of_second),
        ];
        match faults.into_iter().find(|fault| fault.0) {
            Some((_, offset, deviation)) => Err(self.fault(Field::Timestamp, offset, &[deviation])),
            None => Ok(()),
        }
    }
}
