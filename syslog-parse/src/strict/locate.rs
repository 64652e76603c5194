//! Where a message first differs from its RFC. Off the usual path: the verdict is known by then.

use super::{Field, NotStrict, field_of};
use crate::scan::{at, digits_end, printable_end};
use crate::{Deviation, Message};

/// The first place where octets are not as the grammar of RFC 5424 §6 asks. `None`: there is none.
pub(super) fn in_rfc5424(raw: &[u8]) -> Option<(Field, usize)> {
    let mut walk = Walk { raw, at: 0 };
    walk.message().err()
}

/// A part that is not as it should be, and where.
type Fault = (Field, usize);

/// A walk through a message.
struct Walk<'a> {
    raw: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    /// HEADER SP STRUCTURED-DATA [SP MSG]
    fn message(&mut self) -> Result<(), Fault> {
        self.pri()?;
        self.version()?;
        self.timestamp()?;
        for (field, longest) in
            [(Field::Hostname, 255), (Field::AppName, 48), (Field::ProcId, 128), (Field::MsgId, 32)]
        {
            self.field(field, longest)?;
        }
        self.structured_data()?;
        if self.at < self.raw.len()
            && !matches!(self.raw.get(self.at..), Some([b'\r', b'\n'] | [b'\n' | 0, ..]))
        {
            self.expect(b' ', Field::StructuredData)?;
        }
        let message = self.raw.get(self.at..).unwrap_or_default();
        match message.strip_prefix(b"\xef\xbb\xbf").map(std::str::from_utf8) {
            Some(Err(error)) => Err((Field::Message, self.at + 3 + error.valid_up_to())),
            _ => Ok(()),
        }
    }

    fn expect(&mut self, octet: u8, field: Field) -> Result<(), Fault> {
        if at(self.raw, self.at) != octet {
            return Err((field, self.at));
        }
        self.at += 1;
        Ok(())
    }

    /// "<" PRIVAL ">"
    fn pri(&mut self) -> Result<(), Fault> {
        self.expect(b'<', Field::Pri)?;
        let digits = self.raw.get(1..digits_end(self.raw, 1)).unwrap_or_default();
        let value = digits.iter().fold(0_u32, |value, digit| {
            value.saturating_mul(10).saturating_add(u32::from(digit.wrapping_sub(b'0')))
        });
        if digits.len() > 3 || value > 191 || (digits.len() > 1 && digits.first() == Some(&b'0')) {
            return Err((Field::Pri, 1));
        }
        self.at += digits.len();
        if digits.is_empty() {
            return Err((Field::Pri, self.at));
        }
        self.expect(b'>', Field::Pri)
    }

    /// NONZERO-DIGIT 0*2DIGIT SP
    fn version(&mut self) -> Result<(), Fault> {
        let end = digits_end(self.raw, self.at);
        if at(self.raw, self.at) == b'0' || end == self.at || end > self.at + 3 {
            return Err((Field::Version, self.at));
        }
        self.at = end;
        self.expect(b' ', Field::Version)
    }

    /// NILVALUE / FULL-DATE "T" FULL-TIME, and SP
    fn timestamp(&mut self) -> Result<(), Fault> {
        let field = Field::Timestamp;
        let start = self.at;
        if at(self.raw, start) == b'-' {
            self.at += 1;
            return self.expect(b' ', field);
        }
        self.pattern(b"0000-00-00T00:00:00")?;
        if at(self.raw, self.at) == b'.' {
            let digits = self.at + 1;
            let end = digits_end(self.raw, digits);
            if end == digits || end > digits + 6 {
                return Err((field, end.min(digits + 6)));
            }
            self.at = end;
        }
        match at(self.raw, self.at) {
            b'Z' => self.at += 1,
            b'+' | b'-' => {
                self.at += 1;
                self.pattern(b"00:00")?;
            }
            _ => return Err((field, self.at)),
        }
        let message = crate::parse(self.raw);
        let deviations = message.deviations();
        let no_such_time = [Deviation::InvalidTime, Deviation::LeapSecond, Deviation::Hour24]
            .map(|one| deviations.contains(one));
        if no_such_time.contains(&true) {
            return Err((field, start));
        }
        self.expect(b' ', field)
    }

    /// Digits where the pattern has zeros, else what it has.
    fn pattern(&mut self, pattern: &[u8]) -> Result<(), Fault> {
        for &wanted in pattern {
            let octet = at(self.raw, self.at);
            if if wanted == b'0' { !octet.is_ascii_digit() } else { octet != wanted } {
                return Err((Field::Timestamp, self.at));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// NILVALUE / 1*`longest`PRINTUSASCII, and SP
    fn field(&mut self, field: Field, longest: usize) -> Result<(), Fault> {
        let end = printable_end(self.raw, self.at);
        if end == self.at || end > self.at + longest {
            return Err((field, end.min(self.at + longest)));
        }
        self.at = end;
        self.expect(b' ', field)
    }

    /// NILVALUE / 1*SD-ELEMENT
    fn structured_data(&mut self) -> Result<(), Fault> {
        if at(self.raw, self.at) == b'-' {
            self.at += 1;
            return Ok(());
        }
        let start = self.at;
        loop {
            self.expect(b'[', Field::StructuredData)?;
            let id = self.at;
            self.name(|octet| octet == b' ' || octet == b']')?;
            let elements = crate::StructuredData::new(self.raw.get(start..id - 1).unwrap_or_default());
            let name = self.raw.get(id..self.at).unwrap_or_default();
            if elements.take(64).any(|element| element.id() == name) {
                return Err((Field::StructuredData, id));
            }
            while at(self.raw, self.at) == b' ' {
                self.at += 1;
                self.name(|octet| octet == b'=')?;
                self.at += 1;
                self.value()?;
            }
            self.expect(b']', Field::StructuredData)?;
            if at(self.raw, self.at) != b'[' {
                return Ok(());
            }
        }
    }

    /// SD-NAME, and one of `ends` behind it
    fn name(&mut self, ends: impl Fn(u8) -> bool) -> Result<(), Fault> {
        let end = crate::scan::sd_name_end(self.raw, self.at);
        if end == self.at || end > self.at + 32 || !ends(at(self.raw, end)) {
            return Err((Field::StructuredData, end.min(self.at + 32)));
        }
        self.at = end;
        Ok(())
    }

    /// %d34 PARAM-VALUE %d34
    fn value(&mut self) -> Result<(), Fault> {
        self.expect(b'"', Field::StructuredData)?;
        loop {
            self.at = crate::scan::value_stop(self.raw, self.at);
            match (at(self.raw, self.at), at(self.raw, self.at + 1)) {
                (b'\\', b'"' | b'\\' | b']') => self.at += 2,
                (b'"', _) => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err((Field::StructuredData, self.at)),
            }
        }
    }
}

/// The same for RFC 3164, where a deviation is of one field: the field and, save for tags, where it begins.
pub(super) fn in_rfc3164(message: &Message<'_>, deviation: Deviation) -> NotStrict {
    let header = message.header();
    let behind_pri = memchr::memchr(b'>', message.raw()).map_or(0, |at| at + 1);
    let field = field_of(deviation).unwrap_or(Field::Message);
    let offset = match field {
        Field::Pri => 0,
        Field::Hostname if header.host.is_empty() => header.app.start as usize,
        Field::Hostname => header.host.start as usize,
        Field::AppName => header.app.start as usize + 32,
        Field::Message => header.message.start as usize,
        _ if header.pri.is_some() => behind_pri,
        _ => 0,
    };
    NotStrict { deviation, field, offset: offset.min(message.raw().len()) }
}
