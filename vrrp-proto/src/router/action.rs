//! What a router wants done.

use crate::{Interval, Priority, Version};

/// One duty of whoever drives a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send this now.
    Advertise(Advertisement),
    /// [`Router::standing`](crate::Router::standing) says something else than before: publish it. Whoever holds the
    /// addresses looks at what it says, not at how it came about.
    StandingChanged,
}

/// An advertisement to be sent. The addresses, and where to, the driver knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Advertisement {
    /// In which VRRP.
    pub version: Version,
    /// [`Priority::RELEASE`] when the router lets go.
    pub priority: Priority,
    /// What the packet says. In VRRPv2 whole seconds: a fraction that VRRPv3 says beside it is rounded up (§8.4.2).
    pub interval: Interval,
}

/// What is to be done, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "the router has already moved on; undone actions leave the link lied to"]
pub struct Actions {
    waiting: [Option<Action>; Self::MOST],
}

impl Actions {
    /// Never more than these: one advertisement in each of two versions, and a change of standing.
    const MOST: usize = 3;

    pub(crate) const fn none() -> Self {
        Self { waiting: [None; Self::MOST] }
    }

    pub(crate) fn push(&mut self, action: Action) {
        let free = self.waiting.iter_mut().find(|slot| slot.is_none());
        debug_assert!(free.is_some(), "an event asks for more than {} actions", Self::MOST);
        if let Some(slot) = free {
            *slot = Some(action);
        }
    }

    /// Whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        matches!(self.waiting, [None, ..])
    }
}

impl Iterator for Actions {
    type Item = Action;

    fn next(&mut self) -> Option<Action> {
        let first = self.waiting.first_mut()?.take();
        self.waiting.rotate_left(1);
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_come_in_the_order_in_which_they_were_wanted() {
        let release = Advertisement {
            version: Version::V3,
            priority: Priority::RELEASE,
            interval: Interval::ONE_SECOND,
        };
        let mut actions = Actions::none();
        assert!(actions.is_empty());
        actions.push(Action::Advertise(release));
        actions.push(Action::StandingChanged);
        assert!(!actions.is_empty());
        assert_eq!(actions.next(), Some(Action::Advertise(release)));
        assert_eq!(actions.next(), Some(Action::StandingChanged));
        assert_eq!(actions.next(), None);
        assert!(actions.is_empty());
    }
}
