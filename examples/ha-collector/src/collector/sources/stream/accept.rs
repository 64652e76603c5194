//! Accepting connections, as many as may be: of all, and of one address.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tracing::warn;

use super::socket::{Listener, Peer, Stream};
use super::{Connection, Context, PAUSE};
use crate::collector::limit::Seldom;
use crate::collector::sources::heritage::Left;

/// Connections that the kernel holds for us until we accept them.
pub(crate) const BACKLOG: i32 = 1024;

/// Accepts for one source, which may have several listeners: a clone for each of them.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor {
    context: Arc<Context>,
    places: Arc<Semaphore>,
    /// Held by whoever works for the source and has no place: who accepts, and connections for which there was none. The
    /// other end tells when nobody does.
    works: watch::Receiver<()>,
    working: Arc<watch::Sender<()>>,
    max_connections: usize,
    addresses: Arc<Addresses>,
    complaint: Arc<Mutex<Seldom>>,
}

impl Acceptor {
    pub(crate) fn new(context: Context, max_connections: usize, per_address: usize) -> Self {
        let max_connections = max_connections.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        let (working, works) = watch::channel(());
        Self {
            context: Arc::new(context),
            places: Arc::new(Semaphore::new(max_connections)),
            works,
            working: Arc::new(working),
            max_connections,
            addresses: Arc::new(Addresses { most: per_address, open: Mutex::default() }),
            complaint: Arc::new(Mutex::new(Seldom::new(std::time::Duration::from_secs(10)))),
        }
    }

    /// Goes on with connections of a predecessor. To be called within a runtime.
    pub(in super::super) fn adopt(&self, connections: Vec<Connection>) {
        for connection in connections {
            match self.admit(&connection.peer) {
                Some(seat) => self.spawn(connection, seat),
                // Fewer are allowed than before: it is told so, and what it has sent is read.
                None => {
                    let (context, works) = (Arc::clone(&self.context), self.works.clone());
                    tokio::spawn(async move {
                        connection.drain(&context).await;
                        drop(works);
                    });
                }
            }
        }
    }

    /// Accepts until told to stop, then returns when the last connection has ended, or waits for a successor. Connections that
    /// the kernel has accepted are the successor's, if the socket is left to one.
    pub(in super::super) async fn run(self, listener: Listener, left: &Left) -> io::Result<()> {
        let accepting = listener.accepting()?;
        let mut heard = pin!(self.context.stop.heard());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut heard => break,
                accepted = accepting.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.serve(stream, peer),
                Err(error) => {
                    if self.complains() {
                        warn!(source = self.context.origin.account.id, "cannot accept a connection: {error}");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        // Those that the kernel has accepted for us have sent already, and may even have closed. Asked is the kernel, not
        // the runtime, which may not have heard of them yet.
        let listener = accepting.into_std()?;
        for _ in 0..BACKLOG {
            if left.is_left() {
                break;
            }
            let Ok((stream, peer)) = listener.accept() else {
                break;
            };
            self.serve(stream, peer);
        }
        drop(listener);
        drop(self.works);
        // The other listeners have such connections, too, for which there must be places. With a successor for all of it there
        // are none, and who has no place is not waited for: nobody reads meanwhile.
        if !self.context.left.is_left() {
            self.working.closed().await;
        }
        // Every connection holds a place until it is done.
        let all = u32::try_from(self.max_connections).unwrap_or(u32::MAX);
        drop(self.places.acquire_many(all).await);
        Ok(())
    }

    /// Serves a new connection, if there is a place for it.
    fn serve(&self, stream: Stream, peer: Peer) {
        if let Some(seat) = self.admit(&peer) {
            self.spawn(Connection::new(stream, peer, &self.context), seat);
        }
    }

    /// A place for a connection, if there is one.
    fn admit(&self, peer: &Peer) -> Option<Seat> {
        let id = &self.context.origin.account.id;
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.context.origin.account.refused_connection();
            if self.complains() {
                warn!(source = id, %peer, max_connections = self.max_connections, "too many connections: refused");
            }
            return None;
        };
        let Ok(of_address) = self.addresses.admit(peer.address.map(|peer| peer.ip().to_canonical())) else {
            self.context.origin.account.refused_connection();
            if self.complains() {
                let most = self.addresses.most;
                warn!(source = id, %peer, most, "too many connections of this address: refused");
            }
            return None;
        };
        Some(Seat { _of_address: of_address, _place: place })
    }

    /// Gives the connection a task of its own.
    fn spawn(&self, connection: Connection, seat: Seat) {
        let context = Arc::clone(&self.context);
        tokio::spawn(async move {
            connection.run(&context).await;
            drop(seat);
        });
    }

    fn complains(&self) -> bool {
        let now = std::time::Instant::now();
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner).now(now)
    }
}

/// The place of a connection among those that there may be.
#[derive(Debug)]
struct Seat {
    _of_address: Admitted,
    _place: OwnedSemaphorePermit,
}

/// How many connections each address has.
#[derive(Debug)]
struct Addresses {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection of an address.
#[derive(Debug)]
struct Admitted(Option<(IpAddr, Arc<Addresses>)>);

/// The address has as many as it may.
#[derive(Debug)]
struct TooMany;

impl Addresses {
    fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Admitted, TooMany> {
        let Some(address) = address else {
            return Ok(Admitted(None));
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.most {
            if *count == 0 {
                open.remove(&address);
            }
            return Err(TooMany);
        }
        *count += 1;
        Ok(Admitted(Some((address, Arc::clone(self)))))
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let Some((address, addresses)) = self.0.take() else { return };
        let mut open = addresses.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_connections_and_those_that_ended_are_forgotten() {
        let addresses = Arc::new(Addresses { most: 2, open: Mutex::default() });
        let ip = |text: &str| Some(text.parse().unwrap());
        let first = addresses.admit(ip("192.0.2.1")).unwrap();
        let second = addresses.admit(ip("192.0.2.1")).unwrap();
        addresses.admit(ip("192.0.2.1")).unwrap_err();
        addresses.admit(ip("192.0.2.2")).unwrap();
        drop(first);
        let third = addresses.admit(ip("192.0.2.1")).unwrap();
        drop((second, third));
        assert!(addresses.open.lock().unwrap().is_empty());
    }
}
