//! The grammar of a line of keepalived.conf(5), one function a rule. What lines mean together is known to
//! [`super::expand`] and [`super::tree`].
//!
//! ```text
//! code       = *( double / escape / ^( "!" / "#" ) )          ; up to a comment
//! condition  = "@" [ "^" ] name
//! definition = "$" name "="
//! use        = "${" name *argument "}" / "$" name &( blank / quote / end )
//! token      = "{" / "}" / word
//! word       = 1*( double / single / escape / "${" ... "}" / plain )
//! double     = <"> *( escape / ^<"> ) <">
//! single     = "'" *( escape / ^"'" ) "'"
//! escape     = "\" ( letter / 1*3octal / "x" 1*hex / "c" any / any )
//! ```

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while_m_n, take_while1};
use nom::character::complete::{anychar, char, none_of, one_of, space0, space1};
use nom::combinator::{eof, map, not, opt, peek, recognize, value, verify};
use nom::multi::{fold_many1, many0, many0_count};
use nom::sequence::{delimited, pair, preceded, terminated};
use nom::{IResult, Parser as _};

/// One token of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    Word { text: String, quotes: Quotes },
}

/// What is known of the quotes of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    /// There are none.
    None,
    Closed,
    /// The last is not closed where the line ends.
    Open,
}

/// `@name`, `@^name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition<'a> {
    Is(&'a str),
    IsNot(&'a str),
}

/// `$name`, `${name}`, `${_NAME argument}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: Vec<&'a str>,
}

/// What stands before a comment.
pub(super) fn code(line: &str) -> &str {
    let quoted =
        recognize((char('"'), many0_count(alt((raw_escape, recognize(none_of("\"\\"))))), opt(char('"'))));
    let other = recognize(none_of("!#\"\\"));
    let mut code = recognize(many0_count(alt((quoted, raw_escape, other))));
    code.parse(line).map_or(line, |(_comment, code): (&str, &str)| code)
}

pub(super) fn condition(line: &str) -> IResult<&str, Condition<'_>> {
    let word = take_while1(|c: char| !c.is_whitespace());
    let (rest, (_, negative, name)) = (char('@'), opt(char('^')), word).parse(line)?;
    Ok((rest, if negative.is_some() { Condition::IsNot(name) } else { Condition::Is(name) }))
}

pub(super) fn definition(line: &str) -> IResult<&str, &str> {
    delimited(char('$'), name, char('=')).parse(line)
}

pub(super) fn usage(text: &str) -> IResult<&str, Use<'_>> {
    let argument = preceded(space1, take_while1(|c: char| !c.is_whitespace() && c != '}'));
    let braced = delimited(tag("${"), pair(name, many0(argument)), (space0, char('}')));
    let ends = alt((recognize(one_of(" \t\"'\n")), eof));
    let bare = delimited(char('$'), name, peek(ends));
    alt((
        map(braced, |(name, arguments)| Use { name, arguments }),
        map(bare, |name| Use { name, arguments: Vec::new() }),
    ))
    .parse(text)
}

/// `include FILE` in its variants: the word and the rest of the line.
pub(super) fn include(line: &str) -> IResult<&str, (&str, &str)> {
    let words = ["includea", "includeb", "includem", "includer", "includew", "include"];
    let word = verify(take_while1(|c: char| c.is_ascii_alphabetic()), |word: &str| words.contains(&word));
    pair(terminated(word, space1), take_while(|_| true)).parse(line)
}

/// The next token, past the white space before it: what is left, and how long the white space was.
pub(super) fn token(text: &str) -> IResult<&str, (usize, Token)> {
    let (rest, blank) = take_while(char::is_whitespace).parse(text)?;
    let token = alt((value(Token::Open, char('{')), value(Token::Close, char('}')), word));
    map(token, |token| (blank.len(), token)).parse(rest)
}

fn name(text: &str) -> IResult<&str, &str> {
    let first = take_while_m_n(1, 1, |c: char| c.is_ascii_alphabetic() || c == '_');
    recognize(pair(first, take_while(|c: char| c.is_ascii_alphanumeric() || c == '_'))).parse(text)
}

fn word(text: &str) -> IResult<&str, Token> {
    let plain = take_while1(|c: char| !c.is_whitespace() && !"{}\"'\\$".contains(c));
    let left_over =
        recognize((tag("${"), take_till(|c: char| c.is_whitespace() || "{}".contains(c)), char('}')));
    let piece = alt((
        map(plain, |text: &str| (text.to_owned(), Quotes::None)),
        map(escape, |c| (c.to_string(), Quotes::None)),
        map(left_over, |text: &str| (text.to_owned(), Quotes::None)),
        map(char('$'), |c| (c.to_string(), Quotes::None)),
        quoted('"'),
        quoted('\''),
    ));
    let start = || (String::new(), Quotes::None);
    let pieces = fold_many1(piece, start, |(mut word, quotes), (piece, its)| {
        word += &piece;
        (word, if its == Quotes::None { quotes } else { its })
    });
    map(pieces, |(text, quotes)| Token::Word { text, quotes }).parse(text)
}

fn quoted<'a>(
    quote: char,
) -> impl nom::Parser<&'a str, Output = (String, Quotes), Error = nom::error::Error<&'a str>> {
    move |text: &'a str| {
        let (rest, _) = char(quote).parse(text)?;
        let one = alt((map(escape, Some), map(verify(anychar, |c: &char| *c != quote), Some)));
        let (rest, inside) = nom::multi::fold_many0(one, String::new, |mut inside, c| {
            inside.extend(c);
            inside
        })
        .parse(rest)?;
        let (rest, end) = opt(char(quote)).parse(rest)?;
        Ok((rest, (inside, if end.is_some() { Quotes::Closed } else { Quotes::Open })))
    }
}

