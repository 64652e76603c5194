//! The codec against its oracle.
