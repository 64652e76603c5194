//! `META`: what never changes in a queue's life. Two copies in one file, either is enough.

use std::fmt;
use std::io;

use crate::format::{
    Block, META, PAGE, SECOND_SLOT, TMP_SUFFIX, TWO_SLOTS, VERSION, id_at, sealed, u32_at, u64_at,
};
use crate::format::{MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES};
use crate::rules::Rules;
use crate::segment::read_full;
use crate::siphash::siphash24;
use crate::storage::{Storage, StorageFile};

/// The immutable facts of a queue.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) uuid: [u8; 16],
    pub(crate) secret: [u8; 16],
    pub(crate) segment_bytes: u64,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// Not in the file.
    pub(crate) rules: Rules,
}

/// What a `META` file holds.
pub(crate) enum Found {
    Good(Meta),
    Foreign(u32),
    Damaged,
}

impl Meta {
    /// A new queue's, with a name and a secret of its own.
    pub(crate) fn generate(storage: &dyn Storage, segment_bytes: u64) -> io::Result<Self> {
        let mut meta = Self { uuid: [0; 16], secret: [0; 16], segment_bytes, created: 0, rules: Rules::Kept };
        storage.random(&mut meta.uuid)?;
        storage.random(&mut meta.secret)?;
        meta.created = storage.now();
        Ok(meta)
    }

    /// The salt of the segment `id`.
    pub(crate) fn salt(&self, id: u64) -> u64 {
        let mut message = [0; 24];
        let (uuid, tail) = message.split_at_mut(16);
        uuid.copy_from_slice(&self.uuid);
        tail.copy_from_slice(&self.rules.salt_of(id).to_le_bytes());
        siphash24(&self.secret, &message)
    }

    /// Writes the file and makes it survive power loss.
    pub(crate) fn store(&self, storage: &dyn Storage) -> io::Result<()> {
        let tmp = format!("{META}{TMP_SUFFIX}");
        let file = match storage.create(&tmp) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                storage.remove(&tmp)?;
                storage.create(&tmp)?
            }
            file => file?,
        };
        file.allocate(TWO_SLOTS)?;
        file.write_all_at(&self.block(), 0)?;
        file.write_all_at(&self.block(), SECOND_SLOT)?;
        file.sync()?;
        storage.rename(&tmp, META)?;
        storage.sync_dir("")
    }

    /// Reads the file.
    pub(crate) fn load(file: &dyn StorageFile) -> io::Result<Found> {
        let mut foreign = None;
        for at in [0, SECOND_SLOT] {
            let mut block = [0; META_LEN];
            read_full(file, &mut block, at)?;
            let version = u32_at(&block, 56);
            if !block.starts_with(MAGIC) || !sealed(&block) {
                continue;
            }
            if version != VERSION {
                foreign = Some(version);
                continue;
            }
            let meta = Self {
                uuid: id_at(&block, 8),
                secret: id_at(&block, 24),
                segment_bytes: u64_at(&block, 40),
                created: u64_at(&block, 48),
                rules: Rules::Kept,
            };
            if (MIN_SEGMENT_BYTES..=MAX_SEGMENT_BYTES).contains(&meta.segment_bytes)
                && meta.segment_bytes.is_multiple_of(PAGE)
            {
                return Ok(Found::Good(meta));
            }
        }
        Ok(foreign.map_or(Found::Damaged, Found::Foreign))
    }

    /// How many of the two copies verify.
    pub(crate) fn copies(file: &dyn StorageFile) -> io::Result<usize> {
        let mut good = 0;
        for at in [0, SECOND_SLOT] {
            let mut block = [0; META_LEN];
            read_full(file, &mut block, at)?;
            good += usize::from(block.starts_with(MAGIC) && sealed(&block));
        }
        Ok(good)
    }

    fn block(&self) -> [u8; META_LEN] {
        Block::new()
            .put(MAGIC)
            .put(&self.uuid)
            .put(&self.secret)
            .put(&self.segment_bytes.to_le_bytes())
            .put(&self.created.to_le_bytes())
            .put(&VERSION.to_le_bytes())
            .seal()
    }
}

/// Without the secret: who has that can forge records, and what is formatted ends in logs.
impl fmt::Debug for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uuid, segment_bytes, created, .. } = self;
        f.debug_struct("Meta")
            .field("uuid", &Hex(uuid))
            .field("segment_bytes", segment_bytes)
            .field("created", created)
            .finish_non_exhaustive()
    }
}

/// A name made of octets, for people.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8; 16]);

impl fmt::Debug for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

const MAGIC: &[u8; 8] = b"DISKBUFM";
const META_LEN: usize = 64;
const _: () = assert!(META_LEN == 8 + 16 + 16 + 8 + 8 + 4 + 4);