/// As it is written; a backslash at the end is one, too.
fn raw_escape(text: &str) -> IResult<&str, &str> {
    recognize(pair(char('\\'), opt(anychar))).parse(text)
}

fn escape(text: &str) -> IResult<&str, char> {
    let (rest, _) = char('\\').parse(text)?;
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let octal = map(take_while_m_n(1, 3, |c: char| c.is_digit(8)), |digits| number(digits, 8));
    let hex = preceded(char('x'), take_while_m_n(1, 8, |c: char| c.is_ascii_hexdigit()));
    let hex = map(hex, |digits| number(digits, 16));
    let control =
        preceded(char('c'), map(anychar, |c: char| c.is_ascii().then(|| char::from(c as u8 & 0x1f))));
    let letter = alt((
        value(Some('\x07'), char('a')),
        value(Some('\x08'), char('b')),
        value(Some('\x1b'), char('E')),
        value(Some('\x0c'), char('f')),
        value(Some('\n'), char('n')),
        value(Some('\r'), char('r')),
        value(Some('\t'), char('t')),
        value(Some('\x0b'), char('v')),
    ));
    // What is no character becomes one that is seen to be wrong.
    let known = alt((octal, hex, control, letter)).map(|c| c.unwrap_or('\u{fffd}'));
    let itself = anychar;
    let nothing = map((eof, not(anychar)), |_| '\\');
    alt((known, itself, nothing)).parse(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(mut text: &str) -> Vec<String> {
        let mut found = Vec::new();
        while let Ok((rest, (_, token))) = token(text) {
            found.push(match token {
                Token::Open => "OPEN".to_owned(),
                Token::Close => "CLOSE".to_owned(),
                Token::Word { text, quotes: Quotes::Open } => format!("{text}…"),
                Token::Word { text, .. } => text,
            });
            text = rest;
        }
        assert_eq!(text.trim(), "", "left over");
        found
    }

    #[test]
    fn words_end_at_white_space_and_braces() {
        assert_eq!(tokens("  vrrp_instance VI_1{ "), ["vrrp_instance", "VI_1", "OPEN"]);
        assert_eq!(tokens("unicast_peer { 10.0.0.1 }"), ["unicast_peer", "OPEN", "10.0.0.1", "CLOSE"]);
        assert_eq!(tokens("eth${UNDEFINED}.1 $ $X"), ["eth${UNDEFINED}.1", "$", "$X"]);
        assert_eq!(tokens(""), [""; 0]);
    }

    #[test]
    fn quotes_hold_words_together_anywhere_in_a_word() {
        assert_eq!(tokens(r#"abcd" efg h jkl "mnop"#), ["abcd efg h jkl mnop"]);
        assert_eq!(tokens(r#"abcd "efg h jkl" mnop"#), ["abcd", "efg h jkl", "mnop"]);
        assert_eq!(tokens(r#"x "say 'a b' {" ''"#), ["x", "say 'a b' {", ""]);
        assert_eq!(tokens("script \"never closed"), ["script", "never closed…"]);
    }

    #[test]
    fn escapes_are_those_of_the_manual() {
        assert_eq!(tokens(r#""a\"b\\c\td" \x41\101\cA\q"#), ["a\"b\\c\td", "AA\u{1}q"]);
        assert_eq!(tokens(r"\777 \xffffffff \"), ["\u{1ff}", "\u{fffd}", "\\"]);
    }

    #[test]
    fn a_comment_begins_outside_of_quotes_anywhere() {
        assert_eq!(code("priority 100 # why"), "priority 100 ");
        assert_eq!(code("priority 100! why"), "priority 100");
        assert_eq!(code(r#"script "a # b" # c"#), r#"script "a # b" "#);
        assert_eq!(code(r"auth_pass a\#b"), r"auth_pass a\#b");
        assert_eq!(code("# all"), "");
        assert_eq!(code("$X= \\"), "$X= \\");
        assert_eq!(code("\"open # "), "\"open # ");
    }

    #[test]
    fn conditions_are_names_or_their_negation() {
        assert_eq!(condition("@high priority 1"), Ok((" priority 1", Condition::Is("high"))));
        assert_eq!(condition("@^low\tx"), Ok(("\tx", Condition::IsNot("low"))));
        assert!(condition("@ x").is_err());
    }

    #[test]
    fn definitions_have_no_space_before_the_equals_sign() {
        assert_eq!(definition("$A_1=10.0 0"), Ok(("10.0 0", "A_1")));
        assert!(definition("$A =1").is_err());
        assert!(definition("$1A=1").is_err());
    }

    #[test]
    fn uses_have_braces_or_end_with_a_blank() {
        let used = |text| usage(text).map(|(rest, used)| (rest, used.name, used.arguments)).ok();
        assert_eq!(used("${A}.100"), Some((".100", "A", vec![])));
        assert_eq!(used("$A 1"), Some((" 1", "A", vec![])));
        assert_eq!(used("$A"), Some(("", "A", vec![])));
        assert_eq!(used("${_ENV HOME}"), Some(("", "_ENV", vec!["HOME"])));
        assert_eq!(used("${_RANDOM 1 9}"), Some(("", "_RANDOM", vec!["1", "9"])));
        assert_eq!(used("$A.1"), None);
        assert_eq!(used("${}"), None);
    }

    #[test]
    fn includes_are_known_in_their_variants() {
        assert_eq!(include("include conf.d/*.conf"), Ok(("", ("include", "conf.d/*.conf"))));
        assert_eq!(include("includer x"), Ok(("", ("includer", "x"))));
        assert!(include("includes x").is_err());
        assert!(include("include").is_err());
    }
}
