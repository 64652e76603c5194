//! `ha-collector`: a highly available syslog collector.
//!
//! This file only turns arguments into a command; each command has its file in [`cli`]. The path of a message is
//! in [`collector`], what the configuration may say in [`config`].

mod cli;
mod collector;
mod config;
mod json;
mod when;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
