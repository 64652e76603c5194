//! The queue as its users see it, and as its files look to a stranger.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers of tests fail by panicking, too"
)]

mod boots;
mod bounds;
mod concurrency;
mod damage;
mod durable;
#[cfg(not(loom))]
mod examples;
mod format;
mod golden;
mod handles;
mod independent;
mod inspect;
mod kill;
mod mapped;
mod no_space;
mod obligations;
mod reopen;
mod reserve;
mod roundtrip;
mod strays;
mod support;
mod torn;
mod waiting;
