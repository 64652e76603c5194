//! Filters as conditions within templates: `$(if (level(err..)) loud quiet)`.

use std::cell::RefCell;

use super::Scratch;
use super::filter::Filter;
use crate::collector::event::{Event, Names};
use crate::collector::template::Predicate;
use crate::config::path::filter::{Context, Expression, NoFilter};

/// A filter that a template asks.
#[derive(Debug)]
struct Condition(Filter);

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Predicate for Condition {
    fn holds(&self, event: &Event<'_>) -> bool {
        SCRATCH.with_borrow_mut(|scratch| self.0.accepts(event, scratch))
    }
}

/// Reads the text of a condition. Filters with a name are not known there.
pub(crate) fn condition(text: &str, names: &mut Names) -> Result<Box<dyn Predicate>, String> {
    let mut unknown = |name: &str| {
        let message = format!("`{name}` is no filter that a template knows: write it out");
        Err(NoFilter { message, help: None })
    };
    let mut context = Context { sources: &[], filter: &mut unknown };
    let expression = Expression::parse(text, &mut context).map_err(|mistake| mistake.message)?;
    let filter = Filter::compile(&expression, names).map_err(|error| error.to_string())?;
    Ok(Box::new(Condition(filter)))
}
