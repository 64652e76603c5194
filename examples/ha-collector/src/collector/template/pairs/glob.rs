//! Names with `*` and `?` in them.

/// A pattern of names: `*` is any text, `?` any byte.
#[derive(Clone, Debug)]
pub(super) struct Glob(Box<[u8]>);

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        Self(pattern.as_bytes().into())
    }

    /// Whether it has no wildcards.
    pub(super) fn is_one_name(&self) -> bool {
        !self.0.iter().any(|byte| matches!(byte, b'*' | b'?'))
    }

    /// Whether a name is of that pattern. Takes at most as many steps as the product of their lengths.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        let (mut at, mut in_name) = (0, 0);
        // Behind the last `*`, and how far it reaches.
        let mut star: Option<(usize, usize)> = None;
        while in_name < name.len() {
            match self.0.get(at) {
                Some(b'*') => {
                    at += 1;
                    star = Some((at, in_name));
                }
                Some(byte) if *byte == b'?' || name.get(in_name) == Some(byte) => {
                    at += 1;
                    in_name += 1;
                }
                _ => {
                    let Some((behind, reach)) = star else {
                        return false;
                    };
                    star = Some((behind, reach + 1));
                    (at, in_name) = (behind, reach + 1);
                }
            }
        }
        self.0.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_any_byte() {
        for (pattern, name, expected) in [
            ("*", "", true),
            (".SDATA.*", ".SDATA.a.b", true),
            (".SDATA.*", ".SDAT.a", false),
            ("*.b", ".SDATA.a.b", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("HO?T", "HOST", true),
            ("HO?T", "HOT", false),
            ("HOST", "HOST", true),
            ("HOST", "HOST_FROM", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
