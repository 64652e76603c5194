//! An allocator that takes note of the first time that memory is asked for; stopping a process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd};

struct Watchful;

#[global_allocator]
static ALLOCATOR: Watchful = Watchful;

/// What was the case when memory was first asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// It was not.
    Never,
    /// The descriptor had nothing to read.
    Before,
    /// The descriptor had something to read.
    After,
}

thread_local! {
    static FD: Cell<Option<i32>> = const { Cell::new(None) };
    static FIRST: Cell<First> = const { Cell::new(First::Never) };
}

/// Whether `work` asked for memory before or after there was something to read from `fd`.
pub(crate) fn first_allocation<T>(fd: &impl AsFd, work: impl FnOnce() -> T) -> (First, T) {
    FIRST.set(First::Never);
    FD.set(Some(fd.as_fd().as_raw_fd()));
    let result = work();
    FD.set(None);
    (FIRST.get(), result)
}

fn note() {
    if let Some(fd) = FD.take() {
        let mut polled = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: `polled` is one `pollfd` that lives through the call.
        let readable = unsafe { libc::poll(&raw mut polled, 1, 0) };
        FIRST.set(if readable > 0 { First::After } else { First::Before });
    }
}

// SAFETY: everything is left to `System`, and `note` does not allocate.
unsafe impl GlobalAlloc for Watchful {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }
}

/// Stops a process as a hung one is stopped: it holds what it holds and does nothing.
pub(crate) fn stop(process: u32) {
    // SAFETY: takes no pointers.
    let sent = unsafe { libc::kill(process.try_into().unwrap(), libc::SIGSTOP) };
    assert_eq!(sent, 0);
}

/// A TUN device of this name, which is there as long as somebody has it open.
pub(crate) fn tun(name: &str) -> std::io::Result<std::fs::File> {
    let device = std::fs::File::options().read(true).write(true).open("/dev/net/tun")?;
    // SAFETY: a plain structure of integers, for which zeros are a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed() as _;
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_TUN | libc::IFF_NO_PI).unwrap();
    // SAFETY: the request is an ifreq that lives through the call, as TUNSETIFF asks for.
    let status = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) };
    if status == 0 { Ok(device) } else { Err(std::io::Error::last_os_error()) }
}
