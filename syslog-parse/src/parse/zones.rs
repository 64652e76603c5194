//! Names of time zones that may stand behind a stamp: nothing else tells one from a host name in capitals.

/// Whether three to five letters are the name of a zone that is in use.
pub(super) fn is_known(name: &[u8]) -> bool {
    (3..=5).contains(&name.len()) && ZONE_NAMES.binary_search(&zone(name)).is_ok()
}

/// Abbreviations of the IANA database that are in use, the shorter first, then by letters. What they mean, the caller's
/// table says.
const ZONE_NAMES: [u64; 44] = [
    zone(b"ADT"),
    zone(b"AST"),
    zone(b"BRT"),
    zone(b"BST"),
    zone(b"CAT"),
    zone(b"CDT"),
    zone(b"CET"),
    zone(b"CST"),
    zone(b"EAT"),
    zone(b"EDT"),
    zone(b"EET"),
    zone(b"EST"),
    zone(b"GMT"),
    zone(b"HKT"),
    zone(b"HST"),
    zone(b"IDT"),
    zone(b"IST"),
    zone(b"JST"),
    zone(b"KST"),
    zone(b"MDT"),
    zone(b"MSK"),
    zone(b"MST"),
    zone(b"NDT"),
    zone(b"NST"),
    zone(b"PDT"),
    zone(b"PKT"),
    zone(b"PST"),
    zone(b"SGT"),
    zone(b"UTC"),
    zone(b"WAT"),
    zone(b"WET"),
    zone(b"ACDT"),
    zone(b"ACST"),
    zone(b"AEDT"),
    zone(b"AEST"),
    zone(b"AKDT"),
    zone(b"AKST"),
    zone(b"AWST"),
    zone(b"CEST"),
    zone(b"EEST"),
    zone(b"NZDT"),
    zone(b"NZST"),
    zone(b"SAST"),
    zone(b"WEST"),
];

/// The letters of a zone's name, the last in the lowest place.
const fn zone(mut name: &[u8]) -> u64 {
    let mut packed = 0;
    while let [letter, rest @ ..] = name {
        packed = packed << 8 | *letter as u64;
        name = rest;
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_names_are_in_order_for_the_search() {
        assert!(ZONE_NAMES.is_sorted());
    }
}
