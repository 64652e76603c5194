//! What stands in the buffer for one message: a fixed header with everything the parser found, the raw message, and
//! what the message does not say itself.
//! A destination never parses a header line again.
//!
//! All numbers little-endian:
//!
//! ```text
//!   0  u8   version, 1
//!   1  u8   format: 0 unparsed, 1 RFC 3164, 2 RFC 5424
//!   2  u16  PRI as received; 0xFFFF: none
//!   4  u8   provenance of the time (syslog_parse::Provenance)
//!   5  u8   flags: 1 the time is the stamp's (else that of reception), 2 there is a sequence number, 4 cut
//!   6  u8   digits of the stamp's fraction
//!   7  u8   address family of the peer: 0 none, 4, 6
//!   8  i64  reception, nanoseconds since 1970
//!  16  i64  time, seconds since 1970        24  u32  its nanoseconds      28  i32  its offset from UTC, seconds
//!  32  u64  deviations (syslog_parse::Deviations)
//!  40  u64  the ways that want it, a bit each; all ones: every one
//!  48  u32  source: CRC-32C of its id       52  u32  sequence number
//!  56  u16  port of the peer                58  u32  bytes of extras     62  u16  PRI where none was received
//!  64  16   address of the peer
//!  80  6 × (u32 start, u32 length): host, app, procid, msgid, structured data, message, within the raw message
//! 128       the raw message
//!           extras, each: u8 kind, u16 length, bytes. Kinds: 1 host, 2 credentials of the sender, 3 name of the file
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use syslog_parse::{Deviations, Format, Header, Message, Pri, Provenance, Span, Timestamp};

/// Bytes before the raw message.
pub(crate) const HEADER_LEN: usize = 128;
const VERSION: u8 = 1;
const NO_PRI: u16 = u16::MAX;
/// Ways of a record that goes everywhere.
pub(crate) const EVERY_WAY: u64 = u64::MAX;
/// `user.notice` (RFC 3164 §4.3.3).
#[cfg(test)]
pub(crate) const DEFAULT_PRIORITY: u16 = 13;

const WAYS: std::ops::Range<usize> = 40..48;

const FROM_STAMP: u8 = 1;
const HAS_SEQUENCE: u8 = 2;
const CUT: u8 = 4;

/// When a message was sent, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) instant: Timestamp,
    /// Seconds east of UTC.
    pub(crate) offset: i32,
    pub(crate) fraction_digits: u8,
    /// How the stamp was understood; `None`: there is no usable one, this is the time of reception.
    pub(crate) provenance: Option<Provenance>,
}

/// Whether a message is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Extent {
    #[default]
    Whole,
    /// Longer than the source's `max-message`; this is its beginning.
    Cut,
}

/// What the message itself does not say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    pub(crate) received: Timestamp,
    pub(crate) time: Time,
    pub(crate) peer: Option<SocketAddr>,
    /// [`source_key`] of the source.
    pub(crate) source: u32,
    pub(crate) extent: Extent,
    /// Facility and severity where the message has none.
    pub(crate) default_priority: u16,
    /// Bytes behind the raw message; see [`Extra`].
    pub(crate) extras_len: u32,
}

/// What a message does not say itself and comes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extra {
    /// What the sender is called, instead of what the message says.
    Host = 1,
    /// Of a local sender: `pid=7 uid=0 gid=0`.
    Credentials = 2,
    /// The file that it was read from.
    FileName = 3,
}

impl Extra {
    /// Appends it to the extras of a record. What is longer than 64 KiB is cut.
    pub(crate) fn push(self, value: &[u8], extras: &mut Vec<u8>) {
        let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
        extras.push(self as u8);
        extras.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
        extras.extend_from_slice(value);
    }
}

