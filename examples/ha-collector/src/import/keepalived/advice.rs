//! What will hurt: of one configuration, and of two that are to be a pair.

use std::path::Path;

use super::emit::rounded;
use super::model::{Instance, Kind, Node, State};
use crate::import::report::{Group, Report, printable};
use crate::import::source::{Files, Place};

/// What one configuration shows by itself.
pub(super) fn alone(node: &Node, report: &mut Report) {
    for script in &node.scripts {
        let Some(command) = &script.command else { continue };
        let what = format!("vrrp_script {}", script.name.value);
        if command.value.asks_is_active() {
            let why = "a service that is active need not work: a full disk or a dead destination goes unseen; \
                       --native-health lets the collector's own health decide";
            report.say(Group::Advice, command.place, what.clone(), why);
        }
        // Only what is on this host can be looked at.
        if let Some(program) = command.value.program().map(Path::new).filter(|path| path.exists())
            && let Err(error) = crate::keeper::refuse_unsafe(program)
        {
            report.say(Group::Advice, command.place, what, format!("will not be run: {error}"));
        }
    }
    for instance in &node.instances {
        if let Some(state) = instance.state.filter(|state| state.value == State::Master) {
            let why = "takes the addresses back at once when it returns: a second outage, and flapping if it is sick; \
                       `state BACKUP` with nopreempt, or preempt_delay, avoids it";
            report.say(Group::Advice, state.place, "state MASTER", why);
        }
    }
    if let Some(instance) = node.instances.first() {
        let peers = instance.peers.first().map_or_else(
            || "to 224.0.0.18 or ff02::12".to_owned(),
            |peer| format!("from {} and the other peers", peer.address),
        );
        let why = format!(
            "VRRP is IP protocol 112: a firewall must let it through {peers}, or every node becomes Active"
        );
        report.say(Group::Advice, instance.name.place, format!("vrrp_instance {}", instance.name.value), why);
    }
}

/// One side of a pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side<'a> {
    pub(super) node: &'a Node,
    pub(super) files: &'a Files,
}

/// What two configurations show together, a line each; none where they fit.
pub(super) fn pair(first: Side<'_>, second: Side<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for one in &first.node.instances {
        match partner(one, &second.node.instances) {
            Some(other) => Comparison { first, second, one, other, lines: &mut lines }.compare(),
            None => lines.push(format!(
                "{}: {} has no partner in the other configuration",
                first.files.show(one.name.place),
                printable(&one.name.value)
            )),
        }
    }
    for other in &second.node.instances {
        if partner(other, &first.node.instances).is_none() {
            lines.push(format!(
                "{}: {} has no partner in the other configuration",
                second.files.show(other.name.place),
                printable(&other.name.value)
            ));
        }
    }
    lines
}

/// That of an address in common, or of the same name.
fn partner<'a>(one: &Instance, others: &'a [Instance]) -> Option<&'a Instance> {
    let shares = |other: &&Instance| {
        let theirs = |address: std::net::IpAddr| other.addresses.iter().any(|their| their.address == address);
        one.addresses.iter().any(|address| theirs(address.address))
    };
    let named = |other: &&Instance| other.name.value == one.name.value;
    others.iter().find(shares).or_else(|| others.iter().find(named))
}

#[derive(Debug)]
struct Comparison<'a, 'l> {
    first: Side<'a>,
    second: Side<'a>,
    one: &'a Instance,
    other: &'a Instance,
    lines: &'l mut Vec<String>,
}

impl Comparison<'_, '_> {
    fn say(&mut self, first: Option<Place>, second: Option<Place>, why: &str) {
        let first = self.first.files.show(first.unwrap_or(self.one.name.place));
        let second = self.second.files.show(second.unwrap_or(self.other.name.place));
        self.lines.push(format!("{first} and {second}: {}", printable(why)));
    }

