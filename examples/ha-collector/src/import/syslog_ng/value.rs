//! The values of options, as syslog-ng reads them.

use super::statement::Call;
use std::time::Duration;

/// `yes`, `no` and what is as good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
}

impl Answer {
    pub(super) const fn toml(self) -> &'static str {
        match self {
            Self::Yes => "true",
            Self::No => "false",
        }
    }
}

pub(super) fn answer(call: &Call<'_>) -> Option<Answer> {
    match call.text()? {
        "yes" | "on" | "1" | "true" => Some(Answer::Yes),
        "no" | "off" | "0" | "false" => Some(Answer::No),
        _ => None,
    }
}

/// A whole number. `K`, `M`, `G` are powers of 1000, with `i` of 1024; a `b` behind them says nothing.
pub(super) fn number(call: &Call<'_>) -> Option<u64> {
    parse_number(call.text()?)
}

fn parse_number(text: &str) -> Option<u64> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok();
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.to_ascii_lowercase();
    let factor: u64 = match unit.strip_suffix('b').unwrap_or(&unit) {
        "" => 1,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Seconds, at most a year; what is more is no span of time of ours.
pub(super) fn seconds(call: &Call<'_>) -> Option<Duration> {
    number(call).filter(|seconds| *seconds <= YEAR).map(Duration::from_secs)
}

pub(super) fn milliseconds(call: &Call<'_>) -> Option<Duration> {
    number(call).filter(|millis| *millis <= YEAR * 1_000).map(Duration::from_millis)
}

const YEAR: u64 = 366 * 24 * 3600;

/// A size, in the largest unit that says it as a whole number.
pub(super) fn size(bytes: u64) -> String {
    let units = [
        ("GiB", 1_u64 << 30),
        ("GB", 1_000_000_000),
        ("MiB", 1 << 20),
        ("MB", 1_000_000),
        ("KiB", 1 << 10),
        ("kB", 1_000),
    ];
    match units.iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit)) {
        Some((name, unit)) => format!("\"{}{name}\"", bytes / unit),
        None => format!("\"{bytes}B\""),
    }
}

/// The permissions of a file, which are octal however they are written.
pub(super) fn mode(call: &Call<'_>) -> Option<String> {
    let digits = call.text()?.trim_start_matches("0o");
    let bits = u32::from_str_radix(digits, 8).ok().filter(|bits| *bits <= 0o7777)?;
    Some(format!("\"{bits:04o}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_powers_of_1000_and_with_an_i_of_1024() {
        for (text, bytes) in [
            ("64M", 64_000_000),
            ("2G", 2_000_000_000),
            ("1Ki", 1024),
            ("2gib", 2 << 30),
            ("5kb", 5000),
            ("0x10", 16),
        ] {
            assert_eq!(parse_number(text), Some(bytes), "{text}");
        }
        for wrong in ["", "x", "-1", "1T", "1.5M", "99999999999999999999", "99999999999999G"] {
            assert_eq!(parse_number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_have_the_unit_that_suits_them() {
        assert_eq!(size(2_000_000_000), "\"2GB\"");
        assert_eq!(size(64 << 20), "\"64MiB\"");
        assert_eq!(size(65_536), "\"64KiB\"");
        assert_eq!(size(1_234), "\"1234B\"");
    }
}
