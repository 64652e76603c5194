//! Sizes with units, as they stand in the configuration: `"64KiB"`, `"2GiB"`, `"10MB"`, or a bare number of bytes.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A number of bytes. `K`, `M`, `G`, `T` with `B` are powers of 1000, with `iB` powers of 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

impl Size {
    pub(crate) const fn kib(n: u64) -> Self {
        Self(n << 10)
    }

    pub(crate) const fn mib(n: u64) -> Self {
        Self(n << 20)
    }

    pub(crate) const fn gib(n: u64) -> Self {
        Self(n << 30)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim_start();
        let number: u64 = number.parse().map_err(|_| format!("`{text}` is not a size, such as \"64KiB\""))?;
        let (_, factor) =
            UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(|| {
                format!("unknown unit `{unit}`: use B, kB, MB, GB, TB (1000) or KiB, MiB, GiB, TiB (1024)")
            })?;
        number.checked_mul(*factor).map(Self).ok_or_else(|| format!("`{text}` is more than 2^64 bytes"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, factor) in [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if self.0 >= factor && self.0.is_multiple_of(factor) {
                return write!(f, "{} {name}", self.0 / factor);
            }
        }
        write!(f, "{} B", self.0)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;
        impl Visitor<'_> for SizeVisitor {
            type Value = Size;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size, such as \"64KiB\" or a number of bytes")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                Size::parse(text).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<Size, E> {
                u64::try_from(bytes).map(Size).map_err(|_| E::custom("a size cannot be negative"))
            }
        }
        deserializer.deserialize_any(SizeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_and_decimal_units_differ_and_case_does_not_matter() {
        assert_eq!(Size::parse("64KiB"), Ok(Size(65_536)));
        assert_eq!(Size::parse("64 kib"), Ok(Size(65_536)));
        assert_eq!(Size::parse("64kB"), Ok(Size(64_000)));
        assert_eq!(Size::parse("2GiB"), Ok(Size::gib(2)));
        assert_eq!(Size::parse("17"), Ok(Size(17)));
    }

    #[test]
    fn what_is_not_a_size_is_said() {
        assert!(Size::parse("").is_err());
        assert!(Size::parse("MiB").is_err());
        assert!(Size::parse("-3").is_err());
        assert!(Size::parse("5 parsecs").unwrap_err().contains("parsecs"));
        assert!(Size::parse("99999999TiB").unwrap_err().contains("2^64"));
    }

    #[test]
    fn a_size_is_printed_in_the_largest_unit_that_divides_it() {
        assert_eq!(Size(65_536).to_string(), "64 KiB");
        assert_eq!(Size(1_000).to_string(), "1000 B");
    }
}
