//! Where a message first differs from RFC 3164 §4.1, and what only a reader to the letter looks for.

use super::walk::{Step, Walk};
use super::{Field, NotStrict};
use crate::scan::{at, digits_end, skip_blanks};
use crate::{Deviation as D, Deviations, Header, Message, Span};
use std::net::Ipv4Addr;

/// The first place where octets are not as §4.1 asks. `None`: there is none.
pub(super) fn first_fault(message: &Message<'_>) -> Option<NotStrict> {
    let mut walk = Walk::through(message);
    let fault = walk.rfc3164().err().or_else(|| message.somewhere());
    if walk.end() > LONGEST && fault.is_none_or(|fault| fault.offset > LONGEST) {
        return Some(NotStrict { deviation: D::LongMessage, field: Field::Message, offset: LONGEST });
    }
    fault
}

/// "The total length of the packet MUST be 1024 bytes or less."
const LONGEST: usize = 1024;

impl Walk<'_> {
    /// PRI TIMESTAMP SP HOSTNAME SP TAG CONTENT
    fn rfc3164(&mut self) -> Step {
        self.pri()?;
        self.bsd_stamp()?;
        self.behind_seconds()?;
        self.host()?;
        self.behind_host()
    }

    /// `Mmm dd hh:mm:ss` (§4.1.2)
    fn bsd_stamp(&mut self) -> Step {
        let field = Field::Timestamp;
        let start = self.at;
        let month = self.raw.get(start..start + 3).unwrap_or_default();
        if !MONTHS.chunks(3).any(|name| name == month) {
            return Err(self.other_beginning());
        }
        self.at += 3;
        self.expect(b' ', field, &[D::StampSpelling])?;
        let (tens, units) = (self.octet(), at(self.raw, self.at + 1));
        if !matches!(tens, b' ' | b'1'..=b'3') || !units.is_ascii_digit() {
            return Err(self.fault(field, self.at, &[D::UnpaddedDay, D::StampSpelling]));
        }
        self.at += 2;
        self.expect(b' ', field, &[D::StampSpelling])?;
        if self.forbidden.contains(D::BsdYear) && digits_end(self.raw, self.at) == self.at + 4 {
            return Err(self.fault(field, self.at, &[D::BsdYear]));
        }
        self.pattern(b"00:00:00", &[D::StampSpelling])?;
        self.possible([0, 4, 7, 10, 13].map(|offset| start + offset))
    }

    /// What stands where the name of a month should.
    fn other_beginning(&self) -> NotStrict {
        let is_month = || {
            let letters = self.raw.get(self.at..self.at + 3).unwrap_or_default();
            MONTHS.chunks(3).any(|name| name.eq_ignore_ascii_case(letters))
        };
        let candidates: &[D] = match self.octet() {
            b'*' | b'.' => &[D::ClockUnsynced, D::DeviceShape],
            b'-' => &[D::NilStamp],
            b':' => &[D::DeviceShape],
            b'0'..=b'9' => &[
                D::CiscoSeq,
                D::Uptime,
                D::IsoStamp,
                D::EpochStamp,
                D::DeviceShape,
                D::StampSpelling,
                D::BsdYear,
            ],
            _ if matches!(at(self.raw, self.at + 3), b' ' | b',') && !is_month() => {
                &[D::Weekday, D::DeviceShape, D::MissingStamp]
            }
            _ if is_month() => &[D::StampSpelling],
            _ => &[D::MissingStamp, D::DeviceShape, D::Uptime, D::StampSpelling],
        };
        self.fault(Field::Timestamp, self.at, candidates)
    }

    /// Fraction, AM or PM, zone and year, of which §4.1.2 has none.
    fn behind_seconds(&self) -> Step {
        if self.forbidden.intersection(OF_THE_TAIL).is_empty() {
            return Ok(());
        }
        let field = Field::Timestamp;
        let next = self.at + usize::from(self.octet() == b' ');
        Err(match at(self.raw, next) {
            b'.' | b',' | b':' => self.fault(field, next, &[D::BsdFraction]),
            b'0'..=b'9' => self.fault(field, next, &[D::BsdYear]),
            b'A' | b'P' if at(self.raw, next + 1) == b'M' => self.fault(field, next, &[D::StampSpelling]),
            _ => self.fault(field, next, &[D::BsdZone]),
        })
    }

    /// SP HOSTNAME SP: no domain, no blank, printable US-ASCII (§4.1.2)
    fn host(&mut self) -> Step {
        let field = Field::Hostname;
        let host = self.header.host;
        let start = self.at + 1;
        if self.at >= self.end() {
            return Err(self.fault(field, self.at, &[D::MissingHost]));
        }
        let tab = self.octet().is_ascii_control();
        self.expect(b' ', field, if tab { &[D::NotPrintable] } else { &[D::MissingHost] })?;
        if host.is_empty() || host.start as usize != start {
            let first = if host.is_empty() {
                D::MissingHost
            } else if at(self.raw, start) == b'M' {
                D::Forwarded
            } else if at(self.raw, start) == b' ' {
                D::ExtraSpace
            } else {
                D::DeviceShape
            };
            return Err(self.only(first, field, start));
        }
        let octets = host.of(self.raw).unwrap_or_default();
        let unprintable = octets.iter().position(|octet| !(33..=126).contains(octet));
        let domain = octets.iter().position(|&octet| octet == b'.').filter(|_| !is_address(octets));
        match (unprintable, domain) {
            (Some(place), domain) if domain.is_none_or(|domain| place < domain) => {
                return Err(self.only(D::NotPrintable, field, start + place));
            }
            (_, Some(place)) => return Err(self.only(D::HostDomain, field, start + place)),
            _ => {}
        }
        self.at = host.end();
        if self.at >= self.end() {
            return Ok(());
        }
        match self.octet() {
            b' ' => self.at += 1,
            octet if octet.is_ascii_control() => return Err(self.only(D::NotPrintable, field, self.at)),
            _ => return Err(self.only(D::DeviceShape, field, self.at)),
        }
        Ok(())
    }

    /// TAG and CONTENT: visible characters and blanks (§4.1.3)
    fn behind_host(&self) -> Step {
        let rest = self.raw.get(self.at..self.end()).unwrap_or_default();
        let unprintable = |field: Field, span: Span| {
            let octets = span.of(self.raw).unwrap_or_default();
            let place = octets.iter().position(|octet| !(33..=126).contains(octet))?;
            Some(self.only(D::NotPrintable, field, span.start as usize + place))
        };
        let Header { app, procid, .. } = *self.header;
        // A colon that stands alone, or a level.
        let before_tag = skip_blanks(self.raw, self.at);
        let has_shape = self.forbidden.contains(D::DeviceShape) && app.start as usize != before_tag;
        let control = rest.iter().position(u8::is_ascii_control);
        let faults = [
            has_shape.then(|| self.only(D::DeviceShape, Field::AppName, before_tag)),
            unprintable(Field::AppName, app),
            (app.len > 32).then(|| self.only(D::TagTooLong, Field::AppName, app.start as usize + 32)),
            unprintable(Field::ProcId, procid),
            control.map(|place| self.only(D::ControlInMessage, Field::Message, self.at + place)),
        ];
        // Of two at one place the more telling is named, which stands first.
        faults.into_iter().flatten().min_by_key(|fault| fault.offset).map_or(Ok(()), Err)
    }

    fn only(&self, deviation: D, field: Field, offset: usize) -> NotStrict {
        NotStrict { deviation, field, offset: offset.min(self.raw.len()) }
    }
}

/// An address, whose points and colons are not those of a domain.
fn is_address(host: &[u8]) -> bool {
    host.contains(&b':') || std::str::from_utf8(host).is_ok_and(|host| host.parse::<Ipv4Addr>().is_ok())
}

const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// What can stand behind the seconds, where all before them is to the letter.
const OF_THE_TAIL: Deviations = super::set(&[D::BsdFraction, D::StampSpelling, D::BsdZone, D::BsdYear]);
