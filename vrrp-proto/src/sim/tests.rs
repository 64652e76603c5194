//! Runs from seeds, and what must be true of every one of them.
//!
//! A failing seed is named in the failure. `VRRP_SIM_SEED=<seed> cargo test -p vrrp-proto <test>` runs that one alone
//! and prints what happened; `VRRP_SIM_SEEDS=<number>` runs so many of each.

use core::time::Duration;
use std::format;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::{
    Config, Interval, OnBetter, Preempt, Priority, State, Versions, VirtualRouterId, active_down_interval,
    skew_time,
};

mod chaos;
mod crashes;
mod handing_over;
mod planted;
mod sleepers;
mod ties;

type Verdict = Result<(), String>;

/// A scenario: plans from the luck of the world, runs, and judges.
type Scenario<M> = fn(&mut World<M>) -> Verdict;

/// One run; the world is there afterwards to be read.
fn judge<M: Machine>(scenario: Scenario<M>, world: &mut World<M>) -> Verdict {
    let verdict = scenario(world);
    match world.promise_broken() {
        Some(broken) => Err(format!("{broken:?}")),
        None => verdict,
    }
}

/// Every seed passes, or the first one that does not is named and told.
fn every_seed(name: &str, seeds: u64, scenario: Scenario<crate::Router>) {
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let one: Option<u64> = number("VRRP_SIM_SEED");
    let seeds = number("VRRP_SIM_SEEDS").unwrap_or(seeds);
    for seed in one.map_or(0..seeds, |seed| seed..seed + 1) {
        let verdict = judge(scenario, &mut World::new(seed));
        if verdict.is_err() || one.is_some() {
            let mut world = World::new(seed);
            world.trace();
            let told = judge(scenario, &mut world);
            assert_eq!(told, verdict, "the same seed went another way");
            let tail = if one.is_some() { 100_000 } else { 40 };
            let from = world.traced().len().saturating_sub(tail);
            let traced = world.traced()[from..].join("\n");
            let replay = format!("VRRP_SIM_SEED={seed} cargo test -p vrrp-proto {name}");
            assert_eq!(verdict, Ok(()), "seed {seed}\n{traced}\nagain: {replay}");
            let told = format!("{traced}\nseed {seed} passes\n");
            std::io::stderr().write_all(told.as_bytes()).unwrap();
        }
    }
}

/// Some routers, from the luck of the world.
struct Party {
    configs: Vec<Config>,
    interval: Duration,
    /// How long packets and wake-ups may take so that skews keep their order.
    jitter: Duration,
}

