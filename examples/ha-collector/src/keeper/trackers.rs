//! What virtual routers depend on, looked at again and again: one file a kind. Each says what it found to whoever
//! judges; none of them is waited for by an advertisement.

mod file;
mod interface;
mod process;
mod script;

pub(super) use script::command as program;
pub(crate) use script::refuse_unsafe;

use tokio::sync::mpsc;

use super::judge::Verdict;
use crate::config;

/// What a tracker has found.
#[derive(Debug)]
pub(super) enum Found {
    Script(usize, Verdict),
    Process(usize, Verdict),
    File(usize, Verdict),
    Interface(String, Verdict),
}

/// Starts them all in the runtime of this task. They end with it.
pub(super) fn start(config: &config::Keeper, interfaces: Vec<String>, found: &mpsc::UnboundedSender<Found>) {
    for (place, script) in config.scripts.iter().enumerate() {
        tokio::spawn(script::run(place, script.clone(), found.clone()));
    }
    for (place, process) in config.processes.iter().enumerate() {
        tokio::spawn(process::run(place, process.clone(), found.clone()));
    }
    for (place, file) in config.files.iter().enumerate() {
        tokio::spawn(file::run(place, file.clone(), found.clone()));
    }
    if !interfaces.is_empty() {
        tokio::spawn(interface::run(interfaces, found.clone()));
    }
}
