//! `vrrp_instance`, word by word.

use super::{Translator, track_kind};
use crate::import::keepalived::keywords::Block;
use crate::import::keepalived::model::{At, AuthenticationKind, Instance, Peer, State};
use crate::import::keepalived::tree::Statement;
use crate::import::report::Reported as _;

impl Translator<'_> {
    pub(super) fn instance(&mut self, statement: &Statement, instance: &mut Instance) {
        match statement.keyword() {
            "state" => match statement.argument(0) {
                Some("MASTER") => self.set(statement, &mut instance.state, State::Master),
                Some("BACKUP") => self.set(statement, &mut instance.state, State::Backup),
                _ => self.wrong(statement, "MASTER or BACKUP: BACKUP is taken"),
            },
            "interface" => self.text(statement, &mut instance.interface),
            "virtual_router_id" => self.number(statement, &mut instance.vrid, 1..=255),
            "priority" => {
                self.number(statement, &mut instance.priority, 1..=255);
                // One that is none is 100 for keepalived, whatever the state.
                instance.priority.get_or_insert_with(|| At { value: 100, place: statement.place() });
            }
            "version" => self.number(statement, &mut instance.version, 2..=3),
            "advert_int" => self.seconds(statement, &mut instance.interval, 0..=255),
            "down_timer_adverts" => self.number(statement, &mut instance.down_adverts, 1..=100),
            "nopreempt" => {
                self.report.translated(statement);
                instance.no_preempt = Some(statement.place());
            }
            "preempt" => {
                self.report.translated(statement);
                instance.no_preempt = None;
            }
            "preempt_delay" => self.seconds(statement, &mut instance.preempt_delay, 0..=1000),
            "unicast_src_ip" => self.address(statement, &mut instance.source),
            "mcast_src_ip" => self.address(statement, &mut instance.source),
            "mcast_dst_ip" => self.address(statement, &mut instance.group),
            "unicast_peer" => self.peers(statement, &mut instance.peers),
            "check_unicast_src" => {
                self.report.changed(statement, "always so: only the peers' advertisements are heard");
            }
            "old_unicast_checksum" => {
                let why = "a checksum over the multicast group is understood, never sent (keepalived up to 1.3.6 needs it)";
                self.report.changed(statement, why);
            }
            "authentication" => self.authentication(statement, instance),
            "virtual_ipaddress" => self.addresses(statement, &mut instance.addresses),
            "virtual_ipaddress_excluded" => self.addresses(statement, &mut instance.excluded),
            "use_vmac" => {
                if statement.argument(0).is_some() {
                    self.report.changed(statement, "the interface has a name and an address of our choice");
                } else {
                    self.report.translated(statement);
                }
                instance.virtual_mac = Some(statement.place());
            }
            "vmac_xmit_base" => {
                self.report.changed(statement, "which interface sends the advertisements cannot be chosen");
            }
            "accept" | "native_ipv6" => {
                self.report.changed(statement, "always so: nothing had to be written");
            }
            "notify_master" => self.notify(statement, &mut instance.notify.active),
            "notify_backup" => self.notify(statement, &mut instance.notify.backup),
            "notify_fault" => self.notify(statement, &mut instance.notify.fault),
            "notify_stop" => self.notify(statement, &mut instance.notify.stop),
            "notify" => self.notify(statement, &mut instance.notify.any),
            keyword => match track_kind(keyword) {
                Some(kind) => self.tracks(kind, statement, &mut instance.tracks),
                None if self.garp(keyword, statement, &mut instance.garp) => {}
                None => self.other(statement, Block::Instance),
            },
        }
    }

    fn peers(&mut self, block: &Statement, peers: &mut Vec<Peer>) {
        self.report.translated(block);
        for statement in block.statements() {
            let Ok(address) = statement.keyword().parse() else {
                self.wrong(statement, "no address");
                continue;
            };
            if peers.iter().any(|peer| peer.address == address) {
                self.wrong(statement, "stands here twice");
                continue;
            }
            let mut peer = Peer { address, min_ttl: None, place: statement.place() };
            let mut words = statement.arguments.iter().map(|word| word.text.as_str());
            let mut translated = true;
            while let Some(word) = words.next() {
                match word {
                    "min_ttl" => match words.next().map(str::parse) {
                        Some(Ok(ttl)) => peer.min_ttl = Some(ttl),
                        _ => self.wrong(statement, "a TTL is from 0 to 255"),
                    },
                    "max_ttl" => {
                        words.next();
                        translated = false;
                        self.report.changed(statement, "there is no highest TTL");
                    }
                    other => self.wrong(statement, format!("`{other}` is neither `min_ttl` nor `max_ttl`")),
                }
            }
            if translated {
                self.report.translated(statement);
            }
            peers.push(peer);
        }
    }

    fn authentication(&mut self, block: &Statement, instance: &mut Instance) {
        self.report.translated(block);
        for statement in block.statements() {
            match statement.keyword() {
                "auth_type" => match statement.argument(0) {
                    Some("PASS") => {
                        self.set(statement, &mut instance.authentication, AuthenticationKind::Pass)
                    }
                    Some("AH") => self.set(statement, &mut instance.authentication, AuthenticationKind::Ah),
                    _ => self.wrong(statement, "PASS or AH"),
                },
                "auth_pass" => self.text(statement, &mut instance.secret),
                _ => self.other(statement, Block::Authentication),
            }
        }
    }
}
