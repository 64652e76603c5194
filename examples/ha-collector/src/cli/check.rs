//! `ha-collector check`: reads the configuration and starts nothing.

use super::{CheckArguments, Exit};
use crate::config::Config;

pub(super) fn check(arguments: &CheckArguments) -> Exit {
    match Config::load(&arguments.config, None) {
        Ok(config) => {
            eprintln!("good: {config}");
            Exit::Done
        }
        Err(errors) => {
            eprint!("{errors}");
            Exit::BadConfig
        }
    }
}
