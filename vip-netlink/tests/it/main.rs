//! The crate against the kernel, each test in a user and network namespace of its own, as an ordinary user.
//! Where that is impossible each says "skipped" and why; with `REQUIRE_NETNS` in the environment it fails.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, too")]

mod allocation;
mod connections;
mod errors;
mod holding;
mod leases;
mod links;
mod monitoring;
mod preflight;
mod removing;
mod support;
mod virtual_mac;
