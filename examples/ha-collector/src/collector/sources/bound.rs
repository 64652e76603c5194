//! A source with its sockets, which may need a privilege or be another's, before it reads.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::{UnixDatagram, UnixListener};

use socket2::Socket;

use super::heritage::Legacy;
use super::passed::{self, At, Kind, Passed};
use super::running::Running;
use super::stream::Listener;
use super::udp::UdpSource;
use super::{Surroundings, pipe, tcp, unix};
use crate::config::{self, Source, SourceKind, Streams, There};

/// A source whose socket is there, and who does not read it yet.
#[derive(Debug)]
pub(crate) struct Bound {
    source: Source,
    listening: Vec<String>,
    what: What,
    /// The sockets that were there before.
    taken: Vec<(Kind, At)>,
    legacy: Legacy,
}

/// What a source reads.
#[derive(Debug)]
pub(super) enum What {
    Udp(Vec<UdpSource>),
    Streams(Vec<Listener>, Streams, usize),
    Datagrams(UnixDatagram),
    Files(config::Files),
    Pipe(std::fs::File),
    Internal,
}

impl Bound {
    /// Binds: the one thing that may need a privilege. A socket that was passed for that address is taken instead.
    pub(crate) fn bind(
        source: &Source,
        virtual_address: impl Fn(SocketAddr) -> bool,
        passed: &mut Passed,
    ) -> io::Result<Self> {
        let name = source.kind.name();
        let mut listening = Vec::new();
        let mut file = None;
        let mut taken = Vec::new();
        let mut find = |kind, at: At| {
            let found = passed.find(kind, &at)?;
            taken.push((kind, at));
            Some(found)
        };
        let there = |asked, listen| if virtual_address(listen) { There::Sometimes } else { asked };
        let what = match &source.kind {
            SourceKind::Udp(udp) => {
                let mut sockets = Vec::new();
                for listen in &udp.listen {
                    let socket = match find(Kind::Datagram, At::Network(*listen)) {
                        Some((socket, counted)) => {
                            UdpSource::adopt(socket.into(), udp.receive_buffer, counted)?
                        }
                        None => UdpSource::bind(*listen, there(udp.there, *listen), udp.receive_buffer)?,
                    };
                    listening.push(format!("{name} {}", socket.address()?));
                    sockets.push(socket);
                }
                What::Udp(sockets)
            }
            SourceKind::Tcp(tcp) => {
                let mut listeners = Vec::new();
                for listen in &tcp.listen {
                    let listener = match find(Kind::Stream, At::Network(*listen)) {
                        Some((socket, _)) => {
                            passed::adopt(&socket)?;
                            socket.into()
                        }
                        None => tcp::bind(*listen, there(tcp.there, *listen))?,
                    };
                    listening.push(format!("{name} {}", listener.local_addr()?));
                    listeners.push(Listener::Tcp(listener, tcp.keepalive));
                }
                What::Streams(listeners, tcp.streams, tcp.per_address)
            }
            SourceKind::UnixDgram(at) => {
                let socket = match find(Kind::Datagram, At::Path(at.path.clone())) {
                    Some((socket, _)) => {
                        let socket = UnixDatagram::from(socket);
                        unix::ready_datagram(&socket)?;
                        socket
                    }
                    None => {
                        let (socket, made) = unix::bind_datagram(at)?;
                        file = Some(made);
                        socket
                    }
                };
                listening.push(source.place());
                What::Datagrams(socket)
            }
            SourceKind::UnixStream(at, streams) => {
                let listener = match find(Kind::Stream, At::Path(at.path.clone())) {
                    Some((socket, _)) => {
                        passed::adopt(&socket)?;
                        UnixListener::from(socket)
                    }
                    None => {
                        let (listener, made) = unix::bind_stream(at)?;
                        file = Some(made);
                        listener
                    }
                };
                listening.push(source.place());
                What::Streams(vec![Listener::Unix(listener)], *streams, usize::MAX)
            }
            SourceKind::File(files) => {
                listening.push(source.place());
                What::Files(files.clone())
            }
            SourceKind::Pipe(pipe) => {
                listening.push(source.place());
                What::Pipe(pipe::open(pipe)?)
            }
            SourceKind::Internal => {
                listening.push(source.place());
                What::Internal
            }
        };
        let legacy = Legacy { file, ..Legacy::default() };
        Ok(Self { source: source.clone(), listening, what, taken, legacy })
    }

    pub(crate) fn id(&self) -> &str {
        &self.source.id
    }

    pub(super) const fn source(&self) -> &Source {
        &self.source
    }

    /// Whether it uses a socket that was there before.
    pub(super) fn has_taken(&self, kind: Kind, at: &At) -> bool {
        self.taken.iter().any(|(taken, place)| *taken == kind && place == at)
    }

    /// What its predecessor leaves beside the sockets.
    pub(super) fn inherit(&mut self, legacy: Legacy) {
        if let SourceKind::UnixDgram(at) | SourceKind::UnixStream(at, _) = &self.source.kind
            && let Some(file) = &legacy.file
        {
            file.set_mode(at.mode);
        }
        self.legacy.connections.extend(legacy.connections);
        self.legacy.file = self.legacy.file.take().or(legacy.file);
    }

    pub(super) fn start(self, around: &Surroundings) -> io::Result<Running> {
        let Self { source, listening, what, legacy, .. } = self;
        Running::start(source, listening, what, legacy, around)
    }
}

/// Lets a socket be bound to an address that is not there.
pub(super) fn prepare(there: There, socket: &Socket, listen: SocketAddr) -> io::Result<()> {
    match (there, listen) {
        (There::Always, _) => Ok(()),
        (There::Sometimes, SocketAddr::V4(_)) => socket.set_freebind_v4(true),
        (There::Sometimes, SocketAddr::V6(_)) => socket.set_freebind_v6(true),
    }
}
