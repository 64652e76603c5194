//! A message to be written: fields, their own or those of a message that was parsed, and how they are put on the wire.
//!
//! How a whole message is composed is told in `compose`, how one is changed by copying around the change in `splice`.

mod compose;
mod splice;

use crate::{Deviation, Format, Message, Pri, Stamp, Timestamp, Zone};

pub use compose::push_sd_element;

/// A message to be written.
///
/// What comes from a parsed message and is not replaced comes out as it came in, octet by octet, if the message is
/// written in the shape that it has. Otherwise the message is composed anew, to the letter of its RFC.
///
/// ```
/// use syslog_parse::{Draft, Style, parse};
///
/// let message = parse(br#"<34>1 2026-10-11T22:14:15.003Z gate su - ID47 [a@1 x="1"] done"#);
/// let mut draft = Draft::of(&message);
/// let mut line = Vec::new();
/// draft.host(Some(b"edge")).emit_rfc5424(&Style::default(), &mut line);
/// assert_eq!(line, br#"<34>1 2026-10-11T22:14:15.003Z edge su - ID47 [a@1 x="1"] done"#);
///
/// line.clear();
/// draft.emit_rfc3164(&Style::default(), &mut line);
/// assert_eq!(line, b"<34>Oct 11 22:14:15 edge su: done");
/// ```
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    source: Option<Message<'a>>,
    /// Which fields differ from those of the source.
    changed: Changes,
    pri: Pri,
    time: Time,
    host: Option<&'a [u8]>,
    app: Option<&'a [u8]>,
    procid: Option<&'a [u8]>,
    msgid: Option<&'a [u8]>,
    structured_data: &'a [u8],
    mark: Mark,
    message: &'a [u8],
}

impl<'a> Draft<'a> {
    /// A message of that PRI, with nothing in it. Absent and empty fields are NILVALUE in RFC 5424.
    ///
    /// A PRI above 191 has no meaning: [`Pri::DEFAULT`] is written, as relays do (RFC 3164 §4.3.3).
    ///
    /// Nothing is allocated but what `out` needs to grow; use one `Vec` for many messages.
    ///
    /// ```
    /// use syslog_parse::{Draft, Facility, Pri, Severity, Style, Timestamp, push_sd_element};
    ///
    /// let mut elements = Vec::new();
    /// push_sd_element(b"a@32473", [(&b"say"[..], &b"\"hi\""[..])], &mut elements);
    /// let mut draft = Draft::new(Pri::new(Facility::Auth, Severity::Crit));
    /// draft
    ///     .time(Timestamp::new(1_791_756_855, 3_000_000), 7200, 3)
    ///     .host(Some(b"gate"))
    ///     .app(Some(b"su"))
    ///     .procid(Some(b"10"))
    ///     .msgid(Some(b"ID47"))
    ///     .structured_data(&elements)
    ///     .message(b"done");
    ///
    /// let mut out = Vec::new();
    /// draft.emit_rfc5424(&Style::default(), &mut out);
    /// assert_eq!(out, br#"<34>1 2026-10-12T00:14:15.003+02:00 gate su 10 ID47 [a@32473 say="\"hi\""] done"#);
    /// out.clear();
    /// draft.emit_rfc3164(&Style::default(), &mut out);
    /// assert_eq!(out, b"<34>Oct 12 00:14:15 gate su[10]: done");
    /// ```
    pub const fn new(pri: Pri) -> Self {
        Self {
            source: None,
            changed: Changes::NONE,
            pri: with_meaning(pri),
            time: Time::Unknown,
            host: None,
            app: None,
            procid: None,
            msgid: None,
            structured_data: &[],
            mark: Mark::Without,
            message: &[],
        }
    }

    /// The message that was parsed; without a PRI, or with one above 191, it gets [`Pri::DEFAULT`] when it is composed.
    pub fn of(message: &Message<'a>) -> Self {
        let mark = message.deviations().contains(Deviation::Bom);
        Self {
            source: Some(*message),
            changed: Changes::NONE,
            pri: message.pri().map_or(Pri::DEFAULT, with_meaning),
            time: message.stamp().filter(Stamp::is_possible).map_or(Time::Unknown, Time::AsReceived),
            host: message.host(),
            app: message.app(),
            procid: message.procid(),
            msgid: message.msgid(),
            structured_data: message.structured_data().raw(),
            mark: if mark { Mark::With } else { Mark::Without },
            message: message.message(),
        }
    }

    /// Replaces PRI; one above 191 by [`Pri::DEFAULT`].
    pub fn pri(&mut self, pri: Pri) -> &mut Self {
        self.change(Part::Pri).pri = with_meaning(pri);
        self
    }

    /// Replaces the time: the instant that clocks `offset` seconds east of UTC show, with so many digits of its fraction
    /// (at most six in RFC 5424, none in RFC 3164).
    pub fn time(&mut self, instant: Timestamp, offset: i32, fraction_digits: u8) -> &mut Self {
        self.change(Part::Time).time = Time::At { instant, offset, fraction_digits };
        self
    }

    /// Replaces the time by an instant as clocks of a zone show it, with as many digits as the stamp had.
    pub fn time_in(&mut self, instant: Timestamp, zone: &impl Zone) -> &mut Self {
        let digits = self.source.and_then(|source| source.stamp()).map_or(0, |stamp| stamp.fraction_digits);
        self.time(instant, zone.at_instant(instant.secs).offset, digits)
    }

