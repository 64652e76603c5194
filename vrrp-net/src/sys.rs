//! The system calls for raw datagrams that no safe wrapper offers: many in one call, with the hop limit, the
//! destination and the kernel's arrival time of each. The one file of this crate that may hold `unsafe`.

#![expect(
    unsafe_code,
    reason = "recvmmsg(2), sendmmsg(2), their control messages, AsyncFd; every block says why it is sound"
)]

use std::fmt;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, SystemTime};

/// Datagrams moved by one call.
pub(crate) const SLOTS: usize = SLOTS_U32 as usize;
const SLOTS_U32: u32 = 32;
/// 255 IPv6 addresses behind their header are 4,088 octets; the longest IPv4 header with AH adds less than that leaves.
const SLOT_LEN: usize = 4608;
/// IPV6_PKTINFO (36 octets with its header, padded), IPV6_HOPLIMIT (20), SO_TIMESTAMPNS (32): each a multiple of eight.
const CONTROL_WORDS: usize = 16;

/// What one datagram came with.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    len: usize,
    source: Option<IpAddr>,
    destination: Option<Ipv6Addr>,
    hop_limit: Option<u8>,
    arrived: Option<SystemTime>,
}

/// One datagram of the last [`Inbox::fill`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received<'a> {
    /// IPv4: from the IP header on. IPv6: from the payload on.
    pub(crate) octets: &'a [u8],
    pub(crate) source: Option<IpAddr>,
    /// IPv6 only; the IPv4 header says it.
    pub(crate) destination: Option<Ipv6Addr>,
    /// IPv6 only; the IPv4 header says it.
    pub(crate) hop_limit: Option<u8>,
    pub(crate) arrived: Option<SystemTime>,
}

/// Buffers for [`SLOTS`] datagrams, and what the last call put into them.
pub(crate) struct Inbox {
    octets: Vec<u8>,
    slots: Vec<Slot>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { octets: vec![0; SLOTS * SLOT_LEN], slots: Vec::with_capacity(SLOTS) }
    }

    /// Takes what the socket holds, at most [`SLOTS`] datagrams, without waiting. `WouldBlock`: it holds nothing.
    pub(crate) fn fill(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        self.slots.clear();
        // SAFETY: these four are plain C structs of integers and pointers, for which all zeroes is a value.
        let mut names: [libc::sockaddr_storage; SLOTS] = unsafe { mem::zeroed() };
        // SAFETY: as above.
        let mut iovecs: [libc::iovec; SLOTS] = unsafe { mem::zeroed() };
        // SAFETY: as above.
        let mut headers: [libc::mmsghdr; SLOTS] = unsafe { mem::zeroed() };
        // u64, because a control message header is aligned to the word.
        let mut controls = [[0_u64; CONTROL_WORDS]; SLOTS];
        let slots = self.octets.chunks_exact_mut(SLOT_LEN).zip(names.iter_mut()).zip(controls.iter_mut());
        for ((header, iovec), ((octets, name), control)) in
            headers.iter_mut().zip(iovecs.iter_mut()).zip(slots)
        {
            iovec.iov_base = octets.as_mut_ptr().cast();
            iovec.iov_len = octets.len();
            header.msg_hdr.msg_iov = iovec;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_name = (&raw mut *name).cast();
            header.msg_hdr.msg_namelen = NAME_LEN;
            header.msg_hdr.msg_control = control.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = size_of_val(control) as _;
        }
        // SAFETY: each of the SLOTS headers names one iovec over its own SLOT_LEN octets, one sockaddr_storage and one
        // control buffer, all with their true sizes. All outlive the call and nobody else borrows them; the timeout
        // may be null.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                SLOTS_U32,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        let Ok(received) = usize::try_from(received) else {
            return Err(io::Error::last_os_error());
        };
        for ((header, name), control) in headers.iter().zip(&names).zip(&controls).take(received) {
            let mut slot = Slot {
                len: (header.msg_len as usize).min(SLOT_LEN),
                source: address(name, header.msg_hdr.msg_namelen),
                ..Slot::default()
            };
            // The field's type differs between C libraries.
            #[allow(clippy::unnecessary_cast, reason = "size_t with glibc, socklen_t with musl")]
            let len = header.msg_hdr.msg_controllen as usize;
            read_control(control, len, &mut slot);
            self.slots.push(slot);
        }
        Ok(received)
    }

    /// How many the last call took.
    pub(crate) fn taken(&self) -> usize {
        self.slots.len()
    }

    /// What the last call took, in the order of arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Received<'_>> {
        self.slots.iter().zip(self.octets.chunks_exact(SLOT_LEN)).map(|(slot, octets)| Received {
            octets: octets.get(..slot.len).unwrap_or(octets),
            source: slot.source,
            destination: slot.destination,
            hop_limit: slot.hop_limit,
            arrived: slot.arrived,
        })
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("taken", &self.slots.len()).finish_non_exhaustive()
    }
}