/// The header for a message. The record is this and the raw message behind it.
pub(crate) fn header(message: &Message<'_>, about: &Circumstances) -> [u8; HEADER_LEN] {
    let found = message.header();
    let mut out = [0; HEADER_LEN];
    let mut flags = 0;
    if about.time.provenance.is_some() {
        flags |= FROM_STAMP;
    }
    if found.sequence.is_some() {
        flags |= HAS_SEQUENCE;
    }
    if about.extent == Extent::Cut {
        flags |= CUT;
    }
    let (family, port, ip) = match about.peer.map(|peer| (peer.ip().to_canonical(), peer.port())) {
        None => (0, 0, [0; 16]),
        Some((IpAddr::V4(ip), port)) => (4, port, ip.to_ipv6_mapped().octets()),
        Some((IpAddr::V6(ip), port)) => (6, port, ip.octets()),
    };
    out[0] = VERSION;
    out[1] = match found.format {
        Format::Rfc3164 => 1,
        Format::Rfc5424 => 2,
        _ => 0,
    };
    out[2..4].copy_from_slice(&found.pri.map_or(NO_PRI, |pri| pri.number()).to_le_bytes());
    out[4] = about.time.provenance.map_or(0, Provenance::bits);
    out[5] = flags;
    out[6] = about.time.fraction_digits;
    out[7] = family;
    let nanos =
        about.received.secs.saturating_mul(1_000_000_000).saturating_add(i64::from(about.received.nanos));
    out[8..16].copy_from_slice(&nanos.to_le_bytes());
    out[16..24].copy_from_slice(&about.time.instant.secs.to_le_bytes());
    out[24..28].copy_from_slice(&about.time.instant.nanos.to_le_bytes());
    out[28..32].copy_from_slice(&about.time.offset.to_le_bytes());
    out[32..40].copy_from_slice(&found.deviations.bits().to_le_bytes());
    out[WAYS].copy_from_slice(&EVERY_WAY.to_le_bytes());
    out[48..52].copy_from_slice(&about.source.to_le_bytes());
    out[52..56].copy_from_slice(&found.sequence.unwrap_or_default().to_le_bytes());
    out[56..58].copy_from_slice(&port.to_le_bytes());
    out[58..62].copy_from_slice(&about.extras_len.to_le_bytes());
    out[62..64].copy_from_slice(&about.default_priority.to_le_bytes());
    out[64..80].copy_from_slice(&ip);
    let spans = [found.host, found.app, found.procid, found.msgid, found.structured_data, found.message];
    for (slot, span) in out[80..].chunks_exact_mut(8).zip(spans) {
        let (start, len) = slot.split_at_mut(4);
        start.copy_from_slice(&span.start.to_le_bytes());
        len.copy_from_slice(&span.len.to_le_bytes());
    }
    out
}

/// A record as a destination reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    header: &'a [u8; HEADER_LEN],
    raw: &'a [u8],
    extras: &'a [u8],
}

/// Writes the ways that a message goes into its header.
pub(crate) fn set_ways(header: &mut [u8; HEADER_LEN], ways: u64) {
    header[WAYS].copy_from_slice(&ways.to_le_bytes());
}

impl<'a> Record<'a> {
    /// `None`: not a record that this version writes.
    pub(crate) fn read(payload: &'a [u8]) -> Option<Self> {
        let (header, rest) = payload.split_first_chunk::<HEADER_LEN>()?;
        if header[0] != VERSION {
            return None;
        }
        let extras_len = u32::from_le_bytes(*header.get(58..)?.first_chunk()?);
        let (raw, extras) =
            rest.split_at_checked(rest.len().checked_sub(usize::try_from(extras_len).ok()?)?)?;
        Some(Self { header, raw, extras })
    }

    /// A record that is not in the buffer yet.
    pub(crate) const fn of(header: &'a [u8; HEADER_LEN], raw: &'a [u8], extras: &'a [u8]) -> Self {
        Self { header, raw, extras }
    }

    /// The message as it was received.
    pub(crate) const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The form of its header.
    pub(crate) const fn format(&self) -> Format {
        match self.header[1] {
            1 => Format::Rfc3164,
            2 => Format::Rfc5424,
            _ => Format::Unparsed,
        }
    }

    /// The PRI as received; `None`: it had none.
    pub(crate) fn received_priority(&self) -> Option<u16> {
        let pri = u16::from_le_bytes(self.at(2));
        (pri != NO_PRI).then_some(pri)
    }

    /// The PRI as received, or its source's default.
    pub(crate) fn priority(&self) -> u16 {
        self.received_priority().unwrap_or_else(|| u16::from_le_bytes(self.at(62)))
    }

    /// The ways that want it, a bit each.
    pub(crate) fn ways(&self) -> u64 {
        u64::from_le_bytes(self.at(40))
    }

