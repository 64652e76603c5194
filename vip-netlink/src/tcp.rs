//! Closes connections that are bound to an address that goes away, so that their ends learn of it now and not at a
//! timeout (`sock_diag(7)`, `SOCK_DESTROY`).

use std::net::IpAddr;

use crate::channel::{BATCH, Channel};
use crate::error::{Error, Operation};
use crate::handle::{failed, refused};
use crate::sys::Protocol;
use crate::wire::address::{INET, INET6};
use crate::wire::{DUMP, Encoder, Message, array_at, ne_bytes, u8_at};

/// Closes all TCP connections of this network namespace whose local address is `local`, and says how many there
/// were. Each peer
/// gets a reset, each program here `ECONNABORTED`. Listening sockets stay.
///
/// Call it before the address is removed: without it no reset goes out.
///
/// # Errors
///
/// [`Error::Refused`]: with `EOPNOTSUPP` where the kernel is built without `CONFIG_INET_DIAG_DESTROY`, with `ENOENT`
/// where it has no `tcp_diag`, with `EPERM` without CAP_NET_ADMIN. All were tried; the first refusal is told.
pub fn destroy_tcp(local: IpAddr) -> Result<usize, Error> {
    let operation = Operation::DestroySockets;
    let mut channel = Channel::open(Protocol::SockDiag).map_err(|error| Error::socket(operation, &error))?;
    let mut bound: Vec<Id> = Vec::new();
    for family in [INET, INET6] {
        let list = channel.list(
            |out, seq| Encoder::request(out, BY_FAMILY, DUMP, seq, &question(family, [0; ID])).finish(),
            |message| read(message, local),
        );
        bound.extend(list.map_err(|failure| failed(operation, failure))?.0);
    }
    let mut first = Ok(());
    for chunk in bound.chunks(BATCH) {
        channel.begin();
        for Id { family, id } in chunk {
            channel.stage(|out, seq| {
                Encoder::request(out, DESTROY, 0, seq, &question(*family, *id)).finish();
            });
        }
        let answered = channel.send().and_then(|()| {
            channel.answers(|refusal| {
                // Gone meanwhile: where both ends are on this machine, the reset of one has closed the other.
                if refusal.answer.errno != libc::ENOENT && first.is_ok() {
                    first = Err(refused(operation, refusal));
                }
            })
        });
        answered.map_err(|error| Error::socket(operation, &error))?;
    }
    first.map(|()| bound.len())
}

/// What names a socket: ports, addresses, interface, cookie (`struct inet_diag_sockid`).
struct Id {
    family: u8,
    id: [u8; ID],
}

/// `struct inet_diag_req_v2`.
fn question(family: u8, id: [u8; ID]) -> [u8; QUESTION] {
    let mut question = [0; QUESTION];
    let parts = [family, TCP, 0, 0].into_iter().chain(ne_bytes(STATES)).chain(id);
    question.iter_mut().zip(parts).for_each(|(place, octet)| *place = octet);
    question
}

/// `struct inet_diag_msg`, where its local address is the one.
fn read(message: &Message<'_>, local: IpAddr) -> Option<Id> {
    let family = u8_at(message.payload, 0)?;
    let id: [u8; ID] = array_at(message.payload, 4)?;
    let source = match family {
        INET => IpAddr::from(array_at::<4>(&id, 4)?),
        INET6 => IpAddr::from(array_at::<16>(&id, 4)?).to_canonical(),
        _ => return None,
    };
    (source == local).then_some(Id { family, id })
}

/// `SOCK_DIAG_BY_FAMILY`.
const BY_FAMILY: u16 = 20;
/// `SOCK_DESTROY`.
const DESTROY: u16 = 21;
/// `IPPROTO_TCP`.
const TCP: u8 = 6;
/// All of `TCP_*` but `TIME_WAIT` (6), `CLOSE` (7), `LISTEN` (10) and `NEW_SYN_RECV` (12), which go by themselves.
const STATES: u32 = 0b1011_0011_1110;
const ID: usize = 48;
const QUESTION: usize = 56;
