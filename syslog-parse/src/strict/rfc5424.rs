//! Where a message first differs from RFC 5424 §6. Off the usual path: the verdict is known by then.

use super::walk::{Step, Walk};
use super::{Field, NotStrict};
use crate::scan::{at, digits_end, printable_end};
use crate::{Deviation as D, Message};

/// The first place where octets are not as the grammar asks. `None`: there is none.
pub(super) fn first_fault(message: &Message<'_>) -> Option<NotStrict> {
    Walk::through(message).rfc5424().err()
}

impl Walk<'_> {
    /// HEADER SP STRUCTURED-DATA [SP MSG]
    fn rfc5424(&mut self) -> Step {
        self.pri()?;
        self.version()?;
        self.timestamp()?;
        for (field, next, longest) in [
            (Field::Hostname, Field::AppName, 255),
            (Field::AppName, Field::ProcId, 48),
            (Field::ProcId, Field::MsgId, 128),
            (Field::MsgId, Field::StructuredData, 32),
        ] {
            self.field(field, next, longest)?;
        }
        self.structured_data()?;
        if self.at < self.raw.len()
            && !matches!(self.raw.get(self.at..), Some([b'\r', b'\n'] | [b'\n' | 0, ..]))
        {
            self.expect(b' ', Field::StructuredData, &[D::NoSpaceAfterSd, D::NoSd])?;
        }
        let message = self.raw.get(self.at..).unwrap_or_default();
        match message.strip_prefix(b"\xef\xbb\xbf").map(std::str::from_utf8) {
            Some(Err(error)) => {
                Err(self.fault(Field::Message, self.at + 3 + error.valid_up_to(), &[D::BadUtf8]))
            }
            _ => Ok(()),
        }
    }

    /// NONZERO-DIGIT 0*2DIGIT SP
    fn version(&mut self) -> Step {
        let end = digits_end(self.raw, self.at);
        if self.octet() == b'0' || end == self.at || end > self.at + 3 {
            return Err(self.fault(Field::Version, self.at, &[]));
        }
        self.at = end;
        self.expect(b' ', Field::Version, &[])
    }

    /// NILVALUE / FULL-DATE "T" FULL-TIME, and SP
    fn timestamp(&mut self) -> Step {
        let field = Field::Timestamp;
        let start = self.at;
        if self.octet() == b'-' {
            self.at += 1;
            return self.separator(field, Field::Hostname);
        }
        self.pattern(b"0000-00-00", &[D::InvalidTime])?;
        self.pattern(b"T", &[D::LooseStamp])?;
        self.pattern(b"00:00:00", &[D::InvalidTime])?;
        self.possible([5, 8, 11, 14, 17].map(|offset| start + offset))?;
        match self.octet() {
            b'.' => {
                let digits = self.at + 1;
                let end = digits_end(self.raw, digits);
                if end == digits {
                    return Err(self.fault(field, end, &[D::InvalidTime]));
                }
                if end > digits + 6 {
                    return Err(self.fault(field, digits + 6, &[D::LongFraction]));
                }
                self.at = end;
            }
            b',' => return Err(self.fault(field, self.at, &[D::LooseStamp])),
            b':' => return Err(self.fault(field, self.at, &[D::BsdFraction])),
            _ => {}
        }
        let sign = self.at;
        match self.octet() {
            b'Z' => self.at += 1,
            b'+' | b'-' => {
                self.at += 1;
                self.pattern(b"00", &[D::InvalidTime])?;
                self.pattern(b":", &[D::OffsetWithoutColon])?;
                self.pattern(b"00", &[D::InvalidTime])?;
            }
            b'z' => return Err(self.fault(field, sign, &[D::LooseStamp])),
            _ => return Err(self.fault(field, sign, &[D::NoOffset, D::StampSpelling, D::BsdZone])),
        }
        if self.header.stamp.and_then(|stamp| stamp.offset).is_some_and(|offset| !offset.is_possible()) {
            return Err(self.fault(field, sign, &[D::InvalidTime]));
        }
        self.separator(field, Field::Hostname)
    }

    /// SP behind a field; nothing means that the next one is missing.
    fn separator(&mut self, field: Field, next: Field) -> Step {
        if self.at >= self.end() {
            return Err(self.fault(next, self.at, &[D::MissingField]));
        }
        self.expect(b' ', field, &[D::NotPrintable])
    }

    /// NILVALUE / 1*`longest`PRINTUSASCII, and SP
    fn field(&mut self, field: Field, next: Field, longest: usize) -> Step {
        // The header stops short, and what stands here is text.
        if self.forbidden.contains(D::MissingField) && self.at >= self.header.message.start as usize {
            return Err(self.fault(field, self.at, &[D::MissingField]));
        }
        let end = printable_end(self.raw, self.at);
        if end > self.at + longest {
            return Err(self.fault(field, self.at + longest, &[D::LongField]));
        }
        if end == self.at {
            let first = if self.octet() == b' ' { D::ExtraSpace } else { D::NotPrintable };
            return Err(self.fault(field, end, &[first]));
        }
        self.at = end;
        self.separator(field, next)
    }

    /// NILVALUE / 1*SD-ELEMENT
    fn structured_data(&mut self) -> Step {
        let field = Field::StructuredData;
        if self.octet() == b'-' {
            self.at += 1;
            return Ok(());
        }
        let start = self.at;
        loop {
            self.expect(b'[', field, &[D::NoSd])?;
            let id = self.at;
            self.name(|octet| octet == b' ' || octet == b']')?;
            let elements = crate::StructuredData::new(self.raw.get(start..id - 1).unwrap_or_default());
            let name = self.raw.get(id..self.at).unwrap_or_default();
            if elements.take(64).any(|element| element.id() == name) {
                return Err(self.fault(field, id, &[D::DupSdId]));
            }
            while self.octet() == b' ' {
                self.at += 1;
                self.name(|octet| octet == b'=')?;
                self.at += 1;
                self.value()?;
            }
            self.expect(b']', field, &[D::BadSd])?;
            if self.octet() != b'[' {
                return Ok(());
            }
        }
    }

    /// SD-NAME, and one of `ends` behind it
    fn name(&mut self, ends: impl Fn(u8) -> bool) -> Step {
        let field = Field::StructuredData;
        let end = crate::scan::sd_name_end(self.raw, self.at);
        if end > self.at + 32 {
            return Err(self.fault(field, self.at + 32, &[D::LongName]));
        }
        if end == self.at && matches!(self.octet(), b' ' | b']') {
            return Err(self.fault(field, end, &[D::SpaceInSd, D::BadSd]));
        }
        if end == self.at || !ends(at(self.raw, end)) {
            let unprintable = !(33..=126).contains(&at(self.raw, end));
            return Err(self.fault(field, end, if unprintable { &[D::NotPrintable] } else { &[D::BadSd] }));
        }
        self.at = end;
        Ok(())
    }

    /// %d34 PARAM-VALUE %d34
    fn value(&mut self) -> Step {
        let field = Field::StructuredData;
        self.expect(b'"', field, &[D::UnquotedSd])?;
        loop {
            self.at = crate::scan::value_stop(self.raw, self.at);
            let first = match (self.octet(), at(self.raw, self.at + 1)) {
                (b'\\', b'"' | b'\\' | b']') => {
                    self.at += 2;
                    continue;
                }
                (b'"', _) => {
                    self.at += 1;
                    return Ok(());
                }
                (b'\\', _) => D::UnknownEscape,
                (b']', _) => D::UnescapedBracket,
                _ => D::BadSd,
            };
            return Err(self.fault(field, self.at, &[first]));
        }
    }
}