/// One packet to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    /// IPv4: from the IP header on (IP_HDRINCL). IPv6: the payload.
    pub(crate) octets: &'a [u8],
    pub(crate) destination: IpAddr,
    /// IPv6: the address to send from (IPV6_PKTINFO); unspecified lets the kernel choose.
    pub(crate) source: Option<Ipv6Addr>,
}

/// Sends up to [`SLOTS`] packets with one call and says how many went; an error is that of the first.
pub(crate) fn send(socket: BorrowedFd<'_>, interface: u32, packets: &[Outgoing<'_>]) -> io::Result<usize> {
    const PKTINFO_WORDS: usize = 5; // 16 of header, 20 of in6_pktinfo, 4 of padding
    // SAFETY: plain C structs of integers and pointers, for which all zeroes is a value.
    let mut names: [libc::sockaddr_storage; SLOTS] = unsafe { mem::zeroed() };
    // SAFETY: as above.
    let mut iovecs: [libc::iovec; SLOTS] = unsafe { mem::zeroed() };
    // SAFETY: as above.
    let mut headers: [libc::mmsghdr; SLOTS] = unsafe { mem::zeroed() };
    let mut controls = [[0_u64; PKTINFO_WORDS]; SLOTS];
    let mut count: u32 = 0;
    let slots = headers.iter_mut().zip(iovecs.iter_mut()).zip(names.iter_mut()).zip(controls.iter_mut());
    for (packet, (((header, iovec), name), control)) in packets.iter().zip(slots) {
        count += 1;
        iovec.iov_base = packet.octets.as_ptr().cast_mut().cast();
        iovec.iov_len = packet.octets.len();
        header.msg_hdr.msg_iov = iovec;
        header.msg_hdr.msg_iovlen = 1;
        header.msg_hdr.msg_namelen = write_address(name, packet.destination, interface);
        header.msg_hdr.msg_name = (&raw mut *name).cast();
        if let (IpAddr::V6(_), Some(source)) = (packet.destination, packet.source) {
            header.msg_hdr.msg_control = control.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = size_of_val(control) as _;
            let info = libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr { s6_addr: source.octets() },
                ipi6_ifindex: interface,
            };
            // SAFETY: the header above names `control`, which holds one control message of 20 octets (40 are needed);
            // so its first header lies within and is aligned for the word, and its data has room for `info`.
            unsafe {
                let first = libc::CMSG_FIRSTHDR(&raw const header.msg_hdr);
                (*first).cmsg_level = libc::IPPROTO_IPV6;
                (*first).cmsg_type = libc::IPV6_PKTINFO;
                (*first).cmsg_len = libc::CMSG_LEN(PKTINFO_LEN) as _;
                libc::CMSG_DATA(first).cast::<libc::in6_pktinfo>().write_unaligned(info);
            }
        }
    }
    // SAFETY: `count` headers were filled above; each names its own iovec over octets that outlive the call and that
    // the kernel only reads, its own address and, where set, its own control buffer.
    let sent =
        unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, libc::MSG_DONTWAIT as _) };
    usize::try_from(sent).map_err(|_negative| io::Error::last_os_error())
}

#[expect(clippy::cast_possible_truncation, reason = "20 octets")]
const PKTINFO_LEN: u32 = size_of::<libc::in6_pktinfo>() as u32;
#[expect(clippy::cast_possible_truncation, reason = "128 octets")]
const NAME_LEN: libc::socklen_t = size_of::<libc::sockaddr_storage>() as libc::socklen_t;

/// Goes through the control messages in the first `len` octets of `control`.
fn read_control(control: &[u64; CONTROL_WORDS], len: usize, slot: &mut Slot) {
    const HEADER: usize = size_of::<libc::cmsghdr>();
    let len = len.min(size_of_val(control));
    let mut at = 0;
    while at + HEADER <= len {
        // SAFETY: HEADER octets at `at` lie within `control`; the read need not be aligned, and any bits are a cmsghdr.
        let header = unsafe { control.as_ptr().byte_add(at).cast::<libc::cmsghdr>().read_unaligned() };
        #[allow(clippy::unnecessary_cast, reason = "size_t with glibc, socklen_t with musl")]
        let whole = header.cmsg_len as usize;
        if whole < HEADER || at + whole > len {
            return;
        }
        let (data, room) = (at + HEADER, whole - HEADER);
        match (header.cmsg_level, header.cmsg_type) {
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) if room >= size_of::<libc::timespec>() => {
                // SAFETY: `room` octets from `data` on lie within `control`, which holds a timespec.
                let time =
                    unsafe { control.as_ptr().byte_add(data).cast::<libc::timespec>().read_unaligned() };
                let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
                if let (Ok(seconds), Ok(nanoseconds)) = (seconds, nanoseconds) {
                    slot.arrived = SystemTime::UNIX_EPOCH
                        .checked_add(Duration::new(seconds, nanoseconds.min(999_999_999)));
                }
            }
            (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) if room >= size_of::<libc::c_int>() => {
                // SAFETY: `room` octets from `data` on lie within `control`, which holds an int.
                let limit = unsafe { control.as_ptr().byte_add(data).cast::<libc::c_int>().read_unaligned() };
                slot.hop_limit = u8::try_from(limit).ok();
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if room >= size_of::<libc::in6_pktinfo>() => {
                // SAFETY: `room` octets from `data` on lie within `control`, which holds an in6_pktinfo.
                let info =
                    unsafe { control.as_ptr().byte_add(data).cast::<libc::in6_pktinfo>().read_unaligned() };
                slot.destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
            }
            _ => {}
        }
        at += whole.next_multiple_of(size_of::<usize>());
    }
}

