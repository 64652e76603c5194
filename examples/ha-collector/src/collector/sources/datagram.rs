//! Datagrams of this machine: `/dev/log`. The kernel loses none; whoever writes waits while the buffer is full.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, UCred, recvmsg};
use tracing::error;

use super::bell::Woken;
use super::heritage::Left;
use super::thread::{Kept, Reader};
use super::unix;
use crate::collector::intake::Envelope;
use crate::collector::ledger::DropReason;
use crate::collector::record::Extent;

/// How long datagrams that are already in the kernel are still taken after the word to stop.
const DRAIN: Duration = Duration::from_secs(1);
/// Taken for one append.
const MANY: usize = 256;

/// Receives until told to stop and the kernel has nothing more, or what it has is left to a successor.
pub(super) fn run(socket: &UnixDatagram, mut reader: Reader, left: &Left) {
    let mut bytes = vec![0; reader.origin.max_message + 1];
    let mut sender = Sender::default();
    let mut drain = None;
    loop {
        if drain.is_none() && reader.wait(socket.as_fd()) == Woken::Rung {
            if left.is_left() {
                return;
            }
            drain = Some(Instant::now() + DRAIN);
        }
        let Some(room) = reader.wait_for_room() else {
            // What is not read is still the sender's, or in the socket.
            return;
        };
        reader.intake.receive();
        let mut taken = 0;
        while taken < MANY && reader.has_room(&room, usize::MAX) {
            match receive(socket, &mut bytes, &mut sender) {
                Ok(Some((len, extent))) => {
                    taken += 1;
                    let message = bytes.get(..len).unwrap_or_default();
                    if message.is_empty() {
                        reader.origin.account.received(1, 0);
                        reader.origin.account.dropped(DropReason::Empty, 1);
                        continue;
                    }
                    let envelope = Envelope { credentials: sender.text(), extent, ..Envelope::default() };
                    reader.intake.take(message, &envelope, &reader.origin);
                }
                Ok(None) => break,
                Err(error) => {
                    error!(source = reader.origin.account.id, "cannot receive: {error}");
                    reader.stop.wait(Duration::from_millis(100));
                    break;
                }
            }
        }
        let kept = reader.commit(room);
        if drain.is_some_and(|until| taken == 0 || kept == Kept::No || Instant::now() >= until) {
            return;
        }
    }
}

/// Who sent the last one. A program that logs much is written down once.
#[derive(Debug, Default)]
struct Sender {
    known: Option<UCred>,
    text: String,
}

impl Sender {
    fn is(&mut self, now: Option<UCred>) {
        if self.known != now {
            self.known = now;
            self.text = now.map(unix::credentials).unwrap_or_default();
        }
    }

    fn text(&self) -> Option<&[u8]> {
        self.known.map(|_| self.text.as_bytes())
    }
}

/// One datagram; `None`: there is none.
fn receive(
    socket: &UnixDatagram,
    bytes: &mut [u8],
    sender: &mut Sender,
) -> io::Result<Option<(usize, Extent)>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let room = bytes.len();
    let received = loop {
        match recvmsg(socket, &mut [IoSliceMut::new(bytes)], &mut beside, RecvFlags::DONTWAIT) {
            Ok(received) => break received,
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    };
    let known = beside.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmCredentials(known) => Some(known),
        _ => None,
    });
    sender.is(known);
    let cut = received.flags.contains(ReturnFlags::TRUNC) || received.bytes >= room;
    Ok(Some((received.bytes, if cut { Extent::Cut } else { Extent::Whole })))
}
