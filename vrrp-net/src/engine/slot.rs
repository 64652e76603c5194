//! One virtual router with all that belongs to it: election, packets, sockets, memory of its peers, counters.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use vrrp_proto::{
    Accepted, Datagram, Family, Fault, Instant, Ladder, PeerMemory, Priority, Reach as Listen, Reason,
    Reject, Router, State, active_down_interval,
};

use super::packets::{Packets, proof};
use crate::interface::{Interface, Link};
use crate::router::{Options, Reach, Report, RouterId};
use crate::socket;

/// Senders that are remembered. An accepted one beyond these takes the place of the one not heard for longest.
const MOST_PEERS: usize = 16;

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: RouterId,
    pub(super) options: Options,
    pub(super) router: Router,
    pub(super) packets: Packets,
    /// The sockets that it uses now.
    pub(super) hears_by: Option<socket::Options>,
    pub(super) speaks_by: Option<socket::Options>,
    pub(super) unsent: u64,
    pub(super) trouble: Option<String>,
    /// What was heard last, by which interface and when.
    last_heard: Option<(u64, u32, Instant)>,
    peers: Vec<(IpAddr, PeerMemory, Instant)>,
    refused: Box<[u64; Reject::COUNT]>,
    last_refused: Option<(Reject, IpAddr, SystemTime)>,
}

