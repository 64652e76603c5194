//! VRRP on real links, in network namespaces that each test makes for itself.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod election;
mod examples;
mod keepalived;
mod links;
mod net;
mod ours;
mod refused;
mod socket;
mod stalls;
mod witness;
