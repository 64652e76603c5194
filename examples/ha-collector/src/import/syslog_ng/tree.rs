//! From words to a tree: what stands in which brackets. What was not closed is closed where it must have been, and said.

use super::lex::{self, Bracket, Quotes, Token};
use crate::import::report::{Group, Report, Reported};
use crate::import::source::{Cursor, Place, Traced};

/// A part of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Text(Text),
    Mark(&'static str, Place),
    Brackets(Brackets),
}

/// A word, or what stands in quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) quoted: Quoted,
    pub(super) place: Place,
    end: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoted {
    Yes,
    No,
}

impl Text {
    /// With every `-` as it is meant: the same as `_`.
    pub(super) fn word(&self) -> String {
        word(&self.text)
    }

    /// Whether it is this word, and no string.
    pub(super) fn is(&self, word: &str) -> bool {
        self.quoted == Quoted::No && self.text == word
    }
}

/// As keywords and names are compared: `-` and `_` are the same.
pub(super) fn word(text: &str) -> String {
    text.replace('-', "_")
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Brackets {
    pub(super) bracket: Bracket,
    pub(super) nodes: Vec<Node>,
    pub(super) place: Place,
    /// Behind the closing one.
    pub(super) end: Place,
    /// What was between them, for `block`: a range of the text.
    pub(super) inside: std::ops::Range<usize>,
}

impl Node {
    /// Where it ends.
    pub(super) fn end(&self) -> Place {
        match self {
            Self::Text(text) => text.end,
            Self::Mark(mark, place) => Place { column: place.column + mark.len(), ..*place },
            Self::Brackets(brackets) => brackets.end,
        }
    }

    pub(super) fn place(&self) -> Place {
        match self {
            Self::Text(text) => text.place,
            Self::Mark(_, place) => *place,
            Self::Brackets(brackets) => brackets.place,
        }
    }

    pub(super) fn text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn brackets(&self, wanted: Bracket) -> Option<&Brackets> {
        match self {
            Self::Brackets(brackets) if brackets.bracket == wanted => Some(brackets),
            _ => None,
        }
    }

    pub(super) fn is_mark(&self, wanted: &str) -> bool {
        matches!(self, Self::Mark(mark, _) if *mark == wanted)
    }
}

/// As it may be shown: a name, and what stands in its brackets.
pub(super) fn shown(nodes: &[Node]) -> String {
    let mut shown = String::new();
    show(nodes, &mut shown);
    if shown.chars().count() > LONGEST_SHOWN {
        shown = shown.chars().take(LONGEST_SHOWN).chain(['…']).collect();
    }
    shown
}

fn show(nodes: &[Node], into: &mut String) {
    for node in nodes {
        if into.len() > 4 * LONGEST_SHOWN {
            return;
        }
        let tight = into.is_empty() || into.ends_with(['(', '.', ' ']);
        match node {
            Node::Text(text) => {
                *into += if tight { "" } else { " " };
                match text.quoted {
                    Quoted::Yes => *into += &format!("\"{}\"", text.text),
                    Quoted::No => *into += &text.text,
                }
            }
            Node::Mark(mark @ (".." | "," | ";"), _) => *into += mark,
            Node::Mark(mark, _) => *into += &format!(" {mark} "),
            Node::Brackets(Brackets { bracket: Bracket::Curly, .. }) => *into += " {…}",
            Node::Brackets(Brackets { bracket: Bracket::Round, nodes, .. }) => {
                into.push('(');
                show(nodes, into);
                into.push(')');
            }
        }
    }
}

/// Longer ones are cut in a report.
const LONGEST_SHOWN: usize = 90;

/// Brackets in brackets.
const DEEPEST: usize = 64;

/// What begins a statement at the top when a name and a brace follow.
const AT_TOP: [&str; 6] = ["source", "destination", "filter", "parser", "rewrite", "template"];

/// A piece of the tree as a report has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice<'t>(pub(super) &'t [Node]);

impl Reported for Slice<'_> {
    fn place(&self) -> Place {
        self.0.first().map_or(Place::NOWHERE, Node::place)
    }

    fn shown(&self) -> String {
        shown(self.0)
    }
}