    fn compare(&mut self) {
        let (one, other) = (self.one, self.other);
        let places = |get: fn(&Instance) -> Option<Place>| (get(one), get(other));
        let (a, b) = places(|instance| instance.vrid.map(|vrid| vrid.place));
        let vrids = [one, other].map(|instance| instance.vrid.map(|vrid| vrid.value));
        if let [Some(first), Some(second)] = vrids
            && first != second
        {
            let why = format!(
                "virtual_router_id {first} and {second}: they do not hear each other, and both become Active"
            );
            self.say(a, b, &why);
        }
        let (a, b) = places(|instance| instance.interval.map(|interval| interval.place));
        let versions =
            [(one, self.first), (other, self.second)].map(|(instance, side)| version(instance, side.node));
        let [first, second] = versions;
        if first != second {
            self.say(
                None,
                None,
                &format!("VRRP version {first} and {second}: they do not understand each other"),
            );
        }
        let interval = |instance: &Instance, version| {
            instance.interval.map_or(std::time::Duration::from_secs(1), |given| rounded(given.value, version))
        };
        let (first, second) = (interval(one, first), interval(other, second));
        if first != second {
            let why = format!(
                "advert_int {first:?} and {second:?}: version 2 drops what does not have its own interval"
            );
            self.say(a, b, &why);
        }
        let (a, b) = places(|instance| instance.state.map(|state| state.place));
        if one.starts() == State::Master && other.starts() == State::Master {
            self.say(a, b, "state MASTER on both: only one can be, and the start of each disturbs the other");
        }
        self.secrets();
        self.addresses();
        self.peers();
        self.priorities();
    }

    fn secrets(&mut self) {
        let of = |instance: &Instance| {
            let secret =
                instance.secret.as_ref().map(|secret| secret.value.bytes().take(8).collect::<Vec<u8>>());
            instance.authentication.map(|kind| kind.value).zip(secret)
        };
        if of(self.one) != of(self.other) {
            let place = |instance: &Instance| instance.authentication.map(|kind| kind.place);
            let (a, b) = (place(self.one), place(self.other));
            self.say(
                a,
                b,
                "the authentication differs: they do not believe each other, and both become Active",
            );
        }
    }

    fn addresses(&mut self) {
        let of = |instance: &Instance| {
            let mut all: Vec<_> = instance.addresses.iter().map(|address| address.address).collect();
            all.sort_unstable();
            all
        };
        if of(self.one) != of(self.other) {
            let place = |instance: &Instance| instance.addresses.first().map(|address| address.place);
            let (a, b) = (place(self.one), place(self.other));
            self.say(a, b, "the virtual addresses differ: some are not taken over");
        }
    }

    fn peers(&mut self) {
        if self.one.peers.is_empty() != self.other.peers.is_empty() {
            self.say(
                None,
                None,
                "one speaks to its peers, the other by multicast: they do not hear each other",
            );
        }
        let misses = |from: &Instance, to: &Instance| {
            let source = to.source.filter(|_| !from.peers.is_empty())?;
            let known = from.peers.iter().any(|peer| peer.address == source.value);
            (!known).then_some((from.peers.first()?.place, source))
        };
        if let Some((place, source)) = misses(self.one, self.other) {
            let why = format!("unicast_peer does not name the other's unicast_src_ip {}", source.value);
            self.say(Some(place), Some(source.place), &why);
        }
        if let Some((place, source)) = misses(self.other, self.one) {
            let why = format!("unicast_peer does not name the other's unicast_src_ip {}", source.value);
            self.say(Some(source.place), Some(place), &why);
        }
    }

    fn priorities(&mut self) {
        let (one, other) = (self.one.effective_priority(), self.other.effective_priority());
        let place = |instance: &Instance| instance.priority.map(|priority| priority.place);
        let (a, b) = (place(self.one), place(self.other));
        if one == other {
            self.say(
                a,
                b,
                &format!("equal priorities ({one}): the higher address wins, which nobody planned"),
            );
            return;
        }
        let (side, higher) = if one > other { (self.first, self.one) } else { (self.second, self.other) };
        let gap = i32::from(one.abs_diff(other));
        for track in &higher.tracks {
            let own = side
                .node
                .scripts
                .iter()
                .find(|script| track.kind == Kind::Script && script.name.value == track.name.value);
            let own = own.and_then(|script| script.weight).map(|weight| weight.value.number);
            let weight = i32::from(track.weight.or(own).unwrap_or(0)).abs();
            if weight == 0 || track.kind == Kind::File {
                continue;
            }
            let what = format!("{} weight {}", track.name.value, track.weight.or(own).unwrap_or(0));
            let why = if weight <= gap {
                format!("{what} cannot move the addresses: the priorities are {gap} apart")
            } else {
                format!(
                    "{what} moves the addresses (the priorities are {gap} apart), but between two keepalived only after the \
                     whole down interval: a backup waits it out rather than believe a lower priority"
                )
            };
            let place = side.files.show(track.name.place);
            self.lines.push(format!("{place}: {}", printable(&why)));
        }
    }
}

fn version(instance: &Instance, node: &Node) -> u8 {
    if instance.is_v6() {
        return 3;
    }
    instance.version.or(node.globals.version).map_or(2, |version| version.value)
}
