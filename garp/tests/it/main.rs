//! Tests of what the crate promises, from outside. What needs a network has one of its own: `lan.rs`.
//!
//! The octets of keepalived in here and beside the source were captured from keepalived 2.2.7 of Debian 12, with
//! `tcpdump` in a network namespace; the tables of what receivers do were first measured by hand on Linux 6.18.
#[cfg(test)]
mod allocations;
#[cfg(test)]
mod announcing;
#[cfg(test)]
mod asking;
#[cfg(test)]
mod example;
#[cfg(test)]
mod lan;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod receivers;
#[cfg(test)]
#[expect(unsafe_code, reason = "a raw packet socket, to send what the crate would not")]
mod sys;
#[cfg(test)]
mod watching;
