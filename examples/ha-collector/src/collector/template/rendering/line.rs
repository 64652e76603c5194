//! `format = "line"`: time, host, tag, message.

use crate::collector::event::{Event, Field};
use crate::collector::template::clock::{Clock, StampFormat, Which};
use crate::collector::template::{escape, macros};

/// Appends the line, without its newline. Without a host in the message, the sender's address stands for it.
pub(super) fn write(event: &Event<'_>, clock: &mut Clock, out: &mut Vec<u8>) {
    let style = clock.style;
    let part = style.stamp.unwrap_or(StampFormat::Rfc3339).part();
    part.write(clock.moment(Which::Sent, event), style, out);
    out.push(b' ');
    let host = out.len();
    macros::host(event, clock, out);
    clock.escape_from(host, out);
    out.push(b' ');
    write_text(event, out);
}

/// What stands behind time and host: `tag[pid]: message`.
pub(crate) fn write_text(event: &Event<'_>, out: &mut Vec<u8>) {
    if let Some(app) = event.get(Field::Program) {
        escape::escape_into(app, out);
        if let Some(procid) = event.get(Field::Pid) {
            out.push(b'[');
            escape::escape_into(procid, out);
            out.push(b']');
        }
        out.extend_from_slice(b": ");
    }
    escape::escape_into(event.get(Field::Message).unwrap_or_default(), out);
}
