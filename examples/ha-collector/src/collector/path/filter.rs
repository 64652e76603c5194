//! Filters that have been compiled: questions to an event, answered without an allocation.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::Scratch;
use super::value::Value;
use crate::collector::event::{Event, Names, Tag, TooMany};
use crate::collector::record::source_key;
use crate::config::path::filter::grammar::{Kind, Operator, Relation};
use crate::config::path::filter::{Expression, Network};
use crate::config::path::pattern::Pattern;
use crate::config::path::text::{Macro, Piece, Text};

/// The highest PRI that means something (RFC 5424 §6.2.1).
const HIGHEST_PRIORITY: u16 = 191;

/// A question to a message.
#[derive(Debug)]
pub(super) enum Filter {
    Facility(u32),
    Level(u8),
    Matches {
        value: Value,
        pattern: Pattern,
    },
    Network(Network),
    /// [`source_key`]
    Source(u32),
    Tags(Vec<Tag>),
    InList {
        value: Value,
        list: Arc<HashSet<Box<[u8]>>>,
    },
    Compare {
        left: Value,
        operator: Operator,
        right: Value,
    },
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Filter {
    pub(super) fn compile(expression: &Expression, names: &mut Names) -> Result<Self, TooMany> {
        Ok(match expression {
            Expression::Facility(bits) => Self::Facility(*bits),
            Expression::Level(bits) => Self::Level(*bits),
            Expression::Matches { field, pattern } => {
                Self::Matches { value: of_field(field, names)?, pattern: pattern.clone() }
            }
            Expression::Network(network) => Self::Network(*network),
            Expression::Source(id) => Self::Source(source_key(id)),
            Expression::Tags(tags) => {
                Self::Tags(tags.iter().map(|tag| names.tag(tag)).collect::<Result<_, _>>()?)
            }
            Expression::InList { field, list } => {
                Self::InList { value: of_field(field, names)?, list: Arc::clone(list) }
            }
            Expression::Compare { left, operator, right } => Self::Compare {
                left: Value::compile(left, names)?,
                operator: *operator,
                right: Value::compile(right, names)?,
            },
            Expression::Named(expression) => Self::compile(expression, names)?,
            Expression::Not(inner) => Self::Not(Box::new(Self::compile(inner, names)?)),
            Expression::All(all) => Self::All(Self::compile_all(all, names)?),
            Expression::Any(any) => Self::Any(Self::compile_all(any, names)?),
        })
    }

    fn compile_all(expressions: &[Expression], names: &mut Names) -> Result<Vec<Self>, TooMany> {
        expressions.iter().map(|expression| Self::compile(expression, names)).collect()
    }

    /// Whether it says yes.
    pub(super) fn accepts(&self, event: &Event<'_>, scratch: &mut Scratch) -> bool {
        match self {
            Self::Facility(bits) => {
                let priority = event.priority();
                priority <= HIGHEST_PRIORITY && bits & (1 << (priority >> 3)) != 0
            }
            Self::Level(bits) => {
                let priority = event.priority();
                priority <= HIGHEST_PRIORITY && bits & (1 << (priority & 7)) != 0
            }
            Self::Matches { value, pattern } => pattern.matches(value.read(event, &mut scratch.left)),
            Self::Network(network) => contains(*network, event.peer()),
            Self::Source(key) => event.record().source() == *key,
            Self::Tags(tags) => tags.iter().any(|&tag| event.has_tag(tag)),
            Self::InList { value, list } => list.contains(value.read(event, &mut scratch.left)),
            Self::Compare { left, operator, right } => {
                let left = left.read(event, &mut scratch.left);
                let right = right.read(event, &mut scratch.right);
                holds(left, *operator, right)
            }
            Self::Not(inner) => !inner.accepts(event, scratch),
            Self::All(all) => all.iter().all(|filter| filter.accepts(event, scratch)),
            Self::Any(any) => any.iter().any(|filter| filter.accepts(event, scratch)),
        }
    }
}

/// The field, without looking for `$` in its name.
fn of_field(field: &str, names: &mut Names) -> Result<Value, TooMany> {
    let what = Macro::Field(field.to_owned());
    Value::compile(&Text(vec![Piece::Macro { what, default: String::new() }]), names)
}

/// A sender without an address is on this machine.
fn contains(network: Network, peer: Option<IpAddr>) -> bool {
    match (network, peer) {
        (Network::V4 { base, mask }, Some(IpAddr::V4(peer))) => peer.to_bits() & mask == base.to_bits(),
        (Network::V4 { base, mask }, None) => Ipv4Addr::LOCALHOST.to_bits() & mask == base.to_bits(),
        (Network::V6 { base, mask }, Some(IpAddr::V6(peer))) => peer.to_bits() & mask == base.to_bits(),
        (Network::V6 { base, mask }, None) => Ipv6Addr::LOCALHOST.to_bits() & mask == base.to_bits(),
        (Network::V4 { .. }, Some(IpAddr::V6(_))) | (Network::V6 { .. }, Some(IpAddr::V4(_))) => false,
    }
}

fn holds(left: &[u8], operator: Operator, right: &[u8]) -> bool {
    let numbers = || Some((number(left)?, number(right)?));
    let order = match operator.kind {
        Kind::NumbersOrTexts => match numbers() {
            Some((left, right)) => left.total_cmp(&right),
            None => left.cmp(right),
        },
        Kind::Texts => left.cmp(right),
    };
    match operator.relation {
        Relation::Equal => order.is_eq(),
        Relation::NotEqual => order.is_ne(),
        Relation::Less => order.is_lt(),
        Relation::LessOrEqual => order.is_le(),
        Relation::Greater => order.is_gt(),
        Relation::GreaterOrEqual => order.is_ge(),
    }
}

/// A number as people write them: `-1`, `2.50`; not `inf`.
fn number(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let first = text.strip_prefix('-').unwrap_or(text).bytes().next()?;
    // Adding zero makes -0 the same as 0.
    text.parse()
        .ok()
        .filter(|number: &f64| first.is_ascii_digit() && number.is_finite())
        .map(|number| number + 0.0)
}

#[cfg(test)]
mod tests;
