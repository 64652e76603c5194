//! The system calls, one wrapper each; nothing here decides anything.

use libc::{c_int, c_void, sock_filter, sock_fprog, sockaddr_ll, socklen_t};
use std::io;
use std::mem::{offset_of, size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, SystemTime};

/// What a bound packet socket knows of its device, at this moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    /// Negative once it is gone.
    pub(crate) index: i32,
    /// `ARPHRD_*`
    pub(crate) hardware: u16,
    /// Of `mac`.
    pub(crate) len: u8,
    pub(crate) mac: [u8; 6],
}

/// One payload to send, and where to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing {
    pub(crate) payload: crate::Octets,
    pub(crate) destination: [u8; 6],
    pub(crate) ethertype: u16,
}

/// What came along with a payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    /// Octets in the buffer.
    pub(crate) len: usize,
    pub(crate) source: [u8; 6],
    pub(crate) ethertype: u16,
    /// `PACKET_HOST` and so on.
    pub(crate) delivery: u8,
    pub(crate) at: Option<SystemTime>,
}

/// A packet socket for payloads that is bound to nothing yet: it receives nothing until [`bind`].
pub(crate) fn packet_socket() -> io::Result<OwnedFd> {
    let flags = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no pointers; the answer is checked below.
    let fd = unsafe { libc::socket(libc::AF_PACKET, flags, 0) };
    check(fd)?;
    // SAFETY: `fd` is a descriptor just made and owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Binds to an interface; of `ethertype` everything is received from now on, and nothing if it is 0.
pub(crate) fn bind(fd: BorrowedFd<'_>, index: u32, ethertype: u16) -> io::Result<()> {
    let address = link_address(index.cast_signed(), ethertype, None);
    let len = socklen::<sockaddr_ll>();
    // SAFETY: `address` lives through the call and `len` is its size.
    check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), len) })
}

/// The device that the socket is bound to, read without a lock and by index.
pub(crate) fn device(fd: BorrowedFd<'_>) -> io::Result<Device> {
    let mut address = no_link_address();
    let mut len = socklen::<sockaddr_ll>();
    // SAFETY: `address` and `len` live through the call, and `len` is the size of `address`.
    check(unsafe { libc::getsockname(fd.as_raw_fd(), (&raw mut address).cast(), &raw mut len) })?;
    Ok(Device {
        index: address.sll_ifindex,
        hardware: address.sll_hatype,
        len: address.sll_halen,
        mac: mac_of(&address),
    })
}

/// The index of an interface of the calling thread's namespace.
pub(crate) fn index_of(name: &str) -> Option<u32> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: a string with its NUL, which lives through the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
}

/// The name of an interface of the calling thread's namespace.
pub(crate) fn name_of(index: u32) -> Option<String> {
    let mut name: [libc::c_char; libc::IF_NAMESIZE] = [0; libc::IF_NAMESIZE];
    // SAFETY: the buffer is as long as the call asks for.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr()) };
    if found.is_null() {
        return None;
    }
    let octets: Vec<u8> = name.iter().take_while(|&&c| c != 0).map(|&c| c.cast_unsigned()).collect();
    String::from_utf8(octets).ok()
}

/// The lower sixteen flags of an interface, by index, in the socket's namespace.
pub(crate) fn flags(fd: BorrowedFd<'_>, index: i32) -> io::Result<u32> {
    // SAFETY: a plain structure of integers, for which zeros are a value.
    let mut request: libc::ifreq = unsafe { zeroed() };
    request.ifr_ifru.ifru_ifindex = index;
    // SAFETY: the request is the structure this call reads and writes, and lives through it.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::SIOCGIFNAME, &raw mut request) })?;
    // SAFETY: as above; the name that the call before left in it is what this one reads.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request) })?;
    // SAFETY: the call has written this member of the union, an integer.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    Ok(u32::from(flags.cast_unsigned()))
}

