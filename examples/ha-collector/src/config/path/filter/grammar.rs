//! The grammar of filter expressions, one function a rule. What functions and their arguments mean is known to [`super`].
//!
//! ```text
//! expression  = conjunction *( "or" conjunction )
//! conjunction = negation *( "and" negation )
//! negation    = *( "not" ) primary
//! primary     = "(" expression ")" / call / comparison / name
//! call        = word "(" [ argument *( [ "," ] argument ) ] ")"
//! argument    = call / quoted / bare
//! comparison  = operand operator operand
//! operator    = "==" / "!=" / "<=" / ">=" / "<" / ">" / "eq" / "ne" / "lt" / "le" / "gt" / "ge"
//! operand     = quoted / macro / number
//! macro       = "$" word / "${" *( ^"}" ) "}"
//! quoted      = "'" *( ^"'" ) "'" / <"> *( "\" <"> / "\\" / ^<"> ) <">
//! word        = 1*( letter / digit / "_" / "-" / "." )
//! bare        = 1*( ^( blank / quote / "(" / ")" / "," ) )
//! ```

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while1};
use nom::character::complete::{char, multispace0, none_of};
use nom::combinator::{cut, map, not, opt, peek, recognize, value, verify};
use nom::error::{ErrorKind, ParseError};
use nom::multi::{many0, many0_count};
use nom::sequence::{delimited, pair, preceded, separated_pair, terminated};
use nom::{IResult, Parser};

/// Parentheses and `not`s, one in the other.
const DEEPEST: usize = 64;

