//! Programs that are told of a change of state: `PROGRAM ARGUMENTS... INSTANCE name STATE priority`, as keepalived does it.
//! One after the other for each router, in the order of what happened; none is waited for by a failover.

use std::time::Duration;

use tokio::time::timeout;
use tracing::{debug, warn};
use vrrp_proto::State;

use super::events::{Entry, Journal};
use super::trackers::program;
use crate::config::{self, Notify};

/// A program that takes longer is ended, so that the next one is told.
const LONGEST: Duration = Duration::from_secs(60);

/// Tells of everything that is and will be in the journal. Its routers may have changed before this has its first turn.
pub(super) async fn run(config: config::Keeper, journal: Journal) {
    let mut newest = journal.newest();
    newest.mark_changed();
    let mut told = 0;
    while newest.changed().await.is_ok() {
        let (entries, lost) = journal.after(told);
        if lost > 0 {
            warn!(
                "{lost} changes of state were not told to any program: they came faster than the programs ended"
            );
        }
        for entry in entries {
            told = entry.number;
            tell(&config, &entry).await;
        }
    }
}

async fn tell(config: &config::Keeper, entry: &Entry) {
    let Some(router) = config.routers.get(entry.what.router) else { return };
    if entry.what.from == entry.what.to {
        return;
    }
    for arguments in programs(&router.notify, entry.what.to) {
        let mut arguments = arguments.clone();
        let state = name(entry.what.to);
        arguments.extend([
            "INSTANCE".to_owned(),
            router.id.clone(),
            state.to_owned(),
            entry.what.priority.to_string(),
        ]);
        let mut command = match program(&arguments, config.script_user.as_deref()) {
            Ok(command) => command,
            Err(error) => {
                warn!("{}: cannot tell {state}: {error}", router.id);
                continue;
            }
        };
        match command.spawn() {
            Ok(mut child) => match timeout(LONGEST, child.wait()).await {
                Ok(Ok(status)) if status.success() => debug!("{}: told {state}", router.id),
                Ok(Ok(status)) => warn!("{}: the program told of {state} ended: {status}", router.id),
                Ok(Err(error)) => warn!("{}: the program told of {state}: {error}", router.id),
                Err(_long) => {
                    warn!("{}: the program told of {state} takes longer than {LONGEST:?}: ended", router.id)
                }
            },
            Err(error) => warn!("{}: cannot run {arguments:?}: {error}", router.id),
        }
    }
}

fn programs(notify: &Notify, state: State) -> impl Iterator<Item = &Vec<String>> {
    let own = match state {
        State::Active => &notify.active,
        State::Backup => &notify.backup,
        State::Fault => &notify.fault,
        _ => &notify.stop,
    };
    own.iter().chain(&notify.any)
}

/// As keepalived's users match it.
pub(super) const fn name(state: State) -> &'static str {
    match state {
        State::Active => "MASTER",
        State::Backup => "BACKUP",
        State::Fault => "FAULT",
        _ => "STOP",
    }
}
