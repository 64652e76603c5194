//! Privileges: given up before the first message is read, but for those that the owners of files take which the
//! configuration asks for; and those only in the threads that make such files, in the main thread, which starts them, and
//! in two that others' code starts and that open nothing by a name from the network: the log's, and the buffer's.

use caps::{CapSet, Capability, CapsHashSet, errors::CapsError};
use nix::unistd::{Group, User, getegid, geteuid, getgroups};

use crate::config::{Account, Config, Destination, DestinationKind, Rights};

/// To be called before any thread is started: capabilities belong to threads.
pub(crate) fn keep_for(config: &Config) -> Result<(), CapsError> {
    let wanted: CapsHashSet = config.destinations.iter().flat_map(needs).collect();
    let had = caps::read(None, CapSet::Permitted)?;
    let kept = had.intersection(&wanted).copied().collect();
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)
}

/// This thread, and what it starts, does without.
pub(crate) fn renounce() {
    // One that cannot give up what it does not need is no worse than the process was.
    caps::clear(None, CapSet::Effective).and_then(|()| caps::clear(None, CapSet::Permitted)).ok();
}

/// This thread, and what it starts, does without all but these, as far as it has them.
pub(crate) fn keep_only(these: &CapsHashSet) {
    let had = caps::read(None, CapSet::Permitted).unwrap_or_default();
    let kept = had.intersection(these).copied().collect();
    // As above.
    caps::set(None, CapSet::Effective, &kept).and_then(|()| caps::set(None, CapSet::Permitted, &kept)).ok();
}

/// What the destination takes that a thread which has renounced cannot do.
pub(super) fn needs(to: &Destination) -> CapsHashSet {
    match &to.kind {
        DestinationKind::File(file) => needs_of(&file.rights),
        _ => CapsHashSet::new(),
    }
}

/// When a process learns what it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    AtTheStart,
    /// What nobody had asked for was given up by then.
    Later,
}

/// Destinations whose files will not belong to whom they should, in words, with the cure.
pub(crate) fn lacking(config: &Config, when: When) -> Vec<String> {
    let start = match when {
        When::AtTheStart => "start",
        When::Later => "what nobody asks for is given up at the start, so restart",
    };
    let has = caps::read(None, CapSet::Effective).unwrap_or_default();
    let lacking = |to: &Destination| {
        let mut missing: Vec<String> = needs(to).difference(&has).map(ToString::to_string).collect();
        missing.sort();
        let capabilities = missing.join(" ");
        (!missing.is_empty()).then(|| {
            format!(
                "destination `{}`: new files do not get the owner or group that is asked for, since this process cannot give \
                 it: {start} it as root, or with {capabilities} (systemd: AmbientCapabilities={capabilities}), or, for a group, \
                 as a member of it",
                to.id
            )
        })
    };
    config.destinations.iter().filter_map(lacking).collect()
}

/// What files take that are to have these rights.
pub(super) fn needs_of(asked: &Rights) -> CapsHashSet {
    let mut needs = CapsHashSet::new();
    if [&asked.owner, &asked.dir_owner].into_iter().flatten().any(is_somebody_else) {
        // What is another's can be opened again with the second only.
        needs.extend([Capability::CAP_CHOWN, Capability::CAP_DAC_OVERRIDE]);
    }
    if [&asked.group, &asked.dir_group].into_iter().flatten().any(is_another_group) {
        needs.insert(Capability::CAP_CHOWN);
    }
    needs
}

/// One that is not there is a mistake that is told elsewhere.
fn is_somebody_else(account: &Account) -> bool {
    let id = match account {
        Account::Number(number) => Some(*number),
        Account::Name(name) => User::from_name(name).ok().flatten().map(|user| user.uid.as_raw()),
    };
    id.is_some_and(|id| id != geteuid().as_raw())
}

fn is_another_group(account: &Account) -> bool {
    let id = match account {
        Account::Number(number) => Some(*number),
        Account::Name(name) => Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw()),
    };
    let mut ours = getgroups().unwrap_or_default();
    ours.push(getegid());
    id.is_some_and(|id| ours.iter().all(|group| group.as_raw() != id))
}
