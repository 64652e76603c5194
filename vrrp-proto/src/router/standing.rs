//! Where a router stands, since when, why, and on whose evidence.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use crate::{AcceptMode, Accepted, Faults, Instant, Interval, Priority, Version};

/// The states of RFC 9568 §6.4, and one for a router that cannot serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It takes no part.
    #[doc(alias = "init")]
    Initialize,
    /// It watches the Active Router.
    Backup,
    /// It holds the addresses.
    #[doc(alias = "master")]
    Active,
    /// It would take part if it could.
    Fault,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initialize => "Initialize",
            Self::Backup => "Backup",
            Self::Active => "Active",
            Self::Fault => "Fault",
        })
    }
}

/// A level, not an edge: whoever sees only the last of several knows all that counts.
///
/// It prints itself, with times in seconds since the caller's beginning:
/// `Backup since 12.000 s: 10.0.0.11 advertises 150 > 100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// The state.
    pub state: State,
    /// Since when it is this state. The reason may have changed since.
    pub since: Instant,
    /// Why, and on whose evidence.
    pub reason: Reason,
    /// The priority with which the router contends now.
    pub priority: Priority,
    /// How often there was reason to tell the link who holds the addresses: at becoming Active, and whenever another
    /// router was heard that thought it was. Who announces addresses does so when this has grown.
    pub announcements: u32,
    /// Whether the router owns the addresses.
    pub ownership: Ownership,
    /// As configured.
    pub accept: AcceptMode,
}

impl Standing {
    /// Whether the addresses are to be on the interface: ARP and neighbour solicitations are answered, packets to the
    /// virtual MAC address forwarded (§6.4.3). True until the end while a router hands over.
    pub const fn holds_addresses(&self) -> bool {
        matches!(self.state, State::Active)
    }

    /// Whether packets to the virtual addresses are to be accepted (§6.4.2, §6.4.3).
    pub const fn accepts_packets(&self) -> bool {
        self.holds_addresses()
            && (matches!(self.ownership, Ownership::Owner) || matches!(self.accept, AcceptMode::Accept))
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = Seconds(Duration::from_nanos(self.since.nanoseconds()));
        write!(f, "{} since {since}: {}", self.state, self.reason)
    }
}

/// Whether the virtual addresses are the router's own (§1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ownership {
    /// Configured with priority 255.
    Owner,
    /// Any other.
    Other,
}

/// An advertisement that was heard, as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sighting {
    /// Who sent it.
    pub source: IpAddr,
    /// In which VRRP.
    pub version: Version,
    /// Its priority.
    pub priority: Priority,
    /// Its interval.
    pub interval: Interval,
    /// When it was heard.
    pub at: Instant,
}

impl Sighting {
    pub(super) const fn of(heard: &Accepted<'_>, at: Instant) -> Self {
        Self {
            source: heard.source(),
            version: heard.version(),
            priority: heard.priority(),
            interval: heard.interval(),
            at,
        }
    }
}