    /// When it was received.
    pub(crate) fn received(&self) -> Timestamp {
        let nanos = i64::from_le_bytes(self.at(8));
        let below = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default();
        Timestamp::new(nanos.div_euclid(1_000_000_000), below)
    }

    /// What it deviates in from its format.
    pub(crate) fn deviations(&self) -> Deviations {
        Deviations::from_bits(u64::from_le_bytes(self.at(32)))
    }

    /// [`source_key`] of its source.
    pub(crate) fn source(&self) -> u32 {
        u32::from_le_bytes(self.at(48))
    }

    /// The counter that some devices put before the stamp.
    pub(crate) fn sequence(&self) -> Option<u32> {
        (self.header[5] & HAS_SEQUENCE != 0).then(|| u32::from_le_bytes(self.at(52)))
    }

    /// Whether this is only the message's beginning.
    pub(crate) fn extent(&self) -> Extent {
        if self.header[5] & CUT == 0 { Extent::Whole } else { Extent::Cut }
    }

    /// The port of the peer.
    pub(crate) fn peer_port(&self) -> u16 {
        u16::from_le_bytes(self.at(56))
    }

    /// What came with it.
    pub(crate) fn extra(&self, wanted: Extra) -> Option<&'a [u8]> {
        let mut rest = self.extras;
        while let Some((&[kind, low, high], behind)) = rest.split_first_chunk::<3>() {
            let (value, next) = behind.split_at_checked(usize::from(u16::from_le_bytes([low, high])))?;
            if kind == wanted as u8 {
                return Some(value);
            }
            rest = next;
        }
        None
    }

    pub(crate) fn time(&self) -> Time {
        let from_stamp = self.header[5] & FROM_STAMP != 0;
        Time {
            instant: Timestamp::new(i64::from_le_bytes(self.at(16)), u32::from_le_bytes(self.at(24))),
            offset: i32::from_le_bytes(self.at(28)),
            fraction_digits: self.header[6],
            provenance: from_stamp.then(|| Provenance::from_bits(self.header[4])),
        }
    }

    /// The sender's address, as the socket saw it.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        let ip = Ipv6Addr::from(self.at::<16>(64));
        match self.header[7] {
            4 => Some(IpAddr::V4(ip.to_ipv4_mapped().unwrap_or(Ipv4Addr::UNSPECIFIED))),
            6 => Some(IpAddr::V6(ip)),
            _ => None,
        }
    }

    /// What the sender is called here: the name it was given, or else the one in the message.
    pub(crate) fn host(&self) -> Option<&'a [u8]> {
        if self.extras.is_empty() {
            return self.span(0);
        }
        self.extra(Extra::Host).or_else(|| self.span(0))
    }

    /// The host as the message says it.
    pub(crate) fn stated_host(&self) -> Option<&'a [u8]> {
        self.span(0)
    }

    pub(crate) fn app(&self) -> Option<&'a [u8]> {
        self.span(1)
    }

    pub(crate) fn procid(&self) -> Option<&'a [u8]> {
        self.span(2)
    }

    pub(crate) fn msgid(&self) -> Option<&'a [u8]> {
        self.span(3)
    }

    /// The structured data, brackets included (RFC 5424 §6.3).
    pub(crate) fn structured_data(&self) -> Option<&'a [u8]> {
        self.span(4)
    }

    pub(crate) fn message(&self) -> &'a [u8] {
        self.span(5).unwrap_or_default()
    }

    /// What the parser made of it, without the stamp and the name of its zone: [`Self::time`] is what became of those.
    pub(crate) fn parsed(&self) -> Message<'a> {
        let header = Header {
            format: self.format(),
            pri: self.received_priority().map(Pri::from_number),
            stamp: None,
            zone_name: Span::ABSENT,
            host: self.place(0),
            app: self.place(1),
            procid: self.place(2),
            msgid: self.place(3),
            structured_data: self.place(4),
            message: self.place(5),
            deviations: self.deviations(),
            sequence: self.sequence(),
        };
        Message::from_parts(self.raw, header)
    }

    fn span(&self, n: usize) -> Option<&'a [u8]> {
        self.place(n).of(self.raw)
    }

    fn place(&self, n: usize) -> Span {
        let at = 80 + 8 * n;
        Span { start: u32::from_le_bytes(self.at(at)), len: u32::from_le_bytes(self.at(at + 4)) }
    }

    #[inline]
    fn at<const N: usize>(&self, at: usize) -> [u8; N] {
        self.header.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }
}

