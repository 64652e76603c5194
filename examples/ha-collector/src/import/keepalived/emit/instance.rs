//! `[[vrrp]]`, with every default of keepalived that is not ours.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use vrrp_proto::Family;

use super::{Dependency, Emitter, Health};
use crate::import::keepalived::model::{Address, At, Instance, Kind, Notify, Sense, State, Track, Weight};
use crate::import::report::Group;
use crate::import::source::Place;
use crate::import::toml::{span, string, strings};

/// keepalived's, for addresses without a device (`default_interface`).
const DEFAULT_INTERFACE: &str = "eth0";

impl Emitter<'_> {
    /// Whether a virtual router came of it.
    pub(super) fn instance(&mut self, instance: &Instance) -> bool {
        let what = format!("vrrp_instance {}", instance.name.value);
        let place = instance.name.place;
        let Some(vrid) = instance.vrid else {
            self.say(Group::Wrong, place, &what, "without a virtual_router_id: left out");
            return false;
        };
        let Some(addresses) = self.advertised(instance) else {
            self.say(Group::Wrong, place, &what, "a virtual router without a virtual_ipaddress: left out");
            return false;
        };
        let family = addresses.first().map_or(Family::V4, |first| Family::from(first.address));
        self.toml.table("[[vrrp]]", Some(place));
        self.toml.key("id", &string(&instance.name.value), None);
        self.interface(instance, &what);
        self.toml.key("vrid", &vrid.value.to_string(), Some(vrid.place));
        let version = self.version(instance, family, &what);
        let priority = instance.effective_priority();
        match instance.priority {
            Some(given) => self.toml.key("priority", &priority.to_string(), Some(given.place)),
            None if priority == 255 => {
                let why = "without a priority, state MASTER is the owner of the addresses (255) for keepalived: no tracker \
                           lowers it, and two of them fight";
                self.say(Group::Advice, place, &what, why);
                self.toml.because("priority", "255", None, "keepalived's default for state MASTER");
            }
            None => self.toml.because("priority", &priority.to_string(), None, "keepalived's default"),
        }
        self.interval(instance, version);
        if let Some(adverts) = instance.down_adverts.or(self.node.globals.down_adverts) {
            self.toml.key("down-adverts", &adverts.value.to_string(), Some(adverts.place));
        }
        let state = match instance.starts() {
            State::Master => "\"active\"",
            State::Backup => "\"backup\"",
        };
        self.toml.key("state", state, instance.state.map(|state| state.place));
        self.preempt(instance, priority);
        self.reach(instance, family);
        self.authentication(instance, version, family);
        if let Some(place) = instance.virtual_mac {
            self.toml.key("virtual-mac", "true", Some(place));
        }
        let mut excluded = instance.excluded.clone();
        let addresses = self.link_local_first(addresses, &mut excluded, vrid.value);
        self.addresses("addresses", &addresses);
        if !excluded.is_empty() {
            self.addresses("excluded-addresses", &excluded);
        }
        self.depends(instance);
        self.announce(instance, family);
        self.notify(&instance.notify);
        true
    }

    /// The addresses of the kind of the first, as keepalived takes them.
    fn advertised(&mut self, instance: &Instance) -> Option<Vec<Address>> {
        let first = instance.addresses.first()?.address;
        let (same, others): (Vec<_>, Vec<_>) =
            instance.addresses.iter().cloned().partition(|other| other.address.is_ipv6() == first.is_ipv6());
        for other in others {
            let why = "not of the kind of the first: left out, as keepalived does; it belongs to virtual_ipaddress_excluded";
            self.say(Group::Changed, other.place, &other.address.to_string(), why);
        }
        Some(same)
    }

    fn interface(&mut self, instance: &Instance, what: &str) {
        if let Some(interface) = &instance.interface {
            self.toml.key("interface", &string(&interface.value), Some(interface.place));
            return;
        }
        let default = self.node.globals.default_interface.as_ref();
        let name = default.map_or(DEFAULT_INTERFACE, |default| default.value.as_str()).to_owned();
        self.toml.because(
            "interface",
            &string(&name),
            default.map(|default| default.place),
            "none was named",
        );
        let why =
            format!("without an interface it gets keepalived's default, {name}; every router here has one");
        self.say(Group::Changed, instance.name.place, what, &why);
    }

    fn version(&mut self, instance: &Instance, family: Family, what: &str) -> u8 {
        let given = instance.version.or(self.node.globals.version);
        match given {
            Some(given) if family == Family::V6 && given.value == 2 => {
                self.say(Group::Changed, given.place, what, "IPv6 is always version 3, as keepalived has it");
                self.toml.because("version", "3", Some(given.place), "IPv6");
                3
            }
            Some(given) => {
                self.toml.key("version", &given.value.to_string(), Some(given.place));
                given.value
            }
            None => {
                let version = if family == Family::V6 { 3 } else { 2 };
                self.toml.because("version", &version.to_string(), None, "keepalived's default");
                version
            }
        }
    }

    fn interval(&mut self, instance: &Instance, version: u8) {
        let Some(given) = instance.interval else {
            self.toml.because("advert-interval", "\"1s\"", None, "keepalived's default");
            return;
        };
        let rounded = rounded(given.value, version);
        if rounded != given.value {
            let unit =
                if version == 2 { "whole seconds, 1 to 255" } else { "steps of 10 ms, 0.01 s to 40.95 s" };
            let why = format!("version {version} counts in {unit}: {} as keepalived has it", span(rounded));
            self.say(Group::Changed, given.place, &format!("advert_int {:?}", given.value), &why);
        }
        self.toml.key("advert-interval", &span(rounded), Some(given.place));
    }

    fn preempt(&mut self, instance: &Instance, priority: u8) {
        let master = instance.starts() == State::Master;
        if let Some(place) = instance.no_preempt {
            if master || priority == 255 {
                let why = "has no effect with state MASTER or priority 255: left out; it needs `state BACKUP` on both nodes";
                self.say(Group::Changed, place, "nopreempt", why);
            } else {
                self.toml.key("preempt", "false", Some(place));
                if let Some(delay) = instance.preempt_delay {
                    self.say(
                        Group::Changed,
                        delay.place,
                        "preempt_delay",
                        "has no effect with nopreempt: left out",
                    );
                }
                return;
            }
        }
        let Some(delay) = instance.preempt_delay.filter(|delay| !delay.value.is_zero()) else { return };
        if master {
            let why = "has no effect with state MASTER: left out, as keepalived does";
            self.say(Group::Changed, delay.place, "preempt_delay", why);
        } else {
            self.toml.key("preempt-delay", &span(delay.value), Some(delay.place));
        }
    }

    /// RFC 9568 §5.2.9: the first IPv6 address is link-local. keepalived does not mind; every other VRRP does.
    fn link_local_first(
        &mut self,
        mut addresses: Vec<Address>,
        excluded: &mut Vec<Address>,
        vrid: u8,
    ) -> Vec<Address> {
        let is_local =
            |address: &Address| matches!(address.address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        let Some(first) = addresses.first().filter(|first| first.address.is_ipv6() && !is_local(first))
        else {
            return addresses;
        };
        let (place, shown) = (first.place, first.address.to_string());
        if let Some(local) = addresses.iter().position(is_local) {
            let local = addresses.remove(local);
            addresses.insert(0, local);
            let why = "the link-local address goes first (RFC 9568 §5.2.9)";
            self.say(Group::Changed, place, &shown, why);
            return addresses;
        }
        let made = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0x12, u16::from(vrid));
        let why = format!(
            "the first IPv6 address must be link-local (RFC 9568 §5.2.9): {made} is advertised, the others are held with it; \
             translate all nodes before any is started"
        );
        self.say(Group::Changed, place, &shown, &why);
        excluded.splice(0..0, addresses);
        vec![Address {
            address: made.into(),
            prefix: 64,
            device: None,
            label: None,
            scope: Some("link"),
            place,
        }]
    }

    fn addresses(&mut self, key: &str, addresses: &[Address]) {
        let items: Vec<_> = addresses.iter().map(|address| (written(address), Some(address.place))).collect();
        self.toml.list(key, None, &items);
    }

    /// What it tracks itself, and with its groups; weights as keepalived 2.2.7 has them, which says so in its log and not
    /// in its manual.
    fn dependencies(&mut self, instance: &Instance) -> Vec<Dependency> {
        let member = |member: &At<String>| member.value == instance.name.value;
        let groups: Vec<_> =
            self.node.groups.iter().filter(|group| group.members.iter().any(member)).collect();
        let why = if instance.effective_priority() == 255 {
            Some("of the owner of the addresses (priority 255)")
        } else {
            groups.iter().any(|group| group.weights.is_none()).then_some("of a member of a vrrp_sync_group")
        };
        let own = instance.tracks.iter().map(|track| (track, why));
        let shared = groups.iter().flat_map(|group| group.tracks.iter().map(|track| (track, None)));
        let all: Vec<(&Track, Option<&str>)> = own.chain(shared).collect();
        let mut found: Vec<Dependency> = Vec::new();
        for (track, weightless) in all {
            let (name, place) = (&track.name.value, track.name.place);
            let Some(weight) = self.weight_of(track.kind, name) else {
                self.say(Group::Wrong, place, name, "is not defined: left out, as keepalived does");
                continue;
            };
            if found.iter().any(|other| other.track.kind == track.kind && other.track.name.value == *name) {
                if instance.tracks.iter().any(|own| std::ptr::eq(own, track)) {
                    self.say(
                        Group::Wrong,
                        place,
                        name,
                        "is tracked already: the first counts, as keepalived has it",
                    );
                } else {
                    let why =
                        format!("{} tracks it itself: that counts, not the group's", instance.name.value);
                    self.say(Group::Changed, place, name, &why);
                }
                continue;
            }
            let mut effective = Weight {
                number: track.weight.unwrap_or(weight.number),
                sense: track.sense.unwrap_or(weight.sense),
            };
            let mut written = track.weight.map(|_| effective.number);
            if let Some(whose) = weightless.filter(|_| effective.number != 0) {
                match track.kind {
                    Kind::Script => {
                        let why = format!(
                            "keepalived ignores a script with a weight {whose}: left out; without a weight it is a fault"
                        );
                        self.say(Group::Changed, place, name, &why);
                        continue;
                    }
                    Kind::Interface | Kind::File => {
                        let why = format!("keepalived takes the weight {whose} for 0, a fault");
                        self.say(Group::Changed, place, name, &why);
                        effective.number = 0;
                        written = Some(0);
                    }
                    // The one kind whose weight it leaves alone.
                    Kind::Process => {}
                }
            }
            found.push(Dependency { track: track.clone(), written, effective });
        }
        found
    }

    fn depends(&mut self, instance: &Instance) {
        let mut all = self.dependencies(instance);
        let mut health = "\"ignore\"".to_owned();
        let mut why = "keepalived knows of no collector";
        if self.health == Health::Native {
            let (scripts, others): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|dependency| dependency.track.kind == Kind::Script);
            all = others;
            for script in &scripts {
                let name = &script.track.name;
                let why = "the collector's own health does what it did (--native-health)";
                self.say(Group::Changed, name.place, &name.value, why);
            }
            let weights = scripts.iter().map(|script| script.effective.number);
            let fault = weights.clone().any(|weight| weight == 0);
            health = match weights.min_by_key(|weight| -i32::from(weight.unsigned_abs())) {
                Some(weight) if !fault => weight.to_string(),
                _ => "\"fault\"".to_owned(),
            };
            why = "in place of its scripts";
        }
        if !all.is_empty() {
            let items: Vec<_> = all.iter().map(|one| (entry(one), Some(one.track.name.place))).collect();
            self.toml.list("track", None, &items);
        }
        for one in &all {
            self.tracked.insert((one.track.kind.key(), one.track.name.value.clone()));
            if one.effective.number < 0 && one.track.kind != Kind::File {
                let why = "among keepalived's, a lowered priority costs the whole down interval (seconds) before a peer takes over; \
                           this router yields at once, and without a weight it is a fault, which is as fast everywhere";
                let what = format!("{} weight {}", one.track.name.value, one.effective.number);
                self.say(Group::Advice, one.track.name.place, &what, why);
            }
        }
        self.toml.because("health", &health, None, why);
    }

    fn announce(&mut self, instance: &Instance, family: Family) {
        let (own, all) = (&instance.garp, &self.node.globals.garp);
        let once = self.node.globals.garp_once;
        self.toml.table("[vrrp.announce]", None);
        let default = if once.is_some() { 1 } else { 5 };
        let second = if once.is_some() { Duration::ZERO } else { Duration::from_secs(5) };
        self.count("repeat", own.repeat.or(all.repeat), Some(default), once);
        self.time("delay", own.delay.or(all.delay), Some(second), once);
        self.time("refresh", own.refresh.or(all.refresh), Some(Duration::ZERO), None);
        self.count("refresh-repeat", own.refresh_repeat.or(all.refresh_repeat), Some(1), None);
        // Where keepalived is told nothing of these, they follow what holds for all, not what this one was told.
        let lower = own.lower_repeat.or(all.lower_repeat).or(all.repeat);
        self.count("lower-priority-repeat", lower, Some(default), once);
        let lower = own.lower_delay.or(all.lower_delay).or(all.delay);
        self.time("lower-priority-delay", lower, Some(second), once);
        let globals = &self.node.globals;
        let named = instance.interface.as_ref().map(|interface| &interface.value);
        let group = self
            .node
            .garp_groups
            .iter()
            .find(|group| named.is_some_and(|interface| group.interfaces.contains(interface)));
        let interval = if family == Family::V6 {
            group.and_then(|group| group.gna_interval).or(globals.gna_interval)
        } else {
            group.and_then(|group| group.garp_interval).or(globals.garp_interval)
        };
        self.time("interval", interval, None, None);
    }

    fn count(&mut self, key: &str, given: Option<At<u16>>, default: Option<u16>, of: Option<Place>) {
        match (given, default) {
            (Some(given), _) => self.toml.key(key, &given.value.to_string(), Some(given.place)),
            (None, Some(default)) => self.toml.key(key, &default.to_string(), of),
            (None, None) => {}
        }
    }

    fn time(&mut self, key: &str, given: Option<At<Duration>>, default: Option<Duration>, of: Option<Place>) {
        match (given, default) {
            (Some(given), _) => self.toml.key(key, &span(given.value), Some(given.place)),
            (None, Some(default)) => self.toml.key(key, &span(default), of),
            (None, None) => {}
        }
    }

    fn notify(&mut self, notify: &Notify) {
        let all = [
            ("active", &notify.active),
            ("backup", &notify.backup),
            ("fault", &notify.fault),
            ("stop", &notify.stop),
            ("any", &notify.any),
        ];
        if all.iter().all(|(_, command)| command.is_none()) {
            return;
        }
        self.toml.table("[vrrp.notify]", None);
        for (key, command) in all {
            if let Some(command) = command {
                self.toml.key(key, &strings(&command.value.arguments), Some(command.place));
            }
        }
    }
}

