//! `block`: a piece of configuration with a name and arguments, written out where it is used.

use std::collections::HashMap;

use super::expand::{escaped, is_name, value_of};
use super::lex::Bracket;
use super::statement::{Arguments, Call};
use super::translate::Translator;
use super::tree::{self, Node, Quoted, Slice, word};
use crate::import::report::{Group, Reported as _};
use crate::import::source::{Place, Traced};

/// Blocks by what they are part of and their name.
#[derive(Debug)]
pub(super) struct Blocks {
    known: HashMap<(String, String), Block>,
    definitions: HashMap<String, String>,
    /// Blocks that are being written out, one in the other.
    depth: usize,
    /// What may still be written out.
    left: usize,
}

#[derive(Clone, Debug)]
struct Block {
    arguments: Vec<(String, Argument)>,
    body: Traced,
}

/// What stands for a name in backticks.
#[derive(Clone, Debug, Default)]
struct Argument {
    /// As it was written, outside of quotes.
    plain: String,
    /// Within quotes.
    inside: String,
}

/// Blocks in blocks; and all that they come to, in bytes.
const DEEPEST: usize = 16;
const MOST_BYTES: usize = 1 << 20;
/// What each use costs at the least.
const USE: usize = 256;

impl Blocks {
    pub(super) fn new(definitions: HashMap<String, String>) -> Self {
        Self { known: HashMap::new(), definitions, depth: 0, left: MOST_BYTES }
    }
}

impl Translator<'_> {
    /// `block kind name(argument(default) …) { … };`
    pub(super) fn define_block(&mut self, statement: &[Node], text: &Traced) {
        let kind = statement.get(1).and_then(Node::text);
        let name = statement.get(2).and_then(Node::text);
        let round = statement.get(3).and_then(|node| node.brackets(Bracket::Round));
        let curly = statement.get(4).and_then(|node| node.brackets(Bracket::Curly));
        let (Some(kind), Some(name), Some(round), Some(curly)) = (kind, name, round, curly) else {
            let why = "this needs a kind, a name, arguments and a block, as in `block source name() { … };`";
            self.report.say(Group::Wrong, Slice(statement).place(), Slice(statement).shown(), why);
            return;
        };
        let given = Arguments::of(&round.nodes);
        let arguments = given.calls.iter().map(|call| (word(&call.name.text), argument(call.nodes_within())));
        let block = Block { arguments: arguments.collect(), body: text.slice(curly.inside.clone()) };
        self.blocks.known.insert((kind.word(), name.word()), block);
        self.report.translated(&Slice(statement));
    }

    /// What a block comes to where it is used; `None`: there is none of that name.
    pub(super) fn block(&mut self, kind: &str, name: &str, call: &Call<'_>) -> Option<Vec<Node>> {
        let block = self.blocks.known.get(&(kind.to_owned(), name.to_owned()))?.clone();
        let left = self.blocks.left.checked_sub(block.body.text.len().max(USE));
        let Some(left) = left.filter(|_| self.blocks.depth < DEEPEST) else {
            // Once is enough: from here on all of them do.
            if self.blocks.left > 0 {
                let why = "blocks that grow without an end: no more are written out";
                self.report.say(Group::Wrong, call.place(), call.shown(), why);
            }
            self.blocks.left = 0;
            return Some(Vec::new());
        };
        self.blocks.left = left;
        let mut values: HashMap<String, Argument> = block.arguments.iter().cloned().collect();
        let mut others = String::new();
        for given in call.arguments().calls {
            let key = word(&given.name.text);
            match values.get_mut(&key) {
                Some(value) => *value = argument(given.nodes_within()),
                None => others += &format!("{}({}) ", given.name.text, written(given.nodes_within())),
            }
        }
        values.insert("__VARARGS__".to_owned(), Argument { plain: others.clone(), inside: others });
        let body = self.filled(&block.body, &values);
        Some(tree::read(&body, self.report))
    }

    /// Runs `within` one block deeper.
    pub(super) fn deeper(&mut self, within: impl FnOnce(&mut Self)) {
        self.blocks.depth += 1;
        within(self);
        self.blocks.depth -= 1;
    }

    fn filled(&mut self, body: &Traced, values: &HashMap<String, Argument>) -> Traced {
        let mut filled = Traced::default();
        let mut from = 0;
        let mut quote = None;
        let mut chars = body.text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match (quote, c) {
                (Some('"'), '\\') => {
                    chars.next();
                }
                (Some(open), c) if c == open => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (_, '`') => {
                    let rest = body.text.get(at + 1..).unwrap_or_default();
                    let Some((name, _)) = rest.split_once('`').filter(|(name, _)| is_name(name)) else {
                        continue;
                    };
                    filled.push(&body.slice(from..at));
                    from = at + name.len() + 2;
                    while chars.next_if(|(at, _)| *at < from).is_some() {}
                    let value = self.argument(name, values, body.place(at));
                    let value = match quote {
                        Some('"') => escaped(&value.inside),
                        Some(_) => value.inside,
                        None => value.plain,
                    };
                    match self.blocks.left.checked_sub(value.len()) {
                        Some(left) => self.blocks.left = left,
                        None => return Traced::default(),
                    }
                    filled.push(&Traced::put(&value, body.place(at)));
                }
                _ => {}
            }
        }
        filled.push(&body.slice(from..body.text.len()));
        filled
    }

    fn argument(&mut self, name: &str, values: &HashMap<String, Argument>, place: Place) -> Argument {
        if let Some(value) = values.get(&word(name)) {
            return value.clone();
        }
        match value_of(name, &self.blocks.definitions) {
            Some(value) => Argument { plain: value.clone(), inside: value },
            None => {
                let why = "is no argument of the block, and defined neither here nor in the environment";
                self.report.say(Group::Wrong, place, format!("`{name}`"), why);
                Argument::default()
            }
        }
    }
}

fn argument(nodes: &[Node]) -> Argument {
    let plain = written(nodes);
    let inside = match nodes {
        [Node::Text(text)] => text.text.clone(),
        _ => plain.clone(),
    };
    Argument { plain, inside }
}

/// As it could be written in a file.
fn written(nodes: &[Node]) -> String {
    let mut text = String::new();
    for node in nodes {
        match node {
            Node::Text(one) if one.quoted == Quoted::Yes => text += &format!("\"{}\"", escaped(&one.text)),
            Node::Text(one) => text += &one.text,
            Node::Mark("..", _) => {
                text.truncate(text.trim_end().len());
                text += "..";
                continue;
            }
            Node::Mark(mark, _) => text += mark,
            Node::Brackets(brackets) => {
                text.truncate(text.trim_end().len());
                text += brackets.bracket.open();
                text += &written(&brackets.nodes);
                text += brackets.bracket.close();
            }
        }
        text.push(' ');
    }
    text.truncate(text.trim_end().len());
    text
}
