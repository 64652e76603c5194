//! `format = "json"`: the message, and how it came here.

use syslog_parse::Rfc3339;

use crate::collector::event::{Event, Field};
use crate::collector::template::clock::{Clock, Fraction, Which};
use crate::collector::template::macros;
use crate::json::{self, Facts, Sent};

/// Appends the object. Fields that parsers and rewrites have made come as `fields`, where there are any.
pub(super) fn write_json(event: &Event<'_>, clock: &mut Clock, out: &mut Vec<u8>) {
    let record = event.record();
    let parsed = record.parsed();
    let time = event.time();
    let digits = |received| match clock.style.fraction {
        Fraction::AsReceived => received,
        Fraction::Digits(digits) => digits,
    };
    let (sent_digits, received_digits) = (digits(time.fraction_digits), digits(6));
    let offset = clock.moment(Which::Sent, event).offset;
    let sent = time
        .provenance
        .map(|provenance| Sent { text: Rfc3339::new(time.instant, offset, sent_digits), provenance });
    let changed = (event.priority() != record.priority()).then(|| event.priority());
    json::open(
        &Facts {
            format: record.format(),
            pri: changed.or_else(|| record.received_priority()),
            sent,
            host: event.get(Field::Host),
            app: event.get(Field::Program),
            procid: event.get(Field::Pid),
            msgid: event.get(Field::Msgid),
            structured_data: parsed.structured_data(),
            message: event.get(Field::Message).unwrap_or_default(),
            deviations: record.deviations(),
            sequence: record.sequence(),
        },
        out,
    );
    fields(event, clock, out);
    let received = clock.moment(Which::Received, event);
    out.extend_from_slice(b",\"received_at\":\"");
    out.extend_from_slice(Rfc3339::new(received.instant, received.offset, received_digits).as_bytes());
    out.extend_from_slice(b"\",\"source\":");
    json::push_string(clock.around.source(record.source()).as_bytes(), out);
    out.extend_from_slice(b",\"peer\":");
    match event.peer() {
        Some(ip) => {
            out.push(b'"');
            macros::address(ip, out);
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
}

fn fields(event: &Event<'_>, clock: &Clock, out: &mut Vec<u8>) {
    let name_of = |number| clock.around.names.field_name(number).unwrap_or_default().as_bytes();
    let named = event.all_named().map(|(number, value)| (name_of(number), value));
    let mut any = false;
    for (name, value) in event.all_found().chain(named) {
        let before: &[u8] = if any { b"," } else { b",\"fields\":{" };
        out.extend_from_slice(before);
        any = true;
        json::push_string(name, out);
        out.push(b':');
        json::push_string(value, out);
    }
    if any {
        out.push(b'}');
    }
}
