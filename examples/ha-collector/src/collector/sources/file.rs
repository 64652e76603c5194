//! Files that are followed: across rotation, truncation and restarts.
//!
//! A file is who its inode says it is, whatever it is called at the moment. How far it has been read is written down
//! after its lines are in the buffer, so that a crash repeats lines and never loses any.

mod follow;
mod positions;
mod watch;

use std::path::Path;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use self::follow::{Followed, More};
use self::positions::Positions;
use self::watch::Watch;
use super::bell::Woken;
use super::thread::{Kept, Reader};
use crate::collector::limit::Seldom;
use crate::config::{Files, From};

/// How often files are looked at even if nobody says that they changed: not every file system does.
const LOOK: Duration = Duration::from_secs(1);
/// How long a file that was moved away is still followed: whoever writes it may not have noticed.
const FAREWELL: Duration = Duration::from_secs(600);
/// Files of one source. Each has a descriptor.
const MOST: usize = 1024;

/// Follows until told to stop. Positions are kept in the file `positions`.
pub(super) fn run(files: &Files, positions: &Path, mut reader: Reader) {
    let id = reader.origin.account.id.clone();
    let mut kept = Positions::load(positions, &id);
    let mut watch = Watch::new(files.path.parent().unwrap_or_else(|| Path::new("/")), &id);
    let mut too_many = Seldom::new(Duration::from_secs(600));
    let mut cannot_keep = Seldom::new(Duration::from_secs(60));
    let mut followed = resumed(files, &kept, &id);
    // What is found first may have been there for long. What comes later, or while we are away, is read from its
    // beginning.
    let mut start = if kept.is_empty() { files.start } else { From::Beginning };
    loop {
        watch.renew();
        scan(files, &mut followed, start, &mut too_many, &id);
        start = From::Beginning;
        followed.iter().for_each(|file| kept.note(file.position()));
        loop {
            let mut more = More::No;
            for file in &mut followed {
                let Some(room) = reader.wait_for_room() else { return };
                let read = file.read(&mut reader, &room);
                if reader.commit(room) == Kept::No {
                    return;
                }
                match read {
                    Ok(now) => {
                        kept.note(file.position());
                        more = more.or(now);
                    }
                    Err(error) => file.complain(&id, &error),
                }
            }
            if let Err(error) = kept.write()
                && cannot_keep.now(Instant::now())
            {
                warn!(source = id, "cannot write down how far files are read: {error}");
            }
            if more == More::No || reader.stop.said() {
                break;
            }
        }
        let now = Instant::now();
        let left = followed.extract_if(.., |file| file.is_done(now, FAREWELL));
        for mut file in left.collect::<Vec<_>>() {
            // Its last line has no end and will never have one.
            let Some(room) = reader.wait_for_room() else { return };
            file.finish(&mut reader);
            if reader.commit(room) == Kept::No {
                return;
            }
            kept.forget(file.identity());
            info!(source = id, "{} is read to its end and gone", file.path().display());
        }
        if reader.stop.said() || watch.wait(&reader.bell, LOOK) == Woken::Rung {
            return;
        }
    }
}

/// Files that were read before and have another name now: what was written to them meanwhile is still due.
fn resumed(files: &Files, kept: &Positions, id: &str) -> Vec<Followed> {
    let Some(dir) = files.path.parent() else { return Vec::new() };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let known = std::fs::metadata(&path).ok().and_then(|about| kept.of(follow::identity(&about)));
        if let Some(position) = known {
            match Followed::resume(&path, position) {
                Ok(file) => found.push((position.order, file)),
                Err(error) => warn!(source = id, "cannot read {} on: {error}", path.display()),
            }
        }
    }
    // Those that were found first then are the older ones.
    found.sort_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, file)| file).collect()
}

/// Finds files that are new, and those that have been moved away.
fn scan(files: &Files, followed: &mut Vec<Followed>, start: From, too_many: &mut Seldom, id: &str) {
    let now = Instant::now();
    let mut present = Vec::new();
    for path in watch::matching(&files.path) {
        let Ok(about) = std::fs::metadata(&path) else { continue };
        if !about.is_file() {
            continue;
        }
        let identity = follow::identity(&about);
        present.push(identity);
        if let Some(known) = followed.iter_mut().find(|file| file.identity() == identity) {
            known.is_at(&path);
            continue;
        }
        if followed.len() >= MOST {
            if too_many.now(now) {
                warn!(source = id, most = MOST, "more files than can be followed; {} waits", path.display());
            }
            continue;
        }
        match Followed::open(&path, start) {
            Ok(file) => followed.push(file),
            Err(error) => {
                if too_many.now(now) {
                    warn!(source = id, "cannot read {}: {error}", path.display());
                }
            }
        }
    }
    for file in followed.iter_mut().filter(|file| !present.contains(&file.identity())) {
        file.is_gone(now);
    }
}
