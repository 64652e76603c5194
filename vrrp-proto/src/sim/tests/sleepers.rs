//! Routers that wake up late: nobody takes the addresses from one that was there all the time.

use super::*;

/// Backups sleep, now and then, for as long as they want; their sockets keep what arrived.
pub(super) fn a_backup_sleeps<M: Machine>(world: &mut World<M>) -> Verdict {
    let party = Party::new(world);
    party.join(world);
    let best = party.settle(world)?;
    let changes = world.history().len();
    for _ in 0..6 {
        let sleeper = party.ranked()[1];
        let time = world.random().between(Duration::ZERO, party.interval * 12);
        world.at(world.now(), sleeper, Stimulus::Sleep(time, Sleep::Process));
        world.run(party.interval * 5);
    }
    world.run(party.interval * 12);
    one_holder(world, best)?;
    let changed = &world.history()[changes..];
    ensure(changed.is_empty(), || format!("a false takeover: {changed:?}"))?;
    quiet(world, &party)
}

/// A whole machine stands still for so long that it cannot but notice, and has lost what arrived.
pub(super) fn a_machine_sleeps<M: Machine>(world: &mut World<M>) -> Verdict {
    let party = Party::new(world);
    party.join(world);
    let best = party.settle(world)?;
    let changes = world.history().len();
    for node in party.ranked().into_iter().skip(1) {
        let long = party.down(Priority::new(1)) + party.interval * 2;
        let time = world.random().between(long, long * 10);
        world.at(world.now(), node, Stimulus::Sleep(time, Sleep::Machine));
    }
    world.run(party.down(Priority::new(1)) * 14);
    one_holder(world, best)?;
    let changed = &world.history()[changes..];
    ensure(changed.is_empty(), || format!("a false takeover: {changed:?}"))?;
    quiet(world, &party)
}

/// The Active Router sleeps until another one has taken over. One that preempts has the addresses again when it wakes
/// up; one that does not leaves them where they are.
pub(super) fn the_active_router_sleeps<M: Machine>(world: &mut World<M>) -> Verdict {
    let mut party = Party::new(world);
    let preempt = *world.random().pick(&[Preempt::Always, Preempt::Never]).unwrap();
    let sleep = *world.random().pick(&[Sleep::Process, Sleep::Machine]).unwrap();
    for config in &mut party.configs {
        config.preempt = preempt;
    }
    party.join(world);
    let best = party.settle(world)?;
    let next = party.ranked()[1];
    let changes = world.history().len();
    let time = party.down(Priority::new(1)) + party.interval * 2;
    world.at(world.now(), best, Stimulus::Sleep(time, sleep));
    world.run(time + party.interval * 8);
    let (stays, goes) = if preempt == Preempt::Always { (best, next) } else { (next, best) };
    one_holder(world, stays)?;
    let changed: Vec<_> =
        world.history()[changes..].iter().map(|change| (change.node, change.holds)).collect();
    ensure(changed == [(next, true), (goes, false)], || format!("flapped: {changed:?}"))?;
    quiet(world, &party)
}

#[test]
fn a_backup_that_sleeps_does_not_steal() {
    every_seed("a_backup_that_sleeps", 1000, a_backup_sleeps);
}

#[test]
fn a_machine_that_slept_listens_first() {
    every_seed("a_machine_that_slept", 1000, a_machine_sleeps);
}

#[test]
fn an_active_router_that_slept_takes_back_what_is_its_own_and_nothing_else() {
    every_seed("an_active_router_that_slept", 1000, the_active_router_sleeps);
}
