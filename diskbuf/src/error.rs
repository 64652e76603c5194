//! What can go wrong, one enum an operation. Paths and offsets are fields; the cause is `source()`.

use std::io;
use std::path::PathBuf;

/// Why [`Options::open`](crate::Options::open) gave no queue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// `segment_bytes` is outside its bounds or no multiple of 4096.
    #[error("segment_bytes is {given}, must be a multiple of 4096 between {min} and {max}")]
    SegmentBytes {
        /// What was asked for.
        given: u64,
        /// The least allowed.
        min: u64,
        /// The most allowed.
        max: u64,
    },
    /// `max_bytes` has no room for two segments and the small files.
    #[error("max_bytes is {given}, must be at least {min} for its segments of {segment_bytes} bytes")]
    MaxBytes {
        /// What was asked for.
        given: u64,
        /// The least that works with this queue's segment size.
        min: u64,
        /// The length of its segments: what was asked for if the queue is yet to be made, else what it was made with.
        segment_bytes: u64,
    },
    /// The path of the directory is empty.
    #[error("the path of the queue is empty")]
    NoDirectory,
    /// Another handle, in this process or another, has the queue open.
    #[error("queue is in use: {} is locked (last holder: {holder})", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// What the holder wrote into it; for people, not for decisions.
        holder: String,
    },
    /// The directory holds no queue. Only [`Inspection::open`](crate::inspect::Inspection::open) says so: others make one.
    #[error("no queue in {}", path.display())]
    NoQueue {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds a file with the name of a queue's, such as a segment, but the one that makes segments readable is
    /// gone: either it was lost, or the file is none of ours. Nothing was touched.
    #[error("{} is missing although there is a file {found}", path.display())]
    MetaMissing {
        /// Where `META` should be.
        path: PathBuf,
        /// The other file's name.
        found: String,
    },
    /// Neither copy in the `META` file verifies. Nothing was touched.
    #[error("{} is damaged: neither of its two copies verifies", path.display())]
    MetaDamaged {
        /// The file.
        path: PathBuf,
    },
    /// The queue was written in another version of the format. Nothing was touched.
    #[error("{} has format version {found}, this library reads and writes {supported}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u32,
        /// What this library reads and writes.
        supported: u32,
    },
    /// The system refused an operation.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why [`Queue::append`](crate::Queue::append) stopped. What is left in the batch was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// This record cannot be held by any segment of the queue. It has been taken out of the batch, the records
    /// before it were accepted, those behind it are still in the batch.
    #[error("record of {len} bytes is larger than the {max} a segment can hold")]
    TooLarge {
        /// Its length.
        len: usize,
        /// The longest that fits.
        max: usize,
    },
    /// The queue has reached `max_bytes`.
    #[error("queue is full: {bytes} of {max_bytes} bytes in use")]
    Full {
        /// In use.
        bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The disk (or quota) is full, although the queue is not, and nothing may be dropped instead. A later attempt may work:
    /// [`Queue::space`](crate::Queue::space) is ready when a consumer has made room, and at the latest after a fifth of a second.
    #[error("no space on the device for {}", path.display())]
    NoSpace {
        /// The file that could not be made.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// [`Queue::close`](crate::Queue::close) was called.
    #[error("queue is closed")]
    Closed,
    /// An earlier sync failed, so the state of the disk is unknown until the queue is opened again.
    #[error("queue is poisoned by an earlier failed sync")]
    Poisoned,
    /// [`Durability::Each`](crate::Durability::Each): the records were accepted, but may not survive power loss.
    #[error("not synced")]
    Sync(#[source] SyncError),
    /// [`Queue::reserve`](crate::Queue::reserve) alone: so much cannot be reserved now, since others have reserved, or the queue is
    /// full. An append may work all the same. [`Queue::room`](crate::Queue::room) tells when to try again.
    #[error("no room to reserve {bytes} bytes, {left} are left")]
    NoRoom {
        /// What was asked for.
        bytes: u64,
        /// What could be reserved instead.
        left: u64,
    },
    /// [`Queue::reserve`](crate::Queue::reserve): so much can never be reserved.
    #[error("cannot reserve {bytes} bytes, more than the {max} of a segment")]
    Unreservable {
        /// What was asked for.
        bytes: u64,
        /// What can be reserved at most, all together.
        max: u64,
    },
    /// The batch does not fit into what was reserved for it.
    #[error("batch of {bytes} bytes is larger than the {reserved} reserved")]
    Reserved {
        /// What the batch takes.
        bytes: u64,
        /// What was reserved.
        reserved: u64,
    },
    /// The system refused an operation. Whether the refused records are found after a crash is unknown until
    /// the next append returns.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why records are not known to survive power loss.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// An earlier sync failed, so the state of the disk is unknown until the queue is opened again.
    #[error("queue is poisoned by an earlier failed sync")]
    Poisoned,
    /// No record has that number yet.
    #[error("record {seq} has not been appended, the next number is {next}")]
    NotAppended {
        /// What was waited for.
        seq: u64,
        /// The number the next record gets.
        next: u64,
    },
    /// The system refused, and the records could not be saved to another file.
    #[error("cannot sync {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a record was not put into a [`Batch`](crate::Batch).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record of {len} bytes is larger than the limit of {max}")]
pub struct TooLarge {
    /// Its length.
    pub len: usize,
    /// The longest this batch takes.
    pub max: usize,
}

/// Why a consumer was not opened, or not removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumerError {
    /// Names are 1 to 64 of `a-z 0-9 . _ -`, the first a letter or digit.
    #[error("consumer name {name:?} is not 1 to 64 of [a-z0-9._-] with a letter or digit first")]
    Name {
        /// What was given.
        name: String,
    },
    /// A handle for this name is alive.
    #[error("consumer {name:?} is in use")]
    Busy {
        /// The name.
        name: String,
    },
    /// There is no consumer of this name.
    #[error("consumer {name:?} does not exist")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The cursor would not fit below `max_bytes`.
    #[error("queue is full: {bytes} of {max_bytes} bytes in use, no room for a cursor")]
    Full {
        /// In use.
        bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The system refused an operation.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why [`Consumer::read`](crate::Consumer::read) could not look. Damaged records are no error but a
/// [`Loss`](crate::Loss) in the delivery.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refused to open or to read a segment. The position is unchanged.
    #[error("cannot {operation} {} at offset {offset}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// From which byte on.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
}

/// Why an acknowledgement was not recorded. The records will be delivered again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AckError {
    /// The record is not part of what was delivered.
    #[error("cannot acknowledge {seq}: delivered are {first} to {last}")]
    NotDelivered {
        /// What was to be acknowledged.
        seq: u64,
        /// The first that may be.
        first: u64,
        /// The last that may be.
        last: u64,
    },
    /// The system refused to write the cursor.
    #[error("cannot write {}", path.display())]
    Io {
        /// The cursor's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
