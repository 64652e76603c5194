//! What keeper and collector say to each other: one JSON object a packet, over a socketpair of kind SEQPACKET. The end of
//! one is the end of the stream for the other, which is how a death is noticed at once.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::control::{Outcome, Work};

/// From the collector. The keeper believes nothing of it that could hurt more than a failover.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToKeeper {
    /// Everything listens.
    Ready { listening: Vec<String> },
    /// It lives; what is wrong with it, in words.
    Beat { problems: Vec<String> },
    /// The ledger that was asked for.
    Ledger(serde_json::Value),
    /// What became of the work of that number.
    Worked { number: u64, outcome: Outcome },
}

/// From the keeper.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToCollector {
    /// Send the ledger.
    Ledger,
    /// Do this, and say what became of it.
    Do { number: u64, work: Work },
    /// Drain, and end.
    Stop,
}

/// One end.
#[derive(Debug)]
pub(crate) struct Line(OwnedFd);

/// Longer packets are cut, and then not understood: a ledger of some thousand sources and destinations.
const LONGEST: usize = 256 * 1024;

impl Line {
    /// Both ends. Neither is inherited unless it is handed on.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (one, other) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(one), Self(other)))
    }

    /// The end that was handed on as standard input.
    pub(crate) fn from_stdin() -> io::Result<Self> {
        let stdin = rustix::stdio::stdin();
        match rustix::net::sockopt::socket_type(stdin) {
            Ok(SocketType::SEQPACKET) => Ok(Self(stdin.try_clone_to_owned()?)),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "standard input is not the keeper's line")),
        }
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// To hand on.
    pub(crate) fn into_fd(self) -> OwnedFd {
        self.0
    }

    /// How long [`Self::receive`] waits.
    pub(crate) fn set_patience(&self, patience: Duration) -> io::Result<()> {
        set_socket_timeout(&self.0, Timeout::Recv, Some(patience)).map_err(Into::into)
    }

    /// Never waits: an end that does not read is told nothing more.
    pub(crate) fn send(&self, message: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_vec(message)?;
        send(&self.0, &text, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).map(drop).map_err(Into::into)
    }

    /// `Ok(Heard::End)`: the other end is gone.
    pub(crate) fn receive<M: DeserializeOwned>(&self) -> io::Result<Heard<M>> {
        let mut packet = vec![0; LONGEST];
        loop {
            return match recv(&self.0, &mut packet[..], RecvFlags::empty()) {
                Ok((0, _)) | Err(Errno::CONNRESET) => Ok(Heard::End),
                Ok((len, _)) => {
                    let message = serde_json::from_slice(packet.get(..len).unwrap_or_default())?;
                    Ok(Heard::Message(message))
                }
                Err(Errno::AGAIN) => Ok(Heard::Silence),
                Err(Errno::INTR) => continue,
                Err(errno) => Err(errno.into()),
            };
        }
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What came within the patience.
#[derive(Debug)]
pub(crate) enum Heard<M> {
    Message(M),
    Silence,
    End,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_silence_and_the_end_are_told_apart() {
        let (keeper, collector) = Line::pair().unwrap();
        keeper.set_patience(Duration::from_millis(1)).unwrap();
        assert!(matches!(keeper.receive::<ToKeeper>().unwrap(), Heard::Silence));
        collector.send(&ToKeeper::Beat { problems: vec!["disk".to_owned()] }).unwrap();
        let Heard::Message(ToKeeper::Beat { problems }) = keeper.receive().unwrap() else { panic!() };
        assert_eq!(problems, ["disk"]);
        drop(collector);
        assert!(matches!(keeper.receive::<ToKeeper>().unwrap(), Heard::End));
    }

    #[test]
    fn nonsense_is_an_error_and_the_next_message_is_understood() {
        let (keeper, collector) = Line::pair().unwrap();
        collector.send(&"nonsense").unwrap();
        collector.send(&ToKeeper::Beat { problems: Vec::new() }).unwrap();
        assert!(keeper.receive::<ToKeeper>().is_err());
        assert!(matches!(keeper.receive().unwrap(), Heard::Message(ToKeeper::Beat { .. })));
    }
}