/// Reads a whole text.
pub(super) fn read(text: &Traced, report: &mut Report) -> Vec<Node> {
    let mut reader = Reader { report, open: Vec::new(), nodes: Vec::new() };
    let tokens = tokens(text, reader.report);
    for (n, token) in tokens.iter().enumerate() {
        if reader.token(token, tokens.get(n + 1..).unwrap_or_default()).is_break() {
            break;
        }
    }
    reader.close_to(0, text.text.len());
    reader.nodes
}

/// A token and where it stands.
struct Placed {
    token: Token,
    at: usize,
    place: Place,
    end: Place,
}

fn tokens(text: &Traced, report: &mut Report) -> Vec<Placed> {
    let mut cursor = Cursor::new(text);
    let mut rest = text.text.as_str();
    let mut tokens = Vec::new();
    while let Ok((after, (blank, token))) = lex::token(rest) {
        let at = text.text.len() - rest.len() + blank;
        let place = cursor.place(at);
        if matches!(token, Token::Text { quotes: Quotes::Open, .. }) {
            report.say(Group::Wrong, place, "", "this quote is never closed");
        }
        rest = after;
        let end = cursor.place(text.text.len() - rest.len());
        tokens.push(Placed { token, at, place, end });
    }
    tokens
}

struct Reader<'r> {
    report: &'r mut Report,
    /// Brackets that are open, each with what stood before it.
    open: Vec<(Brackets, Vec<Node>)>,
    /// Of the innermost.
    nodes: Vec<Node>,
}

