//! `ha-collector check`: reads the configuration and starts nothing.

use super::{CheckArguments, Exit};
use crate::config::Config;
use crate::log;

pub(super) fn check(arguments: &CheckArguments) -> Exit {
    match Config::load(&arguments.config, None) {
        Ok(config) => {
            if !config.warnings.0.is_empty() {
                log::say(&config.warnings);
            }
            log::say(format_args!("good: {config}"));
            for to in &config.destinations {
                log::say(format_args!("{}: {}", to.id, to.promise()));
            }
            Exit::Done
        }
        Err(errors) => {
            log::say(errors);
            Exit::BadConfig
        }
    }
}
