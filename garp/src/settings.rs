//! When to say what: the steps of a burst, the refresh, the pace. [`Schedule`](crate::Schedule) carries it out.

use crate::{ArpForm, Audience, Role};
use std::time::Duration;

/// What a [`Schedule`](crate::Schedule) does. `Settings::default()` is ours, [`Settings::keepalived`] is keepalived's.
///
/// # The default, and why
///
/// A frame costs little, one that is lost or ignored costs the outage it was to end. So:
///
/// | after | ARP | neighbour advertisement | because |
/// |---|---|---|---|
/// | 0 | request | to all nodes, and to all routers | the takeover; RFC 9131 for routers without an entry |
/// | 100 ms, 300 ms | request | | one lost frame must not cost a second |
/// | 1 s, 2 s | | to all nodes | RFC 4861 §7.2.6: at most three, a second apart |
/// | 1.1 s | request, and reply | | Linux before 4.11 ignores what comes within a second of an entry's update; some gear takes replies only |
/// | 2.2 s, 5 s | request | | a late announcement of the loser is outdone; a port that was not forwarding yet |
///
/// All requests are in the form of RFC 5227, that every receiver takes which takes any; Junos ignores gratuitous replies
/// unless told otherwise. keepalived sends five frames within microseconds, that a single lost moment swallows, and five
/// more after five seconds.
///
/// There is no refresh: an address that is in use speaks for itself. Where switches forget a MAC sooner than routers
/// forget an ARP entry, and the address only ever receives, set one of 60 to 100 seconds. Repeats are never early and at
/// most 10 % late, a refresh is up to 10 % early or late, so that many schedules do not fall into step. 1000 frames
/// a second an interface, 128 at once: the policers of switches are above that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// When an address is taken, or everybody must be told again.
    pub takeover: Pattern,
    /// When somebody who has lost was heard claiming it.
    pub lower_priority: Pattern,
    /// At least this long between two bursts because of [`Settings::lower_priority`] for one address.
    pub lower_priority_gap: Duration,
    /// For ever after, if at all.
    pub refresh: Option<Refresh>,
    /// One answer to a conflict (RFC 5227 §2.4); of a pattern the first step of each family.
    pub defence: Pattern,
    /// At least this long between two answers to a conflict; 10 s in RFC 5227 §1.1 (`DEFEND_INTERVAL`).
    pub defend_interval: Duration,
    /// At least this long between two ARP frames on the interface.
    pub arp_interval: Duration,
    /// At least this long between two advertisements on the interface.
    pub ndp_interval: Duration,
    /// How many frames an interface takes.
    pub bucket: Option<Bucket>,
    /// By how much times are moved about.
    pub jitter: Percent,
    /// The R flag of advertisements.
    pub role: Role,
}

/// Frames of a burst, for each family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    /// For IPv4 addresses.
    pub arp: Vec<Step<ArpForm>>,
    /// For IPv6 addresses.
    pub ndp: Vec<Step<Audience>>,
}

/// Some frames of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<F> {
    /// How long after the frame before.
    pub after: Duration,
    /// Which form, or for whom.
    pub form: F,
    /// How many, as fast as the pace allows; 0 skips the step.
    pub times: u32,
}

impl<F> Step<F> {
    /// One frame.
    pub const fn once(after: Duration, form: F) -> Self {
        Self { after, form, times: 1 }
    }
}

/// Announcing for as long as the address is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// From the end of the burst, and then from one refresh to the next; at least a millisecond.
    pub every: Duration,
    /// What is sent.
    pub pattern: Pattern,
}

/// A token bucket of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Frames a second in the long run; 0 is taken as 1.
    pub per_second: u32,
    /// Frames at once; 0 is taken as 1.
    pub depth: u32,
}

/// Hundredths, 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

impl Percent {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// A tenth.
    pub const TEN: Self = Self(10);

    /// At most 100.
    pub const fn new(hundredths: u8) -> Option<Self> {
        if hundredths <= 100 { Some(Self(hundredths)) } else { None }
    }

    pub(crate) fn of(self, whole: Duration) -> Duration {
        whole / 100 * u32::from(self.0)
    }
}

impl Default for Settings {
    fn default() -> Self {
        let ms = Duration::from_millis;
        let request = |after| Step::once(ms(after), ArpForm::Request);
        let nodes = |after| Step::once(ms(after), Audience::AllNodes);
        let single = Pattern { arp: vec![request(0)], ndp: vec![nodes(0)] };
        Self {
            takeover: Pattern {
                arp: vec![
                    request(0),
                    request(100),
                    request(200),
                    request(800),
                    Step::once(Duration::ZERO, ArpForm::Reply),
                    request(1100),
                    request(2800),
                ],
                ndp: vec![
                    nodes(0),
                    Step::once(Duration::ZERO, Audience::AllRouters),
                    nodes(1000),
                    nodes(1000),
                ],
            },
            lower_priority: Pattern {
                arp: vec![request(0), request(100), request(1000)],
                ndp: vec![nodes(0), nodes(1000)],
            },
            lower_priority_gap: ms(1000),
            refresh: None,
            defence: single,
            defend_interval: Duration::from_secs(10),
            arp_interval: Duration::ZERO,
            ndp_interval: Duration::ZERO,
            bucket: Some(Bucket { per_second: 1000, depth: 128 }),
            jitter: Percent::TEN,
            role: Role::Host,
        }
    }
}

impl Settings {
    /// As keepalived does it where its file says nothing: [`Keepalived::default`].
    pub fn keepalived() -> Self {
        Keepalived::default().into()
    }

    /// The same, with a refresh of one frame each `every`.
    #[must_use]
    pub fn refreshed(mut self, every: Duration) -> Self {
        self.refresh = Some(Refresh { every, pattern: self.defence.clone() });
        self
    }
}

