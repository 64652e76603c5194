//! Who owns what is made, and what others may do with it.

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::unistd::{Group, User};
use rustix::fs::{self, Gid, Mode, Uid};
use rustix::io::Errno;
use tracing::warn;

use crate::config::{self, Account};

/// New files and directories, less the umask: the group may read, others may not.
const FILE_MODE: Mode = Mode::from_raw_mode(0o640);
const DIR_MODE: Mode = Mode::from_raw_mode(0o750);

/// What is made: a file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    File,
    Dir,
}

/// The rights of what is made.
#[derive(Debug, Default)]
pub(super) struct Rights {
    file: Right,
    dir: Right,
    /// Somebody was told that owners cannot be changed.
    told: AtomicBool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Right {
    mode: Option<Mode>,
    owner: Option<Uid>,
    group: Option<Gid>,
}

impl Rights {
    /// Looks the names up.
    pub(super) fn new(asked: &config::Rights) -> io::Result<Self> {
        let mode = |mode: &Option<config::Mode>| mode.map(|mode| Mode::from_raw_mode(mode.0));
        let file = Right { mode: mode(&asked.mode), owner: user(&asked.owner)?, group: group(&asked.group)? };
        let dir = Right {
            mode: mode(&asked.dir_mode),
            owner: user(&asked.dir_owner)?,
            group: group(&asked.dir_group)?,
        };
        Ok(Self { file, dir, told: AtomicBool::new(false) })
    }

    /// The mode to make it with.
    pub(super) fn mode(&self, made: Made) -> Mode {
        match made {
            Made::File => self.file.mode.unwrap_or(FILE_MODE),
            Made::Dir => self.dir.mode.unwrap_or(DIR_MODE),
        }
    }

    /// Gives what was just made its rights. A mode that was asked for is what it gets, whatever the umask.
    pub(super) fn give(&self, to: impl AsFd, made: Made) -> Result<(), Errno> {
        let right = match made {
            Made::File => self.file,
            Made::Dir => self.dir,
        };
        // Before it belongs to somebody else, who alone may do so then.
        if let Some(mode) = right.mode {
            fs::fchmod(&to, mode)?;
        }
        // One by one: a group of ours can be given without a privilege, an owner cannot.
        for (owner, group) in [(None, right.group), (right.owner, None)] {
            if owner.is_none() && group.is_none() {
                continue;
            }
            match fs::fchown(&to, owner, group) {
                Err(Errno::PERM) => {
                    if !self.told.swap(true, Ordering::Relaxed) {
                        warn!(
                            "new files and directories do not get the owner or group that was asked for: that takes \
                             CAP_CHOWN, kept from the start where the configuration asks for it, or for a group, being a \
                             member of it"
                        );
                    }
                }
                changed => changed?,
            }
        }
        Ok(())
    }
}

fn user(asked: &Option<Account>) -> io::Result<Option<Uid>> {
    let id = match asked {
        None => return Ok(None),
        Some(Account::Number(number)) => *number,
        Some(Account::Name(name)) => match User::from_name(name)? {
            Some(user) => user.uid.as_raw(),
            None => return Err(io::Error::other(format!("there is no user `{name}`"))),
        },
    };
    Ok(Some(Uid::from_raw(id)))
}

fn group(asked: &Option<Account>) -> io::Result<Option<Gid>> {
    let id = match asked {
        None => return Ok(None),
        Some(Account::Number(number)) => *number,
        Some(Account::Name(name)) => match Group::from_name(name)? {
            Some(group) => group.gid.as_raw(),
            None => return Err(io::Error::other(format!("there is no group `{name}`"))),
        },
    };
    Ok(Some(Gid::from_raw(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_is_not_there_is_said_by_its_name() {
        let name = || Some(Account::Name("nobody-is-called-so".to_owned()));
        let rights = |asked: config::Rights| Rights::new(&asked).unwrap_err().to_string();
        let none = config::Rights::default;
        assert_eq!(
            rights(config::Rights { owner: name(), ..none() }),
            "there is no user `nobody-is-called-so`"
        );
        assert_eq!(
            rights(config::Rights { dir_group: name(), ..none() }),
            "there is no group `nobody-is-called-so`"
        );
        let root = Some(Account::Name("root".to_owned()));
        assert_eq!(
            Rights::new(&config::Rights { owner: root, ..none() }).unwrap().file.owner,
            Some(Uid::ROOT)
        );
    }
}
