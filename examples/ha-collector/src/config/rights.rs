//! Who owns what is made, and what others may do with it: `mode = "0640"`, `owner = "syslog"`, `group = 4`.

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// The permission bits of a file or directory, in octal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode(pub(crate) u32);

/// A user or a group: its name, or its number. Names are looked up when the collector starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    Name(String),
    Number(u32),
}

impl Mode {
    fn parse(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        let octal =
            (3..=4).contains(&digits.len()) && digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        let mode = u32::from_str_radix(digits, 8).ok().filter(|_| octal);
        mode.map(Self).ok_or_else(|| format!("`{text}` is no mode, such as \"0640\""))
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ModeVisitor;
        impl Visitor<'_> for ModeVisitor {
            type Value = Mode;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a mode in quotes, such as \"0640\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Mode, E> {
                Mode::parse(text).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Mode, E> {
                Err(E::custom(format!("a mode is written in quotes: \"{number:04}\"")))
            }
        }
        deserializer.deserialize_any(ModeVisitor)
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AccountVisitor;
        impl Visitor<'_> for AccountVisitor {
            type Value = Account;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a name or a number")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Account, E> {
                // A name of digits is a number to everybody else, too.
                match name.parse() {
                    Ok(number) => Ok(Account::Number(number)),
                    Err(_) if name.is_empty() || name.contains('\0') => Err(E::custom("this is no name")),
                    Err(_) => Ok(Account::Name(name.to_owned())),
                }
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Account, E> {
                // The largest one means "leave it" to the kernel (chown(2)).
                let number = u32::try_from(number).ok().filter(|number| *number != u32::MAX);
                number.map(Account::Number).ok_or_else(|| E::custom("this is no number of a user or group"))
            }
        }
        deserializer.deserialize_any(AccountVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_three_or_four_octal_digits() {
        assert_eq!(Mode::parse("0640"), Ok(Mode(0o640)));
        assert_eq!(Mode::parse("2750"), Ok(Mode(0o2750)));
        assert_eq!(Mode::parse("0o600"), Ok(Mode(0o600)));
        for wrong in ["", "64", "0680", "+640", "rw-r-----", "00640"] {
            assert!(Mode::parse(wrong).is_err(), "{wrong}");
        }
    }
}