/// What stands for a source's id in a record: stable when the order of the configuration changes.
pub(crate) fn source_key(id: &str) -> u32 {
    // CRC-32C, bit by bit: once a source, at the start.
    !id.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0x82F6_3B78 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record of this message, received from 192.0.2.7 at its own time.
    pub(crate) fn record_of(raw: &[u8]) -> Vec<u8> {
        record_with(raw, &[])
    }

    /// The same, with extras.
    pub(crate) fn record_with(raw: &[u8], extras: &[(Extra, &[u8])]) -> Vec<u8> {
        let mut behind = Vec::new();
        for (extra, value) in extras {
            extra.push(value, &mut behind);
        }
        let message = syslog_parse::parse(raw);
        let mut about = about("192.0.2.7:4711");
        about.extras_len = u32::try_from(behind.len()).unwrap();
        [&header(&message, &about)[..], raw, &behind].concat()
    }

    fn about(peer: &str) -> Circumstances {
        let instant = Timestamp::new(1_700_000_000, 5);
        Circumstances {
            received: instant,
            time: Time {
                instant,
                offset: -18_000,
                fraction_digits: 3,
                provenance: Some(Provenance::from_bits(6)),
            },
            peer: Some(peer.parse().unwrap()),
            source: 7,
            extent: Extent::Whole,
            default_priority: DEFAULT_PRIORITY,
            extras_len: 0,
        }
    }

    #[test]
    fn what_came_with_a_message_is_read_back_and_a_given_host_is_the_host() {
        let bytes = record_with(
            b"<34>1 2003-10-11T22:14:15Z stated su 77 ID47 - x",
            &[(Extra::Credentials, b"pid=1"), (Extra::Host, b"given")],
        );
        let record = Record::read(&bytes).unwrap();
        assert_eq!(record.extra(Extra::Credentials), Some(&b"pid=1"[..]));
        assert_eq!(record.extra(Extra::FileName), None);
        assert_eq!((record.host(), record.stated_host()), (Some(&b"given"[..]), Some(&b"stated"[..])));
        assert_eq!((record.message(), record.priority()), (&b"x"[..], 34));
        for cut in 0..bytes.len() {
            // Whatever the disk did to it, reading does not panic.
            if let Some(record) = Record::read(&bytes[..cut]) {
                let _: (Option<&[u8]>, Option<&[u8]>) = (record.host(), record.extra(Extra::FileName));
            }
        }
    }

    #[test]
    fn what_the_parser_found_is_read_back_without_parsing() {
        let raw = b"<34>1 2003-10-11T22:14:15.003Z mymachine su 77 ID47 [a@1 b=\"c\"] it failed";
        let message = syslog_parse::parse(raw);
        let about = about("[2001:db8::7]:514");
        let mut bytes = header(&message, &about).to_vec();
        bytes.extend_from_slice(raw);
        let record = Record::read(&bytes).unwrap();
        assert_eq!(record.time(), about.time);
        assert_eq!(record.peer(), about.peer.map(|peer| peer.ip()));
        assert_eq!(record.host(), Some(&b"mymachine"[..]));
        assert_eq!((record.app(), record.procid()), (Some(&b"su"[..]), Some(&b"77"[..])));
        assert_eq!(record.message(), b"it failed");
    }

    #[test]
    fn an_ipv4_peer_of_a_dual_stack_socket_is_an_ipv4_peer() {
        let bytes = header(&syslog_parse::parse(b""), &about("[::ffff:10.0.0.1]:1"));
        assert_eq!(Record::read(&bytes).unwrap().peer(), Some("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn bytes_that_are_no_record_are_told_apart_and_bad_spans_are_absent() {
        assert!(Record::read(&[]).is_none());
        assert!(Record::read(&[2; 200]).is_none());
        let mut bytes = header(&syslog_parse::parse(b"x"), &about("10.0.0.1:1")).to_vec();
        bytes[80..].fill(0xFF);
        let record = Record::read(&bytes).unwrap();
        assert_eq!((record.host(), record.message()), (None, &b""[..]));
    }

    #[test]
    fn the_source_key_is_the_published_crc32c() {
        assert_eq!(source_key("123456789"), 0xE306_9283);
    }
}