fn address(name: &libc::sockaddr_storage, len: libc::socklen_t) -> Option<IpAddr> {
    let at: *const libc::sockaddr_storage = name;
    match i32::from(name.ss_family) {
        libc::AF_INET if len as usize >= size_of::<libc::sockaddr_in>() => {
            // SAFETY: the family says what it is, the length that all of it was written; sockaddr_storage is aligned
            // for every family.
            let v4 = unsafe { &*at.cast::<libc::sockaddr_in>() };
            Some(Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 if len as usize >= size_of::<libc::sockaddr_in6>() => {
            // SAFETY: as above.
            let v6 = unsafe { &*at.cast::<libc::sockaddr_in6>() };
            Some(Ipv6Addr::from(v6.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

fn write_address(name: &mut libc::sockaddr_storage, address: IpAddr, interface: u32) -> libc::socklen_t {
    let at: *mut libc::sockaddr_storage = name;
    #[expect(clippy::cast_possible_truncation, reason = "families below 50, lengths below 128")]
    match address {
        IpAddr::V4(address) => {
            let v4 = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: 0,
                sin_addr: libc::in_addr { s_addr: u32::from(address).to_be() },
                sin_zero: [0; 8],
            };
            // SAFETY: sockaddr_storage has room for and is aligned for every family.
            unsafe { at.cast::<libc::sockaddr_in>().write(v4) };
            size_of::<libc::sockaddr_in>() as libc::socklen_t
        }
        IpAddr::V6(address) => {
            let v6 = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: 0,
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr { s6_addr: address.octets() },
                // Only a link-local address or a group has a scope; for others the kernel does not look.
                sin6_scope_id: interface,
            };
            // SAFETY: as above.
            unsafe { at.cast::<libc::sockaddr_in6>().write(v6) };
            size_of::<libc::sockaddr_in6>() as libc::socklen_t
        }
    }
}

/// An option whose value is an int and that no wrapper knows.
pub(crate) fn set_option(socket: BorrowedFd<'_>, level: i32, name: i32, value: i32) -> io::Result<()> {
    #[expect(clippy::cast_possible_truncation, reason = "4 octets")]
    const LEN: libc::socklen_t = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the value is an int that outlives the call, and LEN is its size.
    let status = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), LEN) };
    match status {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// How many datagrams the kernel has dropped on this socket since it was made, modulo 2^32 (`SO_MEMINFO`).
pub(crate) fn kernel_drops(socket: BorrowedFd<'_>) -> io::Result<u32> {
    const SK_MEMINFO_DROPS: usize = 8;
    let mut info = [0_u32; SK_MEMINFO_DROPS + 1];
    #[expect(clippy::cast_possible_truncation, reason = "36 octets")]
    let mut len = size_of_val(&info) as libc::socklen_t;
    // SAFETY: `info` is writable for `len` octets, and the kernel writes no more than that.
    let status = unsafe {
        let to = info.as_mut_ptr().cast();
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_MEMINFO, to, &raw mut len)
    };
    match status {
        0 => Ok(info.last().copied().unwrap_or_default()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Lets tokio wait for the engine. To be called within a runtime with I/O enabled.
#[cfg(feature = "tokio")]
pub(crate) fn watch(engine: crate::Engine) -> io::Result<tokio::io::unix::AsyncFd<crate::Engine>> {
    // SAFETY: an engine owns its epoll descriptor from `Engine::new` until it is dropped, gives back that one from
    // `as_raw_fd`, and has no method that closes or replaces it; the driver, which holds the AsyncFd, never replaces
    // the engine in it.
    let watched =
        unsafe { tokio::io::unix::AsyncFd::register_with_interest(engine, tokio::io::Interest::READABLE) };
    watched.map_err(io::Error::from)
}
