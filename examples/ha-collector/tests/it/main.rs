//! The real binary, as a user meets it: real sockets, real files, real signals. All on the loopback, on ports that
//! the kernel chooses.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking; clippy knows helpers of integration tests only as ordinary functions"
)]

mod buffer;
mod command_line;
mod crash;
mod delivery;
mod demo;
mod disk_full;
mod files;
mod forget;
mod hostile;
mod import;
mod import_syslog;
mod keeper;
mod ledger;
mod local;
mod parse;
mod paths;
mod peers;
mod ports;
mod readme;
mod relay;
mod reload;
mod reload_sources;
mod roles;
mod send;
mod signals;
mod sources;
mod story;
mod support;
