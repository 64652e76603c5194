//! Names for serde: what has a word is written as that word, and sets as lists of words.
//!
//! Plain numbers and structures derive what they need where they are.

use crate::{Deviation, Deviations, Facility, Format, Severity, ZoneSource};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
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

#[cfg(test)]
mod tests {
    use crate::{FixedOffset, Header, Resolved, Timestamp, parse, resolve};

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
}
