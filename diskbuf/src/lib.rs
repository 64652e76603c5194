//! A crash-safe disk queue of records with several named consumers.
//!
//! Producers append batches; every consumer reads all records in order, at its own speed, and acknowledges
//! what it is done with. The queue keeps a record until all its consumers have acknowledged it.
//!
//! ```
//! use diskbuf::{Batch, Limit, Options, Start, WhenFull};
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path();
//! let queue = Options::new(path).open()?;
//! let mut batch = Batch::new();
//! batch.push(b"hello")?;
//! let appended = queue.append(&mut batch, WhenFull::Refuse)?;
//! assert_eq!(appended.records, 1);
//!
//! let mut consumer = queue.consumer("archive", Start::Oldest)?;
//! let delivery = consumer.read(Limit::default())?;
//! assert_eq!(delivery.iter().next().map(|record| record.payload()), Some(&b"hello"[..]));
//! delivery.ack()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What survives which crash
//!
//! | | death of the process (`kill -9`) | power loss |
//! |---|---|---|
//! | records whose [`Queue::append`] returned `Ok` | all | those that are [`Durable`]: see [`Durability`] |
//! | acknowledgements that returned `Ok` | all | those before a [`Queue::sync`]; a lost one means that records come twice |
//! | a batch in the middle of its append | all of it or nothing | all of it or nothing |
//! | the order | yes | yes |
//! | the numbers | yes | a number may be given again if its record was neither durable nor acknowledged |
//!
//! An acknowledgement to those upstream should ask for a [`Durable<Seq>`](Durable), which only
//! [`Queue::wait_durable`], [`Queue::durable`] and [`Queue::durable_seq`] give. A sync that failed is not asked again: what
//! it left in doubt is read back, verified and written to another segment, or everybody who waits is told and the
//! queue is poisoned until it is opened again.
//!
//! Delivery is at least once. A damaged record is never delivered: [`Delivery::losses`] names what is gone, by
//! number, and reading goes on behind it. [`Queue::recovery`] tells what opening found.
//!
//! [`inspect`] looks into a queue that nobody has open, and writes nothing unless a consumer is to be forgotten: after a crash,
//! before a repair, for a copy.
//!
//! # When it is full
//!
//! All files together stay below [`Options::max_bytes`]. Each append says what to do at the limit
//! ([`WhenFull`]): a stream source waits, a datagram source drops and counts. Space on the device is reserved
//! when a segment is made, so a full disk is met there ([`AppendError::NoSpace`]) and not inside a record. Whoever may drop drops
//! then, too; others wait with [`Queue::space`] before they try again, which answers several times a second while the disk is full.
//! [`Queue::reserve`] keeps room for what is about to be read from a source that cannot take it back; a consumer that
//! [loses](Behind::Loses) instead of [keeping](Behind::Keeps) what it has not acknowledged holds up nobody.
//!
//! # What it is not
//!
//! - A log to search, or a queue to take single records out of: acknowledgement is a position.
//! - A way between machines or processes: one process has it open.
//! - Equally fast for all: from about 2500 appends a second on, [`Queue::append_one`] stores into a mapping, where that is safe
//!   ([`WritePath`]), and then takes millions; fewer appends, and those whose sync is waited for, are a system call each. What is
//!   longer than 16 KiB is always written by a call, which is as fast: a [`Batch`] of that length or more is good everywhere.
//!
//! # Limits
//!
//! - Linux and other Unixes with `fallocate`; a file system on which `flock` works. Stores into mappings need Linux 5.14; before
//!   it, and elsewhere, everything is written by calls.
//! - A record is at most as long as a segment less 4120 bytes; a segment at most 1 GiB.
//! - A queue holds four files open and two for each consumer, and some settings give it a thread: see [`Queue`].
//! - A process with a limit on the size of its files (`RLIMIT_FSIZE`) must ignore the signal `SIGXFSZ`; the refusal is then
//!   an error like that of a full disk.
//! - The directory of an open queue must keep its path: renamed or moved, what needs a name fails (a new segment, a sync, a
//!   segment that is read), and the queue is poisoned. Nothing is lost; it is opened again where it is then.
//! - On file systems that write elsewhere at each overwrite (btrfs, ZFS) reserving space promises less.
//! - One damaged `META` copy is mended by the other; without both the queue cannot be read.
//!
//! - Checksums are CRCs, which find accidents. Of two messages that somebody made so that exchanging sectors between them (or, of what
//!   was stored into a mapping, lines of 64 octets) leaves the CRC as it is, a power loss before a sync can leave such a mixture. Nobody can make a message that passes for a record or
//!   changes another one: that takes the queue's secret.
//! - After power loss a batch may be there in part if it lies in none of the four newest segments and was never synced.
//! - On a full disk, after a restart, a tear in the middle of an acknowledgement can lose earlier ones: records come twice.
//! - That a sync did not succeed is remembered as long as the machine runs, since as long its memory may hold what the disk does not. Where
//!   that may outlive a boot (network file systems, FUSE, overlayfs) or where the boot is not known (elsewhere than on Linux, in
//!   containers with a boot id of their own), it is remembered longer; so it is on a device that is taken away and mounted again without a
//!   reboot. There a record that was promised may be written once more in its place, and a second power loss may tear it.
//! - After an append that the system refused, the next opening in the same boot writes again what was not synced from there on, before it
//!   looks at anything. On a full file system that copies at each overwrite (btrfs, ZFS) it fails until there is room.
//! - What is stored into a mapping can end in the signal `SIGBUS`, where a write has an error: when somebody cuts a segment's file
//!   short or immutable (it is locked, but who does not ask is not stopped), when XFS has shut down after an error of its own, or when on XFS
//!   somebody shares a file's blocks (`cp --reflink`, which is `cp`'s own choice there) in the seconds in which records are stored
//!   to it, and the disk is full. Pages are made ready by a call before, so that a full or failing disk is an error there.
//!   [`WritePath::Called`] has none of this; [`Status::writing`] says what is done.
//! - Whether a file system writes in place is told from its number alone (`statfs`). That is one for ext2, ext3 and ext4, whatever
//!   the mount options (`data=journal`, DAX), and one for all of XFS, also where it writes elsewhere (zoned): there, ask for
//!   [`WritePath::Called`].
//!
//! # How it is tested
//!
//! [`sim`] is a disk that loses what was not synced; its laboratory crashes the queue at every call of random histories and
//! checks what is promised: `cargo run --release -p diskbuf --example laboratory -- --points 1000000`.
//!
//! Besides: the watermark and the waiting under loom, a fuzz target on the bytes of every file (`diskbuf/fuzz`), golden files of the
//! format and a reader made from `FORMAT.md` alone, a full disk, a limit on file sizes, and rounds of `kill -9`, written
//! and stored
//! (`DISKBUF_KILL_ROUNDS=1000 cargo test -p diskbuf --test it kill`).
//!
//! # Features
//!
//! None.

