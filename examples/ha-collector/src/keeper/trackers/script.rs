//! Programs whose exit status says whether something works: no shell, an explicit list of arguments, a limit of time.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, User, geteuid};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{debug, info, warn};

use super::Found;
use crate::config::{AtStart, Script};
use crate::keeper::judge::Verdict;

/// From asking a program to end until it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// Runs the script at its interval, never twice at once, and says when its verdict changes: after `fall` failures in a
/// row, after `rise` successes in a row.
pub(super) async fn run(place: usize, script: Script, found: mpsc::UnboundedSender<Found>) {
    let mut ticks = interval(script.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count = Count::new(&script);
    loop {
        ticks.tick().await;
        let outcome = once(&script).await;
        let run = match &outcome {
            Ok(Some(status)) if status.success() => Verdict::Up,
            _ => Verdict::Down,
        };
        if let Some(verdict) = count.add(run) {
            let why = match &outcome {
                Ok(Some(status)) => status.to_string(),
                Ok(None) => format!("still running after {:?}", script.timeout),
                Err(error) => {
                    format!("cannot run {}: {error}", script.command.first().map_or("", String::as_str))
                }
            };
            match verdict {
                Verdict::Up => info!("script {}: works ({why})", script.id),
                _ => warn!("script {}: failed ({why})", script.id),
            }
            if found.send(Found::Script(place, verdict)).is_err() {
                return;
            }
        }
    }
}

/// Successes and failures in a row.
#[derive(Debug)]
struct Count {
    rise: u16,
    fall: u16,
    verdict: Verdict,
    same: u16,
}

impl Count {
    const fn new(script: &Script) -> Self {
        let verdict = match script.at_start {
            AtStart::Working => Verdict::Up,
            AtStart::Failed => Verdict::Down,
        };
        Self { rise: script.rise, fall: script.fall, verdict, same: 0 }
    }

    /// The new verdict, if this run changed it.
    fn add(&mut self, run: Verdict) -> Option<Verdict> {
        let need = if self.verdict == Verdict::Down { self.rise } else { self.fall };
        self.same = if run == self.verdict { 0 } else { self.same + 1 };
        if self.same < need {
            return None;
        }
        self.same = 0;
        self.verdict = run.clone();
        Some(run)
    }
}

/// `Ok(None)`: it did not end in time, and was ended.
async fn once(script: &Script) -> io::Result<Option<ExitStatus>> {
    let mut command = command(&script.command, script.user.as_deref())?;
    let mut child = command.spawn()?;
    match timeout(script.timeout, child.wait()).await {
        Ok(status) => status.map(Some),
        Err(_too_long) => {
            end(&mut child).await;
            Ok(None)
        }
    }
}

/// With all that it started.
async fn end(child: &mut Child) {
    let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw) else { return };
    killpg(group, Signal::SIGTERM).ok();
    if timeout(GRACE, child.wait()).await.is_err() {
        killpg(group, Signal::SIGKILL).ok();
        child.wait().await.ok();
    }
}

/// A program with its arguments in a process group of its own, as that user, with nothing to read and nothing of ours.
pub(in crate::keeper) fn command(arguments: &[String], user: Option<&str>) -> io::Result<Command> {
    let Some((program, arguments)) = arguments.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "an empty command"));
    };
    refuse_unsafe(Path::new(program))?;
    let mut command = std::process::Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    if geteuid().is_root() {
        let user = runs_as(user)?;
        debug!(program, user = user.name, "runs");
        if user.uid != geteuid() {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
    }
    let mut command = Command::from(command);
    command.kill_on_drop(true);
    Ok(command)
}

/// The user that was asked for, or else the one that scripts have had since keepalived, or else nobody. Never root
/// unless it was asked for.
fn runs_as(user: Option<&str>) -> io::Result<User> {
    let names: &[&str] = match &user {
        Some(name) => std::slice::from_ref(name),
        None => &["keepalived_script", "nobody"],
    };
    for name in names {
        if let Some(found) = User::from_name(name).map_err(io::Error::from)? {
            return Ok(found);
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no user {}", names.join(" and no user "))))
}

/// Refuses a program that somebody else than root or this process's user could have put there: that person would act in
/// our name. The path is followed to its end, and every part of it is looked at.
pub(crate) fn refuse_unsafe(program: &Path) -> io::Result<()> {
    let real = program.canonicalize()?;
    let (us, host) = (geteuid().as_raw(), owner_of_the_host());
    let parts: Vec<PathBuf> = real.ancestors().map(Path::to_path_buf).collect();
    for part in parts {
        let found = part.metadata()?;
        let (owner, mode) = (found.uid(), found.mode());
        let refuse = |what: String| {
            let message = format!("{}: {what}; whoever may do that could act as the keeper", part.display());
            Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
        };
        if owner != 0 && owner != us && Some(owner) != host {
            return refuse(format!("belongs to user {owner}"));
        }
        // In a directory with the sticky bit nobody can exchange what belongs to others.
        let sticky = found.is_dir() && mode & 0o1000 != 0;
        if mode & 0o022 != 0 && !sticky {
            return refuse(format!("may be written by others (mode {:o})", mode & 0o7777));
        }
    }
    Ok(())
}

/// In a user namespace that does not know all users, root of the host appears as this one; elsewhere there is none.
fn owner_of_the_host() -> Option<u32> {
    let map = std::fs::read_to_string("/proc/self/uid_map").ok()?;
    let whole = map.split_whitespace().eq(["0", "0", "4294967295"]);
    if whole {
        None
    } else {
        std::fs::read_to_string("/proc/sys/kernel/overflowuid").ok()?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn count(rise: u16, fall: u16) -> Count {
        Count { rise, fall, verdict: Verdict::Up, same: 0 }
    }

    #[test]
    fn it_takes_so_many_in_a_row_to_change_the_verdict() {
        let mut count = count(2, 3);
        let said: Vec<Option<Verdict>> =
            [false, false, true, false, false, false, false, true, false, true, true, true]
                .map(|good| count.add(if good { Verdict::Up } else { Verdict::Down }))
                .to_vec();
        let mut expected = vec![None; 12];
        expected[5] = Some(Verdict::Down);
        expected[10] = Some(Verdict::Up);
        assert_eq!(said, expected);
    }

    #[test]
    fn a_program_that_others_may_write_is_refused_with_the_part_of_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("check");
        std::fs::write(&program, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        refuse_unsafe(&program).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o775)).unwrap();
        let said = refuse_unsafe(&program).unwrap_err().to_string();
        assert!(said.contains("check: may be written by others (mode 775)"), "{said}");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(refuse_unsafe(&program).is_err());
        assert!(refuse_unsafe(Path::new("/no/such/program")).is_err());
    }
}
