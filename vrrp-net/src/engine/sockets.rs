//! The sockets that routers share: one for each interface, family, protocol and group that somebody listens to.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll;
use vrrp_proto::VirtualRouterId;

use crate::socket::{OpenError, Options, Socket};

/// One shared socket.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) socket: Socket,
    users: usize,
    token: u64,
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
pub(super) struct Sockets {
    shared: BTreeMap<Options, Shared>,
    /// What epoll calls them. A number is used once, so that an old event never means a new socket.
    tokens: HashMap<u64, Options>,
    /// So many sockets were opened so far.
    opened: u64,
    /// What the closed ones had dropped.
    dropped_before: u64,
}

/// Tokens below this one are the engine's own.
pub(super) const FIRST_TOKEN: u64 = 16;

impl Sockets {
    /// One user more of such a socket, which is opened if it is the first.
    pub(super) fn acquire(&mut self, options: Options, epoll: &OwnedFd) -> Result<(), OpenError> {
        if let Some(shared) = self.shared.get_mut(&options) {
            shared.users += 1;
            return Ok(());
        }
        let socket = Socket::open(options)?;
        let token = FIRST_TOKEN + self.opened;
        epoll::add(epoll, socket.as_fd(), epoll::EventData::new_u64(token), epoll::EventFlags::IN).map_err(
            |errno| OpenError::System {
                operation: "epoll_ctl",
                interface: options.interface,
                source: errno.into(),
            },
        )?;
        self.opened += 1;
        self.tokens.insert(token, options);
        self.shared.insert(options, Shared { socket, users: 1, token, listeners: BTreeMap::new() });
        Ok(())
    }

    /// One user less; the last one closes it, and the kernel takes it out of the epoll set.
    pub(super) fn release(&mut self, options: &Options) {
        let Some(shared) = self.shared.get_mut(options) else { return };
        shared.users -= 1;
        if shared.users == 0
            && let Some(closed) = self.shared.remove(options)
        {
            self.tokens.remove(&closed.token);
            self.dropped_before += drops(&closed);
        }
    }

    pub(super) fn listen(&mut self, options: &Options, vrid: VirtualRouterId, place: usize) {
        if let Some(shared) = self.shared.get_mut(options) {
            shared.listeners.insert(vrid, place);
        }
    }

    /// Nothing more for this place; another router may listen by now, where two interfaces have exchanged their names.
    pub(super) fn deafen(&mut self, options: &Options, vrid: VirtualRouterId, place: usize) {
        if let Some(shared) = self.shared.get_mut(options)
            && shared.listener(vrid) == Some(place)
        {
            shared.listeners.remove(&vrid);
        }
    }

    pub(super) fn get(&self, options: &Options) -> Option<&Shared> {
        self.shared.get(options)
    }

    pub(super) fn len(&self) -> usize {
        self.shared.len()
    }

    /// What the socket is for that epoll calls so, if it is still there.
    pub(super) fn called(&self, token: u64) -> Option<Options> {
        self.tokens.get(&token).copied()
    }

    /// Datagrams that the kernel dropped, on all of them.
    pub(super) fn kernel_drops(&self) -> u64 {
        self.dropped_before + self.shared.values().map(drops).sum::<u64>()
    }
}

fn drops(shared: &Shared) -> u64 {
    shared.socket.kernel_drops().map(u64::from).unwrap_or_default()
}
