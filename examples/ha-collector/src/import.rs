//! What other programs were told, said in our words: one file a program, each with a report of what it could not say.

pub(crate) mod keepalived;

mod report;
mod source;
mod toml;
