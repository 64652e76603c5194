//! Conditions of messages, as our filters have them.

use std::fmt::{self, Write as _};

use super::priority::{LAST_FACILITY, LAST_LEVEL, Priorities, facility_name, level_name};

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    /// Holds when all do; of none, always.
    And(Vec<Self>),
    /// Holds when one does.
    Or(Vec<Self>),
    Not(Box<Self>),
    /// Facilities, from and to.
    Facility(Vec<(u8, u8)>),
    /// Levels by their numbers, from the gravest.
    Level(Vec<(u8, u8)>),
    /// Another one, by its name.
    Named(String),
    /// Anything else, as we write it.
    Text(String),
}

impl Expr {
    pub(super) const ALWAYS: Self = Self::And(Vec::new());

    pub(super) fn is_always(&self) -> bool {
        *self == Self::ALWAYS
    }

    /// What is in the set, said shortly.
    pub(super) fn of(set: &Priorities) -> Self {
        let mut groups: Vec<(u8, Vec<u8>)> = Vec::new();
        for facility in 0..=LAST_FACILITY {
            let levels = set.levels(facility);
            match groups.iter_mut().find(|(same, _)| *same == levels) {
                Some((_, facilities)) => facilities.push(facility),
                None => groups.push((levels, vec![facility])),
            }
        }
        groups.retain(|(levels, _)| *levels != 0);
        // What most facilities have comes first.
        groups.sort_by_key(|(_, facilities)| std::cmp::Reverse(facilities.len()));
        let terms = groups.iter().map(|(levels, facilities)| {
            let mut term = Vec::new();
            let others: Vec<u8> = (0..=LAST_FACILITY).filter(|other| !facilities.contains(other)).collect();
            if others.len() < facilities.len() {
                if !others.is_empty() {
                    term.push(Self::Not(Box::new(Self::Facility(spans(&others)))));
                }
            } else {
                term.push(Self::Facility(spans(facilities)));
            }
            if *levels != 0xff {
                let levels: Vec<u8> = (0..=LAST_LEVEL).filter(|level| levels & 1 << level != 0).collect();
                term.push(Self::Level(spans(&levels)));
            }
            Self::all(term)
        });
        Self::any(terms.collect())
    }

    /// All of these, as few words as need be.
    pub(super) fn all(mut terms: Vec<Self>) -> Self {
        terms.retain(|term| !term.is_always());
        if terms.len() == 1 { terms.remove(0) } else { Self::And(terms) }
    }

    /// One of these.
    pub(super) fn any(mut terms: Vec<Self>) -> Self {
        if terms.len() == 1 { terms.remove(0) } else { Self::Or(terms) }
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, within: Binds) -> fmt::Result {
        let (binds, terms, word) = match self {
            Self::And(terms) => (Binds::And, terms, " and "),
            Self::Or(terms) => (Binds::Or, terms, " or "),
            Self::Not(inner) => {
                f.write_str("not ")?;
                return inner.write(f, Binds::Not);
            }
            Self::Facility(spans) => return list(f, "facility", spans, facility_name),
            Self::Level(spans) => return list(f, "level", &turned(spans), level_name),
            Self::Named(name) => return f.write_str(name),
            Self::Text(text) => return f.write_str(text),
        };
        // Of no terms, `and` always holds and `or` never does.
        if terms.is_empty() {
            let always = Self::Level(vec![(0, LAST_LEVEL)]);
            let this = if binds == Binds::And { always } else { always.negated() };
            return this.write(f, within);
        }
        let brackets = within > binds;
        f.write_str(if brackets { "(" } else { "" })?;
        for (n, term) in terms.iter().enumerate() {
            f.write_str(if n == 0 { "" } else { word })?;
            term.write(f, binds)?;
        }
        f.write_str(if brackets { ")" } else { "" })
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Binds::Or)
    }
}

/// How tightly an operator holds its terms, the loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Binds {
    Or,
    And,
    Not,
}

/// Numbers that follow one another, as from and to.
fn spans(numbers: &[u8]) -> Vec<(u8, u8)> {
    let mut spans: Vec<(u8, u8)> = Vec::new();
    for number in numbers {
        match spans.last_mut() {
            Some((_, to)) if u16::from(*to) + 1 == u16::from(*number) => *to = *number,
            _ => spans.push((*number, *number)),
        }
    }
    spans
}

/// Levels are said from the least to the gravest: `err..emerg`.
fn turned(spans: &[(u8, u8)]) -> Vec<(u8, u8)> {
    spans.iter().map(|(from, to)| (*to, *from)).collect()
}

fn list(
    f: &mut fmt::Formatter<'_>,
    function: &str,
    spans: &[(u8, u8)],
    name: fn(u8) -> &'static str,
) -> fmt::Result {
    write!(f, "{function}(")?;
    for (n, (from, to)) in spans.iter().enumerate() {
        let comma = if n == 0 { "" } else { ", " };
        write!(f, "{comma}{}", name(*from))?;
        if from != to {
            write!(f, "..{}", name(*to))?;
        }
    }
    f.write_char(')')
}

/// A string in an expression: single quotes hold everything but themselves, in double quotes `\"` and `\\` are escapes.
pub(super) fn quoted(text: &str) -> String {
    if text.contains('\'') {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("'{text}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facility(number: u8) -> Expr {
        Expr::Facility(vec![(number, number)])
    }

    #[test]
    fn brackets_stand_where_they_are_needed() {
        let grave = Expr::Level(vec![(0, 3)]);
        let either = Expr::Or(vec![facility(2), facility(9)]);
        assert_eq!(
            Expr::And(vec![grave.clone(), either.clone()]).to_string(),
            "level(err..emerg) and (facility(mail) or facility(cron))"
        );
        assert_eq!(
            Expr::Or(vec![Expr::And(vec![grave.clone(), facility(2)]), facility(9)]).to_string(),
            "level(err..emerg) and facility(mail) or facility(cron)"
        );
        assert_eq!(either.clone().negated().to_string(), "not (facility(mail) or facility(cron))");
        assert_eq!(either.negated().negated().to_string(), "facility(mail) or facility(cron)");
        assert_eq!(Expr::ALWAYS.to_string(), "level(debug..emerg)");
        assert_eq!(Expr::Or(vec![]).to_string(), "not level(debug..emerg)");
        assert_eq!(
            Expr::And(vec![Expr::Named("f_x".into()), Expr::Text("host('a')".into())]).to_string(),
            "f_x and host('a')"
        );
    }

    #[test]
    fn a_set_is_said_shortly_and_means_the_same() {
        let info = Priorities::of_levels(|level| level <= 6);
        let private = Priorities::of_facilities(|facility| facility == 2 || facility == 10);
        assert_eq!(
            Expr::of(&info.and(private.not())).to_string(),
            "not facility(mail, authpriv) and level(info..emerg)"
        );
        assert_eq!(Expr::of(&private).to_string(), "facility(mail, authpriv)");
        assert_eq!(Expr::of(&info).to_string(), "level(info..emerg)");
        assert!(Expr::of(&Priorities::ALL).is_always());
        assert_eq!(Expr::of(&Priorities::NONE).to_string(), "not level(debug..emerg)");
    }

    #[test]
    fn strings_take_the_quotes_that_hold_them() {
        assert_eq!(quoted(r#"a\b "c""#), r#"'a\b "c"'"#);
        assert_eq!(quoted(r#"it's "\d""#), r#""it's \"\\d\"""#);
    }
}
