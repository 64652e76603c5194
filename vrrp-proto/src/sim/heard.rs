//! Advertisements as if they had passed the ladder: in a simulation nobody forges any.

use core::net::IpAddr;

use crate::{
    Accepted, Addresses, Authenticated, ChecksumForm, Family, Interval, Notes, Priority, Version,
    VirtualRouterId,
};

pub(crate) fn accepted(
    version: Version,
    vrid: VirtualRouterId,
    priority: Priority,
    interval: Interval,
    source: IpAddr,
) -> Accepted<'static> {
    Accepted {
        version,
        vrid,
        priority,
        interval,
        source,
        destination: source,
        checksum: ChecksumForm::MessageOnly,
        addresses: Addresses::new(&[], Family::from(source)),
        ttl: 255,
        authenticated: Authenticated::None,
        notes: Notes::NONE,
    }
}
