//! A message as it came, with the octets of the replaced fields replaced and all others copied.

use super::compose;
use super::{Changes, Draft, Part, Style};
use crate::scan::{at, printable_end};
use crate::{Deviation, Format, Message};
use std::ops::Range;

/// Appends the message. `false`: it has not that shape, or not clearly enough to be changed; nothing is appended.
pub(super) fn emit(draft: &Draft<'_>, format: Format, style: &Style, out: &mut Vec<u8>) -> bool {
    let Some(source) = draft.source.filter(|source| source.format() == format) else { return false };
    let message = draft.changed.contains(Part::Message) || !compose::is_clean(draft.message, style.controls);
    if draft.changed == Changes::NONE && !message {
        out.extend_from_slice(source.raw());
        return true;
    }
    // Only where nothing is unclear the places of the fields are certain.
    let clear = source.forbidden().is_empty() && !source.deviations().contains(Deviation::RelayHeader);
    let places = match format {
        Format::Rfc5424 => in_rfc5424(&source),
        _ => in_rfc3164(&source),
    };
    let Some(places) = places.filter(|_| clear) else { return false };
    let start = out.len();
    let mut copied = 0;
    for (part, place) in places {
        let changed = draft.changed.contains(part) || (part == Part::Message && message);
        if !changed {
            continue;
        }
        out.extend_from_slice(source.raw().get(copied..place.start).unwrap_or_default());
        copied = place.end;
        if !replace(draft, format, part, style, out) {
            out.truncate(start);
            return false;
        }
    }
    out.extend_from_slice(source.raw().get(copied..).unwrap_or_default());
    true
}

/// Appends the new octets of a part. `false`: it cannot be told apart from its neighbours in this shape.
fn replace(draft: &Draft<'_>, format: Format, part: Part, style: &Style, out: &mut Vec<u8>) -> bool {
    match (format, part) {
        (_, Part::Pri) => compose::pri(draft.pri, out),
        (Format::Rfc5424, Part::Time) => compose::timestamp(draft.time, out),
        (Format::Rfc5424, Part::Host) => compose::field(draft.host, 255, out),
        (Format::Rfc5424, Part::App) => compose::field(draft.app, 48, out),
        (Format::Rfc5424, Part::Procid) => compose::field(draft.procid, 128, out),
        (Format::Rfc5424, Part::Msgid) => compose::field(draft.msgid, 32, out),
        (Format::Rfc5424, Part::StructuredData) => compose::structured_data(draft, style.controls, out),
        (Format::Rfc5424, Part::Message) => {
            out.push(b' ');
            compose::message(draft, style.controls, out);
        }
        (_, Part::Time) => return compose::bsd_stamp(draft.time, out),
        (_, Part::Host) => {
            let before = out.len();
            compose::host(draft.host, out);
            return out.len() > before;
        }
        (_, Part::Message) => compose::text(draft.message, style.controls, out),
        // They are not there.
        (_, Part::Msgid | Part::StructuredData) => {}
        (_, Part::App | Part::Procid) => return false,
    }
    true
}

/// The parts in their order, and which octets are theirs.
type Places = [(Part, Range<usize>); 8];

/// `<PRI>VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA[ MSG]`, one blank between each.
fn in_rfc5424(source: &Message<'_>) -> Option<Places> {
    let raw = source.raw();
    let header = source.header();
    let pri = 0..memchr::memchr(b'>', raw)? + 1;
    let token = |from: usize| from..printable_end(raw, from);
    let version = token(pri.end);
    let time = token(version.end + 1);
    let host = token(time.end + 1);
    let app = token(host.end + 1);
    let procid = token(app.end + 1);
    let msgid = token(procid.end + 1);
    let sd_start = msgid.end + 1;
    let sd = sd_start..if at(raw, sd_start) == b'[' { header.structured_data.end() } else { sd_start + 1 };
    let message = sd.end..header.message.end().max(sd.end);
    Some([
        (Part::Pri, pri),
        (Part::Time, time),
        (Part::Host, host),
        (Part::App, app),
        (Part::Procid, procid),
        (Part::Msgid, msgid),
        (Part::StructuredData, sd),
        (Part::Message, message),
    ])
}

/// `<PRI>Mmm dd hh:mm:ss HOSTNAME ` and the rest, one blank between each. A tag and its process are composed anew.
fn in_rfc3164(source: &Message<'_>) -> Option<Places> {
    let header = source.header();
    let pri = memchr::memchr(b'>', source.raw())? + 1;
    let end = header.host.end();
    // `Oct  11`, or blanks before the host, need no remark.
    if header.host.start as usize != pri + 16 {
        return None;
    }
    Some([
        (Part::Pri, 0..pri),
        (Part::Time, pri..pri + 15),
        (Part::Host, header.host.start as usize..end),
        (Part::App, end..end),
        (Part::Procid, end..end),
        (Part::Msgid, end..end),
        (Part::StructuredData, end..end),
        (Part::Message, header.message.start as usize..header.message.end()),
    ])
}
