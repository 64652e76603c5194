//! From octets to a message: PRI, then the shape of the rest, told by looking at it.
//!
//! The shapes have their own rooms: `rfc5424`, `rfc3164`, and `device` for headers that vendors made up; and so have the stamps,
//! `bsd` and `iso` to the letter, `stamps` and `zones` what devices write. What most messages are, and the faults that
//! most devices have, is read in `usual`.

mod bsd;
mod device;
mod digits;
mod iso;
mod origin;
mod rfc3164;
mod rfc5424;
mod sd;
mod stamps;
mod usual;
mod zones;

use crate::scan::{self, at};
use crate::{Deviation, Deviations, Header, Message, Pri, Span};

/// Reads a message, whatever it is.
///
/// It never fails: where nothing fits, the message is [`Format::Unparsed`](crate::Format::Unparsed) and all that follows the PRI is its text.
/// What is not as the RFCs ask is in [`Message::deviations`], [`Deviation::NoHeader`] too. Nothing is allocated and nothing copied. Of inputs
/// beyond 4 GiB only the first 4 GiB are looked at.
pub fn parse(raw: &[u8]) -> Message<'_> {
    let envelope = Envelope::of(raw);
    let Envelope { text, body, .. } = envelope;
    let has_version = matches!(at(text, body), b'1'..=b'9') && at(text, body + 1) == b' ';
    if has_version { usual::rfc_5424(envelope) } else { usual::rfc_3164(envelope) }
}

/// What is around a message.
#[derive(Clone, Copy)]
struct Envelope<'a> {
    /// All octets, as received.
    raw: &'a [u8],
    /// The same without what ends it.
    text: &'a [u8],
    pri: Option<Pri>,
    /// Where PRI ends.
    start: usize,
    /// Where the header begins.
    body: usize,
    /// What there is to remark so far.
    deviations: Deviations,
}

impl<'a> Envelope<'a> {
    #[inline(always)]
    fn of(raw: &'a [u8]) -> Self {
        let mut deviations = Deviations::NONE;
        let text = without_terminator(raw, &mut deviations);
        let (pri, start) = match usual_pri(text, &mut deviations) {
            Some((number, start)) => (Some(Pri::from_number(number)), start),
            None => {
                let Start { pri, start, remarks } = pri(text);
                deviations = deviations.union(remarks);
                (pri, start)
            }
        };
        let mut body = start;
        if pri.is_some() && at(text, start) == b' ' {
            deviations.insert(Deviation::SpaceAfterPri);
            body = scan::skip_blanks(text, start);
        }
        Self { raw, text, pri, start, body, deviations }
    }
}

/// Finds everything, whatever it looks like.
#[inline(never)]
fn read_any(envelope: &Envelope<'_>) -> Header {
    let Envelope { text, body, .. } = *envelope;
    let mut found = Header { pri: envelope.pri, deviations: envelope.deviations, ..Header::EMPTY };
    let header = &mut found;
    let known = match at(text, body) {
        b'1'..=b'9' => {
            rfc5424::read(text, body, header)
                || rfc3164::read(text, body, header)
                || device::read(text, body, header)
        }
        _ => rfc3164::read(text, body, header) || device::read(text, body, header),
    };
    if !known {
        let mut deviations = envelope.deviations.intersection(OF_THE_ENVELOPE);
        deviations.insert(Deviation::NoHeader);
        *header = Header {
            pri: envelope.pri,
            deviations,
            message: Span::new(envelope.start, text.len()),
            ..Header::EMPTY
        };
    }
    found
}

/// Without LF and NUL at the end, nor the CR of a CR LF; and not more than a [`Span`] can count.
#[inline]
fn without_terminator<'a>(raw: &'a [u8], deviations: &mut Deviations) -> &'a [u8] {
    let mut text = raw.get(..u32::MAX as usize).unwrap_or(raw);
    while let [rest @ .., b'\n' | 0] = text {
        deviations.insert(Deviation::TrailingTerminator);
        text = match (rest, text) {
            ([rest @ .., b'\r'], [.., b'\n']) => rest,
            _ => rest,
        };
    }
    text
}