/// An expression as it is written. Everything borrowed lies in the text, so that its place can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree<'t> {
    /// Of a filter.
    Name(&'t str),
    Call(Call<'t>),
    Compare(Operand<'t>, (&'t str, Operator), Operand<'t>),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// `name(arguments)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call<'t> {
    pub(super) name: &'t str,
    pub(super) arguments: Vec<Argument<'t>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Argument<'t> {
    Bare(&'t str),
    Quoted(Quoted<'t>),
    Call(Call<'t>),
}

/// A text in quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quoted<'t> {
    /// With its quotes.
    pub(super) raw: &'t str,
    pub(super) text: String,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand<'t> {
    Quoted(Quoted<'t>),
    /// A macro or a number.
    Bare(&'t str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) relation: Relation,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `==`, `<`, …: numbers where both sides are numbers, else texts.
    NumbersOrTexts,
    /// `eq`, `lt`, …
    Texts,
}

/// What was expected, and where.
#[derive(Debug)]
pub(super) struct Problem<'t> {
    pub(super) at: &'t str,
    pub(super) expected: &'static str,
}

impl<'t> ParseError<&'t str> for Problem<'t> {
    fn from_error_kind(at: &'t str, _: ErrorKind) -> Self {
        Self { at, expected: "a filter" }
    }

    fn append(_: &'t str, _: ErrorKind, inner: Self) -> Self {
        inner
    }

    /// Of two ways to read it, the one that got further is what was meant.
    fn or(self, other: Self) -> Self {
        if other.at.len() < self.at.len() { other } else { self }
    }
}

type Parsed<'t, T> = IResult<&'t str, T, Problem<'t>>;

/// Reads a whole expression.
pub(super) fn parse(text: &str) -> Result<Tree<'_>, Problem<'_>> {
    let whole = delimited(multispace0, |text| expression(0, text), multispace0).parse(text);
    match whole {
        Ok(("", tree)) => Ok(tree),
        Ok((at, _)) => Err(Problem { at, expected: "`and`, `or` or the end" }),
        Err(nom::Err::Error(problem) | nom::Err::Failure(problem)) => Err(problem),
        Err(nom::Err::Incomplete(_)) => Err(Problem { at: "", expected: "more" }),
    }
}

fn expression(depth: usize, text: &str) -> Parsed<'_, Tree<'_>> {
    list("or", Tree::Any, move |text| conjunction(depth, text)).parse(text)
}

fn conjunction(depth: usize, text: &str) -> Parsed<'_, Tree<'_>> {
    list("and", Tree::All, move |text| negation(depth, text)).parse(text)
}

/// One, or several with a keyword between them.
fn list<'t>(
    between: &'static str,
    several: fn(Vec<Tree<'t>>) -> Tree<'t>,
    one: impl Fn(&'t str) -> Parsed<'t, Tree<'t>>,
) -> impl Parser<&'t str, Output = Tree<'t>, Error = Problem<'t>> {
    move |text| {
        let (rest, first) = one(text)?;
        let (rest, others) = many0(preceded(keyword(between), cut(&one))).parse(rest)?;
        if others.is_empty() {
            return Ok((rest, first));
        }
        Ok((rest, several([vec![first], others].concat())))
    }
}

fn negation(depth: usize, text: &str) -> Parsed<'_, Tree<'_>> {
    let (rest, nots) = many0_count(keyword("not")).parse(text)?;
    let (rest, tree) =
        if nots > 0 { cut(|text| primary(depth, text)).parse(rest)? } else { primary(depth, rest)? };
    Ok((rest, if nots % 2 == 1 { Tree::Not(Box::new(tree)) } else { tree }))
}

fn primary(depth: usize, text: &str) -> Parsed<'_, Tree<'_>> {
    if depth > DEEPEST {
        return Err(nom::Err::Failure(Problem { at: text, expected: "fewer parentheses" }));
    }
    let inner = |text| expression(depth + 1, text);
    let parentheses = delimited(symbol('('), cut(inner), cut(expect("`)`", symbol(')'))));
    let name = terminated(word, not(peek(preceded(multispace0, operator))));
    let name = verify(name, |name: &str| !["and", "or", "not"].contains(&name));
    let filter = alt((
        parentheses,
        map(|text| call(depth, text), Tree::Call),
        map(token(expect("a filter", name)), Tree::Name),
        comparison,
    ));
    token(filter).parse(text)
}

fn comparison(text: &str) -> Parsed<'_, Tree<'_>> {
    let (rest, left) = operand(text)?;
    let (rest, operator) = cut(expect("`==` or another comparison", token(operator))).parse(rest)?;
    let (rest, right) = cut(expect("a text in quotes, a number or a `$NAME`", operand)).parse(rest)?;
    Ok((rest, Tree::Compare(left, operator, right)))
}

fn operand(text: &str) -> Parsed<'_, Operand<'_>> {
    let number = verify(word, |word: &str| word.parse::<f64>().is_ok_and(f64::is_finite));
    token(alt((map(quoted, Operand::Quoted), map(alt((dollar, number)), Operand::Bare)))).parse(text)
}

fn operator(text: &str) -> Parsed<'_, (&str, Operator)> {
    use Kind::{NumbersOrTexts, Texts};
    use Relation::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let sign = |written, relation| value(Operator { relation, kind: NumbersOrTexts }, tag(written));
    let name = |name, relation| {
        value(Operator { relation, kind: Texts }, verify(word, move |word: &str| word == name))
    };
    let signs = alt((
        sign("==", Equal),
        sign("!=", NotEqual),
        sign("<=", LessOrEqual),
        sign(">=", GreaterOrEqual),
        sign("<", Less),
        sign(">", Greater),
    ));
    let names = alt((
        name("eq", Equal),
        name("ne", NotEqual),
        name("le", LessOrEqual),
        name("ge", GreaterOrEqual),
        name("lt", Less),
        name("gt", Greater),
    ));
    nom::combinator::consumed(alt((signs, names))).parse(text)
}

fn call(depth: usize, text: &str) -> Parsed<'_, Call<'_>> {
    if depth > DEEPEST {
        return Err(nom::Err::Failure(Problem { at: text, expected: "fewer parentheses" }));
    }
    let name = verify(word, |name: &str| !["and", "or", "not"].contains(&name));
    let argument = token(alt((
        map(|text| call(depth + 1, text), Argument::Call),
        map(quoted, Argument::Quoted),
        map(bare, Argument::Bare),
    )));
    let arguments = many0(terminated(argument, opt(symbol(','))));
    let end = cut(expect("another argument or `)`", symbol(')')));
    map(separated_pair(name, symbol('('), terminated(arguments, end)), |(name, arguments)| Call {
        name,
        arguments,
    })
    .parse(text)
}

fn quoted(text: &str) -> Parsed<'_, Quoted<'_>> {
    let single = delimited(
        char('\''),
        map(take_till(|c| c == '\''), str::to_owned),
        cut(expect("`'` at the end of this text", char('\''))),
    );
    let one = alt((value('"', tag("\\\"")), value('\\', tag("\\\\")), none_of("\"")));
    let double = delimited(
        char('"'),
        map(many0(one), String::from_iter),
        cut(expect("`\"` at the end of this text", char('"'))),
    );
    map(nom::combinator::consumed(alt((single, double))), |(raw, text)| Quoted { raw, text }).parse(text)
}

fn dollar(text: &str) -> Parsed<'_, &str> {
    let braced = (tag("${"), take_till(|c| c == '}'), cut(expect("`}`", char('}'))));
    alt((recognize(braced), recognize(pair(char('$'), cut(expect("the name of a field", word)))))).parse(text)
}

fn word(text: &str) -> Parsed<'_, &str> {
    take_while1(|c: char| c.is_ascii_alphanumeric() || "_-.".contains(c)).parse(text)
}

fn bare(text: &str) -> Parsed<'_, &str> {
    take_while1(|c: char| !c.is_whitespace() && !"'\"(),".contains(c)).parse(text)
}

fn keyword<'t>(wanted: &'static str) -> impl Parser<&'t str, Output = &'t str, Error = Problem<'t>> {
    token(verify(word, move |word: &str| word == wanted))
}

fn symbol<'t>(wanted: char) -> impl Parser<&'t str, Output = char, Error = Problem<'t>> {
    preceded(multispace0, token(char(wanted)))
}

/// With the blanks behind it.
fn token<'t, T>(
    parser: impl Parser<&'t str, Output = T, Error = Problem<'t>>,
) -> impl Parser<&'t str, Output = T, Error = Problem<'t>> {
    terminated(parser, multispace0)
}

/// Says what would have been right here.
fn expect<'t, T>(
    expected: &'static str,
    mut parser: impl Parser<&'t str, Output = T, Error = Problem<'t>>,
) -> impl Parser<&'t str, Output = T, Error = Problem<'t>> {
    move |text: &'t str| {
        parser.parse(text).map_err(|error| {
            error.map(|problem| match problem.at.len() < text.len() {
                true => problem,
                false => Problem { at: text, expected },
            })
        })
    }
}
