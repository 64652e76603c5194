//! The sockets that routers share: one for each interface, family, protocol and group that somebody listens to.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll;
use vrrp_proto::VirtualRouterId;

use crate::socket::{OpenError, Options, Socket};

/// One shared socket.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) socket: Socket,
    users: usize,
    /// Whose advertisements are heard here, by their place in the engine.
    listeners: BTreeMap<VirtualRouterId, usize>,
}

impl Shared {
    pub(super) fn listener(&self, vrid: VirtualRouterId) -> Option<usize> {
        self.listeners.get(&vrid).copied()
    }
}

/// All of them, by what they are for.
#[derive(Debug, Default)]
pub(super) struct Sockets(BTreeMap<Options, Shared>);

impl Sockets {
    /// One user more of such a socket, which is opened if it is the first.
    pub(super) fn acquire(&mut self, options: Options, epoll: &OwnedFd) -> Result<(), OpenError> {
        if let Some(shared) = self.0.get_mut(&options) {
            shared.users += 1;
            return Ok(());
        }
        let socket = Socket::open(options)?;
        epoll::add(epoll, socket.as_fd(), epoll::EventData::new_u64(0), epoll::EventFlags::IN).map_err(
            |errno| OpenError::System {
                operation: "epoll_ctl",
                interface: options.interface,
                source: errno.into(),
            },
        )?;
        self.0.insert(options, Shared { socket, users: 1, listeners: BTreeMap::new() });
        Ok(())
    }

    /// One user less; the last one closes it, and the kernel takes it out of the epoll set.
    pub(super) fn release(&mut self, options: &Options) {
        if let Some(shared) = self.0.get_mut(options) {
            shared.users -= 1;
            if shared.users == 0 {
                self.0.remove(options);
            }
        }
    }

    pub(super) fn listen(&mut self, options: &Options, vrid: VirtualRouterId, place: usize) {
        if let Some(shared) = self.0.get_mut(options) {
            shared.listeners.insert(vrid, place);
        }
    }

    pub(super) fn deafen(&mut self, options: &Options, vrid: VirtualRouterId) {
        if let Some(shared) = self.0.get_mut(options) {
            shared.listeners.remove(&vrid);
        }
    }

    pub(super) fn get(&self, options: &Options) -> Option<&Shared> {
        self.0.get(options)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Shared> {
        self.0.values()
    }

    /// Datagrams that the kernel dropped, on all of them.
    pub(super) fn kernel_drops(&self) -> u64 {
        self.iter().filter_map(|shared| shared.socket.kernel_drops().ok()).map(u64::from).sum()
    }
}
