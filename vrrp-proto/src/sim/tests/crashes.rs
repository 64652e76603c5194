//! The Active Router goes, with and without a word: no gap is longer than theory.

use super::*;
use crate::Event;

/// The best router vanishes at a random moment, comes back, and is Active again.
pub(super) fn crash<M: Machine>(world: &mut World<M>) -> Verdict {
    let party = Party::new(world);
    party.join(world);
    let best = party.settle(world)?;
    let next = party.ranked()[1];
    let down = party.down(party.configs[next].priority);
    let last = *world.sent(best).last().unwrap();
    let changes = world.history().len();
    world.at(world.now(), best, Stimulus::Crash);
    world.run(down + party.interval);
    one_holder(world, next)?;
    // From the last advertisement: one packet on its way, one wake-up.
    let took = world.history()[changes + 1].at - last;
    let theory = down..=down + party.jitter * 2;
    ensure(theory.contains(&took), || format!("took over after {took:?}, theory is {theory:?}"))?;
    ensure(world.history().len() == changes + 2, || format!("others had a go: {:?}", world.history()))?;
    quiet(world, &party)?;

    world.at(world.now(), best, Stimulus::Restart);
    let back = party.down(party.configs[best].priority) + party.interval;
    let from = world.now();
    world.run(back);
    one_holder(world, best)?;
    let dark = dark(world, from);
    ensure(dark.is_empty(), || {
        format!("nobody held the addresses in {dark:?} while the best one came back")
    })?;
    quiet(world, &party)
}

/// The best router stops: the next one waits for its skew.
pub(super) fn stop<M: Machine>(world: &mut World<M>) -> Verdict {
    let party = Party::new(world);
    party.join(world);
    let best = party.settle(world)?;
    let next = party.ranked()[1];
    let skew = party.skew(party.configs[next].priority);
    let from = world.now();
    world.at(from, best, Stimulus::Event(Event::Stop));
    world.run(party.interval + skew);
    one_holder(world, next)?;
    let gap: Duration = dark(world, from).iter().map(|(from, to)| *to - *from).sum();
    let theory = skew..=skew + party.jitter * 2;
    ensure(theory.contains(&gap), || format!("nobody for {gap:?}, theory is {theory:?}"))?;
    quiet(world, &party)
}

/// Nobody preempts: who comes back watches.
pub(super) fn crash_without_preemption<M: Machine>(world: &mut World<M>) -> Verdict {
    let mut party = Party::new(world);
    for config in &mut party.configs {
        config.preempt = Preempt::Never;
    }
    party.join(world);
    let best = party.settle(world)?;
    let next = party.ranked()[1];
    world.at(world.now(), best, Stimulus::Crash);
    let back = world.now() + party.down(Priority::new(1)) + party.interval;
    world.at(back, best, Stimulus::Restart);
    world.run(party.down(Priority::new(1)) * 3);
    one_holder(world, next)?;
    quiet(world, &party)
}

#[test]
fn after_a_crash_the_next_best_takes_over_within_theory() {
    every_seed("after_a_crash", 1000, crash);
}

#[test]
fn after_a_stop_the_next_best_takes_over_within_its_skew() {
    every_seed("after_a_stop", 1000, stop);
}

#[test]
fn who_comes_back_without_preemption_does_not_take_over() {
    every_seed("who_comes_back", 1000, crash_without_preemption);
}
