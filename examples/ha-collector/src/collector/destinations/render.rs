//! How a message looks on its way out: the few fixed shapes that need no template.

use std::fmt;

use syslog_parse::{Draft, Pri, Rfc3339, Style, parse};

use super::file::escape_into;
use crate::collector::event::{Event, Field};
use crate::config::Format;

/// Writes messages.
pub(crate) trait Render: Send + fmt::Debug {
    /// Appends the message to `out`, without anything that delimits it.
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>);
}

/// The renderer of a format.
pub(crate) fn renderer(format: Format) -> Box<dyn Render> {
    match format {
        Format::Rfc5424 => Box::new(Syslog { shape: Shape::Rfc5424, host: String::new() }),
        Format::Rfc3164 => Box::new(Syslog { shape: Shape::Rfc3164, host: String::new() }),
        Format::Line => Box::new(Line),
    }
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Rfc3164,
    Rfc5424,
}

/// A message as other collectors read it.
#[derive(Debug)]
struct Syslog {
    shape: Shape,
    /// The address of a sender that has no name, as text.
    host: String,
}

impl Render for Syslog {
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let record = event.record();
        let message = parse(record.raw());
        let mut draft = Draft::of(&message);
        // What is as it was stays octet by octet; only what was changed is written anew.
        if message.pri().is_none_or(|pri| pri.number() != event.priority()) {
            draft.pri(Pri::from_number(event.priority()));
        }
        if let (None, Some(peer)) = (event.get(Field::Host), event.peer()) {
            self.host.clear();
            // Writing to a String does not fail.
            fmt::write(&mut self.host, format_args!("{peer}")).ok();
            draft.host(Some(self.host.as_bytes()));
        } else if event.get(Field::Host) != message.host() {
            draft.host(event.get(Field::Host));
        }
        if event.get(Field::Program) != message.app() {
            draft.app(event.get(Field::Program));
        }
        if event.get(Field::Pid) != message.procid() {
            draft.procid(event.get(Field::Pid));
        }
        if event.get(Field::Msgid) != message.msgid() {
            draft.msgid(event.get(Field::Msgid));
        }
        let text = event.get(Field::Message).unwrap_or_default();
        if text != message.message() {
            draft.message(text);
        }
        let time = event.time();
        match self.shape {
            // A stamp of RFC 3164 says neither year nor zone: what was found out about them goes on with the message.
            Shape::Rfc5424 => {
                if message.format() != syslog_parse::Format::Rfc5424 || time != record.time() {
                    draft.time(time.instant, time.offset, time.fraction_digits.min(6));
                }
                draft.emit_rfc5424(&Style::default(), out);
            }
            Shape::Rfc3164 => {
                if message.format() != syslog_parse::Format::Rfc3164 || time != record.time() {
                    draft.time(time.instant, time.offset, 0);
                }
                draft.emit_rfc3164(&Style::default(), out);
            }
        }
    }
}

/// A message as people read it: time, host, program, text.
#[derive(Debug)]
struct Line;

impl Render for Line {
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let time = event.time();
        out.extend_from_slice(Rfc3339::new(time.instant, time.offset, time.fraction_digits).as_bytes());
        out.push(b' ');
        match (event.get(Field::Host), event.peer()) {
            (Some(host), _) => escape_into(host, out),
            (None, Some(peer)) => out.extend_from_slice(peer.to_string().as_bytes()),
            (None, None) => out.extend_from_slice(b"unknown"),
        }
        out.push(b' ');
        if let Some(program) = event.get(Field::Program) {
            escape_into(program, out);
            if let Some(pid) = event.get(Field::Pid) {
                out.push(b'[');
                escape_into(pid, out);
                out.push(b']');
            }
            out.extend_from_slice(b": ");
        }
        escape_into(event.get(Field::Message).unwrap_or_default(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::event::Changes;
    use crate::collector::record::Record;
    use crate::collector::record::tests::record_of;

    fn rendered(format: Format, raw: &[u8], change: impl Fn(&mut Event<'_>)) -> String {
        let bytes = record_of(raw);
        let mut changes = Changes::default();
        let mut event = Event::new(Record::read(&bytes).unwrap(), &mut changes);
        change(&mut event);
        let mut out = Vec::new();
        renderer(format).render(&event, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_nobody_changed_goes_on_octet_by_octet() {
        let raw = "<34>1 2003-10-11T22:14:15.003Z host su 77 ID47 [a@1 b=\"c\"] it failed";
        assert_eq!(rendered(Format::Rfc5424, raw.as_bytes(), |_| {}), raw);
        let raw = "<34>Oct 11 22:14:15 host su[77]: it failed";
        assert_eq!(rendered(Format::Rfc3164, raw.as_bytes(), |_| {}), raw);
    }

    #[test]
    fn what_was_changed_is_written_and_a_sender_without_a_name_has_its_address() {
        let raw = b"<34>1 2003-10-11T22:14:15.003Z host su 77 ID47 - it failed";
        let out = rendered(Format::Rfc5424, raw, |event| {
            event.set(Field::Host, b"other");
            event.unset(Field::Pid);
            event.set_priority(13);
        });
        assert_eq!(out, "<13>1 2003-10-11T22:14:15.003Z other su - ID47 - it failed");
        let bare = rendered(Format::Rfc5424, b"no header at all", |_| {});
        assert!(bare.starts_with("<13>1 2023-11-14T17:13:20"), "{bare}");
        assert!(bare.contains(" 192.0.2.7 ") && bare.ends_with("no header at all"), "{bare}");
    }

    #[test]
    fn a_line_holds_nothing_that_a_terminal_obeys() {
        let line = rendered(Format::Line, b"<34>1 2003-10-11T22:14:15Z h su 77 - - a\nb\x1b[2J", |_| {});
        assert!(line.ends_with(" h su[77]: a\\nb\\x1b[2J"), "{line}");
    }
}
