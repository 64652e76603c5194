//! Where messages come from. One file a transport; what happens to a message is in [`super::intake`].

pub(crate) mod tcp;
pub(crate) mod udp;
