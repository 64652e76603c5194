//! Links: `struct ifinfomsg` and the attributes `IFLA_*` (`linux/if_link.h`).

use super::{Attributes, Encoder, text, u8_at, u16_at, u32_at};
use crate::link::{Carrier, Link, LinkFlags, Mac, OperState};
use crate::macvlan::MacvlanMode;

/// Reads the payload of `RTM_NEWLINK` or `RTM_DELLINK`; `None` when it is cut, or tells of something that is not a
/// link (a bridge's port, a wireless event).
#[must_use]
pub fn parse_link(payload: &[u8]) -> Option<Link> {
    // AF_UNSPEC; bridges send messages of their own family about their ports.
    if u8_at(payload, 0)? != 0 {
        return None;
    }
    let flags = LinkFlags::new(u32_at(payload, 8)?);
    let mut link = Link {
        index: u32_at(payload, 4)?,
        name: String::new(),
        mac: Mac::default(),
        mtu: 0,
        flags,
        carrier: if flags.contains(LinkFlags::LOWER_UP) { Carrier::Present } else { Carrier::Absent },
        state: OperState::Unknown,
        carrier_changes: 0,
        hardware: u16_at(payload, 2)?,
        kind: None,
        parent: None,
        master: None,
        alias: None,
        macvlan_mode: None,
    };
    for attribute in Attributes::new(payload.get(FIXED..)?) {
        let payload = attribute.payload;
        match attribute.kind {
            ADDRESS => link.mac = Mac::new(payload)?,
            // Tells of the radio, and leaves everything else out.
            WIRELESS => return None,
            NAME => link.name = text(payload)?.to_owned(),
            MTU => link.mtu = u32_at(payload, 0)?,
            PARENT => link.parent = u32_at(payload, 0),
            MASTER => link.master = u32_at(payload, 0),
            OPERSTATE => link.state = OperState::new(u8_at(payload, 0)?),
            ALIAS => link.alias = text(payload).map(str::to_owned),
            CARRIER => {
                link.carrier = if u8_at(payload, 0)? == 0 { Carrier::Absent } else { Carrier::Present };
            }
            CARRIER_CHANGES => link.carrier_changes = u32_at(payload, 0)?,
            LINKINFO => read_info(payload, &mut link),
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

fn read_info(payload: &[u8], link: &mut Link) {
    let info = Attributes::new(payload);
    link.kind = info.payload_of(INFO_KIND).and_then(text).map(str::to_owned);
    if link.kind.as_deref() == Some("macvlan") {
        let mode = info.payload_of(INFO_DATA).and_then(|data| Attributes::new(data).payload_of(MACVLAN_MODE));
        link.macvlan_mode = mode.and_then(|mode| MacvlanMode::of(u32_at(mode, 0)?));
    }
}

/// `IFLA_EVENT`: why the kernel tells of this link now.
pub(crate) fn link_event(payload: &[u8]) -> Option<u32> {
    Attributes::new(payload.get(FIXED..)?).payload_of(EVENT).and_then(|event| u32_at(event, 0))
}

/// The request for one link; index 0 where a name tells which.
pub(crate) fn fixed(index: u32, flags: LinkFlags, change: LinkFlags) -> [u8; FIXED] {
    let mut fixed = [0; FIXED];
    for (place, value) in fixed.chunks_exact_mut(4).skip(1).zip([index, flags.bits(), change.bits()]) {
        place.copy_from_slice(&value.to_ne_bytes());
    }
    fixed
}

/// Asks for one link by its name.
pub(crate) fn get_by_name(out: &mut Vec<u8>, seq: u32, name: &str) {
    let none = LinkFlags::default();
    Encoder::request(out, GET_LINK, 0, seq, &fixed(0, none, none)).attribute_text(NAME, name).finish();
}

/// Asks for one link by its index.
pub(crate) fn get_by_index(out: &mut Vec<u8>, seq: u32, index: u32) {
    let none = LinkFlags::default();
    Encoder::request(out, GET_LINK, 0, seq, &fixed(index, none, none)).finish();
}

/// Makes a macvlan; it is down, with a text that says what to put back.
pub(crate) fn create_macvlan(
    out: &mut Vec<u8>,
    seq: u32,
    name: &str,
    parent: u32,
    mac: Mac,
    mode: MacvlanMode,
) {
    let none = LinkFlags::default();
    let flags = super::CREATE | super::EXCLUSIVE | super::ACK;
    let mut message = Encoder::request(out, NEW_LINK, flags, seq, &fixed(0, none, none));
    message.attribute_text(NAME, name).attribute_u32(PARENT, parent).attribute(ADDRESS, mac.as_bytes());
    let info = message.open(LINKINFO);
    // Without its NUL, as all senders of it do.
    message.attribute(INFO_KIND, b"macvlan");
    let data = message.open(INFO_DATA);
    message.attribute_u32(MACVLAN_MODE, mode.number());
    message.close(data).close(info).finish();
}

/// No IPv6 address of its own making: two machines with the same hardware address would make the same one.
pub(crate) fn without_own_addresses(out: &mut Vec<u8>, seq: u32, index: u32) {
    let none = LinkFlags::default();
    let mut message = Encoder::request(out, NEW_LINK, super::ACK, seq, &fixed(index, none, none));
    let families = message.open(AF_SPEC);
    let inet6 = message.open(super::address::INET6.into());
    message.attribute_u8(INET6_ADDR_GEN_MODE, ADDR_GEN_NONE);
    message.close(inet6).close(families).finish();
}

/// Changes flags, and nothing else.
pub(crate) fn set_flags(out: &mut Vec<u8>, seq: u32, index: u32, flags: LinkFlags, change: LinkFlags) {
    Encoder::request(out, NEW_LINK, super::ACK, seq, &fixed(index, flags, change)).finish();
}

/// Sets the text for people.
pub(crate) fn set_alias(out: &mut Vec<u8>, seq: u32, index: u32, alias: &str) {
    let none = LinkFlags::default();
    Encoder::request(out, NEW_LINK, super::ACK, seq, &fixed(index, none, none))
        .attribute(ALIAS, alias.as_bytes())
        .finish();
}

/// Sets the hardware address.
pub(crate) fn set_mac(out: &mut Vec<u8>, seq: u32, index: u32, mac: Mac) {
    let none = LinkFlags::default();
    Encoder::request(out, NEW_LINK, super::ACK, seq, &fixed(index, none, none))
        .attribute(ADDRESS, mac.as_bytes())
        .finish();
}

/// Removes a link.
pub(crate) fn remove_link(out: &mut Vec<u8>, seq: u32, index: u32) {
    let none = LinkFlags::default();
    Encoder::request(out, DELETE_LINK, super::ACK, seq, &fixed(index, none, none)).finish();
}

/// `RTM_NEWLINK`.
pub(crate) const NEW_LINK: u16 = 16;
/// `RTM_DELLINK`.
pub(crate) const DELETE_LINK: u16 = 17;
/// `RTM_GETLINK`.
pub(crate) const GET_LINK: u16 = 18;
/// `IFLA_EVENT_BONDING_FAILOVER`.
pub(crate) const EVENT_BONDING_FAILOVER: u32 = 3;
/// `IFLA_EVENT_NOTIFY_PEERS`.
pub(crate) const EVENT_NOTIFY_PEERS: u32 = 4;
/// `sizeof(struct ifinfomsg)`.
pub(crate) const FIXED: usize = 16;
const ADDRESS: u16 = 1;
const NAME: u16 = 3;
const MTU: u16 = 4;
const PARENT: u16 = 5;
const MASTER: u16 = 10;
const WIRELESS: u16 = 11;
const OPERSTATE: u16 = 16;
const LINKINFO: u16 = 18;
const ALIAS: u16 = 20;
const AF_SPEC: u16 = 26;
const CARRIER: u16 = 33;
const CARRIER_CHANGES: u16 = 35;
const EVENT: u16 = 44;
const INFO_KIND: u16 = 1;
const INFO_DATA: u16 = 2;
const MACVLAN_MODE: u16 = 1;
const INET6_ADDR_GEN_MODE: u16 = 8;
/// `IN6_ADDR_GEN_MODE_NONE`.
const ADDR_GEN_NONE: u8 = 1;