/// Why a router stands where it stands. It prints itself as half a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Initialize: it was not started.
    NotStarted,
    /// Initialize: it was stopped.
    Stopped,
    /// Initialize: it was started and waits.
    Delayed {
        /// Until then.
        until: Instant,
    },
    /// Fault: it cannot serve.
    Faulty(Faults),

    /// Backup: it has just begun and heard nobody.
    Listening,
    /// Backup: the Active Router's priority is not lower.
    Outranked {
        /// Its last advertisement.
        active: Sighting,
        /// Against this.
        own: Priority,
    },
    /// Backup: the Active Router's priority is lower, but it is not to be preempted.
    NotPreempting {
        /// Its last advertisement.
        active: Sighting,
        /// Against this.
        own: Priority,
    },
    /// Backup: the Active Router's priority is lower, but it is not to be preempted yet.
    PreemptsLater {
        /// Its last advertisement.
        active: Sighting,
        /// Against this.
        own: Priority,
        /// Its advertisements prolong the down timer until then.
        from: Instant,
    },
    /// Backup: the Active Router's priority is lower, so its advertisements do not prolong the down timer.
    Preempting {
        /// Its last advertisement.
        active: Sighting,
        /// Against this.
        own: Priority,
    },
    /// Backup: the Active Router let go, and whoever is best takes over next.
    Released {
        /// Its advertisement of priority 0.
        by: Sighting,
    },
    /// Backup: it handed over.
    HandedOver {
        /// The last advertisement of the new Active Router.
        to: Sighting,
    },
    /// Backup: its own wake-up was so late that it gives the Active Router the time for one more advertisement.
    Stalled {
        /// So late.
        late: Duration,
    },
    /// Backup: it was Active, could not advertise for so long that another one took over, and does not preempt it.
    ReplacedWhileStalled {
        /// The first advertisement of the other.
        by: Sighting,
        /// Since its own last advertisement.
        silent: Duration,
    },

    /// Active: it owns the addresses.
    Owner,
    /// Active: the down timer expired.
    Silence {
        /// The last advertisement that was heard.
        last: Option<Sighting>,
        /// How long that was ago; without one, how long the router listened.
        after: Duration,
    },
    /// Active: the one before let go.
    TookOver {
        /// Its advertisement of priority 0.
        from: Sighting,
    },
    /// Active: the one before had a lower priority.
    Preempted {
        /// Its last advertisement.
        active: Sighting,
        /// Against this.
        own: Priority,
    },
    /// Active: somebody asked for it.
    Promoted,
    /// Active: it said that it lets go, and keeps the addresses until another one takes over.
    Yielding,
    /// Active: its priority was lowered, it said that it lets go, and keeps the addresses until a better one takes
    /// over or it is clear that there is none.
    Demoted {
        /// To this.
        own: Priority,
    },
    /// Active: another one took over, and it keeps the addresses for the grace.
    HandingOver {
        /// The last advertisement of the other.
        to: Sighting,
    },
    /// Active: it wanted to let go, but nobody took over.
    NobodyElse,
    /// Active: its priority was lowered, but no better one took over.
    StillBest {
        /// To this.
        own: Priority,
    },
    /// Active: it handed over to one that fell silent within the grace.
    SuccessorSilent {
        /// Its last advertisement.
        successor: Sighting,
    },
    /// Active: it yielded, and was told to go on before anybody took over.
    Resumed,
    /// Active: it could not advertise for so long that another one may have taken over, whom it would not preempt; it
    /// listens before it goes on.
    Rechecking {
        /// Since its own last advertisement.
        silent: Duration,
    },
    /// Active: it listened after such a silence, and nobody had taken over.
    StillAlone {
        /// How long it had been silent.
        silent: Duration,
    },
}

