//! The words of syslog-ng.conf, one function a rule. What stands for what is known to [`super::tree`].
//!
//! ```text
//! token  = open / close / mark / string / word
//! mark   = ";" / "," / "|" / ".." / "=>" / "==" / "!=" / "<=" / ">=" / "<" / ">" / "="
//! string = <"> *( "\" any / ^<"> ) <"> / "'" *( ^"'" ) "'"
//! word   = 1*( ^( blank / "(" / ")" / "{" / "}" / ";" / "," / "|" / quote / ".." ) )
//! ```

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while};
use nom::character::complete::{anychar, char, one_of};
use nom::combinator::{map, not, opt, recognize, value, verify};
use nom::multi::{fold_many0, many1_count};
use nom::sequence::preceded;
use nom::{IResult, Parser as _};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Open(Bracket),
    Close(Bracket),
    Mark(&'static str),
    Text { text: String, quotes: Quotes },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    Round,
    Curly,
}

impl Bracket {
    pub(super) const fn open(self) -> &'static str {
        match self {
            Self::Round => "(",
            Self::Curly => "{",
        }
    }

    pub(super) const fn close(self) -> &'static str {
        match self {
            Self::Round => ")",
            Self::Curly => "}",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    None,
    Closed,
    /// They do not end.
    Open,
}

/// The next token, past the white space before it: what is left, and how long the white space was.
pub(super) fn token(text: &str) -> IResult<&str, (usize, Token)> {
    let (rest, blank) = take_while(char::is_whitespace).parse(text)?;
    let bracket = alt((
        value(Token::Open(Bracket::Round), char('(')),
        value(Token::Close(Bracket::Round), char(')')),
        value(Token::Open(Bracket::Curly), char('{')),
        value(Token::Close(Bracket::Curly), char('}')),
    ));
    let token = alt((bracket, map(mark, Token::Mark), double, single, word));
    map(token, |token| (blank.len(), token)).parse(rest)
}

fn mark(text: &str) -> IResult<&str, &'static str> {
    fn one(written: &'static str) -> impl Fn(&str) -> IResult<&str, &'static str> {
        move |text| value(written, tag(written)).parse(text)
    }
    let separators = alt((one(";"), one(","), one("|"), one("..")));
    let operators =
        alt((one("=>"), one("=="), one("!="), one("<="), one(">="), one("<"), one(">"), one("=")));
    alt((separators, operators)).parse(text)
}

fn double(text: &str) -> IResult<&str, Token> {
    let escape = preceded(char('\\'), opt(anychar)).map(|c| match c {
        Some('n') => Some('\n'),
        Some('t') => Some('\t'),
        Some('r') => Some('\r'),
        Some('a') => Some('\x07'),
        Some('v') => Some('\x0b'),
        // A line that goes on.
        Some('\n') => None,
        Some(c) => Some(c),
        None => Some('\\'),
    });
    let plain = map(verify(anychar, |c: &char| *c != '"'), Some);
    quoted('"', alt((escape, plain))).parse(text)
}

fn single(text: &str) -> IResult<&str, Token> {
    quoted('\'', map(verify(anychar, |c: &char| *c != '\''), Some)).parse(text)
}

fn quoted<'t>(
    quote: char,
    mut one: impl nom::Parser<&'t str, Output = Option<char>, Error = nom::error::Error<&'t str>>,
) -> impl nom::Parser<&'t str, Output = Token, Error = nom::error::Error<&'t str>> {
    move |text: &'t str| {
        let (rest, _) = char(quote).parse(text)?;
        let mut inside = fold_many0(
            |text| one.parse(text),
            String::new,
            |mut inside, c: Option<char>| {
                inside.extend(c);
                inside
            },
        );
        let (rest, text) = inside.parse(rest)?;
        let (rest, end) = opt(char(quote)).parse(rest)?;
        Ok((rest, Token::Text { text, quotes: if end.is_some() { Quotes::Closed } else { Quotes::Open } }))
    }
}

fn word(text: &str) -> IResult<&str, Token> {
    let plain = verify(anychar, |c: &char| !c.is_whitespace() && !"(){};,|\"'".contains(*c));
    let mut word = recognize(many1_count(preceded(not(tag("..")), plain)));
    // A sign that is nothing else is a word by itself, so that there always is a next token.
    let other = recognize(one_of("."));
    map(alt((|text| word.parse(text), other)), |text: &str| Token::Text {
        text: text.to_owned(),
        quotes: Quotes::None,
    })
    .parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(mut text: &str) -> Vec<String> {
        let mut found = Vec::new();
        while let Ok((rest, (_, token))) = token(text) {
            found.push(match token {
                Token::Open(bracket) => bracket.open().to_owned(),
                Token::Close(bracket) => bracket.close().to_owned(),
                Token::Mark(mark) => mark.to_owned(),
                Token::Text { text, quotes: Quotes::None } => text,
                Token::Text { text, quotes: Quotes::Closed } => format!("<{text}>"),
                Token::Text { text, quotes: Quotes::Open } => format!("<{text}"),
            });
            text = rest;
        }
        assert_eq!(text.trim(), "", "left over");
        found
    }

    #[test]
    fn words_end_at_brackets_and_marks() {
        let driver = ["udp", "(", "ip", "(", "0.0.0.0", ")", ",", "port", "(", "514", ")", ")", ";"];
        assert_eq!(tokens("udp(ip(0.0.0.0), port( 514 ));"), driver);
        assert_eq!(tokens("level(err..emerg)"), ["level", "(", "err", "..", "emerg", ")"]);
        assert_eq!(tokens("a{b|c}"), ["a", "{", "b", "|", "c", "}"]);
        assert_eq!(tokens("/var/log/$HOST/${YEAR:-x}"), ["/var/log/$HOST/$", "{", "YEAR:-x", "}"]);
        assert_eq!(tokens("\"$X\" == '5' and $Y >= 3"), ["<$X>", "==", "<5>", "and", "$Y", ">=", "3"]);
        assert_eq!(tokens(". .. ..."), [".", "..", "..", "."]);
    }

    #[test]
    fn double_quotes_have_escapes_and_single_ones_have_none() {
        assert_eq!(tokens(r#""a\"b\\c\nd\d" 'a\'"#), ["<a\"b\\c\nd\u{64}>", r"<a\>"]);
        assert_eq!(tokens("\"over\ntwo lines\" \"open"), ["<over\ntwo lines>", "<open"]);
    }
}