/// The settings under the names that keepalived's users know, with its meaning and its defaults. Durations that its file
/// gives in seconds (`garp_interval` and `gna_interval` with fractions) are [`Duration`]s here.
///
/// ```
/// use garp::{Keepalived, Settings};
/// use std::time::Duration;
///
/// // vrrp_garp_master_refresh 60; vrrp_garp_interval 0.001
/// let settings: Settings = Keepalived {
///     garp_master_refresh: Duration::from_secs(60),
///     garp_interval: Duration::from_millis(1),
///     ..Keepalived::default()
/// }
/// .into();
/// assert_eq!(settings.arp_interval, Duration::from_millis(1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keepalived {
    /// `garp_master_delay`: from the first burst to the second; 0: no second. 5 s.
    pub garp_master_delay: Duration,
    /// `garp_master_repeat`: frames an address in each burst. 5.
    pub garp_master_repeat: u32,
    /// `garp_master_refresh`: from one refresh to the next; 0: none. 0.
    pub garp_master_refresh: Duration,
    /// `garp_master_refresh_repeat`: frames an address in each refresh. 1.
    pub garp_master_refresh_repeat: u32,
    /// `garp_lower_prio_delay`: as `garp_master_delay`, after an advertisement of lower priority; that of
    /// `garp_master_delay` where nothing is said.
    pub garp_lower_prio_delay: Option<Duration>,
    /// `garp_lower_prio_repeat`: as `garp_master_repeat`; 0: nothing is sent; that of `garp_master_repeat` where nothing is said.
    pub garp_lower_prio_repeat: Option<u32>,
    /// `garp_interval`: between two ARP frames on an interface. 0.
    pub garp_interval: Duration,
    /// `gna_interval`: between two neighbour advertisements on an interface. 0.
    pub gna_interval: Duration,
    /// `vrrp_min_garp`. Off.
    pub min_garp: MinGarp,
}

/// `vrrp_min_garp` of keepalived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinGarp {
    /// Off: bursts as said.
    #[default]
    AsConfigured,
    /// On: one frame an address, and no second burst.
    One,
}

impl Default for Keepalived {
    fn default() -> Self {
        Self {
            garp_master_delay: Duration::from_secs(5),
            garp_master_repeat: 5,
            garp_master_refresh: Duration::ZERO,
            garp_master_refresh_repeat: 1,
            garp_lower_prio_delay: None,
            garp_lower_prio_repeat: None,
            garp_interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            min_garp: MinGarp::AsConfigured,
        }
    }
}

impl From<Keepalived> for Settings {
    fn from(file: Keepalived) -> Self {
        let (delay, repeat, lower_delay, lower_repeat) = match file.min_garp {
            MinGarp::AsConfigured => (
                file.garp_master_delay,
                file.garp_master_repeat,
                file.garp_lower_prio_delay.unwrap_or(file.garp_master_delay),
                file.garp_lower_prio_repeat.unwrap_or(file.garp_master_repeat),
            ),
            MinGarp::One => (
                Duration::ZERO,
                file.garp_master_repeat.min(1),
                Duration::ZERO,
                file.garp_lower_prio_repeat.unwrap_or(file.garp_master_repeat).min(1),
            ),
        };
        let refresh = (!file.garp_master_refresh.is_zero()).then(|| Refresh {
            every: file.garp_master_refresh,
            pattern: bursts(Duration::ZERO, file.garp_master_refresh_repeat),
        });
        Self {
            takeover: bursts(delay, repeat),
            lower_priority: bursts(lower_delay, lower_repeat),
            lower_priority_gap: Duration::ZERO,
            refresh,
            defence: bursts(Duration::ZERO, 1),
            arp_interval: file.garp_interval,
            ndp_interval: file.gna_interval,
            bucket: None,
            jitter: Percent::ZERO,
            ..Self::default()
        }
    }
}

/// `times` frames at once, and where there is a delay as many again after it.
fn bursts(delay: Duration, times: u32) -> Pattern {
    fn steps<F: Copy>(form: F, delay: Duration, times: u32) -> Vec<Step<F>> {
        let first = Step { after: Duration::ZERO, form, times };
        if delay.is_zero() { vec![first] } else { vec![first, Step { after: delay, ..first }] }
    }
    Pattern {
        arp: steps(ArpForm::RequestToBroadcast, delay, times),
        ndp: steps(Audience::AllNodes, delay, times),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_a_tenth() {
        assert_eq!(Percent::TEN.of(Duration::from_secs(1)), Duration::from_millis(100));
        assert_eq!(Percent::new(101), None);
    }

    #[test]
    fn lower_priority_follows_the_master_settings_where_nothing_is_said() {
        let file = Keepalived { garp_master_repeat: 2, ..Keepalived::default() };
        let settings = Settings::from(file);
        assert_eq!(settings.lower_priority, settings.takeover);
    }

    #[test]
    fn min_garp_leaves_one_frame_and_no_second_burst() {
        let settings = Settings::from(Keepalived { min_garp: MinGarp::One, ..Keepalived::default() });
        assert_eq!(settings.takeover, bursts(Duration::ZERO, 1));
        assert_eq!(settings.lower_priority, bursts(Duration::ZERO, 1));
    }

    #[test]
    fn keepalived_refreshes_only_when_told() {
        assert_eq!(Settings::keepalived().refresh, None);
        let file = Keepalived { garp_master_refresh: Duration::from_secs(60), ..Keepalived::default() };
        let refresh = Settings::from(file).refresh.unwrap();
        assert_eq!((refresh.every, refresh.pattern), (Duration::from_secs(60), bursts(Duration::ZERO, 1)));
    }
}
