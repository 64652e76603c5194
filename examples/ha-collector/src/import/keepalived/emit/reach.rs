//! How a virtual router's advertisements travel, and what proves them.

use std::net::IpAddr;

use vrrp_proto::Family;

use super::Emitter;
use crate::import::keepalived::model::{At, AuthenticationKind, Instance};
use crate::import::report::Group;
use crate::import::toml::string;

impl Emitter<'_> {
    pub(super) fn reach(&mut self, instance: &Instance, family: Family) {
        let of_kind = |address: &IpAddr| Family::from(*address) == family;
        let source = match instance.source {
            Some(source) if !of_kind(&source.value) => {
                self.say(
                    Group::Wrong,
                    source.place,
                    &source.value.to_string(),
                    "not of the kind of the addresses",
                );
                None
            }
            source => source,
        };
        if let Some(source) = source {
            self.toml.key("unicast-source", &string(&source.value.to_string()), Some(source.place));
        }
        let mut peers = Vec::new();
        for peer in &instance.peers {
            let shown = peer.address.to_string();
            if !of_kind(&peer.address) {
                self.say(Group::Wrong, peer.place, &shown, "not of the kind of the addresses: left out");
            } else if source.is_some_and(|source| source.value == peer.address) {
                self.say(
                    Group::Changed,
                    peer.place,
                    &shown,
                    "this is our own address (unicast_src_ip): left out",
                );
            } else {
                peers.push(*peer);
            }
        }
        if let (Some(first), Some(least)) =
            (peers.first(), peers.iter().map(|peer| peer.min_ttl.unwrap_or(1)).min())
        {
            let items: Vec<_> =
                peers.iter().map(|peer| (string(&peer.address.to_string()), Some(peer.place))).collect();
            self.toml.list("unicast-peers", None, &items);
            let least = least.max(1);
            if peers.iter().any(|peer| peer.min_ttl.unwrap_or(1).max(1) != least) {
                self.say(Group::Changed, first.place, "min_ttl", "one for all peers: the lowest");
            }
            let why = "only peers are heard; keepalived hears anybody unless there is check_unicast_src";
            self.say(Group::Changed, first.place, "unicast_peer", why);
            if least == 1 {
                self.toml.because(
                    "unicast-min-ttl",
                    "1",
                    None,
                    "keepalived looks at no TTL; 255 where peers are on this link",
                );
                let why = if family == Family::V6 {
                    "any hop limit is accepted, as by keepalived, which sends IPv6 with 64; 255 (our default) keeps out \
                     who is not on the link, once all nodes send it"
                } else {
                    "any TTL is accepted, as by keepalived; `unicast-min-ttl = 255` (our default) keeps out who is not on the link"
                };
                self.say(Group::Advice, first.place, "unicast_peer", why);
            } else {
                self.toml.key("unicast-min-ttl", &least.to_string(), Some(first.place));
            }
            return;
        }
        if let Some(source) = source.filter(|_| !instance.peers.is_empty()) {
            self.say(Group::Changed, source.place, "unicast_src_ip", "without peers there is multicast");
        }
        let globals = &self.node.globals;
        let group = instance.group.or(if family == Family::V6 { globals.group_v6 } else { globals.group_v4 });
        if let Some(group) = group {
            self.toml.key("group", &string(&group.value.to_string()), Some(group.place));
        }
    }

    pub(super) fn authentication(&mut self, instance: &Instance, version: u8, family: Family) {
        let (kind, secret) = match (&instance.authentication, &instance.secret) {
            (Some(kind), Some(secret)) => (kind, secret),
            (None, None) => return,
            (Some(At { place, .. }), None) | (None, Some(At { place, .. })) => {
                self.say(
                    Group::Changed,
                    *place,
                    "authentication",
                    "half of it is none, as keepalived has it",
                );
                return;
            }
        };
        if version != 2 || family == Family::V6 {
            let why = "version 3 has no authentication: left out, as keepalived does";
            self.say(Group::Changed, kind.place, "authentication", why);
            return;
        }
        let mut used = secret.value.clone();
        if used.len() > 8 {
            self.say(
                Group::Advice,
                secret.place,
                "auth_pass …",
                "only its first 8 bytes are used; the rest protects nothing",
            );
            // In the middle of a character it cannot be cut here; the check does, and says so.
            if used.is_char_boundary(8) {
                used.truncate(8);
            }
        }
        let (name, why) = match kind.value {
            AuthenticationKind::Pass => {
                ("pass", "the secret travels in clear text, readable by anybody on the link")
            }
            AuthenticationKind::Ah => ("ah", "HMAC-MD5-96 with a secret of 8 bytes"),
        };
        let why = format!("{why}; authentication left VRRP in 2004 (RFC 3768), and version 3 has none");
        self.say(Group::Advice, kind.place, "auth_type", &why);
        let value = format!("{{ type = \"{name}\", secret = {} }}", string(&used));
        self.toml.key("authentication", &value, Some(secret.place));
    }
}