/// Sends from the front; answers how many went out. At most `N` are looked at.
pub(crate) fn send_many<const N: usize>(
    fd: BorrowedFd<'_>,
    index: u32,
    batch: &[Outgoing],
) -> io::Result<usize> {
    let mut addresses = [no_link_address(); N];
    let mut vectors = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; N];
    // SAFETY: plain structures of integers and pointers, for which zeros are a value.
    let mut headers: [libc::mmsghdr; N] = unsafe { zeroed() };
    let mut count = 0;
    let slots = addresses.iter_mut().zip(&mut vectors).zip(&mut headers);
    for (outgoing, ((address, vector), header)) in batch.iter().zip(slots) {
        *address = link_address(index.cast_signed(), outgoing.ethertype, Some(outgoing.destination));
        let payload = outgoing.payload.as_slice();
        // The kernel only reads from it; the structure has no const.
        *vector = libc::iovec { iov_base: payload.as_ptr().cast_mut().cast(), iov_len: payload.len() };
        header.msg_hdr.msg_name = std::ptr::from_mut(address).cast();
        header.msg_hdr.msg_namelen = socklen::<sockaddr_ll>();
        header.msg_hdr.msg_iov = std::ptr::from_mut(vector);
        header.msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    // SAFETY: the first `count` headers point to addresses, vectors and payloads that live through the call.
    let sent = unsafe { libc::sendmmsg(fd.as_raw_fd(), headers.as_mut_ptr(), count, 0) };
    check(sent)?;
    Ok(usize::try_from(sent).unwrap_or(0))
}

/// One payload, if there is one (`WouldBlock` otherwise).
pub(crate) fn receive(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Incoming> {
    #[repr(align(8))]
    struct Control([u8; 128]);
    let mut address = no_link_address();
    let mut control = Control([0; 128]);
    let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: a plain structure of integers and pointers, for which zeros are a value.
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_name = (&raw mut address).cast();
    header.msg_namelen = socklen::<sockaddr_ll>();
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = control.0.len();
    // SAFETY: the header points to an address, a vector, a buffer and a control area that live through the call.
    let len = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut header, 0) };
    let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
    let mut incoming = Incoming {
        len,
        source: mac_of(&address),
        ethertype: u16::from_be(address.sll_protocol),
        delivery: address.sll_pkttype,
        at: None,
    };
    // SAFETY: the kernel has filled in the control area that the header points to, and its length.
    let mut entry = unsafe { libc::CMSG_FIRSTHDR(&raw const header) };
    while !entry.is_null() {
        // SAFETY: not null, so within the control area, which is aligned for it.
        let kind = unsafe { *entry };
        // SAFETY: `entry` is a header within the control area; its data begins behind it.
        let data = unsafe { libc::CMSG_DATA(entry) };
        if (kind.cmsg_level, kind.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) {
            // SAFETY: the data of this kind of entry is this structure; it may lie unaligned.
            let time = unsafe { data.cast::<libc::timespec>().read_unaligned() };
            let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
            let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
            incoming.at = SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos));
        }
        // SAFETY: `entry` is a header of the control area of `header`.
        entry = unsafe { libc::CMSG_NXTHDR(&raw const header, entry) };
    }
    Ok(incoming)
}

