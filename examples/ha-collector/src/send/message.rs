//! The messages of a load: made here, or the lines of a file over and over.

use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use syslog_parse::{Rfc3339, Timestamp};

use super::SendError;

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Numbered messages.
    Numbered {
        header: Header,
        /// Bytes of a message, at least those of its header and number.
        size: usize,
        /// Host names in turn: `host0001`, and so on; at most 99,999.
        hosts: u64,
    },
    /// The lines of a file, over and over, as they are.
    Corpus { path: PathBuf },
}

/// The header of numbered messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Header {
    Rfc3164,
    Rfc5424,
}

/// How messages of a stream are told apart (RFC 6587 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Framing {
    Lf,
    OctetCounting,
}

/// One batch, framed and not.
#[derive(Debug)]
pub(crate) struct BatchOf<'m> {
    /// The messages one behind the other, framed as in a stream.
    pub(super) stream: &'m [u8],
    /// Where each message stands in it, without its framing.
    pub(super) messages: &'m [Range<usize>],
}

impl BatchOf<'_> {
    pub(super) fn len(&self) -> u64 {
        self.messages.len() as u64
    }
}

/// Makes messages, a batch at a time, into memory that is used again.
#[derive(Debug)]
pub(crate) struct Messages {
    kind: Kind,
    framing: Framing,
    number: u64,
    stream: Vec<u8>,
    places: Vec<Range<usize>>,
    message: Vec<u8>,
    clock: Clock,
}

#[derive(Debug)]
enum Kind {
    Numbered { header: Header, size: usize, hosts: u64 },
    Lines(Vec<Vec<u8>>),
}

impl Messages {
    pub(crate) fn new(content: &Content, framing: Framing) -> Result<Self, SendError> {
        let kind = match content {
            Content::Numbered { header, size, hosts } => {
                Kind::Numbered { header: *header, size: *size, hosts: (*hosts).max(1) }
            }
            Content::Corpus { path } => {
                let corrupt = |source| SendError::Corpus { path: path.clone(), source };
                let text = std::fs::read(path).map_err(corrupt)?;
                let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
                let lines: Vec<Vec<u8>> = lines.map(<[u8]>::to_vec).collect();
                if lines.is_empty() {
                    return Err(SendError::EmptyCorpus { path: path.clone() });
                }
                Kind::Lines(lines)
            }
        };
        let (stream, places, message) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { kind, framing, number: 0, stream, places, message, clock: Clock::default() })
    }

    /// The next `count` messages.
    pub(crate) fn next(&mut self, count: u64) -> BatchOf<'_> {
        self.stream.clear();
        self.places.clear();
        self.clock.look();
        for _ in 0..count {
            let number = self.number;
            self.number += 1;
            let message: &[u8] = match &self.kind {
                Kind::Numbered { header, size, hosts } => {
                    numbered(*header, number, *size, *hosts, &self.clock, &mut self.message);
                    &self.message
                }
                Kind::Lines(lines) => {
                    let at = usize::try_from(number % lines.len() as u64).unwrap_or_default();
                    lines.get(at).map_or(&[], Vec::as_slice)
                }
            };
            if self.framing == Framing::OctetCounting {
                // Writing to memory cannot fail.
                write!(self.stream, "{} ", message.len()).unwrap_or_default();
            }
            let start = self.stream.len();
            self.stream.extend_from_slice(message);
            self.places.push(start..self.stream.len());
            if self.framing == Framing::Lf {
                self.stream.push(b'\n');
            }
        }
        BatchOf { stream: &self.stream, messages: &self.places }
    }
}

/// `host0001 load[1]: seq=000000042 at=1760000000000000 …`, filled up to its size.
fn numbered(header: Header, number: u64, size: usize, hosts: u64, clock: &Clock, out: &mut Vec<u8>) {
    const DIGITS: usize = 9;
    out.clear();
    out.extend_from_slice(match header {
        Header::Rfc3164 => clock.rfc3164.as_bytes(),
        Header::Rfc5424 => clock.rfc5424.as_bytes(),
    });
    out.extend_from_slice(b" host");
    match number % hosts + 1 {
        host @ ..=9_999 => digits::<4>(host, out),
        host => digits::<5>(host, out),
    }
    out.extend_from_slice(match header {
        Header::Rfc3164 => &b" load[1]: seq="[..],
        Header::Rfc5424 => &b" load 1 - - seq="[..],
    });
    digits::<DIGITS>(number, out);
    out.extend_from_slice(b" at=");
    digits::<16>(clock.microseconds, out);
    if out.len() + 1 < size {
        out.push(b' ');
        out.resize(size, b'x');
    }
}

