//! `~SEQ(...)`, `~SEQx(...)`, `~LST(...)` and `{a,b}` in file names: short ways of writing many.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_till1};
use nom::character::complete::{char, multispace0};
use nom::multi::separated_list1;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser as _};

/// More of them are no configuration.
const MOST: usize = 100_000;

/// What each round defines.
pub(super) type Round = Vec<(String, String)>;

/// What follows the `~…(…)` at the start of `line`, and the rounds it is to be read in.
pub(super) fn rounds(line: &str) -> Result<(&str, Vec<Round>), String> {
    let wrong = |_| "neither ~SEQ(name, start, step, end) nor ~LST(name, value, …)".to_owned();
    let (rest, (kind, items)) = head(line).map_err(wrong)?;
    let rounds = match kind {
        "LST" => list(&items)?,
        kind => sequence(kind, &items)?,
    };
    Ok((rest.trim_start(), rounds))
}

type Items<'a> = Vec<Vec<&'a str>>;

/// head = "~" ( "SEQx" / "SEQ" / "LST" ) "(" item *( "," item ) ")"; item = value / "{" value *( "," value ) "}"
fn head(line: &str) -> IResult<&str, (&str, Items<'_>)> {
    let kind = preceded(char('~'), alt((tag("SEQx"), tag("SEQ"), tag("LST"))));
    let comma = || char(',');
    let within = separated_list1(comma(), take_till(|c| ",{}()".contains(c)).map(str::trim));
    let group = delimited(char('{'), within, char('}'));
    let one = take_till1(|c| ",{}()".contains(c)).map(|value: &str| vec![value.trim()]);
    let item = delimited(multispace0, alt((group, one)), multispace0);
    (kind, delimited(char('('), separated_list1(comma(), item), char(')'))).parse(line)
}

fn sequence(kind: &str, items: &Items<'_>) -> Result<Vec<Round>, String> {
    let flat: Vec<&str> = items.iter().map(|item| item.first().copied().unwrap_or_default()).collect();
    let number = |text: &str| {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let value = match digits.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16),
            None => digits.parse(),
        };
        value.map(|value| sign * value).map_err(|_| format!("`{text}` is no number"))
    };
    let (name, start, step, end) = match *flat.as_slice() {
        [name, end] => {
            let end = number(end)?;
            (name, end.signum(), None, end)
        }
        [name, start, end] => (name, number(start)?, None, number(end)?),
        [name, start, step, end] => (name, number(start)?, Some(number(step)?), number(end)?),
        _ => return Err("~SEQ has a name, and from one to three numbers".to_owned()),
    };
    let step = step.unwrap_or(if end < start { -1 } else { 1 });
    if step == 0 {
        return Err("a step of 0 never ends".to_owned());
    }
    let mut rounds = Vec::new();
    let mut value = start;
    while if step > 0 { value <= end } else { value >= end } {
        if rounds.len() == MOST {
            return Err(format!("too many: more than {MOST}"));
        }
        let text = if kind == "SEQx" { format!("{value:x}") } else { value.to_string() };
        rounds.push(vec![(name.to_owned(), text)]);
        let Some(next) = value.checked_add(step) else { break };
        value = next;
    }
    Ok(rounds)
}

fn list(items: &Items<'_>) -> Result<Vec<Round>, String> {
    let Some((names, values)) = items.split_first().filter(|(_, values)| !values.is_empty()) else {
        return Err("~LST has a name and its values".to_owned());
    };
    let round = |values: &Vec<&str>| {
        if values.len() != names.len() {
            return Err(format!("{} names, but {} values", names.len(), values.len()));
        }
        Ok(names.iter().zip(values).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    };
    values.iter().map(round).collect()
}

/// `{a,b{c,d}}` written out, as csh does; a brace that is not closed is one.
pub(super) fn braces(pattern: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut waiting = vec![pattern.to_owned()];
    while let Some(pattern) = waiting.pop() {
        // Far more than any directory of configuration has.
        if done.len() + waiting.len() > 1_000 {
            break;
        }
        match innermost(&pattern) {
            Ok((rest, (before, choices))) if !rest.is_empty() || !choices.is_empty() => {
                waiting.extend(choices.iter().rev().map(|choice| format!("{before}{choice}{rest}")));
            }
            _ if done.contains(&pattern) => {}
            _ => done.push(pattern),
        }
    }
    done
}

/// What stands before the first brace that has no other within, and what is in it.
fn innermost(pattern: &str) -> IResult<&str, (&str, Vec<&str>)> {
    let close = pattern.find('}').unwrap_or_default();
    let open = pattern.get(..close).and_then(|before| before.rfind('{')).unwrap_or(pattern.len());
    let (before, rest) = pattern.split_at(open);
    let choice = take_till(|c| ",{}".contains(c));
    let (rest, choices) = delimited(char('{'), separated_list1(char(','), choice), char('}')).parse(rest)?;
    Ok((rest, (before, choices)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(line: &str) -> Vec<String> {
        let (_, rounds) = rounds(line).unwrap();
        rounds.iter().map(|round| round.iter().map(|(_, value)| value.as_str()).collect()).collect()
    }

    #[test]
    fn a_sequence_counts_up_and_down_in_tens_and_sixteens() {
        assert_eq!(values("~SEQ(N, 3)"), ["1", "2", "3"]);
        assert_eq!(values("~SEQ(N,-2)"), ["-1", "-2"]);
        assert_eq!(values("~SEQ(N, 168, 2, 172)"), ["168", "170", "172"]);
        assert_eq!(values("~SEQx(N, 0x90, 0x10, 0xc0)"), ["90", "a0", "b0", "c0"]);
        assert_eq!(values("~SEQx(N, 0x12, -1, 0x0f)"), ["12", "11", "10", "f"]);
        for wrong in ["~SEQ()", "~SEQ(N)", "~SEQ(N, 1, 0, 2)", "~SEQ(N,1,2,3,4)", "~SEQ(N, a)", "~X(N,1)"] {
            assert!(rounds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_list_gives_one_or_several_names_their_values() {
        assert_eq!(values("~LST(N, a, b)"), ["a", "b"]);
        assert_eq!(values("~LST({A, B}, {1,2},{3,4})"), ["12", "34"]);
        assert!(rounds("~LST({A, B}, {1})").is_err());
        assert!(rounds("~LST(A)").is_err());
    }

    #[test]
    fn braces_in_names_are_written_out() {
        assert_eq!(braces("a"), ["a"]);
        assert_eq!(braces("{foo/{,cat,dog},bar}"), ["foo/", "bar", "foo/cat", "foo/dog"]);
        assert_eq!(braces("x{1,2}y"), ["x1y", "x2y"]);
        assert_eq!(braces("x{1"), ["x{1"]);
        assert!(braces(&"{a,b}".repeat(30)).len() <= 1_001);
    }
}