/// Between the two times that one frame is given to us.
const SAME_FRAME: Duration = Duration::from_millis(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twice {
    Yes,
    No,
}

impl Slot {
    pub(super) fn new(id: RouterId, options: Options, router: Router, packets: Packets) -> Self {
        Self {
            id,
            options,
            router,
            packets,
            hears_by: None,
            speaks_by: None,
            unsent: 0,
            trouble: None,
            last_heard: None,
            peers: Vec::new(),
            refused: Box::new([0; Reject::COUNT]),
            last_refused: None,
        }
    }

    /// What is wrong with its interfaces, as the election wants to know it; the second is what it sends from.
    /// `virtuals` are the addresses of all virtual routers of this process.
    pub(super) fn look(
        &self,
        interfaces: &[Interface],
        virtuals: &HashSet<IpAddr>,
    ) -> (Vec<Fault>, Option<IpAddr>) {
        let find = |name: &str| interfaces.iter().find(|interface| interface.name() == name);
        let here = find(&self.options.interface);
        let out = self.options.transmit_interface.as_deref().map(find);
        let carries = |interface: Option<&Interface>| interface.is_some_and(|found| found.link() == Link::Up);
        let mut faults = Vec::new();
        if !carries(here) || out.is_some_and(|out| !carries(out)) {
            faults.push(Fault::LINK_DOWN);
        }
        // The owner's addresses are its own, and stay.
        let owns = self.options.election.priority == Priority::OWNER;
        let is_virtual = |address: &IpAddr| {
            virtuals.contains(address) && !(owns && self.options.addresses.contains(address))
        };
        let source = match (self.options.source, here) {
            (Some(fixed), _) => {
                interfaces.iter().any(|found| found.addresses().contains(&fixed)).then_some(fixed)
            }
            (None, Some(here)) => match self.options.family() {
                Family::V4 => here.first_v4(|address| !is_virtual(address)).map(IpAddr::V4),
                Family::V6 => here.first_link_local_v6(|address| !is_virtual(address)).map(IpAddr::V6),
            },
            (None, None) => None,
        };
        if source.is_none() {
            faults.push(Fault::NO_ADDRESS);
        }
        (faults, source)
    }

    /// Whether all that is due is its next advertisement in turn, which nothing that was heard need come before.
    pub(super) fn only_advertises(&self) -> bool {
        self.router.state() == State::Active
            && !matches!(
                self.router.standing().reason,
                Reason::Yielding
                    | Reason::Demoted { .. }
                    | Reason::HandingOver { .. }
                    | Reason::Rechecking { .. }
            )
    }

    /// Whether the kernel has given this one to us by the other interface already: a frame for the group that is not from
    /// the virtual MAC reaches both the interface and the macvlan on it.
    pub(super) fn heard_twice(&mut self, datagram: &Datagram<'_>, by: u32, at: Instant) -> Twice {
        if self.options.transmit_interface.is_none() {
            return Twice::No;
        }
        let mut hasher = DefaultHasher::new();
        (datagram.source(), datagram.payload()).hash(&mut hasher);
        let now = (hasher.finish(), by, at);
        let twice = self.last_heard.is_some_and(|(hash, other, before)| {
            hash == now.0 && other != by && at.saturating_since(before) < SAME_FRAME
        });
        // Said again by the same interface it counts again.
        self.last_heard = if twice { None } else { Some(now) };
        if twice { Twice::Yes } else { Twice::No }
    }

    /// Lets a datagram up the ladder. What is refused changes a counter and nothing else.
    pub(super) fn check<'d>(
        &mut self,
        datagram: &Datagram<'d>,
        own: &[IpAddr],
        at: Instant,
        wall: SystemTime,
    ) -> Option<Accepted<'d>> {
        let mut ladder = Ladder::new(self.options.election.vrid, self.options.family());
        ladder.versions = self.options.election.versions;
        ladder.interval = self.options.election.interval;
        ladder.addresses = Some(self.packets.addresses().borrowed());
        ladder.reach = match &self.options.reach {
            Reach::Multicast(group) => Listen::Group(*group),
            Reach::Unicast(peers) => Listen::Peers(peers),
        };
        ladder.authentication = proof(&self.options.authentication);
        ladder.own = own;
        let source = datagram.source();
        let known = self.peers.iter().position(|(peer, ..)| *peer == source);
        let mut memory = PeerMemory::new();
        if let Some((_, remembered, heard)) = known.and_then(|place| self.peers.get(place)) {
            memory = *remembered;
            // A peer that was started again counts from 1, and was silent before.
            if at.saturating_since(*heard) > self.patience() {
                memory.forget_sequence();
            }
        }
        match ladder.check(datagram, &mut memory) {
            Ok(accepted) => {
                if let Some(sequence) = memory.ah_sequence() {
                    self.packets.heard(sequence);
                }
                self.remember(known, source, memory, at);
                Some(accepted)
            }
            Err(reject) => {
                if let Some(counter) = self.refused.get_mut(reject.index()) {
                    *counter += 1;
                }
                if !matches!(reject, Reject::OwnPacket { .. }) {
                    self.last_refused = Some((reject, source, wall));
                }
                None
            }
        }
    }

    fn remember(&mut self, known: Option<usize>, source: IpAddr, memory: PeerMemory, at: Instant) {
        let oldest =
            || self.peers.iter().enumerate().min_by_key(|(_, (.., heard))| *heard).map(|(place, _)| place);
        let place = known.or_else(|| if self.peers.len() < MOST_PEERS { None } else { oldest() });
        match place.and_then(|place| self.peers.get_mut(place)) {
            Some(peer) => *peer = (source, memory, at),
            None => self.peers.push((source, memory, at)),
        }
    }

    /// The form of the checksum that was heard last, of anybody.
    pub(super) fn heard_checksum(&self) -> Option<vrrp_proto::ChecksumForm> {
        self.peers.iter().max_by_key(|(.., heard)| *heard).and_then(|(_, memory, _)| memory.checksum())
    }

    /// After so much silence a peer is gone.
    fn patience(&self) -> Duration {
        let election = &self.options.election;
        active_down_interval(self.router.priority(), election.interval, election.down_timer_adverts)
    }

    pub(super) fn report(&self, at: Instant, wall: SystemTime) -> Report {
        let counted = Reject::LABELS.iter().zip(self.refused.iter()).filter(|(_, count)| **count > 0);
        Report {
            vrid: self.options.election.vrid,
            status: self.router.status(),
            at,
            wall,
            source: self.packets.source(),
            refused: counted.map(|(label, count)| (*label, *count)).collect(),
            last_refused: self.last_refused,
            unsent: self.unsent,
            trouble: self.trouble.clone(),
        }
    }
}
