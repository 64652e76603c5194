//! `ha-collector check`: reads the configuration and starts nothing.

use diskbuf::OpenError;
use diskbuf::inspect::Inspection;

use super::ask::{answered, orphans as orphans_in};
use super::{CheckArguments, Exit};
use crate::collector::{Meant, orphaned, privileges};
use crate::config::{Config, Diagnostic};
use crate::control::Request;
use crate::log;

pub(super) fn check(arguments: &CheckArguments) -> Exit {
    match Config::load(&arguments.config, None) {
        Ok(config) => {
            if !config.warnings.0.is_empty() {
                log::say(&config.warnings);
            }
            let meant = Meant::by(&arguments.config, None);
            for (name, records) in orphans(&config) {
                log::say(Diagnostic::warning(orphaned(&name, records, &meant)).to_string().trim_end());
            }
            for lacking in privileges::lacking(&config, privileges::When::AtTheStart) {
                log::say(
                    Diagnostic::warning(lacking).help("seen by the user who asks").to_string().trim_end(),
                );
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

/// Destinations that are not configured and for which records wait, as far as anybody tells: the buffer, or whoever has it
/// open. On another machine nobody does.
fn orphans(config: &Config) -> Vec<(String, u64)> {
    let configured = |name: &str| config.destinations.iter().any(|to| to.id == name);
    match Inspection::open(&config.buffer.dir) {
        Ok(inspection) => {
            let waiting = inspection.consumers().iter();
            let waiting = waiting.filter(|waiting| waiting.lag > 0 && !configured(&waiting.name));
            waiting.map(|waiting| (waiting.name.clone(), waiting.lag)).collect()
        }
        Err(OpenError::Locked { .. }) => {
            let status = answered(&config.control, &Request::Status).unwrap_or_default();
            let alone = orphans_in(&status).filter(|(name, _)| !configured(name));
            alone.map(|(name, records)| (name.to_owned(), records)).collect()
        }
        Err(_) => Vec::new(),
    }
}
