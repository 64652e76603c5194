//! Whether the neighbours have learned: each is asked, with our address as the one who asks, until it answers. No clock and
//! no socket in [`Confirm`]; [`Confirm::run`] lends it both.

use crate::{Body, Heard, Interface, Listener, Message, OpenError, Purpose, Sender, Unsent, arp, ndp};
use crate::{SendError, WatchError};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// Asks neighbours until they have learned where an address is.
///
/// The question is an ARP request for the neighbour with our address as its sender, or a solicitation from our address: a
/// neighbour that keeps to RFC 826 or RFC 4861 §7.2.3 notes the sender before it answers, Linux replaces an entry it has
/// and makes one it has not. So the question teaches, and its answer says that it did. The answer goes to our MAC, so it also
/// shows that the switches between have learned the port.
///
/// # What it does not prove
///
/// A device that answers ARP in one place and learns in another (a fabric with ARP suppression, dynamic ARP inspection, a
/// cloud's network) may answer and send elsewhere. For ARP the answer's address is copied from the question; only for IPv6
/// does it come from the neighbour's table. Silence proves nothing either: the neighbour may be off, or refuse a sender
/// outside its subnet.
#[derive(Debug)]
pub struct Confirm {
    address: IpAddr,
    timing: ConfirmTiming,
    neighbors: Vec<Asked>,
}

/// Somebody whose table matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// Its address, of the same family as ours.
    pub address: IpAddr,
    /// Its MAC, to ask it alone; without one everybody hears the question.
    pub mac: Option<[u8; 6]>,
}

/// How long to go on asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfirmTiming {
    /// From the first question to the second; doubled each time.
    pub first: Duration,
    /// At most this long between two questions.
    pub most: Duration,
    /// So many questions in all.
    pub times: u32,
}

impl Default for ConfirmTiming {
    /// Seven questions in about three seconds: at 0, 50, 150, 350, 750, 1550 and 2550 ms, and a second for the last answer.
    fn default() -> Self {
        Self { first: Duration::from_millis(50), most: Duration::from_secs(1), times: 7 }
    }
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    neighbor: Neighbor,
    answer: Answer,
    questions: u32,
    next: Instant,
}

/// What is known of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is being asked.
    Pending,
    /// It has answered from this MAC, after so many questions.
    Learned {
        /// Its own MAC.
        mac: [u8; 6],
        /// How many it took.
        questions: u32,
    },
    /// It has not answered any question.
    Silent,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a question that is not sent is counted as sent"]
pub enum ConfirmStep {
    /// Send this, and ask again.
    Send(Message),
    /// Nothing before then, unless something is heard.
    Wait(Instant),
    /// Each has answered or been given up: see [`Confirm::answers`].
    Done,
}