fn digits<const N: usize>(mut number: u64, out: &mut Vec<u8>) {
    let mut text = [b'0'; N];
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&text);
}

/// What stands before the host, made anew when the second has changed.
#[derive(Debug, Default)]
struct Clock {
    second: Option<i64>,
    /// Since 1970.
    microseconds: u64,
    rfc3164: String,
    rfc5424: String,
}

impl Clock {
    fn look(&mut self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.microseconds = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let second = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if self.second == Some(second) {
            return;
        }
        self.second = Some(second);
        let stamp = Rfc3339::new(Timestamp::new(second, 0), 0, 0);
        let stamp = String::from_utf8_lossy(stamp.as_bytes()).into_owned();
        // `2025-10-07T…` is `Oct  7 …` (RFC 3164 §4.1.2).
        let part = |range| stamp.get(range).unwrap_or_default();
        let month: usize = part(5..7).parse().unwrap_or(1);
        let day: u8 = part(8..10).parse().unwrap_or(1);
        let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let month = months.get(month * 3 - 3..month * 3).unwrap_or("Jan");
        self.rfc3164 = format!("<13>{month} {day:>2} {}", part(11..19));
        self.rfc5424 = format!("<13>1 {stamp}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(content: &Content, framing: Framing) -> Messages {
        Messages::new(content, framing).unwrap()
    }

    #[test]
    fn numbered_messages_have_the_size_and_are_understood() {
        for (header, format) in [
            (Header::Rfc3164, syslog_parse::Format::Rfc3164),
            (Header::Rfc5424, syslog_parse::Format::Rfc5424),
        ] {
            let content = Content::Numbered { header, size: 256, hosts: 2 };
            let mut messages = messages(&content, Framing::Lf);
            let batch = messages.next(3);
            assert_eq!((batch.len(), batch.stream.len()), (3, 3 * 257));
            for (n, place) in batch.messages.iter().enumerate() {
                let parsed = syslog_parse::parse(&batch.stream[place.clone()]);
                assert_eq!(parsed.header().format, format);
                assert_eq!(parsed.host(), Some([&b"host0001"[..], b"host0002"][n % 2]));
                assert_eq!((parsed.app(), parsed.procid()), (Some(&b"load"[..]), Some(&b"1"[..])));
                assert!(parsed.message().starts_with(format!("seq={n:09} at=").as_bytes()));
                assert!(parsed.deviations().is_empty(), "{:?}", parsed.deviations());
            }
        }
    }

    #[test]
    fn every_host_of_many_has_a_name_of_its_own() {
        let content = Content::Numbered { header: Header::Rfc3164, size: 1, hosts: 10_001 };
        let mut messages = messages(&content, Framing::Lf);
        let batch = messages.next(10_002);
        let names: std::collections::HashSet<Vec<u8>> = batch
            .messages
            .iter()
            .map(|place| syslog_parse::parse(&batch.stream[place.clone()]).host().unwrap().to_vec())
            .collect();
        assert_eq!(names.len(), 10_001);
        assert!(names.contains(&b"host9999"[..]) && names.contains(&b"host10000"[..]));
    }

    #[test]
    fn a_corpus_is_sent_over_and_over_in_its_framing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "one\n\nthree\n").unwrap();
        let content = Content::Corpus { path: file.path().to_path_buf() };
        assert_eq!(messages(&content, Framing::Lf).next(3).stream, b"one\nthree\none\n");
        assert_eq!(messages(&content, Framing::OctetCounting).next(2).stream, b"3 one5 three");
        std::fs::write(file.path(), "\n").unwrap();
        assert!(matches!(Messages::new(&content, Framing::Lf), Err(SendError::EmptyCorpus { .. })));
    }

    #[test]
    fn a_message_is_never_shorter_than_its_number() {
        let content = Content::Numbered { header: Header::Rfc5424, size: 1, hosts: 1 };
        let mut messages = messages(&content, Framing::Lf);
        let text = String::from_utf8_lossy(messages.next(1).stream).into_owned();
        let (number, at) = text.split_once(" at=").unwrap();
        assert!(number.ends_with("seq=000000000") && at.len() == 17, "{text}");
    }
}
