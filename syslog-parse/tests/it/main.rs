//! Tests of what the crate promises, from outside.

#[cfg(test)]
mod allocations;
#[cfg(test)]
mod corpus;
#[cfg(test)]
#[cfg(feature = "jiff")]
mod every_transition;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod obligations;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod real_world;
#[cfg(test)]
mod roundtrip;
#[cfg(test)]
mod strict;
#[cfg(test)]
#[cfg(feature = "jiff")]
mod time;
