//! When a message was sent: which zone its stamp is in, and the instant that makes.

use syslog_parse::{FixedOffset, Message, Resolved, Timestamp, Zone, ZoneSource};

/// What zone names in stamps mean, as it was configured. `CST` is three zones in three countries: nothing is known from the
/// start, save `UTC` and `GMT`, which the parser knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ZoneNames(Vec<(String, FixedOffset)>);

impl ZoneNames {
    /// Adds `NAME=±hh:mm`; a name given twice means what it was given last.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), String> {
        let (name, offset) = text.split_once('=').ok_or_else(|| format!("`{text}` is not NAME=±hh:mm"))?;
        if name == "Z" {
            return Err(
                "`Z` behind a stamp is no name but an offset, +00:00, and keeps that meaning".to_owned()
            );
        }
        let offset = seconds(offset)
            .and_then(FixedOffset::from_seconds)
            .ok_or_else(|| format!("`{offset}` is not an offset such as -05:00"))?;
        self.0.insert(0, (name.to_owned(), offset));
        Ok(())
    }

    fn get(&self, name: &[u8]) -> Option<&FixedOffset> {
        self.0.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, offset)| offset)
    }
}

/// `±hh:mm` or `±hhmm` in seconds.
fn seconds(offset: &str) -> Option<i32> {
    let (sign, digits) = match offset.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits = digits.replacen(':', "", 1);
    if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number = |from| digits.get(from..from + 2)?.parse::<i32>().ok();
    let (hours, minutes) = (number(0)?, number(2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// The instant of the message's stamp: by the name of its zone if `names` has it, by its own offset, or in `zone`, which is
/// there for the reason `source`. `None`: it has no stamp, or one that cannot be.
pub(crate) fn sent(
    message: &Message<'_>,
    names: &ZoneNames,
    zone: &impl Zone,
    source: ZoneSource,
    reference: Timestamp,
) -> Option<Resolved> {
    let mut stamp = message.stamp()?;
    match message.zone_name().and_then(|name| names.get(name)) {
        Some(named) => {
            // Behind `UTC` and `GMT` the parser has put one. Whoever gives these names another meaning knows a sender that
            // writes them and means something else.
            stamp.offset = None;
            syslog_parse::resolve_in(&stamp, named, ZoneSource::Name, reference)
        }
        None => syslog_parse::resolve_in(&stamp, zone, source, reference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_what_it_was_given_last() {
        let mut names = ZoneNames::default();
        names.add("CDT=-05:00").unwrap();
        names.add("IST=+0530").unwrap();
        names.add("GMT=+00:01").unwrap();
        assert_eq!(names.get(b"CDT").map(|zone| zone.seconds()), Some(-18_000));
        assert_eq!(names.get(b"IST").map(|zone| zone.seconds()), Some(19_800));
        assert_eq!(names.get(b"GMT").map(|zone| zone.seconds()), Some(60));
        assert_eq!(names.get(b"CST"), None);
    }

    #[test]
    fn what_is_no_offset_is_said() {
        for wrong in [
            "CDT",
            "Z=+01:00",
            "CDT=5",
            "CDT=05:00",
            "CDT=+25:00",
            "CDT=+05:60",
            "CDT=+é",
            "CDT=+1:2:3",
            "CDT=+-1-1",
        ] {
            assert!(ZoneNames::default().add(wrong).is_err(), "{wrong}");
        }
    }
}
