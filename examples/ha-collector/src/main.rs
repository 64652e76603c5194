//! `ha-collector`: a highly available syslog collector.
//!
//! This file only turns arguments into a command; each command has its file in [`cli`]. The path of a message is
//! in [`collector`], who holds an address in [`keeper`], what the configuration may say in [`config`], how it comes out of
//! another program's in [`import`], two nodes to watch in [`demo`].

mod cli;
mod collector;
mod config;
mod control;
mod demo;
mod import;
mod json;
mod keeper;
mod log;
mod pulse;
mod send;
mod when;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
