//! Names for serde: what has a word is written as that word, and sets as lists of words.
//!
//! Plain numbers and structures derive what they need where they are.

use crate::{Deviation, Deviations, Facility, Format, Provenance, Severity, ZoneSource};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq as _, Serializer};
use std::fmt;

/// Serializes by `as_str` and back by looking for the word.
macro_rules! by_word {
    ($($kind:ident, $what:literal, $all:expr;)+) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Word;

                impl Visitor<'_> for Word {
                    type Value = $kind;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }

                    fn visit_str<E: Error>(self, word: &str) -> Result<$kind, E> {
                        $all.iter()
                            .copied()
                            .find(|one: &$kind| one.as_str() == word)
                            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(word), &self))
                    }
                }

                deserializer.deserialize_str(Word)
            }
        }
    )+};
}

by_word! {
    Deviation, "the name of a deviation", Deviation::ALL;
    Facility, "the name of a facility", Facility::ALL;
    Severity, "the name of a severity", Severity::ALL;
    Format, "rfc3164, rfc5424 or unparsed", [Format::Rfc3164, Format::Rfc5424, Format::Unparsed];
    ZoneSource, "stamp, name, configured or assumed",
        [ZoneSource::Stamp, ZoneSource::Name, ZoneSource::Configured, ZoneSource::Assumed];
}

impl Serialize for Deviations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Deviations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> Visitor<'de> for Words {
            type Value = Deviations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of names of deviations")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<Deviations, A::Error> {
                let mut set = Deviations::NONE;
                while let Some(deviation) = words.next_element()? {
                    set.insert(deviation);
                }
                Ok(set)
            }
        }

        deserializer.deserialize_seq(Words)
    }
}

/// `["configured", "year_inferred"]`: where the zone comes from, and what had to be inferred.
impl Serialize for Provenance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let set = || Self::NAMES.iter().filter(|(bit, _)| self.bits() & bit != 0);
        let mut words = serializer.serialize_seq(Some(1 + set().count()))?;
        words.serialize_element(&self.zone())?;
        set().try_for_each(|(_, name)| words.serialize_element(name))?;
        words.end()
    }
}

impl<'de> Deserialize<'de> for Provenance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> Visitor<'de> for Words {
            type Value = Provenance;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("where a zone comes from, and names of what was inferred")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<Provenance, A::Error> {
                let zone = words.next_element::<ZoneSource>()?;
                let mut bits = zone.ok_or_else(|| A::Error::invalid_length(0, &self))? as u8;
                while let Some(Inferred(bit)) = words.next_element()? {
                    bits |= bit;
                }
                Ok(Provenance::from_bits(bits))
            }
        }

        deserializer.deserialize_seq(Words)
    }
}

/// One bit of a provenance, by its name.
struct Inferred(u8);

impl<'de> Deserialize<'de> for Inferred {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;

        impl Visitor<'_> for Word {
            type Value = Inferred;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("year_inferred, gap, fold, leap_second or weekday_differs")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Inferred, E> {
                let found = Provenance::NAMES.iter().find(|(_, name)| *name == word);
                found
                    .map(|(bit, _)| Inferred(*bit))
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(word), &self))
            }
        }

        deserializer.deserialize_str(Word)
    }
}

#[cfg(test)]
mod tests {
    use crate::{FixedOffset, Header, Provenance, Resolved, Timestamp, parse, resolve};

    #[test]
    fn a_header_and_an_instant_come_back_as_they_went() {
        for line in
            ["<34>1 2026-10-11T22:14:15.003Z h a p m [a x=1] text", "<13>Tue Oct 11 2:14:15 2022 h a: m", "x"]
        {
            let message = parse(line.as_bytes());
            let json = serde_json::to_string(message.header()).unwrap();
            assert_eq!(serde_json::from_str::<Header>(&json).unwrap(), *message.header(), "{json}");
            let Some(stamp) = message.stamp() else { continue };
            let found = resolve(&stamp, &FixedOffset::UTC, Timestamp::UNIX_EPOCH).unwrap();
            let json = serde_json::to_string(&found).unwrap();
            assert_eq!(serde_json::from_str::<Resolved>(&json).unwrap(), found, "{json}");
        }
    }

    #[test]
    fn words_are_those_of_as_str() {
        let message = parse(b"<34>1 2026-10-11T22:14:15.003Z h a p m [a x=1] text");
        let json = serde_json::to_value(message.header()).unwrap();
        assert_eq!(json["format"], "rfc5424");
        assert_eq!(json["deviations"], serde_json::json!(["unquoted_sd"]));
        assert_eq!(serde_json::to_value(message.severity()).unwrap(), "crit");
        assert!(serde_json::from_str::<crate::Facility>("\"nothing\"").is_err());
    }

    #[test]
    fn a_provenance_is_words_and_comes_back_whatever_it_is() {
        for bits in 0..128 {
            let provenance = Provenance::from_bits(bits);
            let json = serde_json::to_string(&provenance).unwrap();
            assert_eq!(serde_json::from_str::<Provenance>(&json).unwrap(), provenance, "{json}");
        }
        let stamp = parse(b"<13>Feb  5 17:32:18 h a: m").stamp().unwrap();
        let found = resolve(&stamp, &FixedOffset::UTC, Timestamp::UNIX_EPOCH).unwrap();
        let json = serde_json::to_value(found.provenance).unwrap();
        assert_eq!(json, serde_json::json!(["configured", "year_inferred"]));
        for wrong in ["[]", "6", r#"["gap"]"#, r#"["stamp", "stamp"]"#, r#"["stamp", "nothing"]"#] {
            assert!(serde_json::from_str::<Provenance>(wrong).is_err(), "{wrong}");
        }
    }
}
