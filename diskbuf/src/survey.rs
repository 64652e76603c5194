//! Which files of the directory are segments of this queue, whatever they are called.

use std::io;
use std::sync::Arc;

use crate::error::OpenError;
use crate::format::{DATA_START, META, PAGE_LEN, STATE, TMP_SUFFIX};
use crate::mark::Mark;
use crate::meta::Meta;
use crate::record::Life;
use crate::recover::Road;
use crate::segment::{self, Header, MAX_ID, SpaceOrigin, read_full};
use crate::seq::Seq;
use crate::state::SPARES;
use crate::storage::StorageFile;
use crate::window::{Wanted, Window};

/// A segment found.
pub(crate) struct One {
    pub(crate) id: u64,
    pub(crate) first_seq: u64,
    pub(crate) origin: SpaceOrigin,
    pub(crate) header: HeaderState,
    pub(crate) file: Arc<dyn StorageFile>,
    pub(crate) name: String,
    pub(crate) size: u64,
}

impl One {
    /// Writes page 0 if it was damaged: when the records that told what it is are cut off, nothing else would.
    pub(crate) fn mend(&self, meta: &Meta) -> io::Result<()> {
        if self.header == HeaderState::Good {
            return Ok(());
        }
        let (id, first_seq, segment_bytes) = (self.id, self.first_seq, meta.segment_bytes);
        Header { uuid: meta.uuid, id, first_seq, segment_bytes, origin: self.origin }.store(&*self.file)?;
        self.file.sync()
    }
}

/// A file with a segment's name that is none of ours.
pub(crate) struct Stranger {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) reason: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderState {
    Good,
    /// Page 0 does not verify; its records tell what it is.
    Damaged,
}

impl Road<'_> {
    /// Whether there is no queue, as far as one can tell without the lock.
    pub(crate) fn is_new(&self) -> bool {
        match self.0.list("") {
            Ok(names) => !names.iter().any(|(name, _)| name == META),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    /// What says that there was a queue, or what making one would overwrite, where there is no `META`. A crash before that was
    /// there leaves a `STATE` that tells nothing, and nothing else but half made ones of the two.
    pub(crate) fn remains(&self, names: &[(String, u64)]) -> Result<Option<String>, OpenError> {
        let half_made = format!("new{TMP_SUFFIX}");
        let spare = |name: &str| (0..SPARES).any(|k| segment::spare_name(k) == name);
        for (name, _) in names {
            let told = || self.told("read", STATE, Mark::says_nothing(&**self.0));
            if segment::is_name(name) || spare(name) || *name == half_made || (name == STATE && !told()?) {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    /// The queue's segments by id, the first numbers never falling, and the files that are none.
    pub(crate) fn segments(
        &self,
        meta: &Meta,
        names: &[(String, u64)],
        next_id: &mut u64,
    ) -> Result<(Vec<One>, Vec<Stranger>), OpenError> {
        let (mut found, mut strangers): (Vec<One>, Vec<Stranger>) = (Vec::new(), Vec::new());
        let mut stranger =
            |name: &str, size: u64, reason| strangers.push(Stranger { name: name.to_owned(), size, reason });
        let mut candidates: Vec<_> = names.iter().filter(|(name, _)| segment::is_name(name)).collect();
        // A file that has the name of what it is comes before one that only says so inside.
        candidates.sort();
        for (name, size) in candidates {
            let named = segment::id_in(name);
            *next_id = (*next_id).max(named.map_or(0, |id| id + 1));
            let file = self.told("open", name, self.0.open(name))?;
            match self.told("read", name, identify(&file, meta, named, name, *size))? {
                Some(one) if one.id < MAX_ID => found.push(one),
                _ => stranger(name, *size, "neither its header nor a record is one of this queue's"),
            }
        }
        // The header is the truth, the name a hint; but two files cannot be the same segment.
        let rightly = |one: &One| one.name == segment::file_name(one.id);
        found.sort_by_key(|one| (one.id, !rightly(one)));
        found.dedup_by(|second, first| {
            let same = first.id == second.id;
            if same {
                stranger(&second.name, second.size, "another file is the same segment");
            }
            same
        });
        // A segment that begins before an older one replaces it: see `sync`.
        let mut ceiling = u64::MAX;
        let mut void = Vec::new();
        for one in found.iter().rev() {
            if one.first_seq > ceiling {
                void.push(one.id);
            }
            ceiling = ceiling.min(one.first_seq);
        }
        for one in found.extract_if(.., |one| void.contains(&one.id)) {
            stranger(&one.name, one.size, "a later segment has taken its place");
        }
        *next_id = found.iter().map(|one| one.id + 1).fold(*next_id, u64::max);
        self.right_names(&mut found, names)?;
        Ok((found, strangers))
    }

    /// Gives each segment the name that its header says, by way of names that nothing else has.
    fn right_names(&self, found: &mut [One], names: &[(String, u64)]) -> Result<(), OpenError> {
        let wrong = || found.iter().enumerate().filter(|(_, one)| one.name != segment::file_name(one.id));
        let wrong: Vec<usize> = wrong().map(|(place, _)| place).collect();
        for step in [segment::moved_name, segment::file_name] {
            for one in wrong.iter().filter_map(|place| found.get(*place)) {
                let from = if step(0) == segment::moved_name(0) {
                    one.name.clone()
                } else {
                    segment::moved_name(one.id)
                };
                let to = step(one.id);
                let taken = names.iter().any(|(name, _)| *name == to)
                    && !wrong.iter().filter_map(|place| found.get(*place)).any(|other| other.name == to);
                if from != to && !taken {
                    self.told("rename", &from, self.0.rename(&from, &to))?;
                }
            }
        }
        Ok(())
    }
}

/// Which segment of this queue a file is, if any: by its header, or else by its name and its first record.
fn identify(
    file: &Arc<dyn StorageFile>,
    meta: &Meta,
    named: Option<u64>,
    name: &str,
    size: u64,
) -> io::Result<Option<One>> {
    let mut page = [0; PAGE_LEN];
    read_full(&**file, &mut page, 0)?;
    let one = |id, first_seq, origin, header| One {
        id,
        first_seq,
        origin,
        header,
        file: Arc::clone(file),
        name: name.to_owned(),
        size,
    };
    if let Some(Header { uuid, id, first_seq, segment_bytes, origin }) = Header::parse(&page) {
        let ours = uuid == meta.uuid && segment_bytes == meta.segment_bytes;
        return Ok(ours.then(|| one(id, first_seq, origin, HeaderState::Good)));
    }
    let Some(id) = named else { return Ok(None) };
    let wanted = Wanted {
        life: Life { salt: meta.salt(id), first_seq: 1, covered: meta.rules.covered() },
        end: meta.segment_bytes,
        min_seq: 1,
        bound: Seq::MAX,
    };
    let first = Window::new(1 << 20).find(&**file, &wanted, DATA_START)?;
    Ok(first.map(|(_, head)| one(id, head.seq, SpaceOrigin::Recycled, HeaderState::Damaged)))
}
