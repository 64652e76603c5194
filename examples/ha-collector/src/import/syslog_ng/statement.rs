//! From a tree to statements: what a `;` ends, what should have been ended by one, and what an option was given.

use super::lex::Bracket;
use super::tree::{Brackets, Node, Quoted, Slice, Text, shown};
use crate::import::report::{Group, Report, Reported};
use crate::import::source::Place;

/// `name`, `name(arguments)` or `name { … }`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'t> {
    pub(super) name: &'t Text,
    pub(super) round: Option<&'t Brackets>,
    pub(super) curly: Option<&'t Brackets>,
    nodes: &'t [Node],
}

impl<'t> Call<'t> {
    /// `None`: it does not begin with a word.
    pub(super) fn of(nodes: &'t [Node]) -> Option<Self> {
        let (first, rest) = nodes.split_first()?;
        let name = first.text().filter(|text| text.quoted == Quoted::No)?;
        let round = rest.first().and_then(|node| node.brackets(Bracket::Round));
        let curly = rest.first().and_then(|node| node.brackets(Bracket::Curly));
        Some(Self { name, round, curly, nodes })
    }

    /// Its keyword, every `-` as `_`.
    pub(super) fn word(&self) -> String {
        self.name.word()
    }

    pub(super) fn arguments(&self) -> Arguments<'t> {
        Arguments::of(self.nodes_within())
    }

    /// What stands in its parentheses.
    pub(super) fn nodes_within(&self) -> &'t [Node] {
        self.round.map_or(&[], |brackets| &brackets.nodes)
    }

    /// The one value it was given.
    pub(super) fn value(&self) -> Option<&'t Text> {
        match self.nodes_within() {
            [Node::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text of the one value it was given.
    pub(super) fn text(&self) -> Option<&'t str> {
        self.value().map(|value| value.text.as_str())
    }
}

impl Reported for Call<'_> {
    fn place(&self) -> Place {
        self.name.place
    }

    /// With its values; options that it has stand for themselves.
    fn shown(&self) -> String {
        let name = &self.name.text;
        if ["password", "key", "api_key", "token"].contains(&self.word().as_str()) {
            return format!("{name}(…)");
        }
        match self.round {
            Some(brackets) => {
                let arguments = Arguments::of(&brackets.nodes);
                if arguments.calls.is_empty() {
                    return shown(self.nodes);
                }
                let rest = arguments.before.unwrap_or_default();
                let inside = shown(rest);
                let blank = if inside.is_empty() { "" } else { " " };
                format!("{name}({inside}{blank}…)")
            }
            None => shown(self.nodes),
        }
    }
}

/// What stands in parentheses: values, then options.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments<'t> {
    pub(super) values: Vec<&'t Text>,
    pub(super) calls: Vec<Call<'t>>,
    /// What is neither.
    pub(super) odd: Vec<&'t Node>,
    /// All that stands before the first option.
    before: Option<&'t [Node]>,
}

impl<'t> Arguments<'t> {
    pub(super) fn of(nodes: &'t [Node]) -> Self {
        let mut found = Self::default();
        let mut at = 0;
        while let Some(node) = nodes.get(at) {
            let call = nodes.get(at..at + 2).and_then(Call::of).filter(|call| call.round.is_some());
            match (node, call) {
                (_, Some(call)) => {
                    found.before = found.before.or_else(|| nodes.get(..at));
                    found.calls.push(call);
                    at += 2;
                    continue;
                }
                (Node::Text(text), None) => found.values.push(text),
                (Node::Mark(",", _), None) => {}
                (odd, None) => found.odd.push(odd),
            }
            at += 1;
        }
        found
    }
}

/// The statements of a block, each without its `;`. Where one is missing, that is said at the place.
pub(super) fn split<'t>(nodes: &'t [Node], report: &mut Report) -> Vec<&'t [Node]> {
    let mut statements = Vec::new();
    let mut start = 0;
    for (n, node) in nodes.iter().enumerate() {
        let statement = nodes.get(start..n).unwrap_or_default();
        if node.is_mark(";") {
            statements.extend((!statement.is_empty()).then_some(statement));
            start = n + 1;
        } else if let Node::Text(text) = node
            && is_whole(statement, text)
        {
            missing(statement, report);
            statements.push(statement);
            start = n;
        }
    }
    let last = nodes.get(start..).unwrap_or_default();
    if !last.is_empty() {
        missing(last, report);
        statements.push(last);
    }
    statements
}

/// Whether what was read needs no more, so that another word begins something new.
fn is_whole(statement: &[Node], next: &Text) -> bool {
    let Some(Node::Brackets(last)) = statement.last() else {
        // template name "text"
        let is_template = statement.first().and_then(Node::text).is_some_and(|text| text.is("template"));
        return is_template && statement.len() == 3;
    };
    let first = statement.first().and_then(Node::text);
    let conditional = first.is_some_and(|text| text.is("if"));
    let block = first.is_some_and(|text| text.is("block"));
    match last.bracket {
        Bracket::Round => !conditional && !block,
        Bracket::Curly => !(conditional && (next.is("else") || next.is("elif"))),
    }
}

fn missing(statement: &[Node], report: &mut Report) {
    let end = statement.last().map_or(Place::NOWHERE, Node::end);
    let what = Slice(statement).shown();
    report.say(Group::Wrong, end, what, "`;` is missing after this; read as if it were there");
}
