//! Planned hand-over on a link that loses nothing: somebody holds the addresses at every moment, and nobody flaps.

use super::*;
use crate::Event;

fn any_preemption(party: &mut Party, random: &mut Random) {
    for config in &mut party.configs {
        let delay = random.between(Duration::ZERO, party.interval * 5);
        config.preempt = *random.pick(&[Preempt::Always, Preempt::Never, Preempt::After(delay)]).unwrap();
    }
}

pub(super) fn yields<M: Machine>(world: &mut World<M>) -> Verdict {
    let mut party = Party::new(world);
    any_preemption(&mut party, world.random());
    party.join(world);
    let best = party.settle(world)?;
    let next = party.ranked()[1];
    let (from, changes) = (world.now(), world.history().len());
    world.at(from, best, Stimulus::Event(Event::Yield));
    world.run(party.interval * 3);
    one_holder(world, next)?;
    handed_over(world, &party, from, changes, next)?;
    quiet(world, &party)?;
    // It does not come back by itself, and does when told, if it preempts.
    let from = world.now();
    world.at(from, best, Stimulus::Event(Event::Resume));
    world.run(party.interval * 15);
    let dark = dark(world, from);
    ensure(dark.is_empty(), || format!("nobody held the addresses in {dark:?}"))?;
    one_holder(world, if party.configs[best].preempt == Preempt::Never { next } else { best })?;
    quiet(world, &party)
}

pub(super) fn is_demoted<M: Machine>(world: &mut World<M>) -> Verdict {
    let mut party = Party::new(world);
    any_preemption(&mut party, world.random());
    party.join(world);
    let best = party.settle(world)?;
    let before = party.configs[best].priority.value();
    // All others have priorities of which four times something is two away.
    let lower = u8::try_from(world.random().below(u64::from(before / 4))).unwrap() * 4 + 1;
    let (from, changes) = (world.now(), world.history().len());
    world.at(from, best, Stimulus::Event(Event::PriorityChanged(Priority::new(lower))));
    party.configs[best].priority = Priority::new(lower);
    let next = party.ranked()[0];
    world.run(party.interval * 3);
    one_holder(world, next)?;
    if next == best {
        let changed = &world.history()[changes..];
        ensure(changed.is_empty(), || format!("nobody was better, but {changed:?}"))?;
    } else {
        handed_over(world, &party, from, changes, next)?;
    }
    quiet(world, &party)
}

/// One took the addresses, within its skew; then the other let go of them.
fn handed_over<M: Machine>(
    world: &World<M>,
    party: &Party,
    from: Duration,
    changes: usize,
    next: usize,
) -> Verdict {
    let dark = dark(world, from);
    ensure(dark.is_empty(), || format!("nobody held the addresses in {dark:?}"))?;
    let changed = &world.history()[changes..];
    let [taken, _] = changed else { return Err(format!("not one hand-over but {changed:?}")) };
    let took = taken.at - from;
    let theory = party.skew(party.configs[next].priority) + party.jitter * 2;
    ensure(took <= theory, || format!("took over after {took:?}, theory is {theory:?}"))
}

#[test]
fn a_yield_has_no_dark_moment() {
    every_seed("a_yield_has", 1000, yields);
}

#[test]
fn a_demotion_costs_a_skew_and_no_dark_moment_and_nothing_where_nobody_is_better() {
    every_seed("a_demotion_costs", 1000, is_demoted);
}

/// The successor may take as long to come as it wants: on a link that loses much, a yield still leaves nobody without.
pub(super) fn yields_on_a_bad_link<M: Machine>(world: &mut World<M>) -> Verdict {
    let party = Party::new(world);
    party.join(world);
    let best = party.settle(world)?;
    let from = world.now();
    let lost = u16::try_from(world.random().below(600)).unwrap();
    world.set_links(Link { fastest: Duration::ZERO, slowest: party.jitter, lost, doubled: 100 });
    world.at(from, best, Stimulus::Event(Event::Yield));
    // Until it has let go; what the others do to each other afterwards is another matter.
    for _ in 0..40 {
        world.run(party.interval / 4);
        if !world.holders().contains(&best) {
            break;
        }
    }
    let dark = dark(world, from);
    ensure(dark.is_empty(), || format!("nobody held the addresses in {dark:?}"))
}

#[test]
fn a_yield_on_a_bad_link_has_no_dark_moment_either() {
    every_seed("a_yield_on_a_bad_link", 1000, yields_on_a_bad_link);
}
