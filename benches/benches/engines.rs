//! The same question to every engine: who, when, what, and how many parameters.

#![allow(dead_code, reason = "each benchmark asks some of it, and none all")]

use chrono::Utc;
use syslog_loose::Variant;
use syslog_parse::{FixedOffset, Timestamp, parse, resolve};

/// The reference time: 2026-10-11T22:14:16Z.
pub(crate) const NOW: Timestamp = Timestamp::new(1_791_756_856, 0);

/// What an engine found, in few words. Texts are compared outside of the clock, see [`texts_of_loose`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) secs: Option<i64>,
    pub(crate) host: usize,
    pub(crate) app: usize,
    pub(crate) procid: usize,
    pub(crate) message: usize,
    pub(crate) params: usize,
    /// What an engine that cannot infer the year is told.
    pub(crate) year: i32,
}

#[inline(always)]
pub(crate) fn syslog_parse(octets: &[u8], now: Timestamp) -> Answer {
    let message = parse(octets);
    let found = message.stamp().and_then(|stamp| resolve(&stamp, &FixedOffset::UTC, now));
    let params = message.structured_data().map(|element| element.params().count()).sum();
    let len = |text: Option<&[u8]>| text.map_or(0, <[u8]>::len);
    Answer {
        secs: found.map(|found| found.instant.secs),
        host: len(message.host()),
        app: len(message.app()),
        procid: len(message.procid()),
        message: message.message().len(),
        params,
        year: 2026,
    }
}

/// How long the message proper is, and where a message is first not to the letter.
pub(crate) fn fault(octets: &[u8]) -> (usize, Option<usize>) {
    let message = parse(octets);
    (message.message().len(), message.strict().err().map(|fault| fault.offset))
}

#[inline(always)]
pub(crate) fn syslog_loose(text: &str, year: i32) -> Option<Answer> {
    let message =
        syslog_loose::parse_message_with_year_exact_tz(text, |_| year, Some(Utc), Variant::Either).ok()?;
    Some(Answer {
        secs: message.timestamp.map(|stamp| stamp.timestamp()),
        host: message.hostname.map_or(0, str::len),
        app: message.appname.map_or(0, str::len),
        procid: message.procid.as_ref().map_or(0, |procid| match procid {
            syslog_loose::ProcId::PID(_) => 1,
            syslog_loose::ProcId::Name(name) => name.len(),
        }),
        message: message.msg.len(),
        params: message.structured_data.iter().map(|element| element.params.len()).sum(),
        year,
    })
}

#[inline(always)]
pub(crate) fn syslog_rfc5424(text: &str) -> Option<Answer> {
    let message = syslog_rfc5424::parse_message(text).ok()?;
    let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    Some(Answer {
        secs: message.timestamp,
        host: len(&message.hostname),
        app: len(&message.appname),
        procid: usize::from(message.procid.is_some()),
        message: message.msg.len(),
        params: message.sd.values().map(|params| params.len()).sum(),
        year: 2026,
    })
}

pub(crate) fn loose_message_len(text: &str) -> usize {
    syslog_loose::parse_message_with_year_tz(text, |_| 2026, Some(Utc), Variant::Either).msg.len()
}

/// Host, app, procid and message as texts, and the second: what must agree before times are compared.
type Texts = (String, String, String, String, Option<i64>);

pub(crate) fn texts_of_parse(octets: &[u8], now: Timestamp) -> Texts {
    let message = parse(octets);
    let text = |octets: Option<&[u8]>| String::from_utf8_lossy(octets.unwrap_or_default()).into_owned();
    (
        text(message.host()),
        text(message.app()),
        text(message.procid()),
        text(Some(message.message())),
        syslog_parse(octets, now).secs,
    )
}

pub(crate) fn texts_of_loose(text: &str, year: i32) -> Option<Texts> {
    let message =
        syslog_loose::parse_message_with_year_exact_tz(text, |_| year, Some(Utc), Variant::Either).ok()?;
    Some((
        message.hostname.unwrap_or_default().to_owned(),
        message.appname.unwrap_or_default().to_owned(),
        message.procid.map(|procid| procid.to_string()).unwrap_or_default(),
        message.msg.trim_start_matches('\u{feff}').to_owned(),
        message.timestamp.map(|stamp| stamp.timestamp()),
    ))
}

pub(crate) fn texts_of_rfc5424(text: &str) -> Option<Texts> {
    // Version 0.10 panics on some stamps that end early.
    let message = std::panic::catch_unwind(|| syslog_rfc5424::parse_message(text).ok()).ok()??;
    let procid = match message.procid {
        Some(syslog_rfc5424::message::ProcId::PID(pid)) => pid.to_string(),
        Some(syslog_rfc5424::message::ProcId::Name(name)) => name,
        None => String::new(),
    };
    Some((
        message.hostname.unwrap_or_default(),
        message.appname.unwrap_or_default(),
        procid,
        message.msg.trim_start_matches('\u{feff}').to_owned(),
        message.timestamp,
    ))
}

/// A line of `real-world.jsonl`.
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) raw: Vec<u8>,
}

/// The lines that the tests of `syslog-parse` run, all of which it reads right.
pub(crate) fn real_world() -> Vec<Line> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../syslog-parse/tests/data/real-world.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let line = |line: &str| {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        Line {
            id: case["id"].as_str().unwrap().to_owned(),
            raw: octets(case["input_base64"].as_str().unwrap()),
        }
    };
    text.lines().map(line).collect()
}

/// The octets of a base64 text (RFC 4648 §4).
fn octets(base64: &str) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = |digit: u8| {
        digits.iter().position(|&other| other == digit).and_then(|at| u32::try_from(at).ok()).unwrap()
    };
    let mut octets = Vec::new();
    for group in base64.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = group.iter().fold(0, |bits, &digit| bits << 6 | value(digit)) << (6 * (4 - group.len()));
        octets.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    octets
}
