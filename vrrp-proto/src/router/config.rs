//! What a router is told once: who it is and by which rules it contends. What changes later comes as an event.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use crate::{Family, Interval, Priority, Versions, VirtualRouterId};

/// The configuration of one virtual router on one link. [`Config::new`] gives RFC 9568's defaults; change the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The virtual router.
    pub vrid: VirtualRouterId,
    /// The primary address of the interface, from which advertisements are sent. It breaks ties, and its family is the
    /// router's.
    pub address: IpAddr,
    /// Which VRRP is spoken and heard.
    pub versions: Versions,
    /// 1 to 254, or 255 for the owner of the addresses (§5.2.4).
    pub priority: Priority,
    /// How often this router advertises when it is Active.
    pub interval: Interval,
    /// Whether it takes over from a router of lower priority. The owner always does (§6.1).
    pub preempt: Preempt,
    /// Whether packets to the virtual addresses are accepted by a router that does not own them (§6.1). The router only
    /// carries this to [`Standing::accepts_packets`](crate::Standing::accepts_packets).
    pub accept: AcceptMode,
    /// How long the first wait of all is.
    pub first: FirstWait,
    /// How many intervals of silence a Backup bears, beside its skew: 1 to 100, 3 in RFC 9568.
    pub down_timer_adverts: u8,
    /// What an Active Router does when it hears one that loses against it.
    pub losing: OnLosing,
    /// What an Active Router does when it hears a better one.
    pub better: OnBetter,
    /// What an Active Router does when its priority is lowered.
    pub demoted: OnDemotion,
    /// How long after [`Event::Start`](crate::Event::Start) the router stays deaf and mute.
    pub start_delay: Duration,
    /// How long after it first heard its successor a router that hands over keeps the addresses.
    pub grace: Duration,
}

impl Config {
    /// RFC 9568's defaults: an interval of one second, preemption, three advertisements, packets to the virtual
    /// addresses not accepted. Beside them: no start delay, 50 ms of grace.
    pub const fn new(vrid: VirtualRouterId, versions: Versions, address: IpAddr, priority: Priority) -> Self {
        Self {
            vrid,
            address,
            versions,
            priority,
            interval: Interval::ONE_SECOND,
            preempt: Preempt::Always,
            accept: AcceptMode::Discard,
            first: FirstWait::Full,
            down_timer_adverts: 3,
            losing: OnLosing::Advertise,
            better: OnBetter::StepDown,
            demoted: OnDemotion::HandOver,
            start_delay: Duration::ZERO,
            grace: Duration::from_millis(50),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.priority == Priority::RELEASE {
            return Err(ConfigError::Priority);
        }
        if !matches!(self.down_timer_adverts, 1..=100) {
            return Err(ConfigError::DownTimerAdverts { adverts: self.down_timer_adverts });
        }
        if self.versions != Versions::V3 && Family::from(self.address) == Family::V6 {
            return Err(ConfigError::V2OverIpv6);
        }
        let centiseconds = self.interval.centiseconds();
        match self.versions {
            Versions::V2 if !centiseconds.is_multiple_of(100) => Err(ConfigError::Fraction { centiseconds }),
            Versions::V3 | Versions::Both if centiseconds > 4095 => {
                Err(ConfigError::Interval { centiseconds })
            }
            _ => Ok(()),
        }
    }
}

/// Whether a Backup takes over from an Active Router of lower priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preempt {
    /// When its down timer expires: the lower one's advertisements do not prolong it.
    Always,
    /// As `Always`, but only after it has heard a lower one, and no better one, for so long.
    After(Duration),
    /// Not while anybody advertises.
    Never,
}

/// Whether packets to the virtual addresses are accepted by an Active Router that does not own them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "no_accept")]
pub enum AcceptMode {
    /// Accept_Mode true.
    Accept,
    /// Accept_Mode false. IPv6 neighbour solicitations and advertisements are never discarded (§6.1).
    Discard,
}

/// How long a router that just started waits for an Active Router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "state MASTER")]
pub enum FirstWait {
    /// The down interval (§6.4.1).
    Full,
    /// One interval and the skew: enough to hear one advertisement.
    Short,
}

/// What an Active Router does when it hears an advertisement that loses against its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "lower_prio_no_advert")]
pub enum OnLosing {
    /// Advertise at once, so that the other steps down and switches learn the way (§6.4.3).
    Advertise,
    /// Keep silent until the next advertisement is due, as RFC 3768 and RFC 5798 had it.
    KeepSilent,
}

/// What an Active Router does when it hears a better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "higher_prio_send_advert")]
pub enum OnBetter {
    /// Step down (§6.4.3).
    StepDown,
    /// Advertise once more, then step down: the better one learns that there were two, and announces its addresses.
    AdvertiseOnce,
}

/// What an Active Router does when its priority is lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnDemotion {
    /// Open an election at once: see [hand-over](crate::Router#handing-over).
    HandOver,
    /// Advertise the lower priority when the next advertisement is due. A better Backup takes over after its down
    /// interval, one that does not preempt never does.
    AdvertiseOnly,
}

/// Why there cannot be such a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// Priority 0 is what a router says that leaves.
    Priority,
    /// Out of 1 to 100.
    DownTimerAdverts {
        /// What was asked for.
        adverts: u8,
    },
    /// VRRPv2 is for IPv4.
    V2OverIpv6,
    /// VRRPv2 says whole seconds.
    Fraction {
        /// What was asked for.
        centiseconds: u16,
    },
    /// VRRPv3 says up to 4095 cs.
    Interval {
        /// What was asked for.
        centiseconds: u16,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Priority => f.write_str("priority 0 means that a router leaves, it cannot be configured"),
            Self::DownTimerAdverts { adverts } => {
                write!(f, "down_timer_adverts is {adverts}, it can be 1 to 100")
            }
            Self::V2OverIpv6 => f.write_str("VRRPv2 is for IPv4, the address is an IPv6 address"),
            Self::Fraction { centiseconds } => {
                write!(f, "the interval is {centiseconds} cs, VRRPv2 can say whole seconds only")
            }
            Self::Interval { centiseconds } => {
                write!(f, "the interval is {centiseconds} cs, VRRPv3 can say 4095 cs at most")
            }
        }
    }
}

impl core::error::Error for ConfigError {}
