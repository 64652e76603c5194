//! Numbered lines over TCP, each sent once; and which of them the other kernel has acknowledged.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::lab::VIP;
use super::load::Shared;
use super::setup::PORT;

/// Lines of one stream that a kernel has acknowledged, by their numbers.
#[derive(Debug)]
pub(super) struct Acknowledged {
    pub(super) stream: u32,
    pub(super) lines: Vec<u64>,
}

/// Between two lines of one stream.
const PAUSE: Duration = Duration::from_millis(10);
/// A connection that does not come to be in this time is tried anew.
const PATIENCE: Duration = Duration::from_millis(250);
/// At the end, what is on its way may still be acknowledged.
const LAST: Duration = Duration::from_secs(1);

/// Line `number` of `stream`.
pub(super) fn line(stream: u32, number: u64) -> String {
    format!("<13>1 - client demo - - - stream {stream} line {number:09}\n")
}

/// Sends until told to stop, on one connection after the other.
pub(super) fn send(stream: u32, shared: &Shared) -> Acknowledged {
    let address = SocketAddr::new(VIP, PORT);
    let mut lines = Vec::new();
    let mut number = 0;
    while !shared.stopped() {
        let Ok(connection) = TcpStream::connect_timeout(&address, PATIENCE) else {
            thread::sleep(PAUSE);
            continue;
        };
        one_connection(stream, &connection, shared, &mut number, &mut lines);
    }
    Acknowledged { stream, lines }
}

/// Until it breaks or it is time to stop. What was not acknowledged by then is not claimed.
fn one_connection(
    stream: u32,
    mut connection: &TcpStream,
    shared: &Shared,
    number: &mut u64,
    lines: &mut Vec<u64>,
) {
    if connection.set_nodelay(true).is_err() || connection.set_write_timeout(Some(PATIENCE)).is_err() {
        return;
    }
    let mut written = 0;
    // The byte after each line that is not acknowledged yet.
    let mut open: Vec<(u64, u64)> = Vec::new();
    let claim =
        |written: u64, open: &mut Vec<(u64, u64)>, lines: &mut Vec<u64>| match unacknowledged(connection) {
            Some(waiting) => {
                let done = open.partition_point(|(end, _)| *end <= written.saturating_sub(waiting));
                lines.extend(open.drain(..done).map(|(_, number)| number));
                true
            }
            None => false,
        };
    while !shared.stopped() {
        let text = line(stream, *number);
        let sent = connection.write_all(text.as_bytes());
        shared.lines.fetch_add(1, Ordering::Relaxed);
        *number += 1;
        if sent.is_err() {
            return;
        }
        written += text.len() as u64;
        open.push((written, *number - 1));
        thread::sleep(PAUSE);
        if !claim(written, &mut open, lines) {
            return;
        }
    }
    let begun = Instant::now();
    while !open.is_empty() && begun.elapsed() < LAST && claim(written, &mut open, lines) {
        thread::sleep(PAUSE);
    }
}

/// Bytes that the other end has not acknowledged; `None`: the connection is no more.
fn unacknowledged(connection: &TcpStream) -> Option<u64> {
    let inode = rustix::fs::fstat(connection.as_fd()).ok()?.st_ino;
    // That of this thread's network, where the connection was made.
    let table = std::fs::read_to_string("/proc/thread-self/net/tcp").ok()?;
    in_table(&table, inode)
}

/// As the kernel writes it: `sl local remote state tx_queue:rx_queue timer retransmits uid timeout inode …`.
fn in_table(table: &str, inode: u64) -> Option<u64> {
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    let row = rows.into_iter().find(|row| row.get(9).and_then(|field| field.parse().ok()) == Some(inode))?;
    // Established, or closed by the other end (CLOSE_WAIT): what it has acknowledged, it has acknowledged.
    let open = matches!(*row.get(3)?, "01" | "08");
    let (waiting, _) = row.get(4)?.split_once(':')?;
    open.then(|| u64::from_str_radix(waiting, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_its_acknowledgement_is_read_from_the_kernels_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: 1400000A:D2F0 0A00000A:158A 01 0000002B:00000000 01:00000014 00000000     0        0 4711 1 0000000000000000 20 4 24 10 -1\n   \
             1: 1400000A:D2F2 0A00000A:158A 08 00000000:00000001 00:00000000 00000000     0        0 4712 1 0000000000000000 20 4 24 10 -1\n";
        assert_eq!(in_table(table, 4711), Some(43));
        assert_eq!(in_table(table, 4712), Some(0), "closed by the other end");
        assert_eq!(in_table(&table.replace(" 01 ", " 02 "), 4711), None, "not open yet");
        assert_eq!(in_table(table, 1), None);
    }
}
