//! When to look again: inotify says so where it works.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify;
use tracing::info;

use super::super::bell::{Bell, Woken};

/// Changes within so long are one.
const TOGETHER: Duration = Duration::from_millis(10);

/// A directory that is watched; where that cannot be, it is looked at in intervals.
#[derive(Debug)]
pub(super) struct Watch {
    dir: PathBuf,
    events: Option<OwnedFd>,
    watched: Option<i32>,
}

impl Watch {
    pub(super) fn new(dir: &Path, id: &str) -> Self {
        let events = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK);
        if let Err(error) = &events {
            info!(source = id, "files are looked at once a second: no inotify ({error})");
        }
        Self { dir: dir.to_path_buf(), events: events.ok(), watched: None }
    }

    /// Watches the directory if that is not done: it may have come into being.
    pub(super) fn renew(&mut self) {
        use inotify::WatchFlags as On;
        let Some(events) = &self.events else { return };
        let flags = On::CREATE | On::MOVED_TO | On::MOVED_FROM | On::MODIFY | On::DELETE | On::CLOSE_WRITE;
        // Asked again for what it has, the kernel answers the same; for a directory made anew, another.
        self.watched = inotify::add_watch(events, &self.dir, flags | On::ONLYDIR).ok();
    }

    /// Returns when something happened, or after the interval.
    pub(super) fn wait(&self, bell: &Bell, interval: Duration) -> Woken {
        let fd = self.events.as_ref().map(OwnedFd::as_fd);
        let woken = bell.wait(fd, Some(interval));
        if let (Woken::Ready, Some(events)) = (woken, &self.events) {
            let mut space = [MaybeUninit::uninit(); 4096];
            let mut reader = inotify::Reader::new(events, &mut space);
            // What happened does not matter, only that it did.
            while reader.next().is_ok() {}
            // Whoever writes line by line shall not have everything looked at for every line.
            return match bell.wait(None, Some(TOGETHER)) {
                Woken::Rung => Woken::Rung,
                _ => Woken::Ready,
            };
        }
        woken
    }
}

/// The files that a path, or the pattern in its last component, means now; in the order of their names.
pub(super) fn matching(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !name.contains(['*', '?', '[']) {
        return vec![path.to_path_buf()];
    }
    let (Ok(pattern), Some(dir)) = (glob::Pattern::new(&name), path.parent()) else {
        return Vec::new();
    };
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| pattern.matches_with(&entry.file_name().to_string_lossy(), options))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}