impl Party {
    /// Two to five routers of one interval. Their priorities are at least four apart.
    fn new<M: Machine>(world: &mut World<M>) -> Self {
        let random = world.random();
        let versions = *random.pick(&[Versions::V3, Versions::V3, Versions::V2, Versions::Both]).unwrap();
        let centiseconds = match versions {
            Versions::V2 => *random.pick(&[100, 200]).unwrap(),
            Versions::V3 | Versions::Both => *random.pick(&[1, 10, 100, 137, 4095]).unwrap(),
        };
        let interval = Interval::from_centiseconds(centiseconds).unwrap();
        let v6 = versions == Versions::V3 && random.happens(300);
        let vrid = VirtualRouterId::new(51).unwrap();
        let mut priorities: Vec<u8> = (0..62).map(|step| 3 + step * 4).collect();
        let mut configs = Vec::new();
        for last in 1..=2 + random.below(4) {
            let last = u8::try_from(last).unwrap();
            let address: IpAddr = if v6 {
                Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last.into()).into()
            } else {
                Ipv4Addr::new(10, 9, 0, last).into()
            };
            let drawn = usize::try_from(random.below(priorities.len() as u64)).unwrap();
            let priority = Priority::new(priorities.swap_remove(drawn));
            let mut config = Config::new(vrid, versions, address, priority);
            config.interval = interval;
            config.grace = interval.to_duration() / 2;
            configs.push(config);
        }
        let interval = interval.to_duration();
        Self { configs, interval, jitter: interval * 4 / 256 / 5 }
    }

    fn good_links<M: Machine>(&self, world: &mut World<M>) {
        world.set_links(Link { fastest: Duration::ZERO, slowest: self.jitter, ..Link::GOOD });
        world.set_lateness(self.jitter);
    }

    fn join<M: Machine>(&self, world: &mut World<M>) {
        for config in &self.configs {
            let node = world.add(*config).unwrap();
            world.at(Duration::ZERO, node, Stimulus::Event(crate::Event::Start));
        }
        self.good_links(world);
    }

    /// Runs until the best one has been Active for a while, and says which one that is.
    fn settle<M: Machine>(&self, world: &mut World<M>) -> Result<usize, String> {
        world.run(self.down(Priority::new(1)) + self.interval * 2);
        let best = self.ranked()[0];
        one_holder(world, best)?;
        // Somewhere between two advertisements, so far from both that none is overtaken by what comes next.
        let margin = self.jitter * 3;
        let last = world.sent(best).last().copied().unwrap_or_default();
        let phase = world.random().between(margin, self.interval - margin);
        let then = last + self.interval * 2 + phase;
        world.run(then.saturating_sub(world.now()));
        one_holder(world, best)?;
        Ok(best)
    }

    /// Best first.
    fn ranked(&self) -> Vec<usize> {
        let mut nodes: Vec<usize> = (0..self.configs.len()).collect();
        nodes.sort_by_key(|node| {
            core::cmp::Reverse((self.configs[*node].priority, self.configs[*node].address))
        });
        nodes
    }

    fn down(&self, priority: Priority) -> Duration {
        active_down_interval(priority, self.configs[0].interval, self.configs[0].down_timer_adverts)
    }

    fn skew(&self, priority: Priority) -> Duration {
        skew_time(priority, self.configs[0].interval)
    }

    /// Packets per advertisement.
    fn copies(&self) -> usize {
        if self.configs[0].versions == Versions::Both { 2 } else { 1 }
    }
}

fn one_holder<M: Machine>(world: &World<M>, wanted: usize) -> Verdict {
    let holders = world.holders();
    if holders == [wanted] {
        Ok(())
    } else {
        Err(format!("{holders:?} hold the addresses, not {wanted} alone"))
    }
}

#[expect(clippy::fn_params_excessive_bools, reason = "an assertion takes what must be true")]
fn ensure(truth: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if truth { Ok(()) } else { Err(otherwise()) }
}

/// The spans after `from` in which nobody held the addresses.
fn dark<M: Machine>(world: &World<M>, from: Duration) -> Vec<(Duration, Duration)> {
    let mut spans = Vec::new();
    let mut holding = 0_usize;
    let mut since = Duration::ZERO;
    for change in world.history() {
        if holding == 0 && change.at > from.max(since) {
            spans.push((since.max(from), change.at));
        }
        holding = if change.holds { holding + 1 } else { holding - 1 };
        since = change.at;
    }
    if holding == 0 && world.now() > from.max(since) {
        spans.push((since.max(from), world.now()));
    }
    spans
}

/// The most that a router said within any one interval.
fn busiest(sent: &[Duration], interval: Duration) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (index, at) in sent.iter().enumerate() {
        while *at - sent[first] > interval {
            first += 1;
        }
        most = most.max(index + 1 - first);
    }
    most
}

/// Nothing changes any more, and only the Active Router speaks, in turn.
fn quiet<M: Machine>(world: &mut World<M>, party: &Party) -> Verdict {
    let window = party.interval * 6;
    let (from, changes) = (world.now(), world.history().len());
    world.run(window);
    ensure(world.history().len() == changes, || format!("still changing: {:?}", world.history().last()))?;
    let holders = world.holders();
    for node in 0..party.configs.len() {
        let said = world.sent(node).iter().filter(|at| **at > from).count();
        let in_turn = if holders.contains(&node) { 5..=7 } else { 0..=0 };
        let turns = said / party.copies();
        ensure(in_turn.contains(&turns), || format!("{node} said {said} in six intervals of quiet"))?;
    }
    Ok(())
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut world: World = World::new(seed);
        world.trace();
        let verdict = judge(chaos::everything_goes_wrong, &mut world);
        (verdict, world.traced().to_vec())
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7).1, run(8).1);
}
