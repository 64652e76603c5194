//! What is remembered of one virtual router's addresses, and what follows from what the election says. No clock, no
//! socket: [`super`] does what is decided here.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use vrrp_proto::{Reason, Standing, State};

/// Addresses are put back at once so often within [`REPAIR_WINDOW`]; after that only when the lease is renewed.
const MOST_REPAIRS: u32 = 10;
const REPAIR_WINDOW: Duration = Duration::from_secs(10);
/// Who gives an address up to another one keeps receiving until the other one has told the neighbours, but no longer than
/// this: a successor that nobody hears must not be outlived.
const LONGEST_LINGER: Duration = Duration::from_millis(500);
/// From the successor's word to the neighbours until they have acted on it.
const HEARD_BY_ALL: Duration = Duration::from_millis(20);
/// A successor may tell the neighbours so long before we have understood that it is one.
const JUST_BEFORE: Duration = Duration::from_millis(20);
/// Two that both think they have it must not contradict each other for ever.
const MOST_LAST_WORDS: u32 = 5;
/// Before an address is defended the election has had its say: a better router announces as well.
const THINK: Duration = Duration::from_millis(200);
/// Who had the address before us may speak of it for so long.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// One virtual router's addresses.
#[derive(Debug)]
pub(super) struct Held {
    state: State,
    course: Course,
    since: Instant,
    wanted: Wanted,
    handing_over: Handing,
    /// As the election counts them: one more, and the neighbours are to be told again.
    announcements: u32,
    /// When somebody else last told the neighbours that the address is theirs.
    claimed: Option<Instant>,
    /// How often the one before us was contradicted since we took it.
    last_words: u32,
    /// When it is looked whether that was a conflict, and for which address.
    defend_at: Option<(Instant, IpAddr)>,
    repairs: u32,
    repairs_since: Instant,
}

/// Whether the addresses are to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Here,
    /// Another one has it; it goes at this moment, or when that one has been heard.
    /// A word of the successor's counts from `since` on.
    Lingering {
        since: Instant,
        until: Instant,
    },
    Elsewhere,
}

/// Whether a successor has been heard and is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handing {
    Nothing,
    /// A word of the successor's counts from here on.
    Over {
        since: Instant,
    },
}

/// What the election says, as far as addresses are concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    state: State,
    course: Course,
    /// Whether the addresses are to be here.
    here: bool,
    announcements: u32,
}

/// Where the addresses are on their way to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// This router gives them up, and keeps them until another one has taken over.
    LooksForSuccessor,
    /// Another one has them, or is about to.
    GivenUp,
    Other,
}

impl From<&Standing> for Word {
    fn from(standing: &Standing) -> Self {
        let course = match standing.reason {
            Reason::Yielding | Reason::HandingOver { .. } | Reason::Demoted { .. } => {
                Course::LooksForSuccessor
            }
            Reason::Outranked { .. } | Reason::HandedOver { .. } => Course::GivenUp,
            _ => Course::Other,
        };
        Self {
            state: standing.state,
            course,
            here: standing.holds_addresses(),
            announcements: standing.announcements,
        }
    }
}

/// What the election's word makes necessary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Take,
    LetGo,
    /// Not a word more about the addresses, which stay until the successor's is heard.
    FallSilent,
    /// The neighbours are told again: another one thought that they were its.
    Contended,
    Nothing,
}

/// What is done about an address that somebody removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repair {
    Now,
    /// It is removed again and again: when the lease is renewed.
    Later,
    /// As before, and that has been said.
    StillLater,
    /// It was to go anyway.
    NotOurs,
}

/// What the election's word changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) act: Act,
    pub(super) before: State,
    /// How long that state lasted.
    pub(super) lasted: Duration,
    /// Whether the addresses came or went at once.
    pub(super) moved: bool,
}

