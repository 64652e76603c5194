//! VRRP on real links, in network namespaces that each test makes for itself.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod keepalived;
mod net;
mod ours;
mod socket;
