//! MSG-LEN of RFC 6587 §3.4.1, and what only looks like it.
//!
//! What follows from it is `frame`'s.

/// What must stand behind the digits and the blank for a count to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `<`, one to three digits, `>`. Lines that begin with a number are not counts then.
    WithPri,
    /// Anything.
    Any,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// No count.
    None,
    /// It depends on octets that are not there yet.
    Undecided,
    /// The message begins at `header` and has `len` octets; the count has `digits` digits.
    Of { header: usize, len: usize, digits: u32 },
    /// The shape of a count, but zero, or more than anybody sends.
    Unbelievable { header: usize },
}

/// A count at the start of the octets.
#[inline]
pub(super) fn at_start(octets: &[u8], shape: Shape) -> Count {
    let mut value: usize = 0;
    let mut digits: u32 = 0;
    let mut at = 0;
    while let Some(digit @ b'0'..=b'9') = octets.get(at) {
        value = value.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
        digits += 1;
        at += 1;
        if at > MAX_DIGITS {
            return Count::None;
        }
    }
    match octets.get(at) {
        None if at > 0 || octets.is_empty() => return Count::Undecided,
        Some(b' ') if at > 0 => at += 1,
        _ => return Count::None,
    }
    // Cisco ASA puts two blanks there and does not count the second.
    match octets.get(at) {
        None => return Count::Undecided,
        Some(b' ') => at += 1,
        Some(_) => {}
    }
    if shape == Shape::WithPri {
        match pri(octets, at) {
            Some(true) => {}
            Some(false) => return Count::None,
            None => return Count::Undecided,
        }
    }
    if value == 0 || value > MAX_COUNT {
        Count::Unbelievable { header: at }
    } else {
        Count::Of { header: at, len: value, digits }
    }
}

/// A whole count with a PRI behind it, somewhere in the octets; `Of::header` is where its digits begin, which is not
/// before `least`. The `<` of the PRI lies in `from..to`.
pub(super) fn inside(octets: &[u8], from: usize, to: usize, least: usize) -> Count {
    let window = octets.get(from..to).unwrap_or_default();
    for bracket in memchr::memchr_iter(b'<', window).map(|at| from + at) {
        let Some(before) = octets.get(..bracket) else { continue };
        let blanks = before.iter().rev().take(2).take_while(|&&octet| octet == b' ').count();
        let digits =
            before.iter().rev().skip(blanks).take(MAX_DIGITS).take_while(|o| o.is_ascii_digit()).count();
        if blanks == 0 || digits == 0 || bracket - blanks - digits < least {
            continue;
        }
        match pri(octets, bracket) {
            Some(true) => {
                return Count::Of { header: bracket - blanks - digits, len: 0, digits: 0 };
            }
            Some(false) => {}
            None => return Count::Undecided,
        }
    }
    Count::None
}

/// Whether `<`, one to three digits and `>` stand at `from`; `None`: so far.
#[inline]
fn pri(octets: &[u8], from: usize) -> Option<bool> {
    if *octets.get(from)? != b'<' {
        return Some(false);
    }
    for digits in 0..=3 {
        match octets.get(from + 1 + digits)? {
            b'0'..=b'9' if digits < 3 => {}
            b'>' => return Some(digits > 0),
            _ => return Some(false),
        }
    }
    Some(false)
}

/// More digits than any counter has.
const MAX_DIGITS: usize = 20;
/// The longest thing that can be undecided: digits, two blanks, `<191`.
pub(super) const MAX_LEN: usize = MAX_DIGITS + 2 + 5;
/// A gigabyte, less one octet: nine digits.
const MAX_COUNT: usize = 999_999_999;