impl Reader<'_> {
    fn token(&mut self, token: &Placed, following: &[Placed]) -> std::ops::ControlFlow<()> {
        let Placed { token, at, place, end } = token;
        match token {
            Token::Open(bracket) => {
                if self.open.len() == DEEPEST {
                    let why = format!("brackets more than {DEEPEST} deep: the rest is not read");
                    self.report.say(Group::Wrong, *place, "", why);
                    return std::ops::ControlFlow::Break(());
                }
                let brackets = Brackets {
                    bracket: *bracket,
                    nodes: Vec::new(),
                    place: *place,
                    end: *end,
                    inside: at + 1..at + 1,
                };
                self.open.push((brackets, std::mem::take(&mut self.nodes)));
            }
            Token::Close(bracket) => self.closes(*bracket, *at, *place, *end),
            Token::Mark(mark) => {
                // A `;` is never within parentheses.
                if *mark == ";" {
                    self.close_round(*at);
                }
                self.nodes.push(Node::Mark(mark, *place));
            }
            Token::Text { text, quotes } => {
                if *quotes == Quotes::None && !self.open.is_empty() && self.begins_statement(text, following)
                {
                    self.close_to(0, *at);
                }
                let quoted = if *quotes == Quotes::None { Quoted::No } else { Quoted::Yes };
                self.nodes.push(Node::Text(Text { text: text.clone(), quoted, place: *place, end: *end }));
            }
        }
        std::ops::ControlFlow::Continue(())
    }

    /// Whether this can only stand at the top.
    fn begins_statement(&self, text: &str, following: &[Placed]) -> bool {
        let begins = self.nodes.last().is_none_or(|node| {
            node.is_mark(";") || matches!(node, Node::Brackets(Brackets { bracket: Bracket::Curly, .. }))
        });
        let next = |n: usize| following.get(n).map(|placed| &placed.token);
        let opens = |n| next(n) == Some(&Token::Open(Bracket::Curly));
        begins
            && (text == "options" && opens(0)
                || AT_TOP.contains(&text) && matches!(next(0), Some(Token::Text { .. })) && opens(1))
    }

    fn closes(&mut self, bracket: Bracket, at: usize, place: Place, end: Place) {
        if bracket == Bracket::Curly {
            self.close_round(at);
        }
        match self.open.pop() {
            Some((brackets, before)) if brackets.bracket == bracket => self.put(brackets, before, at, end),
            other => {
                self.open.extend(other);
                self.report.say(Group::Wrong, place, bracket.close(), "there is nothing to close");
            }
        }
    }

    fn put(&mut self, mut brackets: Brackets, before: Vec<Node>, at: usize, end: Place) {
        brackets.nodes = std::mem::replace(&mut self.nodes, before);
        (brackets.end, brackets.inside.end) = (end, at);
        self.nodes.push(Node::Brackets(brackets));
    }

    /// Closes parentheses up to the next brace.
    fn close_round(&mut self, at: usize) {
        let curly = |(brackets, _): &(Brackets, Vec<Node>)| brackets.bracket == Bracket::Curly;
        self.close_to(self.open.iter().rposition(curly).map_or(0, |n| n + 1), at);
    }

    /// Closes what should have been, until only so many are open.
    fn close_to(&mut self, left: usize, at: usize) {
        while self.open.len() > left
            && let Some((brackets, before)) = self.open.pop()
        {
            let start = before.len().saturating_sub(2);
            let what =
                format!("{} {}", shown(before.get(start..).unwrap_or_default()), brackets.bracket.open());
            self.report.say(Group::Wrong, brackets.place, what.trim(), "this is never closed");
            let end = self.nodes.last().map_or(brackets.end, Node::end);
            self.put(brackets, before, at, end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::source::Files;

    fn tree(text: &str) -> (String, String) {
        let mut whole = Traced::default();
        for (n, line) in text.split_inclusive('\n').enumerate() {
            whole.push(&Traced::new(line, Place { file: 0, line: n + 1, column: 1 }));
        }
        let mut report = Report::default();
        let nodes = read(&whole, &mut report);
        (nodes.iter().map(shape).collect::<Vec<_>>().join(" "), report.show(&Files::default()))
    }

    fn shape(node: &Node) -> String {
        match node {
            Node::Text(text) => text.text.clone(),
            Node::Mark(mark, _) => (*mark).to_owned(),
            Node::Brackets(brackets) => {
                let inside = brackets.nodes.iter().map(shape).collect::<Vec<_>>().join(" ");
                format!("{}{inside}{}", brackets.bracket.open(), brackets.bracket.close())
            }
        }
    }

    #[test]
    fn brackets_hold_what_is_in_them() {
        let (shape, said) = tree("source s { udp(port(514)); };\nlog { source(s); };");
        assert_eq!(
            (shape.as_str(), said.as_str()),
            ("source s {udp (port (514)) ;} ; log {source (s) ;} ;", "")
        );
    }

    #[test]
    fn what_is_not_closed_is_closed_where_it_must_have_been_and_said() {
        let (shape, said) = tree("source s { udp(port(514); };\nlog { };");
        assert_eq!(shape, "source s {udp (port (514)) ;} ; log {} ;");
        assert!(said.contains("?:1:15: udp (: this is never closed"), "{said}");
        let (shape, said) = tree("source s {\n internal();\n\ndestination d { file(x); };");
        assert_eq!(shape, "source s {internal () ;} destination d {file (x) ;} ;");
        assert!(said.contains("?:1:10: source s {: this is never closed"), "{said}");
        let (shape, said) = tree("a } ) b");
        assert_eq!(shape, "a b");
        assert!(said.contains("?:1:3: }: there is nothing to close") && said.contains("?:1:5: )"), "{said}");
        assert!(tree("file(\"x").1.contains("?:1:6: this quote is never closed"));
        assert!(tree(&"{".repeat(1000)).1.contains("more than 64 deep"));
    }
}
