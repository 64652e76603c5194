//! Where messages go. Each destination is a named consumer of the buffer with a thread of its own.

pub(crate) mod file;
