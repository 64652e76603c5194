//! `ha-collector buffer forget`: gives up what waits for a destination that is not configured any more. A running collector
//! does it itself; without one, it is done in its directory.

use clap::Args;

use super::super::Exit;
use super::super::ask::{Which, answered, told};
use crate::collector::{Backlog, Consent, chain};
use crate::config::Config;
use crate::control::{AskError, Request, Work, has_no_collector};
use crate::log::say;

#[derive(Debug, Args)]
pub(super) struct ForgetArguments {
    #[command(flatten)]
    which: Which,
    /// The destination's id
    #[arg(value_name = "NAME")]
    destination: String,
    /// Give it up: without this, only say what would be lost
    #[arg(long)]
    yes: bool,
}

pub(super) fn forget(arguments: &ForgetArguments) -> Exit {
    let config = match arguments.which.read() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let name = &arguments.destination;
    let consent = if arguments.yes { Consent::Given } else { Consent::Withheld };
    let work = Work::Forget { destination: name.clone(), consent };
    let exit = match answered(&config.control, &Request::Do(work)) {
        Err(AskError::Nobody { .. }) => in_its_directory(&config, name, consent),
        // A keeper that has nothing but addresses to keep, and perhaps a buffer of former times.
        Ok(answer) if has_no_collector(&answer) => in_its_directory(&config, name, consent),
        answer => told(answer),
    };
    match (exit, consent) {
        (Exit::Done, Consent::Withheld) => {
            say("nothing is given up yet: add --yes to lose these messages for that destination");
            Exit::BadArguments
        }
        (exit, _) => exit,
    }
}

/// Does it in a buffer that no collector has open.
fn in_its_directory(config: &Config, name: &str, consent: Consent) -> Exit {
    super::open(&config.buffer.dir, |inspection| {
        let configured = |id: &str| config.destinations.iter().any(|to| to.id == id);
        let backlog = match Backlog::inspect(inspection, name, &config.ways, configured) {
            Ok(backlog) => backlog,
            Err(error) => {
                say(format_args!("error: {error}"));
                return Ok(Exit::CannotStart);
            }
        };
        if consent == Consent::Withheld {
            say(backlog);
            return Ok(Exit::Done);
        }
        if let Err(error) = inspection.remove_consumer(name) {
            say(format_args!("error: {}", chain(&error)));
            return Ok(Exit::CannotStart);
        }
        say(format_args!("{backlog}: forgotten"));
        Ok(Exit::Done)
    })
    .unwrap_or(Exit::Failed)
}
