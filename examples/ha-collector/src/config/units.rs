//! Values with units, as they stand in the configuration: sizes (`"64KiB"`, `"10MB"`, or a bare number of bytes), spans of
//! time (`"100ms"`, `"1.5s"`), addresses with their prefix (`"10.0.0.10/24"`).

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

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

    /// Sizes are checked against bounds far below 4 GiB before they get here.
    pub(crate) fn to_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
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

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
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

/// A span of time: a number, a fraction if need be, and one of `ms`, `s`, `min`, `h`. Never longer than a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

impl Span {
    fn parse(text: &str) -> Result<Self, String> {
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let wrong = || format!("`{text}` is no span of time, such as \"100ms\" or \"1.5s\"");
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if whole.len() > 12 || fraction.len() > 9 || fraction.contains('.') {
            return Err(wrong());
        }
        let factor: u128 = match unit.trim_start() {
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return Err(format!("`{text}` has no unit: write \"{text}s\" or \"{text}ms\"")),
            other => return Err(format!("unknown unit `{other}`: use ms, s, min or h")),
        };
        let whole: u128 = whole.parse().map_err(|_| wrong())?;
        let billionths: u128 = format!("{fraction:0<9}").parse().map_err(|_| wrong())?;
        let nanoseconds = whole * factor + billionths * factor / 1_000_000_000;
        match u64::try_from(nanoseconds).map(Duration::from_nanos) {
            Ok(span) if span <= LONGEST => Ok(Self(span)),
            _ => Err(format!("`{text}` is longer than a year")),
        }
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SpanVisitor;
        impl Visitor<'_> for SpanVisitor {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span of time with its unit, such as \"100ms\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                Span::parse(text).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Span, E> {
                Err(E::custom(format!("{number} has no unit: write \"{number}s\" or \"{number}ms\"")))
            }
        }
        deserializer.deserialize_any(SpanVisitor)
    }
}

/// Permission bits, written in octal as `chmod` has them: `"0640"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode(pub(crate) u32);

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mode = u32::from_str_radix(&text, 8).ok().filter(|mode| *mode <= 0o7777 && text.len() <= 5);
        mode.map(Self).ok_or_else(|| de::Error::custom(format!("`{text}` is no mode, such as \"0640\"")))
    }
}

/// An address and the length of its network's prefix; alone it is a host's (/32, /128), as keepalived has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Prefixed {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

impl Prefixed {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address with its prefix, such as \"10.0.0.10/24\"");
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        if prefix > most {
            return Err(format!("a prefix of {address} has at most {most} bits, not {prefix}"));
        }
        Ok(Self { address, prefix })
    }
}

impl Prefixed {
    /// Whether an address lies in this network. IPv4 addresses in IPv6 ones are IPv4 addresses.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        let same = |ours: u128, theirs: u128, bits: u32| {
            let rest = bits - u32::from(self.prefix).min(bits);
            ours.checked_shr(rest).unwrap_or_default() == theirs.checked_shr(rest).unwrap_or_default()
        };
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                same(ours.to_bits().into(), theirs.to_bits().into(), 32)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => same(ours.to_bits(), theirs.to_bits(), 128),
            _ => false,
        }
    }
}

impl fmt::Display for Prefixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl<'de> Deserialize<'de> for Prefixed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
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

    #[test]
    fn spans_have_units_and_fractions() {
        let span = |text| Span::parse(text).map(|span| span.0);
        assert_eq!(span("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(span("1.5 s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(span("0.01s"), Ok(Duration::from_millis(10)));
        assert_eq!(span("2min"), Ok(Duration::from_secs(120)));
        assert_eq!(span("1h"), Ok(Duration::from_secs(3_600)));
        assert!(span("5").unwrap_err().contains("no unit"));
        assert!(span("5 fortnights").unwrap_err().contains("fortnights"));
        for wrong in ["", "s", ".5s", "1..5s", "-1s", "1.2.3s", "1000000000000s", "99999999h"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        let holds = |network: &str, address: &str| {
            Prefixed::parse(network).unwrap().contains(address.parse().unwrap())
        };
        assert!(holds("10.1.0.0/16", "10.1.255.3") && !holds("10.1.0.0/16", "10.2.0.0"));
        assert!(holds("10.1.2.3/16", "10.1.255.3"), "bits beyond the prefix do not matter");
        assert!(holds("0.0.0.0/0", "255.1.1.1") && !holds("0.0.0.0/0", "::1"));
        assert!(
            holds("::/0", "2001:db8::1")
                && holds("2001:db8::/32", "2001:db8:1::")
                && !holds("2001:db8::/32", "2001:db9::")
        );
        assert!(holds("192.0.2.7", "::ffff:192.0.2.7") && !holds("192.0.2.7", "192.0.2.6"));
    }

    #[test]
    fn an_address_without_a_prefix_is_that_of_a_host() {
        let parsed = |text| Prefixed::parse(text).map(|prefixed| prefixed.to_string());
        assert_eq!(parsed("10.0.0.10/24"), Ok("10.0.0.10/24".to_owned()));
        assert_eq!(parsed("10.0.0.10"), Ok("10.0.0.10/32".to_owned()));
        assert_eq!(parsed("fd00::10"), Ok("fd00::10/128".to_owned()));
        assert!(parsed("10.0.0.10/33").unwrap_err().contains("at most 32"));
        for wrong in ["", "10.0.0/24", "10.0.0.10/", "10.0.0.10/x", "host/24"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
