//! The crate against the kernel, each test in a user and network namespace of its own, as an ordinary user.
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
