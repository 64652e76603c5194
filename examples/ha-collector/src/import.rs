//! What other programs were told, said in our words: one file a program, each with a report of what it could not say.
//!
//! [`pipeline`] is what the importers of collectors have in common: our sources, paths and destinations as they are
//! written, [`filter`] the conditions in them, [`priority`] the numbers that those are mostly about.

pub(crate) mod keepalived;
pub(crate) mod syslog_conf;
pub(crate) mod syslog_ng;

mod command;
mod filter;
mod overlap;
mod pipeline;
mod priority;
mod report;
mod source;
mod toml;

pub(crate) use self::pipeline::Imported;
pub(crate) use self::report::Usable;