impl Reason {
    /// The same without what each advertisement changes, to see whether there is something to tell.
    pub(super) const fn settled(mut self) -> Self {
        match &mut self {
            Self::Outranked { active, .. }
            | Self::NotPreempting { active, .. }
            | Self::PreemptsLater { active, .. }
            | Self::Preempting { active, .. } => active.at = Instant::from_nanoseconds(0),
            Self::Released { by } => by.at = Instant::from_nanoseconds(0),
            Self::HandedOver { to } | Self::HandingOver { to } => to.at = Instant::from_nanoseconds(0),
            _ => {}
        }
        self
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted => f.write_str("not started"),
            Self::Stopped => f.write_str("stopped"),
            Self::Delayed { until } => {
                write!(f, "waits until {}", Seconds(Duration::from_nanos(until.nanoseconds())))
            }
            Self::Faulty(faults) => write!(f, "{faults}"),
            Self::Listening => f.write_str("nobody heard yet"),
            Self::Outranked { active, own } => write!(f, "{}", Versus(active, *own)),
            Self::NotPreempting { active, own } => write!(f, "{}, not preempted", Versus(active, *own)),
            Self::PreemptsLater { active, own, from } => {
                let from = Seconds(Duration::from_nanos(from.nanoseconds()));
                write!(f, "{}, not preempted before {from}", Versus(active, *own))
            }
            Self::Preempting { active, own } => {
                write!(f, "{}, takes over when the down timer expires", Versus(active, *own))
            }
            Self::Released { by } => write!(f, "{} let go, the best takes over", by.source),
            Self::HandedOver { to } => {
                write!(f, "handed over to {} (priority {})", to.source, to.priority.value())
            }
            Self::Stalled { late } => write!(
                f,
                "stalled: woke {} after the down timer expired, listens for one more advertisement",
                Seconds(*late)
            ),
            Self::ReplacedWhileStalled { by, silent } => write!(
                f,
                "stalled: could not advertise for {}, {} (priority {}) took over meanwhile",
                Seconds(*silent),
                by.source,
                by.priority.value()
            ),
            Self::Owner => f.write_str("owns the addresses"),
            Self::Silence { last: Some(last), after } => write!(
                f,
                "the down timer expired {} after the last advertisement of {} (priority {})",
                Seconds(*after),
                last.source,
                last.priority.value()
            ),
            Self::Silence { last: None, after } => {
                write!(f, "the down timer expired, nobody was heard for {}", Seconds(*after))
            }
            Self::TookOver { from } => write!(f, "{} let go", from.source),
            Self::Preempted { active, own } => write!(f, "preempted: {}", Versus(active, *own)),
            Self::Promoted => f.write_str("promoted on request"),
            Self::Yielding => f.write_str("yields, keeps the addresses until another one takes over"),
            Self::Demoted { own } => {
                write!(f, "priority lowered to {}, asks who is better", own.value())
            }
            Self::HandingOver { to } => {
                write!(f, "hands over to {} (priority {})", to.source, to.priority.value())
            }
            Self::NobodyElse => f.write_str("yielded, but nobody took over"),
            Self::StillBest { own } => {
                write!(f, "priority lowered to {}, but nobody better took over", own.value())
            }
            Self::SuccessorSilent { successor } => {
                write!(f, "handed over to {}, which fell silent at once", successor.source)
            }
            Self::Resumed => f.write_str("yielded, and resumed before anybody took over"),
            Self::Rechecking { silent } => write!(
                f,
                "stalled: could not advertise for {}, listens whether another one took over",
                Seconds(*silent)
            ),
            Self::StillAlone { silent } => {
                write!(f, "stalled: could not advertise for {}, but nobody took over", Seconds(*silent))
            }
        }
    }
}

/// `10.0.0.11 advertises 150 > 100`.
struct Versus<'a>(&'a Sighting, Priority);

impl fmt::Display for Versus<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.0.priority.cmp(&self.1) {
            core::cmp::Ordering::Less => '<',
            core::cmp::Ordering::Equal => '=',
            core::cmp::Ordering::Greater => '>',
        };
        write!(f, "{} advertises {} {sign} {}", self.0.source, self.0.priority.value(), self.1.value())
    }
}

/// `3.609 s`, cut after the millisecond; below a tenth of a second `36.093 ms`.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= Duration::from_millis(100) || self.0.is_zero() {
            write!(f, "{}.{:03} s", self.0.as_secs(), self.0.subsec_millis())
        } else {
            write!(f, "{}.{:03} ms", self.0.as_millis(), self.0.as_micros() % 1000)
        }
    }
}

/// Everything that can be told about a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Where it stands.
    pub standing: Standing,
    /// When it next does something by itself.
    pub deadline: Option<Instant>,
    /// The last advertisement that was obeyed, of the Active Router as this Backup knows it.
    pub active: Option<Sighting>,
    /// Advertisements to be sent, in each version, releases among them.
    pub sent: u64,
    /// Advertisements heard while taking part.
    pub heard: u64,
    /// Of these, heard while Active from one that loses.
    pub losing: u64,
    /// Of these, in VRRPv2 from one that is heard in VRRPv3 (§8.4.2).
    pub twice: u64,
    /// How often it became Active.
    pub became_active: u64,
    /// How often its own wake-up was too late to act upon.
    pub stalls: u64,
    /// The last advertisement of another router that thinks that it owns the addresses, heard by the owner (§8.3.2).
    pub second_owner: Option<Sighting>,
    /// The last advertisement that came from this router's own address: its own, looped, or another router's that has
    /// the same address.
    pub own_address: Option<Sighting>,
    /// The last advertisement of equal priority (§8.3.2).
    pub equal_priority: Option<Sighting>,
    /// The last advertisement with another interval than this router's (§7.1).
    pub other_interval: Option<Sighting>,
}
