//! The bytes of rtnetlink: messages, attributes, answers. What they mean for addresses and links is in the rooms below.
//!
//! Everything here is total: any bytes at all give an answer, and what does not fit is left out. Nothing is allocated
//! to read a message or an attribute; what is written goes behind what the caller's buffer holds.

#![expect(clippy::host_endian_bytes, reason = "netlink speaks the byte order of the machine")]

pub(crate) mod address;
mod encoder;
pub(crate) mod link;
#[cfg(test)]
mod tests;

pub use address::{emit_add, emit_remove, parse_address};
pub use link::parse_link;

pub(crate) use encoder::{Encoder, add_flags};
pub(crate) use link::link_event;

/// The messages in a datagram. Ends at the first that is cut or says that it is shorter than its own header.
#[derive(Clone, Copy, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    /// Over the bytes of one datagram.
    #[must_use]
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let len = usize::try_from(u32_at(self.rest, 0)?).ok()?;
        let message = Message {
            kind: u16_at(self.rest, 4)?,
            flags: u16_at(self.rest, 6)?,
            seq: u32_at(self.rest, 8)?,
            port: u32_at(self.rest, 12)?,
            payload: self.rest.get(HEADER..len)?,
        };
        // The last one need not be padded.
        self.rest = self.rest.get(aligned(len)..).unwrap_or_default();
        Some(message)
    }
}

/// One message (`struct nlmsghdr` and what follows).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// `RTM_*`, or `NLMSG_ERROR` and `NLMSG_DONE`.
    pub kind: u16,
    /// `NLM_F_*`.
    pub flags: u16,
    /// The number of the request that it belongs to.
    pub seq: u32,
    /// The port of who asked; 0 is the kernel.
    pub port: u32,
    /// What follows the header.
    pub payload: &'a [u8],
}

/// The attributes behind the fixed part of a message, or inside another attribute. Ends at the first that is cut or
/// says that it is shorter than its own header.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// Over these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The payload of the first of this kind.
    pub(crate) fn payload_of(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find(|attribute| attribute.kind == kind).map(|attribute| attribute.payload)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let len = usize::from(u16_at(self.rest, 0)?);
        let kind = u16_at(self.rest, 2)? & KIND_MASK;
        let payload = self.rest.get(ATTRIBUTE_HEADER..len)?;
        self.rest = self.rest.get(aligned(len)..).unwrap_or_default();
        Some(Attribute { kind, payload })
    }
}

/// One attribute (`struct rtattr` and what follows).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its number, without the bits that say "nested" and "in network byte order".
    pub kind: u16,
    /// What follows the header.
    pub payload: &'a [u8],
}

/// The kernel's answer to a request (`NLMSG_ERROR`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The error number of `errno(3)`, positive; 0 is success.
    pub errno: i32,
    /// The kernel's sentence (`NLMSGERR_ATTR_MSG`).
    pub sentence: Option<&'a str>,
    /// Where in the request the attribute stands that it points at (`NLMSGERR_ATTR_OFFS`).
    pub offset: Option<u32>,
}

impl<'a> Answer<'a> {
    /// Of a message whose kind is `NLMSG_ERROR`; `None` when it is too short for one.
    #[must_use]
    pub fn parse(message: &Message<'a>) -> Option<Self> {
        let errno = i32_at(message.payload, 0)?.checked_neg()?;
        let echoed = usize::try_from(u32_at(message.payload, 4)?).ok()?;
        let mut answer = Self { errno, sentence: None, offset: None };
        if message.flags & ACK_TLVS == 0 {
            return Some(answer);
        }
        // A capped answer echoes the request's header only, whatever length that says.
        let echoed = if message.flags & CAPPED != 0 { HEADER } else { aligned(echoed.max(HEADER)) };
        for attribute in Attributes::new(message.payload.get(4 + echoed..).unwrap_or_default()) {
            match attribute.kind {
                ATTR_MSG => answer.sentence = text(attribute.payload),
                ATTR_OFFS => answer.offset = u32_at(attribute.payload, 0),
                _ => {}
            }
        }
        Some(answer)
    }
}

/// Up to the first NUL; `None` when it is not UTF-8.
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|octet| *octet == 0).unwrap_or(bytes.len());
    std::str::from_utf8(bytes.get(..end)?).ok()
}

pub(crate) fn u8_at(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_ne_bytes)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_ne_bytes)
}

pub(crate) fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    array_at(bytes, at).map(i32::from_ne_bytes)
}

pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// In the byte order of the machine.
pub(crate) const fn ne_bytes(value: u32) -> [u8; 4] {
    value.to_ne_bytes()
}

/// `NLMSG_ALIGN` and `RTA_ALIGN`.
pub(crate) const fn aligned(len: usize) -> usize {
    len.saturating_add(3) & !3
}

/// `NLMSG_HDRLEN`.
pub(crate) const HEADER: usize = 16;
const ATTRIBUTE_HEADER: usize = 4;
/// `NLA_TYPE_MASK`.
const KIND_MASK: u16 = 0x3fff;

/// `NLMSG_ERROR`.
pub(crate) const ERROR: u16 = 2;
/// `NLMSG_DONE`.
pub(crate) const DONE: u16 = 3;
/// `NLM_F_REQUEST`.
pub(crate) const REQUEST: u16 = 0x1;
/// `NLM_F_ACK`.
pub(crate) const ACK: u16 = 0x4;
/// `NLM_F_DUMP_INTR`: what was listed changed on the way.
pub(crate) const DUMP_INTERRUPTED: u16 = 0x10;
/// `NLM_F_REPLACE`.
pub(crate) const REPLACE: u16 = 0x100;
/// `NLM_F_EXCL`.
pub(crate) const EXCLUSIVE: u16 = 0x200;
/// `NLM_F_CREATE`.
pub(crate) const CREATE: u16 = 0x400;
/// `NLM_F_DUMP`.
pub(crate) const DUMP: u16 = 0x300;
/// `NLM_F_CAPPED`, in an answer.
const CAPPED: u16 = 0x100;
/// `NLM_F_ACK_TLVS`, in an answer.
const ACK_TLVS: u16 = 0x200;
/// `NLMSGERR_ATTR_MSG`.
const ATTR_MSG: u16 = 1;
/// `NLMSGERR_ATTR_OFFS`.
const ATTR_OFFS: u16 = 2;