impl Held {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            state: State::Initialize,
            course: Course::Other,
            since: now,
            wanted: Wanted::Elsewhere,
            handing_over: Handing::Nothing,
            announcements: 0,
            claimed: None,
            last_words: 0,
            defend_at: None,
            repairs: 0,
            repairs_since: now,
        }
    }

    /// Takes in what the election says now.
    pub(super) fn heed(&mut self, word: Word, now: Instant) -> Change {
        let (before, wanted_before, announced) = (self.state, self.wanted, self.announcements);
        let wanted = match (word.here, wanted_before, word.course) {
            (true, ..) => Wanted::Here,
            // Until the neighbours know, what they send comes here.
            (false, Wanted::Here, Course::GivenUp) => {
                let since = match self.handing_over {
                    Handing::Over { since } => since,
                    Handing::Nothing => now.checked_sub(JUST_BEFORE).unwrap_or(now),
                };
                Wanted::Lingering { since, until: now + LONGEST_LINGER }
            }
            // A node that stops after that has still given it up to somebody.
            (false, Wanted::Lingering { .. }, _) if word.state != State::Fault => wanted_before,
            (false, ..) => Wanted::Elsewhere,
        };
        let was_handing_over = self.handing_over != Handing::Nothing;
        self.handing_over = match (word.course, self.handing_over) {
            (Course::LooksForSuccessor, Handing::Nothing) => Handing::Over { since: now },
            (Course::LooksForSuccessor, over) => over,
            (Course::GivenUp | Course::Other, _) => Handing::Nothing,
        };
        self.state = word.state;
        self.course = word.course;
        self.wanted = wanted;
        self.announcements = word.announcements;
        let lasted = now.saturating_duration_since(self.since);
        if before != word.state {
            self.since = now;
        }
        let handing_over = self.handing_over != Handing::Nothing;
        let act = match (wanted_before, wanted) {
            (Wanted::Elsewhere | Wanted::Lingering { .. }, Wanted::Here) => Act::Take,
            (Wanted::Here | Wanted::Lingering { .. }, Wanted::Elsewhere) => Act::LetGo,
            (Wanted::Here, Wanted::Lingering { .. }) => Act::FallSilent,
            // A successor may speak at any moment; a word of ours after its would bring senders back.
            (Wanted::Here, Wanted::Here) if handing_over => Act::FallSilent,
            (Wanted::Here, Wanted::Here) if was_handing_over => Act::Take,
            (Wanted::Here, Wanted::Here) if announced != word.announcements => Act::Contended,
            (Wanted::Here, Wanted::Here)
            | (Wanted::Elsewhere | Wanted::Lingering { .. }, Wanted::Lingering { .. })
            | (Wanted::Elsewhere, Wanted::Elsewhere) => Act::Nothing,
        };
        let moved = wanted_before != wanted && !matches!(wanted, Wanted::Lingering { .. });
        Change { act, before, lasted, moved }
    }

    /// The addresses were taken: what others said before us counts no more.
    pub(super) const fn taken(&mut self) {
        self.claimed = None;
        self.last_words = 0;
    }

    /// Whether the addresses are ours, and stay so.
    pub(super) fn is_here(&self) -> bool {
        self.wanted == Wanted::Here
    }

    /// When addresses that linger go: the successor has been heard by all, or is waited for no longer.
    pub(super) fn lingers_until(&self) -> Option<Instant> {
        let Wanted::Lingering { since, until } = self.wanted else { return None };
        Some(match self.claimed {
            Some(claimed) if claimed >= since => until.min(claimed + HEARD_BY_ALL),
            _ => until,
        })
    }

    /// Whether they have lingered long enough; from then on they are gone.
    pub(super) fn end_lingering(&mut self, now: Instant) -> bool {
        let over = self.lingers_until().is_some_and(|until| until <= now);
        if over {
            self.wanted = Wanted::Elsewhere;
        }
        over
    }

    /// Somebody else removed an address.
    pub(super) fn removed_by_another(&mut self, now: Instant) -> Repair {
        if !self.is_here() {
            return Repair::NotOurs;
        }
        if now.saturating_duration_since(self.repairs_since) > REPAIR_WINDOW {
            self.repairs = 0;
            self.repairs_since = now;
        }
        self.repairs = self.repairs.saturating_add(1);
        match self.repairs.cmp(&(MOST_REPAIRS + 1)) {
            std::cmp::Ordering::Less => Repair::Now,
            std::cmp::Ordering::Equal => Repair::Later,
            std::cmp::Ordering::Greater => Repair::StillLater,
        }
    }

    /// Somebody else tells the neighbours that the address is theirs. True: who had it before us has spoken after us, and
    /// senders are told once more, now and not at the next repeat.
    pub(super) fn claimed_by_another(&mut self, now: Instant) -> bool {
        self.claimed = Some(now);
        let just_taken = self.is_here() && self.handing_over == Handing::Nothing;
        let lately = now.saturating_duration_since(self.since) <= SETTLED_AFTER;
        let again = just_taken && lately && self.last_words < MOST_LAST_WORDS;
        self.last_words += u32::from(again);
        again
    }

    /// While an address changes hands both speak of it, and that is no conflict.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        let lasted = now.saturating_duration_since(self.since);
        self.is_here() && self.course != Course::LooksForSuccessor && lasted > SETTLED_AFTER
    }

    /// An address that is settled is claimed: looks again in a moment.
    pub(super) fn defend_later(&mut self, address: IpAddr, now: Instant) {
        self.defend_at.get_or_insert((now + THINK, address));
    }

    /// When that is.
    pub(super) fn defends_at(&self) -> Option<Instant> {
        self.defend_at.map(|(at, _)| at)
    }

    /// The address to defend now, where the election says the same as before (RFC 5227 §2.4).
    pub(super) fn defend(&mut self, now: Instant) -> Option<IpAddr> {
        let (_, address) = self.defend_at.take_if(|(at, _)| *at <= now)?;
        self.is_settled(now).then_some(address)
    }
}

#[cfg(test)]
mod tests;
