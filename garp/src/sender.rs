//! Sends messages on one interface, now. When and what is [`Schedule`]'s matter.

use crate::sys::{self, Outgoing};
use crate::{Carrier, Frame, Interface, Message, Octets, OpenError, Schedule, SendError, Unsent};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// A packet socket that sends on one interface and receives nothing.
///
/// Opening needs CAP_NET_RAW; sending needs nothing, so a program may drop it in between. The socket belongs to the
/// network namespace it was opened in. For a VLAN give the VLAN's own interface, for a bond the bond, for a virtual MAC
/// the macvlan that has it: the frame and the message carry the device's MAC of the moment it is sent.
#[derive(Debug)]
pub struct Sender {
    socket: OwnedFd,
    interface: Interface,
}

impl Sender {
    /// A sender on this interface. The interface need not be up.
    ///
    /// # Errors
    ///
    /// Each of [`OpenError`].
    pub fn open(interface: Interface) -> Result<Self, OpenError> {
        let socket = open_socket(interface)?;
        sys::bind(socket.as_fd(), interface.index(), 0).map_err(|source| bound(interface, source))?;
        check_device(socket.as_fd(), interface)?;
        let flags = sys::flags(socket.as_fd(), interface.index().cast_signed())
            .map_err(|source| os("ioctl(SIOCGIFFLAGS)", source))?;
        if flags & IFF_NOARP != 0 {
            return Err(OpenError::NoArp);
        }
        Ok(Self { socket, interface })
    }

    /// The interface it was opened on.
    pub const fn interface(&self) -> Interface {
        self.interface
    }

    /// The MAC of the device now.
    ///
    /// # Errors
    ///
    /// [`SendError::Gone`], [`SendError::Os`].
    pub fn mac(&self) -> Result<[u8; 6], SendError> {
        let device = sys::device(self.socket.as_fd())
            .map_err(|source| SendError::Os { operation: "getsockname", source })?;
        // An index that is negative: the device left; a length of zero: it left before the kernel told the socket.
        if device.index <= 0 || device.len != 6 { Err(SendError::Gone) } else { Ok(device.mac) }
    }

    /// Whether the interface is up and has a carrier now. A physical device may be up to a second late in saying that it
    /// has lost it (the kernel looks at such changes once a second).
    ///
    /// # Errors
    ///
    /// [`SendError::Down`], [`SendError::Gone`], [`SendError::Os`].
    pub fn carrier(&self) -> Result<Carrier, SendError> {
        let flags = sys::flags(self.socket.as_fd(), self.interface.index().cast_signed())
            .map_err(|source| failed("ioctl(SIOCGIFFLAGS)", source))?;
        if flags & IFF_UP == 0 {
            return Err(SendError::Down);
        }
        Ok(if flags & IFF_RUNNING == 0 { Carrier::Absent } else { Carrier::Present })
    }

    /// Sends in this order, up to 64 with one system call. Nothing is allocated, and nothing blocks.
    ///
    /// # Errors
    ///
    /// [`Unsent`]: how many went out, and what stopped the rest.
    pub fn send(&mut self, messages: &[Message]) -> Result<(), Unsent> {
        if messages.is_empty() {
            return Ok(());
        }
        let mac = self.ready().map_err(|reason| Unsent { sent: 0, reason })?;
        self.send_all(messages.iter().map(|message| message.frame(mac)), messages.len())
    }

    /// Sends the bodies of these frames to their destinations, whatever they say: for forms that [`Message`] does not have.
    /// The Ethernet source is the device's MAC, and a tag is added only by a VLAN's own interface.
    ///
    /// # Errors
    ///
    /// [`Unsent`]: how many went out, and what stopped the rest.
    pub fn send_frames(&mut self, frames: &[Frame]) -> Result<(), Unsent> {
        self.ready().map_err(|reason| Unsent { sent: 0, reason })?;
        self.send_all(frames.iter().copied(), frames.len())
    }

    /// Sends what the schedule says is due at `now`, and answers how many messages that were: at most 1024 at a time, so
    /// that a loss of the address is heard of between them. What could not be sent is
    /// given back to the schedule, due again after 10 ms if the device was busy, after 200 ms if there is no carrier: so
    /// it goes on by itself, though without [`Schedule::follow`] from where it was and not from the beginning.
    ///
    /// # Errors
    ///
    /// [`Unsent`]: how many went out, and what stopped the rest.
    pub fn send_due(&mut self, schedule: &mut Schedule, now: Instant) -> Result<usize, Unsent> {
        let mut total = 0;
        for _ in 0..BATCHES {
            let mut batch = [NOTHING; BATCH];
            let mut count = 0;
            for (slot, message) in batch.iter_mut().zip(std::iter::from_fn(|| schedule.next(now))) {
                *slot = message;
                count += 1;
            }
            let due = batch.get(..count).unwrap_or(&batch);
            match self.send(due) {
                Ok(()) => total += count,
                Err(Unsent { sent, reason }) => {
                    let pause = if matches!(reason, SendError::Full) { BUSY } else { DARK };
                    let at = now.checked_add(pause).unwrap_or(now);
                    for message in due.get(sent..).unwrap_or_default().iter().rev() {
                        schedule.unsent(message, at);
                    }
                    return Err(Unsent { sent: total + sent, reason });
                }
            }
            if count < BATCH {
                break;
            }
        }
        Ok(total)
    }

