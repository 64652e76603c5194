//! What the client sends: numbered datagrams at a steady rate, and numbered lines ([`super::lines`]).

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use super::Error;
use super::host::Host;
use super::lab::VIP;
use super::lines::{self, Acknowledged};
use super::setup::PORT;

/// Connections with lines on them.
pub(super) const STREAMS: u32 = 4;
/// However the rest goes, nobody sends for longer.
const LONGEST: Duration = Duration::from_secs(90);

/// A client that is sending.
#[derive(Debug)]
pub(super) struct Load {
    shared: Arc<Shared>,
    datagrams: JoinHandle<Vec<Microseconds>>,
    streams: Vec<JoinHandle<Acknowledged>>,
}

/// What is known of it while it sends.
#[derive(Debug, Default)]
pub(super) struct Shared {
    stop: AtomicBool,
    sent: AtomicU64,
    pub(super) lines: AtomicU64,
}

impl Shared {
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Datagrams and lines.
    pub(super) fn so_far(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.lines.load(Ordering::Relaxed))
    }
}

/// Since 1970, as the collectors stamp what they receive.
pub(super) type Microseconds = i64;

/// The time of day, which all processes of this machine share.
pub(super) fn now() -> Microseconds {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// What was sent in all.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) datagrams: u64,
    /// When any were sent, in order.
    pub(super) moments: Vec<Microseconds>,
    pub(super) lines: u64,
    pub(super) acknowledged: Vec<Acknowledged>,
}

/// Number `number` as it is sent; what stands before the last space is the same in the files.
pub(super) fn datagram(number: u64) -> String {
    format!("<13>1 - client demo - - - datagram {number:09}")
}

impl Load {
    pub(super) fn start(client: &Host, rate: u32) -> Result<Self, Error> {
        let shared = Arc::new(Shared::default());
        let cannot = |source| Error::Start { program: "the client".to_owned(), source };
        let mine = Arc::clone(&shared);
        let datagrams = client
            .run(move || {
                let socket = UdpSocket::bind("0.0.0.0:0")?;
                // Where nobody answers, the kernel's queue for the neighbour is full soon: better lost than late.
                socket.set_nonblocking(true)?;
                thread::Builder::new().name("datagrams".to_owned()).spawn(move || send(&socket, rate, &mine))
            })?
            .map_err(cannot)?;
        let mut streams = Vec::new();
        for stream in 0..STREAMS {
            let mine = Arc::clone(&shared);
            let started = client.run(move || {
                let name = format!("stream {stream}");
                thread::Builder::new().name(name).spawn(move || lines::send(stream, &mine))
            })?;
            streams.push(started.map_err(cannot)?);
        }
        Ok(Self { shared, datagrams, streams })
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn stop(self) -> Sent {
        self.shared.stop.store(true, Ordering::Relaxed);
        let acknowledged = self.streams.into_iter().filter_map(|stream| stream.join().ok()).collect();
        Sent {
            moments: self.datagrams.join().unwrap_or_default(),
            acknowledged,
            datagrams: self.shared.sent.load(Ordering::Relaxed),
            lines: self.shared.lines.load(Ordering::Relaxed),
        }
    }
}

fn send(socket: &UdpSocket, rate: u32, shared: &Shared) -> Vec<Microseconds> {
    let (begun, mut sent) = (Instant::now(), 0);
    let mut moments = Vec::new();
    while !shared.stopped() && begun.elapsed() < LONGEST {
        let due =
            u64::try_from(begun.elapsed().as_micros() * u128::from(rate) / 1_000_000).unwrap_or(u64::MAX);
        if sent < due {
            moments.push(now());
        }
        while sent < due {
            // What cannot be sent, because nobody has the address, is as lost as what nobody receives.
            socket.send_to(datagram(sent).as_bytes(), (VIP, PORT)).ok();
            sent += 1;
        }
        shared.sent.store(sent, Ordering::Relaxed);
        thread::sleep(Duration::from_micros(300));
    }
    moments
}
