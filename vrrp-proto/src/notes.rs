//! What is odd about an accepted advertisement: to be logged, not refused (RFC 9568 §7.1).

/// One oddity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Note {
    /// The sender has another interval than this router (RFC 9568 §7.1). Where only VRRPv2 is spoken that is refused.
    IntervalDiffers,
    /// The sender has other addresses, or in another order (RFC 9568 §7.1).
    AddressesDiffer,
    /// Bits that must be zero are set; they are ignored (RFC 9568 §5.2.6).
    ReservedBits,
    /// It carries no HMAC, which is tolerated for now.
    Unauthenticated,
}

impl Note {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::IntervalDiffers, Self::AddressesDiffer, Self::ReservedBits, Self::Unauthenticated];

    /// Its name for a counter, in snake_case.
    pub const fn label(self) -> &'static str {
        match self {
            Self::IntervalDiffers => "interval_differs",
            Self::AddressesDiffer => "addresses_differ",
            Self::ReservedBits => "reserved_bits",
            Self::Unauthenticated => "unauthenticated",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of [`Note`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Notes(u8);

impl Notes {
    /// Nothing is odd.
    pub const NONE: Self = Self(0);

    /// Whether it is one of them.
    pub const fn contains(self, note: Note) -> bool {
        self.0 & note.bit() != 0
    }

    /// Whether nothing is odd.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Note> {
        Note::ALL.into_iter().filter(move |&note| self.contains(note))
    }

    pub(crate) const fn with(self, note: Note) -> Self {
        Self(self.0 | note.bit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_note_has_a_bit_and_a_label_of_its_own() {
        for (place, note) in Note::ALL.into_iter().enumerate() {
            let notes = Notes::NONE.with(note);
            assert!(notes.iter().eq([note]));
            assert!(Note::ALL[..place].iter().all(|other| other.label() != note.label()));
        }
    }
}
