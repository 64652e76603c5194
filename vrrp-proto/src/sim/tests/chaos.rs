//! Everything goes wrong for a while; then it is quiet, and the election must have come to an end.

use super::*;
use crate::{Event, Fault, FirstWait, OnDemotion, OnLosing};

/// At most so many packets of one router in one interval, whatever happens: one in turn and four answers, each time
/// that it becomes Active.
pub(super) const STORM: usize = 24;

pub(super) fn everything_goes_wrong<M: Machine>(world: &mut World<M>) -> Verdict {
    let mut party = Party::new(world);
    let random = world.random();
    let owner = random.happens(200);
    for (node, config) in party.configs.iter_mut().enumerate() {
        let delay = random.between(Duration::ZERO, party.interval * 5);
        config.preempt =
            *random.pick(&[Preempt::Always, Preempt::Always, Preempt::Never, Preempt::After(delay)]).unwrap();
        config.losing = *random.pick(&[OnLosing::Advertise, OnLosing::KeepSilent]).unwrap();
        config.better = *random.pick(&[OnBetter::StepDown, OnBetter::AdvertiseOnce]).unwrap();
        config.demoted = *random.pick(&[OnDemotion::HandOver, OnDemotion::AdvertiseOnly]).unwrap();
        config.first = *random.pick(&[FirstWait::Full, FirstWait::Short]).unwrap();
        config.start_delay = random.between(Duration::ZERO, party.interval * 2);
        config.grace = random.between(Duration::ZERO, party.interval * 5);
        if owner && node == 0 {
            config.priority = Priority::OWNER;
        }
    }
    party.join(world);
    for node in 0..party.configs.len() {
        for to in 0..party.configs.len() {
            let random = world.random();
            let lost = *random.pick(&[0, 50, 300, 1000]).unwrap();
            let doubled = *random.pick(&[0, 200]).unwrap();
            let slowest = random.between(Duration::ZERO, party.interval);
            let link = Link { fastest: Duration::ZERO, slowest, lost, doubled };
            if let Some(way) = world.link_mut(node, to) {
                *way = link;
            }
        }
    }
    let trouble = party.interval * 20;
    let mut faults = Vec::new();
    for _ in 0..world.random().below(25) {
        let random = world.random();
        let at = random.between(Duration::ZERO, trouble);
        let node = usize::try_from(random.below(party.configs.len() as u64)).unwrap();
        let time = random.between(Duration::ZERO, party.interval * 8);
        let priority = Priority::new(u8::try_from(random.below(256)).unwrap());
        let stimulus = match random.below(13) {
            0 => Stimulus::Crash,
            1 | 2 => Stimulus::Restart,
            3 => Stimulus::Sleep(time, Sleep::Process),
            4 => Stimulus::Sleep(time, Sleep::Machine),
            5 => Stimulus::Event(Event::Stop),
            6 => Stimulus::Event(Event::Start),
            7 | 8 => Stimulus::Event(Event::PriorityChanged(priority)),
            9 => {
                faults.push(node);
                Stimulus::Event(Event::FaultRaised(Fault::LINK_DOWN))
            }
            10 => Stimulus::Event(Event::Yield),
            11 => Stimulus::Event(Event::Resume),
            _ => Stimulus::Event(Event::Promote),
        };
        world.at(at, node, stimulus);
    }
    for node in faults {
        let at = world.random().between(trouble / 2, trouble);
        world.at(at, node, Stimulus::Event(Event::FaultCleared(Fault::LINK_DOWN)));
    }
    world.run(trouble);

    party.good_links(world);
    // Who still sleeps, waits for its start, or delays its preemption has the time to end that.
    world.run(party.interval * 15 + party.down(Priority::new(1)) * 4);
    if party.configs[0].versions == Versions::Both {
        // Who heard only the VRRPv2 half of it waits by whole seconds.
        world.run(Duration::from_secs(party.interval.as_secs() + 1) * 8);
    }
    elected(world, &party)?;
    quiet(world, &party)?;
    for node in 0..party.configs.len() {
        let busiest = busiest(world.sent(node), party.interval);
        ensure(busiest <= STORM * party.copies(), || format!("{node} said {busiest} within one interval"))?;
    }
    Ok(())
}

/// One is Active if anybody takes part, and nobody who would preempt it is better.
fn elected<M: Machine>(world: &World<M>, party: &Party) -> Verdict {
    let takes_part = |node: &usize| {
        world.standing(*node).is_some_and(|standing| matches!(standing.state, State::Active | State::Backup))
    };
    let there: Vec<usize> = (0..party.configs.len()).filter(takes_part).collect();
    let holders = world.holders();
    if there.is_empty() {
        return ensure(holders.is_empty(), || format!("{holders:?} hold the addresses and take no part"));
    }
    let [active] = holders[..] else { return Err(format!("{holders:?} hold the addresses of {there:?}")) };
    let priority = |node: usize| world.standing(node).map(|standing| standing.priority);
    for node in there {
        let preempts =
            party.configs[node].preempt != Preempt::Never || priority(node) == Some(Priority::OWNER);
        ensure(!preempts || priority(node) <= priority(active), || {
            format!("{active} is Active with {:?}, {node} has {:?}", priority(active), priority(node))
        })?;
    }
    Ok(())
}

#[test]
fn after_trouble_one_router_is_active_and_it_is_the_right_one() {
    every_seed("after_trouble", 3000, everything_goes_wrong);
}
