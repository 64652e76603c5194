//! Tests of what the crate promises, from outside.

#[cfg(test)]
mod allocations;
#[cfg(test)]
mod built;
#[cfg(test)]
mod captures;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod decode;
#[cfg(test)]
mod election;
#[cfg(test)]
#[cfg(feature = "hmac-sha256")]
mod hmac;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod tolerated;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod wire;
