//! A link with routers on it, simulated.

pub(crate) mod heard;
