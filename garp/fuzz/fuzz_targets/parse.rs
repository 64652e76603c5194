//! Any octets have an answer, as a frame and as the body of one; what is read comes back when it is written.
#![no_main]

use garp::{Body, Claim, Frame, ParseError};
use libfuzzer_sys::fuzz_target;

/// The checksum made right, so that what lies behind it is reached.
fn mended(raw: &[u8]) -> Vec<u8> {
    let mut bytes = raw.to_vec();
    if let Err(ParseError::Checksum { expected, .. }) = Body::parse(0x86dd, &bytes) {
        bytes[42..44].copy_from_slice(&expected.to_be_bytes());
    }
    bytes
}

fuzz_target!(|raw: &[u8]| {
    if let Ok(frame) = Frame::parse(raw) {
        assert_eq!(Frame::parse(frame.emit().as_slice()), Ok(frame));
    }
    for (ethertype, bytes) in [(0x0806, raw.to_vec()), (0x86dd, mended(raw)), (0x8100, raw.to_vec())] {
        if let Ok(body) = Body::parse(ethertype, &bytes) {
            assert_eq!(Body::parse(body.ethertype(), body.emit().as_slice()), Ok(body));
            if let Some(claim) = Claim::of(&body) {
                assert!(!claim.address.is_unspecified());
            }
        }
    }
});
