//! Syslog as devices really send it: RFC 3164, RFC 5424, and streams of them (RFC 6587).
//!
//! [`parse()`] takes octets and never fails. What it finds it borrows, what it cannot place stays message, and what is
//! not as the RFCs ask is in a set of [`Deviations`]. [`resolve()`] says which instant a time stamp means: the missing
//! year, the zone of the source, the hours that clocks skip or repeat. [`Framer`] finds the messages in a stream.
//! [`Message::strict`] says whether a message is to the letter of its RFC, and where it first is not. [`Draft`]
//! writes messages again, changed or not, in either shape.
//!
//! ```
//! use syslog_parse::{FixedOffset, Rfc3339, Timestamp, parse, resolve};
//!
//! let message = parse(b"<34>Oct 11 22:14:15 mymachine su[10]: 'su root' failed");
//! assert_eq!(message.host(), Some(&b"mymachine"[..]));
//! assert_eq!(message.app(), Some(&b"su"[..]));
//! assert_eq!(message.message(), b"'su root' failed");
//! assert_eq!(message.severity().map(|severity| severity.as_str()), Some("crit"));
//!
//! let received = Timestamp::new(1_791_756_856, 0); // the reference for the year: there is no clock in here
//! let found = resolve(&message.stamp().unwrap(), &FixedOffset::UTC, received).unwrap();
//! assert_eq!(Rfc3339::new(found.instant, found.offset, 0).as_str(), "2026-10-11T22:14:15+00:00");
//! assert!(found.provenance.year_inferred());
//! ```
//!
//! # What it is not
//!
//! No receiver and no sender. It has no socket, thread, clock or global, and does not look into the message proper
//! (JSON, CEF, key and value).
//!
//! # Limits
//!
//! Of a message the first 4 GiB are looked at. Nothing is allocated while parsing, framing and resolving; writing
//! appends to a `Vec` of the caller. A stamp that cannot be, such as 30 February, keeps its fields, and [`resolve()`]
//! answers `None`. What a zone name such as `CST` means, the caller must know ([`Message::zone_name`]); `UTC` and `GMT` are offsets. Duplicate SD-IDs are looked for among
//! the first 64 elements.
//!
//! # Features
//!
//! - `jiff` (default): `IanaZone`, time zones by name or POSIX string, from the system's database. Without it there
//!   are [`FixedOffset`] and your own [`Zone`].
//! - `tzdb-embedded`: the database is in the program, for systems that have none.
//! - `serde`: headers, stamps, instants and their parts can be stored; names as words.
//! - `tokio-codec`: `Codec`, the framer as a decoder of tokio-util.
#![forbid(unsafe_code)]

mod civil;
#[cfg(feature = "tokio-codec")]
mod codec;
mod deviations;
mod draft;
mod frame;
mod header;
#[cfg(feature = "jiff")]
mod iana;
mod message;
mod parse;
mod pri;
mod resolve;
mod scan;
#[cfg(feature = "serde")]
mod serde_impls;
mod stamp;
mod strict;
mod structured_data;
mod zone;

pub use civil::{Civil, Rfc3339, Timestamp};
#[cfg(feature = "tokio-codec")]
pub use codec::{Codec, OwnedFrame};
pub use deviations::{Deviation, Deviations};
pub use draft::{Controls, Draft, Style, push_sd_element};
pub use frame::{Frame, FrameFlags, Framer, Framing, Step};
pub use header::{Header, Span};
#[cfg(feature = "jiff")]
pub use iana::{IanaZone, UnknownZone};
pub use message::{Format, Message};
pub use parse::parse;
pub use pri::{Facility, Pri, Severity};
pub use resolve::{Provenance, Resolved, SLACK_SECONDS, ZoneSource, resolve, resolve_in};
pub use stamp::{Stamp, UtcOffset, Weekday};
pub use strict::{Field, NotStrict};
pub use structured_data::{SdChunks, SdElement, SdParams, SdValue, StructuredData};
pub use zone::{Cached, FixedOffset, Local, Period, Zone};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
