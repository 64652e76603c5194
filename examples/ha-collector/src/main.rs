//! `ha-collector`: a highly available syslog collector.
//!
//! This file only turns arguments into a command; each command has its file in [`cli`]. The path of a message is
//! in [`collector`], who holds an address in [`keeper`], two nodes to watch in [`demo`], what the configuration may say in [`config`].

mod cli;
mod collector;
mod config;
mod control;
mod demo;
mod json;
mod keeper;
mod log;
mod pulse;
mod when;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
