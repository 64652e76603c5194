//! Routers that nothing but their address tells apart.

use super::*;

/// Everybody has the same priority, and they all start at once.
pub(super) fn everybody_is_equal<M: Machine>(world: &mut World<M>) -> Verdict {
    let mut party = Party::new(world);
    for config in &mut party.configs {
        config.priority = Priority::DEFAULT;
    }
    party.join(world);
    world.run(party.down(Priority::new(1)) + party.interval * 3);
    let holders = world.holders();
    ensure(holders.len() == 1, || format!("{holders:?} hold the addresses"))?;
    for node in 0..party.configs.len() {
        let busiest = busiest(world.sent(node), party.interval);
        ensure(busiest <= chaos::STORM * party.copies(), || {
            format!("{node} said {busiest} within one interval")
        })?;
    }
    quiet(world, &party)
}

#[test]
fn one_of_many_equals_is_active_in_the_end() {
    every_seed("one_of_many_equals", 1000, everybody_is_equal);
}
