//! Selectors: `*.info;mail.none;auth,authpriv.=err`, as sets of facilities and levels.
//!
//! ```text
//! selector = term *( ";" term )
//! term     = facility *( "," facility ) "." [ "!" ] [ comparison ] level
//! comparison = 1*( "<" / "=" / ">" )
//! ```

use std::ops::Range;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::{char, one_of};
use nom::combinator::{opt, recognize};
use nom::multi::{many1_count, separated_list1};
use nom::{IResult, Parser as _};

use crate::import::priority::{Priorities, facility, level};

/// What a selector takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selector {
    /// Of what a message has that meets any of the terms.
    pub(super) takes: Priorities,
    /// The same on FreeBSD, where a later term replaces what an earlier one said of a facility.
    pub(super) replaced: Priorities,
    pub(super) remarks: Vec<Remark>,
}

/// What has to be said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remark {
    /// `security` is 13 on FreeBSD and `auth` elsewhere.
    Security,
    /// `mark`: messages that we do not write.
    Mark,
}

/// What is wrong with a selector, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: Range<usize>,
    pub(super) why: &'static str,
}

/// One term.
struct Term<'t> {
    facilities: Vec<&'t str>,
    negated: bool,
    comparison: Option<&'t str>,
    level: &'t str,
}

/// Reads a selector.
pub(super) fn read(text: &str) -> Result<Selector, Wrong> {
    let mut selector = Selector::default();
    let mut at = 0;
    for part in text.split(';') {
        let place = at..at + part.len();
        at = place.end + 1;
        if part.is_empty() {
            continue;
        }
        let wrong = |why| Wrong { at: place.clone(), why };
        let Ok(("", term)) = term(part) else { return Err(wrong("this is no selector, such as mail.info")) };
        selector.add(&term).map_err(wrong)?;
    }
    if at <= 1 {
        return Err(Wrong { at: 0..text.len(), why: "this is no selector, such as mail.info" });
    }
    Ok(selector)
}

fn term(text: &str) -> IResult<&str, Term<'_>> {
    fn name(text: &str) -> IResult<&str, &str> {
        let word = take_while1(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        alt((word, tag("*"))).parse(text)
    }
    let facilities = separated_list1(char(','), name);
    let comparison = recognize(many1_count(one_of("<=>")));
    let (rest, (facilities, _, negated, comparison, level)) =
        (facilities, char('.'), opt(char('!')), opt(comparison), name).parse(text)?;
    Ok((rest, Term { facilities, negated: negated.is_some(), comparison, level }))
}

impl Selector {
    fn add(&mut self, term: &Term<'_>) -> Result<(), &'static str> {
        let levels = levels(term)?;
        let mut wanted = Priorities::NONE;
        for name in &term.facilities {
            let number = match name.to_ascii_lowercase().as_str() {
                "*" => None,
                "mark" => {
                    self.remarks.push(Remark::Mark);
                    continue;
                }
                "security" => {
                    self.remarks.push(Remark::Security);
                    Some(13)
                }
                "audit" => Some(13),
                name => Some(facility(name).ok_or("there is no such facility")?),
            };
            let facilities =
                Priorities::of_facilities(|facility| number.is_none_or(|number| number == facility));
            wanted = wanted.or(facilities);
        }
        let (takes, replaced) = match levels {
            // `none` takes away; so does a negation.
            Levels::None => (self.takes.and(wanted.not()), self.replaced.and(wanted.not())),
            Levels::Without(levels) => {
                let without = wanted.and(levels);
                (self.takes.and(without.not()), self.replaced.and(without.not()))
            }
            Levels::Of(levels) => {
                let with = wanted.and(levels);
                (self.takes.or(with), self.replaced.and(wanted.not()).or(with))
            }
        };
        (self.takes, self.replaced) = (takes, replaced);
        Ok(())
    }
}

enum Levels {
    None,
    Of(Priorities),
    Without(Priorities),
}

fn levels(term: &Term<'_>) -> Result<Levels, &'static str> {
    let set = match term.level {
        "none" => return Ok(Levels::None),
        "*" => Priorities::ALL,
        name => {
            let number = level(name).ok_or("there is no such level")?;
            let signs = term.comparison.unwrap_or(">=");
            if !["=", "<", ">", "<=", ">=", "=<", "=>", "<>", "><"].contains(&signs) {
                return Err("a comparison is =, <, >, <= or >=");
            }
            // A higher level is a lower number.
            Priorities::of_levels(|level| {
                signs.contains('=') && level == number
                    || signs.contains('>') && level < number
                    || signs.contains('<') && level > number
            })
        }
    };
    Ok(if term.negated { Levels::Without(set) } else { Levels::Of(set) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::filter::Expr;

    fn said(text: &str) -> String {
        match read(text) {
            Ok(selector) => Expr::of(&selector.takes).to_string(),
            Err(wrong) => format!("{}: {}", &text[wrong.at], wrong.why),
        }
    }

    #[test]
    fn a_level_is_it_and_all_above_and_terms_are_added_up_and_taken_away() {
        for (selector, meaning) in [
            ("*.*", "level(debug..emerg)"),
            ("mail.info", "facility(mail) and level(info..emerg)"),
            ("*.info;mail.none;authpriv.none", "not facility(mail, authpriv) and level(info..emerg)"),
            ("auth,authpriv.*", "facility(auth, authpriv)"),
            ("*.=debug", "level(debug)"),
            ("*.=info;*.=notice", "level(info..notice)"),
            ("kern.*;kern.!err", "facility(kern) and level(debug..warning)"),
            ("kern.*;kern.!=info", "facility(kern) and level(notice..emerg, debug)"),
            ("kern.<=warning", "facility(kern) and level(debug..warning)"),
            ("kern.<err", "facility(kern) and level(debug..warning)"),
            ("*.emerg", "level(emerg)"),
            ("*.panic", "level(emerg)"),
            ("LOCAL7.Warn", "facility(local7) and level(warning..emerg)"),
            ("cron.*;cron.none", "not level(debug..emerg)"),
            (
                "*.err;kern.debug;auth.notice;mail.crit",
                "not facility(kern, auth) and level(err..emerg) or facility(kern) or facility(auth) and level(notice..emerg)",
            ),
        ] {
            assert_eq!(said(selector), meaning, "{selector}");
        }
    }

    #[test]
    fn on_freebsd_a_later_term_replaces_an_earlier_one() {
        let selector = read("*.notice;mail.crit").unwrap();
        assert_ne!(selector.takes, selector.replaced);
        assert_eq!(
            Expr::of(&selector.replaced).to_string(),
            "not facility(mail) and level(notice..emerg) or facility(mail) and level(crit..emerg)"
        );
        let same = read("*.err;kern.debug").unwrap();
        assert_eq!(same.takes, same.replaced);
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        assert_eq!(said("mail.info;mial.info"), "mial.info: there is no such facility");
        assert_eq!(said("mail.inof"), "mail.inof: there is no such level");
        assert_eq!(said("mail"), "mail: this is no selector, such as mail.info");
        assert_eq!(said("mail.===info"), "mail.===info: a comparison is =, <, >, <= or >=");
        assert_eq!(said(""), ": this is no selector, such as mail.info");
        assert_eq!(read("security.*").unwrap().remarks, [Remark::Security]);
        assert_eq!(read("mark.*").unwrap().remarks, [Remark::Mark]);
    }
}
