//! Filters: what `[filter]`, `filter =` and `when =` say about messages, as a tree with everything looked up and compiled.
//!
//! The language is syslog-ng's, with these decisions of our own: `==` and its kin compare numbers where both sides are
//! numbers and texts otherwise (there: always numbers); in double quotes only `\"` and `\\` are escapes; a name alone is
//! the filter of that name. How it is written is [`grammar`]'s.

pub(crate) mod grammar;
pub(super) mod leaf;

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use nom::Offset as _;

use self::grammar::{Operand, Operator, Tree};
use super::pattern::Pattern;
use super::place::Mistake;
use super::text::Text;

/// What a filter asks.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    /// A bit for each facility (RFC 5424 §6.2.1) that it says yes to.
    Facility(u32),
    /// A bit for each severity.
    Level(u8),
    Matches {
        field: String,
        pattern: Pattern,
    },
    /// Of the sender; one without an address is this machine.
    Network(Network),
    /// The id of a source.
    Source(String),
    /// Any of these.
    Tags(Vec<String>),
    InList {
        field: String,
        list: Arc<HashSet<Box<[u8]>>>,
    },
    Compare {
        left: Text,
        operator: Operator,
        right: Text,
    },
    /// A filter that has a name.
    Named(Arc<Self>),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// Addresses that begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    V4 { base: Ipv4Addr, mask: u32 },
    V6 { base: Ipv6Addr, mask: u128 },
}

/// What a filter can speak of.
pub(crate) struct Context<'c> {
    /// The ids of all sources.
    pub(crate) sources: &'c [String],
    /// Finds a named filter.
    pub(crate) filter: &'c mut dyn FnMut(&str) -> Result<Arc<Expression>, NoFilter>,
}

/// Why a name does not stand for a filter.
#[derive(Clone, Debug)]
pub(crate) struct NoFilter {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Expression {
    /// Reads a filter.
    pub(crate) fn parse(text: &str, context: &mut Context<'_>) -> Result<Self, Mistake> {
        let tree = grammar::parse(text).map_err(|problem| {
            // What is left is the end of the text, but nom does not always point there when nothing is.
            let at = text.len() - problem.at.len();
            let end = at + problem.at.chars().next().map_or(0, char::len_utf8);
            Mistake::new(at..end, format!("expected {}", problem.expected))
        })?;
        Reader { text, context }.expression(tree)
    }
}

/// Gives a tree its meaning.
struct Reader<'r, 'c> {
    text: &'r str,
    context: &'r mut Context<'c>,
}

impl Reader<'_, '_> {
    fn expression(&mut self, tree: Tree<'_>) -> Result<Expression, Mistake> {
        Ok(match tree {
            Tree::Name(name) => self.named(name, name)?,
            Tree::Call(call) => self.call(&call)?,
            Tree::Compare(left, (_, operator), right) => {
                Expression::Compare { left: self.operand(&left)?, operator, right: self.operand(&right)? }
            }
            Tree::Not(inner) => Expression::Not(Box::new(self.expression(*inner)?)),
            Tree::All(trees) => Expression::All(self.expressions(trees)?),
            Tree::Any(trees) => Expression::Any(self.expressions(trees)?),
        })
    }

    fn expressions(&mut self, trees: Vec<Tree<'_>>) -> Result<Vec<Expression>, Mistake> {
        trees.into_iter().map(|tree| self.expression(tree)).collect()
    }

    fn operand(&self, operand: &Operand<'_>) -> Result<Text, Mistake> {
        let (raw, text, quote) = match operand {
            Operand::Quoted(quoted) => (quoted.raw, quoted.text.as_str(), 1),
            Operand::Bare(bare) => (*bare, *bare, 0),
        };
        Text::parse(text).map_err(|mistake| {
            // Escapes before it make this a little early.
            let start = self.text.offset(raw) + quote;
            Mistake { at: start + mistake.at.start..start + mistake.at.end, ..mistake }
        })
    }

    /// The filter of that name, which stands at `at`.
    fn named(&mut self, name: &str, at: &str) -> Result<Expression, Mistake> {
        (self.context.filter)(name)
            .map(Expression::Named)
            .map_err(|NoFilter { message, help }| Mistake { help, ..self.mistake(at, message) })
    }

    /// Something is wrong with this part of the text.
    fn mistake(&self, part: &str, message: impl Into<String>) -> Mistake {
        let start = self.text.offset(part);
        Mistake::new(start..start + part.len(), message)
    }
}

#[cfg(test)]
mod tests;