/// What keepalived makes of an interval.
pub(in crate::import::keepalived) fn rounded(given: Duration, version: u8) -> Duration {
    let least = Duration::from_millis(10);
    if given < least {
        return Duration::from_secs(1);
    }
    if version == 2 {
        return Duration::from_secs(given.as_secs() + u64::from(given.subsec_millis() >= 500))
            .max(Duration::from_secs(1));
    }
    let centiseconds = (given.as_micros() + 5_000) / 10_000;
    least.saturating_mul(u32::try_from(centiseconds).unwrap_or(u32::MAX).min(4095))
}

fn written(address: &Address) -> String {
    let plain = string(&format!("{}/{}", address.address, address.prefix));
    if address.device.is_none() && address.label.is_none() && address.scope.is_none() {
        return plain;
    }
    let mut table = format!("{{ address = {plain}");
    for (key, value) in
        [("device", address.device.as_deref()), ("label", address.label.as_deref()), ("scope", address.scope)]
    {
        if let Some(value) = value {
            table += &format!(", {key} = {}", string(value));
        }
    }
    table + " }"
}

fn entry(dependency: &Dependency) -> String {
    let Dependency { track, written, effective } = dependency;
    let mut table = format!("{{ {} = {}", track.kind.key(), string(&track.name.value));
    if let Some(weight) = written {
        table += &format!(", weight = {weight}");
    }
    if effective.sense == Sense::Reverse {
        table += ", reverse = true";
    }
    table + " }"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_rounded_as_keepalived_rounds_them() {
        let of = |millis, version| rounded(Duration::from_millis(millis), version).as_millis();
        assert_eq!([of(400, 2), of(500, 2), of(1_400, 2), of(2_500, 2)], [1_000, 1_000, 1_000, 3_000]);
        assert_eq!(
            [of(924, 3), of(925, 3), of(10, 3), of(0, 3), of(50_000, 3)],
            [920, 930, 10, 1_000, 40_950]
        );
    }
}
