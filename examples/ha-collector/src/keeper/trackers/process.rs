//! A process that must be there.

use std::fs;
use std::path::Path;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tracing::info;

use super::Found;
use crate::config::Process;
use crate::keeper::judge::Verdict;

/// Counts at its interval and says when there are enough, and when not.
pub(super) async fn run(place: usize, process: Process, found: mpsc::UnboundedSender<Found>) {
    let mut ticks = interval(process.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = Verdict::Up;
    loop {
        ticks.tick().await;
        let name = process.name.clone();
        let Ok(count) = tokio::task::spawn_blocking(move || count(&name)).await else { return };
        let verdict = if count >= process.quorum { Verdict::Up } else { Verdict::Down };
        if verdict != known {
            info!("process {}: {count} of {} are there", process.id, process.quorum);
            known = verdict.clone();
            if found.send(Found::Process(place, verdict)).is_err() {
                return;
            }
        }
    }
}

/// Processes of this name, or with this executable where it is a path. Zombies do not count.
fn count(name: &str) -> u32 {
    let Ok(entries) = fs::read_dir("/proc") else { return 0 };
    let by_path = name.starts_with('/');
    let here = entries.flatten().map(|entry| entry.path()).filter(|path| {
        let is_process = path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.bytes().all(|b| b.is_ascii_digit()));
        is_process
            && if by_path {
                fs::read_link(path.join("exe")).is_ok_and(|exe| exe == Path::new(name))
            } else {
                // The kernel keeps 15 bytes of a name.
                let short = name.as_bytes().get(..15).unwrap_or(name.as_bytes());
                fs::read(path.join("comm")).is_ok_and(|comm| comm.trim_ascii_end() == short) && alive(path)
            }
    });
    u32::try_from(here.count()).unwrap_or(u32::MAX)
}

fn alive(process: &Path) -> bool {
    // "pid (comm) S ...": the name may hold anything, so from its end.
    let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_by_its_executable_and_no_other_by_a_name_that_nobody_has() {
        let exe = std::env::current_exe().unwrap();
        assert!(count(exe.to_str().unwrap()) >= 1);
        assert_eq!(count("no-process-is-called-so"), 0);
    }
}
