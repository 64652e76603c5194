//! `format = "rfc3164"` and `"rfc5424"`: the message for another collector.

use syslog_parse::{Controls, Deviation, Draft, Format, Pri, Style};

use super::Boundary;
use crate::collector::event::{Event, Field};
use crate::collector::template::clock::{Clock, Fraction, Which};
use crate::collector::template::macros;

/// Appends the message. One without a forbidden remark that was not changed goes on octet by octet.
pub(super) fn write(
    format: Format,
    boundary: Boundary,
    event: &Event<'_>,
    clock: &mut Clock,
    out: &mut Vec<u8>,
) {
    let record = event.record();
    let message = record.parsed();
    let time = event.time();
    let as_received = record.format() == format
        && record.received_priority() == Some(event.priority())
        && time == record.time()
        && time.provenance.is_some()
        && !clock.converts()
        && clock.style.fraction == Fraction::AsReceived
        && record.stated_host().is_some()
        && event.get(Field::Host) == record.stated_host()
        && event.get(Field::Program) == record.app()
        && event.get(Field::Pid) == record.procid()
        && event.get(Field::Msgid) == record.msgid()
        && event.get(Field::Message).unwrap_or_default() == record.message()
        && message.forbidden().is_empty();
    if as_received {
        let raw = record.raw();
        let terminated = record.deviations().contains(Deviation::TrailingTerminator);
        let raw = if terminated { without_terminator(raw) } else { raw };
        if boundary == Boundary::Frame || !raw.iter().any(u8::is_ascii_control) {
            return out.extend_from_slice(raw);
        }
    }
    let mut host = clock.borrow_buffer();
    macros::host(event, clock, &mut host);
    let mut draft = Draft::of(&message);
    let digits = match clock.style.fraction {
        Fraction::AsReceived => time.fraction_digits,
        Fraction::Digits(digits) => digits,
    };
    let offset = clock.moment(Which::Sent, event).offset;
    draft.pri(known(event.priority())).time(time.instant, offset, digits).host(Some(&host));
    let text = |field| event.get(field).filter(|value| !value.is_empty());
    if text(Field::Program) != record.app() {
        draft.app(text(Field::Program));
    }
    if text(Field::Pid) != record.procid() {
        draft.procid(text(Field::Pid));
    }
    if text(Field::Msgid) != record.msgid() {
        draft.msgid(text(Field::Msgid));
    }
    let content = event.get(Field::Message).unwrap_or_default();
    if content != record.message() {
        draft.message(content);
    }
    let controls = match boundary {
        Boundary::Line => Controls::Octal,
        Boundary::Frame => Controls::Keep,
    };
    let style = Style { controls, ..Style::default() };
    match format {
        Format::Rfc3164 => draft.emit_rfc3164(&style, out),
        _ => draft.emit_rfc5424(&style, out),
    }
    clock.give_back(host);
}

/// A PRI that has a meaning; another collector might refuse what has none.
fn known(priority: u16) -> Pri {
    Some(Pri::from_number(priority)).filter(|pri| *pri <= Pri::MAX).unwrap_or(Pri::DEFAULT)
}

/// What ends a message in a datagram or a line is not the message.
fn without_terminator(raw: &[u8]) -> &[u8] {
    let end = raw.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0)).map_or(0, |last| last + 1);
    raw.get(..end).unwrap_or_default()
}