/// Why the neighbours were not asked to the end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfirmError {
    /// The listening socket was not opened.
    #[error("answers cannot be listened for")]
    Open(#[from] OpenError),
    /// The question could not be sent.
    #[error("the question was not sent")]
    Send(#[from] SendError),
    /// The answers could not be heard.
    #[error("answers were not heard")]
    Watch(#[from] WatchError),
}

impl Confirm {
    /// Asks these neighbours from `now` on; those of the other family are left out.
    pub fn new(address: IpAddr, neighbors: &[Neighbor], timing: ConfirmTiming, now: Instant) -> Self {
        let neighbors = neighbors
            .iter()
            .filter(|neighbor| neighbor.address.is_ipv4() == address.is_ipv4())
            .map(|&neighbor| Asked { neighbor, answer: Answer::Pending, questions: 0, next: now })
            .collect();
        Self { address, timing, neighbors }
    }

    /// What to do at `now`. Ask again at once after a [`ConfirmStep::Send`].
    pub fn next(&mut self, now: Instant) -> ConfirmStep {
        let mut wake: Option<Instant> = None;
        for asked in self.neighbors.iter_mut().filter(|asked| asked.answer == Answer::Pending) {
            if asked.next <= now {
                if asked.questions >= self.timing.times {
                    asked.answer = Answer::Silent;
                    continue;
                }
                let doubled = self.timing.first.saturating_mul(1 << asked.questions.min(20));
                asked.questions += 1;
                asked.next = now.checked_add(doubled.min(self.timing.most)).unwrap_or(now);
                if let Some(question) = question(self.address, asked.neighbor) {
                    return ConfirmStep::Send(question);
                }
            }
            wake = Some(wake.map_or(asked.next, |wake| wake.min(asked.next)));
        }
        wake.map_or(ConfirmStep::Done, ConfirmStep::Wait)
    }

    /// Something came in: whose answer is it, if anybody's?
    pub fn heard(&mut self, heard: &Heard) -> Option<Neighbor> {
        let (from, mac) = self.answer(heard)?;
        let asked = self.neighbors.iter_mut().find(|asked| asked.neighbor.address == from)?;
        if asked.questions == 0 || asked.answer != Answer::Pending {
            return None;
        }
        asked.answer = Answer::Learned { mac, questions: asked.questions };
        Some(asked.neighbor)
    }

    /// Each neighbour, and what is known of it.
    pub fn answers(&self) -> impl ExactSizeIterator<Item = (Neighbor, Answer)> + '_ {
        self.neighbors.iter().map(|asked| (asked.neighbor, asked.answer))
    }

    /// Asks to the end, on this thread, and answers who has learned and who has not.
    ///
    /// # Errors
    ///
    /// Each of [`ConfirmError`].
    pub fn run(mut self, sender: &mut Sender) -> Result<Vec<(Neighbor, Answer)>, ConfirmError> {
        let mut listener = Listener::open(sender.interface(), Purpose::Answers, &[self.address])?;
        loop {
            match self.next(Instant::now()) {
                ConfirmStep::Send(message) => {
                    sender.send(&[message]).map_err(|Unsent { reason, .. }| reason)?;
                }
                ConfirmStep::Wait(until) => {
                    if let Some(heard) = listener.wait(Some(until))? {
                        self.heard(&heard);
                    }
                }
                ConfirmStep::Done => return Ok(self.answers().collect()),
            }
        }
    }

    /// Who answers, if it is an answer to our address.
    fn answer(&self, heard: &Heard) -> Option<(IpAddr, [u8; 6])> {
        match (heard.body, self.address) {
            (Body::Arp(packet), IpAddr::V4(ours))
                if packet.operation == arp::Operation::Reply && packet.target == ours =>
            {
                Some((packet.sender.into(), packet.sender_mac))
            }
            (Body::Ndp(packet), IpAddr::V6(ours)) if packet.destination == ours => match packet.kind {
                ndp::Kind::Advertisement(flags) if flags.contains(ndp::Flags::SOLICITED) => {
                    Some((packet.target.into(), packet.link_layer.unwrap_or(heard.source)))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

fn question(address: IpAddr, neighbor: Neighbor) -> Option<Message> {
    let at = neighbor.mac;
    match (address, neighbor.address) {
        (IpAddr::V4(address), IpAddr::V4(neighbor)) => Some(Message::ArpQuestion { address, neighbor, at }),
        (IpAddr::V6(address), IpAddr::V6(neighbor)) => Some(Message::Solicitation { address, neighbor, at }),
        _ => None,
    }
}

/// The IPv4 neighbours that the kernel knows on an interface, default gateways first: whom to ask after a takeover. Neighbours
/// of IPv6 are in netlink only; give their addresses yourself. Read from `/proc`, in the calling thread's namespace; what
/// cannot be read is empty.
pub fn neighbors(interface: Interface) -> Vec<Neighbor> {
    let read = |name| std::fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default();
    interface.name().map_or_else(Vec::new, |name| tables(&name, &read("route"), &read("arp")))
}

fn tables(interface: &str, route: &str, arp: &str) -> Vec<Neighbor> {
    let mut found: Vec<Neighbor> = Vec::new();
    // Iface Destination Gateway Flags …; addresses in the host's order as hexadecimal numbers.
    for line in route.lines().skip(1) {
        let mut fields = line.split_whitespace();
        if let (Some(device), Some("00000000"), Some(gateway)) = (fields.next(), fields.next(), fields.next())
            && device == interface
            && let Ok(gateway) = u32::from_str_radix(gateway, 16)
            && gateway != 0
        {
            #[expect(clippy::host_endian_bytes, reason = "that is how the kernel prints it")]
            let address = Ipv4Addr::from(gateway.to_ne_bytes()).into();
            found.push(Neighbor { address, mac: None });
        }
    }
    // Address, hardware type, flags (2: complete), MAC, mask, device.
    for line in arp.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let [address, _, flags, mac, _, device] = fields[..]
            && device == interface
            && let Ok(address) = address.parse()
            && let Some(mac) = parse_mac(mac)
            && flags.strip_prefix("0x").and_then(|flags| u32::from_str_radix(flags, 16).ok()).unwrap_or(0) & 2
                != 0
        {
            match found.iter_mut().find(|known| known.address == address) {
                Some(known) => known.mac = Some(mac),
                None => found.push(Neighbor { address, mac: Some(mac) }),
            }
        }
    }
    found
}

fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut parts = text.split(':');
    for octet in &mut mac {
        *octet = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

#[cfg(test)]
mod tests;
