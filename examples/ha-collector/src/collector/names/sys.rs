//! getnameinfo(3), for which there is no safe wrapper here.

#![expect(unsafe_code, reason = "getnameinfo(3); the block says why it is sound")]

use std::ffi::CStr;
use std::net::{IpAddr, SocketAddr};

use socket2::SockAddr;

/// NI_MAXHOST.
const LONGEST: usize = 1025;

/// The name of an address, by whatever this machine is set up to ask. Waits for that.
pub(super) fn name_of(address: IpAddr) -> Option<String> {
    let from = SockAddr::from(SocketAddr::new(address, 0));
    let mut name = [0_u8; LONGEST];
    let len = libc::socklen_t::try_from(name.len()).ok()?;
    // SAFETY: `from` holds an address of the length that it says, `name` is writable for `len` bytes; no service is asked
    // for. Both outlive the call.
    let status = unsafe {
        libc::getnameinfo(
            from.as_ptr().cast(),
            from.len(),
            name.as_mut_ptr().cast(),
            len,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    let name = (status == 0).then(|| CStr::from_bytes_until_nul(&name).ok()).flatten()?;
    Some(name.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_documentation_has_no_name_and_that_is_said() {
        assert_eq!(name_of("192.0.2.1".parse().unwrap()), None);
    }
}
