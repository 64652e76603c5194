//! Files that hold damage are kept for whoever wants to look: `<id>.bad`, with a line of text in `<id>.why`. They count
//! as bytes in use and have a bound of their own; the oldest give way.

use std::collections::VecDeque;
use std::io;

use crate::storage::Storage;

/// What is kept.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    /// Ids and sizes, oldest first.
    kept: VecDeque<(u64, u64)>,
    limit: u64,
}

impl Quarantine {
    /// Those of an earlier run.
    pub(crate) fn found(names: &[(String, u64)], limit: u64) -> Self {
        let why = |id: u64| names.iter().find(|(name, _)| *name == why_name(id)).map_or(0, |(_, size)| *size);
        let bad = names.iter().filter_map(|(name, size)| id_in(name).map(|id| (id, *size)));
        let mut kept: Vec<(u64, u64)> = bad.map(|(id, size)| (id, size + why(id))).collect();
        kept.sort_unstable();
        Self { kept: kept.into(), limit }
    }

    /// What the files take.
    pub(crate) fn bytes(&self) -> u64 {
        self.kept.iter().map(|(_, size)| size).sum()
    }

    /// Takes the file `name` of `size` bytes, or refuses since it is larger than all there may be.
    pub(crate) fn take(
        &mut self,
        storage: &dyn Storage,
        name: &str,
        size: u64,
        reason: &str,
    ) -> io::Result<bool> {
        let reason = format!("{name}: {reason}\n");
        let size = size + reason.len() as u64;
        if size > self.limit {
            return Ok(false);
        }
        while self.bytes() + size > self.limit {
            let Some((id, _)) = self.kept.pop_front() else { break };
            storage.remove(&bad_name(id))?;
            // Without the file the line says nothing; if it stays, it is found and removed the next time.
            storage.remove(&why_name(id)).ok();
        }
        let id = self.kept.back().map_or(0, |(id, _)| id + 1);
        storage.rename(name, &bad_name(id))?;
        self.kept.push_back((id, size));
        // The file matters, the line is a kindness.
        let _written =
            storage.remove(&why_name(id)).or(Ok(())).and_then(|()| storage.create(&why_name(id))).and_then(
                |file: std::sync::Arc<dyn crate::storage::StorageFile>| {
                    file.write_all_at(reason.as_bytes(), 0)
                },
            );
        Ok(true)
    }
}

/// Lines without their file.
pub(crate) fn stray(names: &[(String, u64)]) -> impl Iterator<Item = &String> {
    names.iter().map(|(name, _)| name).filter(|name| {
        let id = name.strip_suffix(".why").and_then(|hex| u64::from_str_radix(hex, 16).ok());
        id.is_some_and(|id| why_name(id) == **name && !names.iter().any(|(other, _)| *other == bad_name(id)))
    })
}

/// The name of the line that belongs to the file `name`, if that is one that was put away.
pub(crate) fn why_of(name: &str) -> Option<String> {
    id_in(name).map(why_name)
}

fn id_in(name: &str) -> Option<u64> {
    let id = u64::from_str_radix(name.strip_suffix(".bad")?, 16).ok()?;
    (bad_name(id) == name).then_some(id)
}

fn bad_name(id: u64) -> String {
    format!("{id:016x}.bad")
}

fn why_name(id: u64) -> String {
    format!("{id:016x}.why")
}