    fn send_all(&self, mut frames: impl Iterator<Item = Frame>, count: usize) -> Result<(), Unsent> {
        let mut sent = 0;
        while sent < count {
            // Laying out room for sixty-four takes as long as sending one.
            let chunk = match count - sent {
                1..=FEW => self.send_chunk::<FEW>(&mut frames, &mut sent),
                _ => self.send_chunk::<BATCH>(&mut frames, &mut sent),
            };
            chunk.map_err(|reason| Unsent { sent, reason })?;
        }
        Ok(())
    }

    /// Takes up to `N` frames, and is done when they have gone.
    fn send_chunk<const N: usize>(
        &self,
        frames: &mut impl Iterator<Item = Frame>,
        sent: &mut usize,
    ) -> Result<(), SendError> {
        let nothing = Outgoing { payload: Octets::EMPTY, destination: [0; 6], ethertype: 0 };
        let mut batch = [nothing; N];
        let mut count = 0;
        for (slot, frame) in batch.iter_mut().zip(frames) {
            *slot = Outgoing {
                payload: frame.body.emit(),
                destination: frame.destination,
                ethertype: frame.body.ethertype(),
            };
            count += 1;
        }
        let mut rest = batch.get(..count).unwrap_or(&batch);
        while !rest.is_empty() {
            let went = match sys::send_many::<N>(self.socket.as_fd(), self.interface.index(), rest) {
                Ok(went) => went,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                Err(source) => return Err(failed("sendmmsg", source)),
            };
            *sent += went;
            rest = rest.get(went..).unwrap_or_default();
        }
        Ok(())
    }

    /// The MAC, if what is sent now gets anywhere.
    fn ready(&self) -> Result<[u8; 6], SendError> {
        let mac = self.mac()?;
        match self.carrier()? {
            Carrier::Present => Ok(mac),
            Carrier::Absent => Err(SendError::NoCarrier),
        }
    }
}

impl AsFd for Sender {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Sender {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// A packet socket, not bound.
pub(crate) fn open_socket(interface: Interface) -> Result<OwnedFd, OpenError> {
    let socket = sys::packet_socket().map_err(|source| match source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => OpenError::NotPermitted,
        _ => os("socket(AF_PACKET)", source),
    })?;
    if interface.index() > i32::MAX.cast_unsigned() {
        return Err(OpenError::NoSuchInterface { name: interface.index().to_string() });
    }
    Ok(socket)
}

/// Ethernet, or a refusal.
pub(crate) fn check_device(socket: BorrowedFd<'_>, interface: Interface) -> Result<(), OpenError> {
    let device = sys::device(socket).map_err(|source| os("getsockname", source))?;
    if device.index <= 0 {
        return Err(OpenError::NoSuchInterface { name: interface.index().to_string() });
    }
    if device.hardware != libc::ARPHRD_ETHER || device.len != 6 {
        return Err(OpenError::UnsupportedHardware { hardware: device.hardware, len: device.len });
    }
    Ok(())
}

pub(crate) fn bound(interface: Interface, source: io::Error) -> OpenError {
    match source.raw_os_error() {
        Some(libc::ENODEV | libc::ENXIO) => {
            OpenError::NoSuchInterface { name: interface.index().to_string() }
        }
        _ => os("bind", source),
    }
}

pub(crate) fn os(operation: &'static str, source: io::Error) -> OpenError {
    OpenError::Os { operation, source }
}

fn failed(operation: &'static str, source: io::Error) -> SendError {
    match source.raw_os_error() {
        Some(libc::ENETDOWN) => SendError::Down,
        Some(libc::ENXIO | libc::ENODEV) => SendError::Gone,
        Some(libc::ENOBUFS | libc::EAGAIN) => SendError::Full,
        _ => SendError::Os { operation, source },
    }
}

const NOTHING: Message = Message::Probe { address: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED) };
/// Frames that one system call sends.
const BATCH: usize = 64;
const FEW: usize = 4;
const BATCHES: usize = 16;
const BUSY: Duration = Duration::from_millis(10);
const DARK: Duration = Duration::from_millis(200);
const IFF_UP: u32 = 0x1;
const IFF_RUNNING: u32 = 0x40;
const IFF_NOARP: u32 = 0x80;