    /// Replaces HOSTNAME.
    pub fn host(&mut self, host: Option<&'a [u8]>) -> &mut Self {
        self.change(Part::Host).host = host;
        self
    }

    /// Replaces APP-NAME, the tag of RFC 3164. An empty one is as none.
    pub fn app(&mut self, app: Option<&'a [u8]>) -> &mut Self {
        self.change(Part::App).app = app;
        self
    }

    /// Replaces PROCID.
    pub fn procid(&mut self, procid: Option<&'a [u8]>) -> &mut Self {
        self.change(Part::Procid).procid = procid;
        self
    }

    /// Replaces MSGID.
    pub fn msgid(&mut self, msgid: Option<&'a [u8]>) -> &mut Self {
        self.change(Part::Msgid).msgid = msgid;
        self
    }

    /// Replaces the structured data by elements as [`push_sd_element`] writes them.
    pub fn structured_data(&mut self, elements: &'a [u8]) -> &mut Self {
        self.change(Part::StructuredData).structured_data = elements;
        self
    }

    /// Replaces the message proper. A byte order mark goes before it if it is UTF-8 beyond ASCII (RFC 5424 §6.4).
    pub fn message(&mut self, message: &'a [u8]) -> &mut Self {
        let beyond = !message.is_ascii() && std::str::from_utf8(message).is_ok();
        self.mark = if beyond { Mark::With } else { Mark::Without };
        self.change(Part::Message).message = message;
        self
    }

    /// Appends the message in the shape of RFC 5424 to `out`.
    ///
    /// Composed anew, header fields are cut to their lengths and have `?` for what is not printable US-ASCII, and a
    /// time that lacks its year or its zone is NILVALUE: [resolve](crate::resolve()) it and say it with
    /// [`time`](Self::time).
    pub fn emit_rfc5424(&self, style: &Style, out: &mut Vec<u8>) {
        self.emit(Format::Rfc5424, style, out);
    }

    /// Appends the message in the shape of RFC 3164 to `out`. MSGID and structured data have no place there.
    ///
    /// Composed anew, a tag is cut to 32 octets, an absent host is `-`, and a message without a time has no header. A host
    /// keeps its domain, though §4.1.2 has none there; the length is that of `style`.
    pub fn emit_rfc3164(&self, style: &Style, out: &mut Vec<u8>) {
        self.emit(Format::Rfc3164, style, out);
    }

    fn emit(&self, format: Format, style: &Style, out: &mut Vec<u8>) {
        let start = out.len();
        let copied = splice::emit(self, format, style, out);
        // A tab for a blank, LF at the end: what is copied may have control characters between the fields too.
        let unclean = style.controls != Controls::Keep
            && out.get(start..).unwrap_or_default().iter().any(u8::is_ascii_control);
        if !copied || unclean {
            out.truncate(start);
            compose::emit(self, format, style, out);
        }
        if out.len() - start > style.max_len {
            // What was copied is composed instead where the header alone is too long.
            out.truncate(start);
            compose::emit(self, format, style, out);
            let len = cut_len(out.get(start..).unwrap_or_default(), style.max_len);
            out.truncate(start + len);
        }
    }

    fn change(&mut self, part: Part) -> &mut Self {
        self.changed.0 |= 1 << part as u8;
        self
    }
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// What becomes of control characters in the message proper and in values of structured data.
    pub controls: Controls,
    /// No message is longer than so many octets; it is cut at its end, between characters. Structured data that leaves
    /// no room is left out. RFC 3164 §4.1 has 1024; every receiver of RFC 5424 takes 480 (§6.1).
    pub max_len: usize,
}

impl Default for Style {
    /// Everything as it is.
    fn default() -> Self {
        Self { controls: Controls::Keep, max_len: usize::MAX }
    }
}

/// What becomes of control characters, LF and DEL among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Controls {
    /// They stay.
    #[default]
    Keep,
    /// `#` and three octal digits, `#012` for LF.
    Octal,
    /// A blank each.
    Blank,
}

/// What is known of the time.
#[derive(Clone, Copy, Debug)]
enum Time {
    Unknown,
    /// As the stamp says.
    AsReceived(Stamp),
    At {
        instant: Timestamp,
        offset: i32,
        fraction_digits: u8,
    },
}

/// Whether a byte order mark stands before the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    With,
    Without,
}

/// What can be replaced, in the order of RFC 5424.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Pri,
    Time,
    Host,
    App,
    Procid,
    Msgid,
    StructuredData,
    Message,
}

/// A set of [`Part`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Changes(u8);

impl Changes {
    const NONE: Self = Self(0);

    const fn contains(self, part: Part) -> bool {
        self.0 & (1 << part as u8) != 0
    }
}

/// A PRI that other receivers can read: what is above 191 has no facility and no severity.
const fn with_meaning(pri: Pri) -> Pri {
    if pri.number() > Pri::MAX.number() { Pri::DEFAULT } else { pri }
}

/// How much of `octets` can stay so that there are no more than `max`, and no character of UTF-8 is cut.
fn cut_len(octets: &[u8], max: usize) -> usize {
    let continues = |at: usize| octets.get(at).is_some_and(|octet| octet & 0xc0 == 0x80);
    // A character has three octets behind its first at most; more are not UTF-8.
    let back = (0..4).find(|&back| back > max || !continues(max - back));
    if max >= octets.len() { octets.len() } else { max - back.filter(|&back| back <= max).unwrap_or(0) }
}

#[cfg(test)]
mod tests;