/// Puts a program before the socket's queue, in place of the one before.
pub(crate) fn attach_filter(fd: BorrowedFd<'_>, program: &[sock_filter]) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // The kernel only reads from it; the structure has no const.
    let program = sock_fprog { len, filter: program.as_ptr().cast_mut() };
    set_option(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

/// An option that is an integer.
pub(crate) fn set_number(fd: BorrowedFd<'_>, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    set_option(fd, level, name, &value)
}

/// Takes part in a multicast group of the device, or no longer.
pub(crate) fn multicast(fd: BorrowedFd<'_>, index: u32, group: [u8; 6], part: Part) -> io::Result<()> {
    let mut address = [0; 8];
    for (octet, from) in address.iter_mut().zip(group) {
        *octet = from;
    }
    let request = libc::packet_mreq {
        mr_ifindex: index.cast_signed(),
        mr_type: 0, // PACKET_MR_MULTICAST
        mr_alen: 6,
        mr_address: address,
    };
    let name = match part {
        Part::Join => libc::PACKET_ADD_MEMBERSHIP,
        Part::Leave => libc::PACKET_DROP_MEMBERSHIP,
    };
    set_option(fd, libc::SOL_PACKET, name, &request)
}

/// Into a group, or out of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Join,
    Leave,
}

/// A descriptor that is readable when one of those put into it is.
pub(crate) fn epoll() -> io::Result<OwnedFd> {
    // SAFETY: no pointers; the answer is checked below.
    let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    check(fd)?;
    // SAFETY: `fd` is a descriptor just made and owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Puts a descriptor in; it leaves when it is closed.
pub(crate) fn epoll_add(epoll: BorrowedFd<'_>, fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut event = libc::epoll_event { events: libc::EPOLLIN.cast_unsigned(), u64: 0 };
    // SAFETY: `event` lives through the call.
    check(unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, fd.as_raw_fd(), &raw mut event) })
}

/// Waits until the descriptor can be read, or so long.
pub(crate) fn wait_readable(fd: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<()> {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let timeout = timeout.map(|timeout| {
        // SAFETY: a plain structure of integers, for which zeros are a value.
        let mut spec: libc::timespec = unsafe { zeroed() };
        spec.tv_sec = libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX);
        spec.tv_nsec = timeout.subsec_nanos().into();
        spec
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: one entry, which lives through the call; the timeout is null or lives through it too.
    check(unsafe { libc::ppoll(&raw mut entry, 1, timeout, std::ptr::null()) })
}

/// Hands a watch to the reactor of the tokio runtime that this is called in.
#[cfg(feature = "tokio")]
pub(crate) fn register(watch: crate::Watch) -> io::Result<tokio::io::unix::AsyncFd<crate::Watch>> {
    let interest = tokio::io::Interest::READABLE;
    // SAFETY: a watch's descriptor is the epoll of its listener, which it owns from its making to its end and never
    // replaces; `AsyncWatch` lends the watch to nobody who could put another in its place.
    let registered = unsafe { tokio::io::unix::AsyncFd::register_with_interest(watch, interest) };
    registered.map_err(io::Error::from)
}

fn set_option<T>(fd: BorrowedFd<'_>, level: c_int, name: c_int, value: &T) -> io::Result<()> {
    let pointer = std::ptr::from_ref(value).cast::<c_void>();
    // SAFETY: `value` lives through the call and the length is its own.
    check(unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, pointer, socklen::<T>()) })
}

fn link_address(index: i32, ethertype: u16, mac: Option<[u8; 6]>) -> sockaddr_ll {
    let mut address = no_link_address();
    address.sll_family = libc::sa_family_t::try_from(libc::AF_PACKET).unwrap_or(0);
    address.sll_protocol = ethertype.to_be();
    address.sll_ifindex = index;
    if let Some(mac) = mac {
        address.sll_halen = 6;
        for (octet, from) in address.sll_addr.iter_mut().zip(mac) {
            *octet = from;
        }
    }
    address
}

fn no_link_address() -> sockaddr_ll {
    // SAFETY: a plain structure of integers, for which zeros are a value.
    unsafe { zeroed() }
}

fn mac_of(address: &sockaddr_ll) -> [u8; 6] {
    let [mac @ .., _, _] = address.sll_addr;
    mac
}

/// The size of a structure as the socket calls want it.
const fn socklen<T>() -> socklen_t {
    #[expect(clippy::cast_possible_truncation, reason = "structures of some tens of octets")]
    let len = size_of::<T>() as socklen_t;
    len
}

fn check(answer: c_int) -> io::Result<()> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

const _: () = assert!(offset_of!(sockaddr_ll, sll_addr) == 12 && size_of::<sockaddr_ll>() == 20);
