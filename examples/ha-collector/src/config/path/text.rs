//! Values that are made of fields: `"${HOST}: $PROGRAM"`, `"${PID:-none}"`.
//!
//! The part of the template language that filters and rewrites need. Whoever has all of it replaces [`Text::parse`] and
//! what renders it, `collector::path::value`; nothing else looks inside.

use super::PriorityPart;
use super::place::Mistake;

/// A value, as pieces that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    Macro {
        what: Macro,
        /// What stands there when it is empty: `${X:-this}`.
        default: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Macro {
    Field(String),
    PriorityName(PriorityPart),
    PriorityNumber(PriorityPart),
    /// The sender's address.
    SourceIp,
}

impl Text {
    /// Reads a text. `$$` is a dollar.
    pub(crate) fn parse(text: &str) -> Result<Self, Mistake> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            let (before, after) = rest.split_at(dollar);
            literal(&mut pieces, before);
            let at = text.len() - after.len();
            let after = after.get(1..).unwrap_or_default();
            rest = if let Some(behind) = after.strip_prefix('$') {
                literal(&mut pieces, "$");
                behind
            } else if let Some(inner) = after.strip_prefix('{') {
                let (inside, behind) = inner
                    .split_once('}')
                    .ok_or_else(|| Mistake::new(at..text.len(), "this `${` has no `}`"))?;
                let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
                if name.is_empty() {
                    return Err(Mistake::new(at..at + 2, "there is no name in `${}`"));
                }
                pieces.push(Piece::Macro { what: Macro::of(name), default: default.to_owned() });
                behind
            } else {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                let (name, behind) = after.split_at(end);
                if name.is_empty() {
                    return Err(Mistake::new(at..at + 1, "a `$` without a name").help("a dollar is `$$`"));
                }
                pieces.push(Piece::Macro { what: Macro::of(name), default: String::new() });
                behind
            };
        }
        literal(&mut pieces, rest);
        Ok(Self(pieces))
    }

    /// What it always is; `None`: it depends on the message.
    pub(crate) fn constant(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

impl Macro {
    fn of(name: &str) -> Self {
        use PriorityPart::{Facility, Severity, Whole};
        match name {
            "FACILITY" => Self::PriorityName(Facility),
            "FACILITY_NUM" => Self::PriorityNumber(Facility),
            "LEVEL" | "PRIORITY" | "SEVERITY" => Self::PriorityName(Severity),
            "LEVEL_NUM" | "PRIORITY_NUM" | "SEVERITY_NUM" => Self::PriorityNumber(Severity),
            "PRI" => Self::PriorityNumber(Whole),
            "SOURCEIP" => Self::SourceIp,
            name => Self::Field(name.to_owned()),
        }
    }
}

fn literal(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Literal(before)) => before.push_str(text),
        _ => pieces.push(Piece::Literal(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, default: &str) -> Piece {
        Piece::Macro { what: Macro::Field(name.to_owned()), default: default.to_owned() }
    }

    #[test]
    fn fields_stand_between_what_is_written() {
        let parsed = Text::parse("a$$b $HOST-${.app.x:-none}!").unwrap();
        let literal = |text: &str| Piece::Literal(text.to_owned());
        assert_eq!(
            parsed.0,
            [literal("a$b "), field("HOST", ""), literal("-"), field(".app.x", "none"), literal("!")]
        );
        assert_eq!(Text::parse("").unwrap().constant(), Some(""));
        assert_eq!(Text::parse("x").unwrap().constant(), Some("x"));
        assert_eq!(Text::parse("$x").unwrap().constant(), None);
    }

    #[test]
    fn what_is_no_name_is_shown() {
        for (wrong, at) in [("a$", 1..2), ("${x", 0..3), ("é ${}", 3..5), ("$ x", 0..1)] {
            assert_eq!(Text::parse(wrong).unwrap_err().at, at, "{wrong}");
        }
    }
}
