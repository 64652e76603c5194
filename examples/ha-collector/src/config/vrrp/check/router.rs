//! `[[vrrp]]`: one virtual router.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use toml::Spanned;
use vrrp_proto::{Family, Interval, Priority, Version, VirtualRouterId};

use super::Names;
use super::checker::Checker;
use crate::config::units::Span;
use crate::config::vrrp::{
    Announce, Authentication, Checksum, Initial, LinkLayer, Notify, Preempt, Reach, Scope, Sense, Track,
    Tracked, VirtualAddress, VirtualRouter, Weight, schema,
};

const GROUP_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));
const GROUP_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12));

impl Checker<'_> {
    pub(super) fn router(&mut self, vrrp: schema::Vrrp, names: &Names) -> Option<VirtualRouter> {
        let before = self.findings.errors.len();
        let version = match vrrp.version.as_ref().map_or(3, |version| *version.get_ref()) {
            2 => Version::V2,
            3 => Version::V3,
            other => {
                let span = vrrp.version.as_ref().map(Spanned::span).unwrap_or_default();
                self.wrong(span, format!("there is no VRRP version {other}"), "2 (RFC 3768) or 3 (RFC 9568)");
                Version::V3
            }
        };
        let vrid = VirtualRouterId::new(*vrrp.vrid.get_ref());
        if vrid.is_none() {
            self.wrong(vrrp.vrid.span(), "a virtual router's number is 1 to 255", "");
        }
        if vrrp.interface.get_ref().is_empty() || vrrp.interface.get_ref().len() > 15 {
            self.wrong(vrrp.interface.span(), "no interface can have this name", "1 to 15 bytes");
        }
        let priority = self.number(vrrp.priority.clone(), Priority::DEFAULT.value(), 1..=255);
        let interval = self.interval(vrrp.advert_interval.as_ref(), version);
        let family = self.family(&vrrp, version);
        let addresses = self.addresses(vrrp.addresses.get_ref(), vrrp.interface.get_ref());
        let excluded = self.addresses(&vrrp.excluded_addresses, vrrp.interface.get_ref());
        if addresses.is_empty() {
            self.wrong(vrrp.addresses.span(), "a virtual router has at least one address", "");
        }
        if addresses.len() > 255 {
            self.wrong(
                vrrp.addresses.span(),
                "an advertisement holds at most 255 addresses",
                "put the others into `excluded-addresses`",
            );
        }
        if family == Family::V6
            && let Some(VirtualAddress { address, .. }) = addresses.first()
            && !matches!(address.address, IpAddr::V6(v6) if v6.is_unicast_link_local())
        {
            let help = "RFC 9568 §5.2.9; put a link-local one before the others, or the others into `excluded-addresses`";
            self.wrong(vrrp.addresses.span(), "the first IPv6 address must be link-local (fe80::…)", help);
        }
        let preempt = self.preempt(&vrrp, priority);
        let reach = self.reach(&vrrp, family);
        let authentication = self.authentication(vrrp.authentication.as_ref(), version, family);
        self.told(vrrp.notify.as_ref(), &vrrp.id.span());
        let checksum = match vrrp.checksum.as_ref().map(Spanned::get_ref) {
            None | Some(schema::Checksum::PseudoHeader) => Checksum::PseudoHeader,
            Some(schema::Checksum::MessageOnly) => Checksum::MessageOnly,
            Some(schema::Checksum::FollowPeer) => Checksum::FollowPeer,
        };
        if let Some(checksum) = &vrrp.checksum
            && (version, family) != (Version::V3, Family::V4)
        {
            self.wrong(
                checksum.span(),
                "there is only one checksum here",
                "`checksum` is for version 3 over IPv4",
            );
        }
        let tracks: Vec<Track> =
            vrrp.track.iter().filter_map(|track| self.track(track, names, priority)).collect();
        let health = match vrrp.health.as_ref().map(Spanned::get_ref) {
            None | Some(schema::Health::Word(schema::HealthWord::Fault) | schema::Health::Weight(0)) => {
                Some(Weight::Fault)
            }
            Some(schema::Health::Word(schema::HealthWord::Ignore)) => None,
            Some(schema::Health::Weight(weight)) => Some(Weight::Priority(*weight)),
        };
        if self.findings.errors.len() > before {
            return None;
        }
        Some(VirtualRouter {
            id: vrrp.id.into_inner(),
            interface: vrrp.interface.into_inner(),
            vrid: vrid?,
            version,
            family,
            priority: Priority::new(priority),
            interval,
            down_adverts: self.number(vrrp.down_adverts, 3, 1..=100),
            initial: match vrrp.state {
                Some(schema::State::Active) => Initial::Active,
                Some(schema::State::Backup) | None => Initial::Backup,
            },
            preempt,
            reach,
            authentication,
            checksum,
            link_layer: if vrrp.virtual_mac { LinkLayer::Virtual } else { LinkLayer::Interface },
            addresses,
            excluded,
            tracks,
            health,
            announce: vrrp.announce.as_ref().map(announce),
            notify: vrrp.notify.map(notify).unwrap_or_default(),
        })
    }

    fn interval(&mut self, given: Option<&Spanned<Span>>, version: Version) -> Interval {
        let Some(given) = given else { return Interval::ONE_SECOND };
        let Span(value) = *given.get_ref();
        let interval = match version {
            Version::V2 if value.subsec_nanos() == 0 => {
                u8::try_from(value.as_secs()).ok().and_then(Interval::from_seconds)
            }
            Version::V2 => None,
            _ if value.as_nanos().is_multiple_of(10_000_000) => {
                u16::try_from(value.as_millis() / 10).ok().and_then(Interval::from_centiseconds)
            }
            _ => None,
        };
        interval.unwrap_or_else(|| {
            let help = match version {
                Version::V2 => "version 2 counts whole seconds, 1s to 255s",
                _ => "version 3 counts in steps of 10ms, 10ms to 40.95s",
            };
            self.wrong(given.span(), format!("{value:?} cannot be advertised"), help);
            Interval::ONE_SECOND
        })
    }

    /// That of the advertised addresses, which must all be of one.
    fn family(&mut self, vrrp: &schema::Vrrp, version: Version) -> Family {
        let addresses = vrrp.addresses.get_ref();
        let first = addresses.first().map_or(Family::V4, |first| Family::from(plain(first.get_ref())));
        for address in addresses {
            if Family::from(plain(address.get_ref())) != first {
                let help = "IPv4 and IPv6 are two virtual routers; or put it into `excluded-addresses`";
                self.wrong(address.span(), "one virtual router advertises addresses of one kind", help);
            }
        }
        if version == Version::V2 && first == Family::V6 {
            self.wrong(vrrp.addresses.span(), "VRRP version 2 has no IPv6", "version = 3");
        }
        first
    }

    fn addresses(&mut self, given: &[Spanned<schema::Address>], interface: &str) -> Vec<VirtualAddress> {
        let mut addresses: Vec<VirtualAddress> = Vec::new();
        for spanned in given {
            let address = match spanned.get_ref() {
                schema::Address::Plain(address) => VirtualAddress {
                    address: *address,
                    device: interface.to_owned(),
                    label: None,
                    scope: Scope::Global,
                },
                schema::Address::Detailed(detailed) => VirtualAddress {
                    address: detailed.address,
                    device: detailed.device.clone().unwrap_or_else(|| interface.to_owned()),
                    label: detailed.label.clone(),
                    scope: match detailed.scope {
                        None | Some(schema::Scope::Global) => Scope::Global,
                        Some(schema::Scope::Site) => Scope::Site,
                        Some(schema::Scope::Link) => Scope::Link,
                        Some(schema::Scope::Host) => Scope::Host,
                    },
                },
            };
            let ip = address.address.address;
            if ip.is_unspecified() || ip.is_multicast() || ip.is_loopback() {
                self.wrong(spanned.span(), format!("{ip} cannot be a virtual address"), "");
            }
            if addresses.iter().any(|other| other.address.address == ip) {
                self.wrong(spanned.span(), format!("{ip} stands here twice"), "");
            }
            if address.label.as_ref().is_some_and(|label| label.len() > 15) {
                self.wrong(spanned.span(), "a label has at most 15 bytes", "");
            }
            addresses.push(address);
        }
        addresses
    }

    fn preempt(&mut self, vrrp: &schema::Vrrp, priority: u8) -> Preempt {
        let never = vrrp.preempt.as_ref().is_some_and(|preempt| !preempt.get_ref());
        let delay =
            self.span(vrrp.preempt_delay.clone(), Duration::ZERO, Duration::ZERO..=Duration::from_secs(1000));
        if never && let Some(delay) = &vrrp.preempt_delay {
            self.wrong(
                delay.span(),
                "a delay before what never happens",
                "`preempt = false` needs no `preempt-delay`",
            );
        }
        if never && vrrp.state == Some(schema::State::Active) {
            let span = vrrp.preempt.as_ref().map(Spanned::span).unwrap_or_default();
            let help = "state = \"backup\" on both, or it takes over at its start all the same";
            self.warn(span, "`preempt = false` has no effect on a router that starts as Active", help);
        }
        if priority == 255 && never {
            let span = vrrp.priority.as_ref().map(Spanned::span).unwrap_or_default();
            self.wrong(span, "the owner of the addresses (255) always preempts", "RFC 9568 §6.1");
        }
        if never { Preempt::Never } else { Preempt::After(delay) }
    }

    fn reach(&mut self, vrrp: &schema::Vrrp, family: Family) -> Reach {
        let source = vrrp.unicast_source.as_ref();
        if let Some(source) = source
            && Family::from(*source.get_ref()) != family
        {
            self.wrong(source.span(), "not of the kind of the virtual addresses", "");
        }
        let source = source.map(|source| *source.get_ref());
        if vrrp.unicast_peers.is_empty() {
            if let Some(ttl) = &vrrp.unicast_min_ttl {
                self.wrong(ttl.span(), "there are no `unicast-peers`", "by multicast the TTL is always 255");
            }
            let default = match family {
                Family::V4 => GROUP_V4,
                Family::V6 => GROUP_V6,
            };
            let group = vrrp.group.as_ref().map_or(default, |group| *group.get_ref());
            if let Some(spanned) = &vrrp.group
                && (!group.is_multicast() || Family::from(group) != family)
            {
                self.wrong(spanned.span(), format!("{group} is no multicast group for these addresses"), "");
            }
            return Reach::Multicast { group, source };
        }
        if let Some(group) = &vrrp.group {
            self.wrong(group.span(), "either a group or `unicast-peers`", "");
        }
        let mut peers = Vec::new();
        for peer in &vrrp.unicast_peers {
            let address = *peer.get_ref();
            if Family::from(address) != family {
                self.wrong(peer.span(), "not of the kind of the virtual addresses", "");
            }
            if Some(address) == source {
                self.wrong(peer.span(), "this is our own address (`unicast-source`)", "peers are the others");
            }
            if peers.contains(&address) {
                self.wrong(peer.span(), format!("{address} stands here twice"), "");
            }
            peers.push(address);
        }
        let min_ttl = self.number(vrrp.unicast_min_ttl.clone(), 255, 1..=255);
        Reach::Unicast { source, peers, min_ttl }
    }

    fn authentication(
        &mut self,
        given: Option<&Spanned<schema::Authentication>>,
        version: Version,
        family: Family,
    ) -> Authentication {
        let Some(given) = given else { return Authentication::None };
        let schema::Authentication { kind, secret } = given.get_ref();
        if version != Version::V2 || family != Family::V4 {
            self.wrong(
                given.span(),
                "VRRP version 3 has no authentication",
                "it left VRRP in 2004; version = 2 has it",
            );
        }
        if secret.is_empty() {
            self.wrong(given.span(), "a secret cannot be empty", "");
        }
        if secret.len() > 8 {
            let used: String = secret.chars().take(8).collect();
            self.warn(
                given.span(),
                "only the first 8 bytes of a secret are used",
                &format!("`{used}`, as keepalived does"),
            );
        }
        if *kind == schema::AuthenticationKind::Pass {
            let help = "anybody on the link can read it, and it guards against mistakes only; authentication left VRRP in 2004";
            self.warn(given.span(), "this secret travels in clear text", help);
        }
        let mut key = [0; 8];
        for (to, from) in key.iter_mut().zip(secret.bytes()) {
            *to = from;
        }
        match kind {
            schema::AuthenticationKind::Pass => Authentication::Pass(key),
            schema::AuthenticationKind::Ah => Authentication::Ah(key),
        }
    }

    fn track(&mut self, track: &Spanned<schema::Track>, names: &Names, priority: u8) -> Option<Track> {
        let span = track.span();
        let schema::Track { interface, script, process, file, weight, reverse } = track.get_ref();
        let mut find = |kind: &str, name: &String, known: &HashMap<String, (usize, Option<i16>)>| {
            let found = known.get(name).copied();
            if found.is_none() {
                self.wrong(span.clone(), format!("there is no [[track-{kind}]] with the id `{name}`"), "");
            }
            found
        };
        let (what, own) = match (interface, script, process, file) {
            (Some(name), None, None, None) => (Tracked::Interface(name.clone()), None),
            (None, Some(name), None, None) => {
                let (place, own) = find("script", name, &names.scripts)?;
                (Tracked::Script(place), own)
            }
            (None, None, Some(name), None) => {
                let (place, own) = find("process", name, &names.processes)?;
                (Tracked::Process(place), own)
            }
            (None, None, None, Some(name)) => {
                let (place, own) = find("file", name, &names.files)?;
                (Tracked::File(place), own)
            }
            _ => {
                let help = "exactly one of `interface`, `script`, `process`, `file`";
                self.wrong(span, "this does not say what is to be tracked", help);
                return None;
            }
        };
        let number = weight.or(own).unwrap_or(0);
        if !(-254..=254).contains(&number) {
            self.wrong(span, format!("a weight of {number} is out of range"), "from -253 to 253");
            return None;
        }
        if number != 0 && priority == 255 {
            self.warn(
                span,
                "a weight does not change the priority of the owner (255)",
                "without a weight it is a fault",
            );
        }
        let weight = if number == 0 { Weight::Fault } else { Weight::Priority(number) };
        Some(Track { what, weight, sense: if *reverse { Sense::Reverse } else { Sense::Straight } })
    }
}

const fn plain(address: &schema::Address) -> IpAddr {
    match address {
        schema::Address::Plain(address) => address.address,
        schema::Address::Detailed(detailed) => detailed.address.address,
    }
}

fn announce(given: &schema::Announce) -> Announce {
    let span = |span: Option<Span>, default| span.map_or(default, |Span(span)| span);
    let repeat = given.repeat.unwrap_or(5);
    let delay = span(given.delay, Duration::from_secs(5));
    Announce {
        repeat,
        delay,
        refresh: span(given.refresh, Duration::ZERO),
        refresh_repeat: given.refresh_repeat.unwrap_or(1),
        lower_priority_repeat: given.lower_priority_repeat.unwrap_or(repeat),
        lower_priority_delay: span(given.lower_priority_delay, delay),
        interval: span(given.interval, Duration::ZERO),
    }
}

fn notify(given: schema::Notify) -> Notify {
    let schema::Notify { active, backup, fault, stop, any } = given;
    Notify { active, backup, fault, stop, any }
}