/// PRI, if there is one, and where it ends.
struct Start {
    pri: Option<Pri>,
    start: usize,
    remarks: Deviations,
}

/// Any PRI. One that is none is part of the text.
#[inline(always)]
fn pri(text: &[u8]) -> Start {
    match at(text, 0) {
        b'<' => number(text, 0),
        b'0'..=b'9' => behind_octet_count(text),
        _ => Start::missing(Deviation::MissingPri),
    }
}

impl Start {
    const fn missing(remark: Deviation) -> Self {
        let mut remarks = Deviations::NONE;
        remarks.insert(remark);
        Self { pri: None, start: 0, remarks }
    }
}

/// `<PRI>` with one to three digits; and where it ends.
#[inline(always)]
fn usual_pri(text: &[u8], deviations: &mut Deviations) -> Option<(u16, usize)> {
    let [b'<', first, second, third, fourth] = *text.first_chunk()? else { return None };
    let [a, b, c] = [first, second, third].map(|octet| octet.wrapping_sub(b'0'));
    let (number, start) = match (second, third, fourth) {
        (b'>', ..) if a < 10 => return Some((a.into(), 3)),
        (_, b'>', _) if a < 10 && b < 10 => (u16::from(a * 10 + b), 4),
        (_, _, b'>') if a < 10 && b < 10 && c < 10 => (u16::from(a * 10 + b) * 10 + u16::from(c), 5),
        _ => return None,
    };
    if number > Pri::MAX.number() {
        deviations.insert(Deviation::PriOutOfRange);
    }
    // RFC 5424 §6.2.1: no leading zeros.
    if a == 0 {
        deviations.insert(Deviation::PriLeadingZero);
    }
    Some((number, start))
}

/// `<`, digits, `>` at `open`.
#[inline(never)]
fn number(text: &[u8], open: usize) -> Start {
    let mut value: u32 = 0;
    let mut end = open + 1;
    while let digit @ 0..=9 = at(text, end).wrapping_sub(b'0') {
        value = value.saturating_mul(10).saturating_add(digit.into());
        end += 1;
    }
    if at(text, end) != b'>' || value > 999 {
        return Start::missing(Deviation::BadPri);
    }
    let digits = end - open - 1;
    let mut found = Start { pri: None, start: end + 1, remarks: Deviations::NONE };
    match (digits, u16::try_from(value)) {
        (0, _) | (_, Err(_)) => found.remarks.insert(Deviation::EmptyPri),
        (_, Ok(number)) => {
            let pri = Pri::from_number(number);
            if pri > Pri::MAX {
                found.remarks.insert(Deviation::PriOutOfRange);
            }
            // RFC 5424 §6.2.1: no leading zeros.
            if digits > 1 && at(text, open + 1) == b'0' {
                found.remarks.insert(Deviation::PriLeadingZero);
            }
            found.pri = Some(pri);
        }
    }
    found
}

/// `33 <13>…`: the count of RFC 6587 that a relay took for message.
#[cold]
fn behind_octet_count(text: &[u8]) -> Start {
    let digits = scan::digits_end(text, 0);
    if digits <= 10 && at(text, digits) == b' ' && at(text, digits + 1) == b'<' {
        let mut found = number(text, digits + 1);
        if found.pri.is_some() {
            found.remarks.insert(Deviation::OctetCountInMessage);
            return found;
        }
    }
    Start::missing(Deviation::MissingPri)
}

/// What is remarked before the shape is known, and stays whatever it is.
const OF_THE_ENVELOPE: Deviations = {
    let mut set = Deviations::NONE;
    set.insert(Deviation::MissingPri);
    set.insert(Deviation::EmptyPri);
    set.insert(Deviation::BadPri);
    set.insert(Deviation::PriOutOfRange);
    set.insert(Deviation::PriLeadingZero);
    set.insert(Deviation::OctetCountInMessage);
    set.insert(Deviation::TrailingTerminator);
    set
};

#[cfg(test)]
mod tests;