mod age;
mod alive;
mod append;
mod batch;
mod clock;
mod consumer;
mod cursor;
mod delivery;
mod doubt;
mod durable;
mod ends;
mod error;
mod format;
mod freeing;
pub mod inspect;
mod mark;
mod meta;
mod options;
mod primitives;
mod quarantine;
mod queue;
mod reader;
mod record;
mod recover;
mod reserve;
mod rules;
mod segment;
mod seq;
pub mod sim;
mod single;
mod siphash;
mod state;
mod status;
pub mod storage;
mod stores;
mod survey;
mod sync;
mod tail;
mod wait;
mod watermark;
mod window;
mod writing;

pub use batch::Batch;
pub use consumer::{Consumer, Interrupter, Limit};
pub use cursor::Behind;
pub use delivery::{Delivery, Record, Records};
pub use durable::{Durability, Durable};
pub use error::{AckError, AppendError, ConsumerError, OpenError, ReadError, SyncError, TooLarge};
pub use options::Options;
pub use queue::{Appended, Queue, Start, WhenFull};
pub use reserve::Reservation;
pub use seq::{Loss, LossCause, Seq};
pub use status::{Busy, ConsumerStatus, Counts, Origin, Recovery, Status};
pub use wait::Wait;
pub use writing::{CallReason, WritePath, Writing};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
