//! What of all that was sent stands in the files of the nodes, where, and with which gaps.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::load::{Microseconds, Sent};

/// What one node wrote.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Number and time of reception of each datagram.
    pub(super) datagrams: Vec<(u64, Microseconds)>,
    /// How often each line is there, by its stream and number.
    pub(super) lines: HashMap<(u32, u64), u64>,
}

impl Found {
    /// Out of all files beneath `<root>/<host>/`.
    pub(super) fn read(root: &Path) -> io::Result<Self> {
        let mut found = Self::default();
        let hosts = match fs::read_dir(root) {
            Ok(hosts) => hosts,
            // It has never received anything.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(error),
        };
        for host in hosts {
            for file in fs::read_dir(host?.path())? {
                let bytes = fs::read(file?.path())?;
                String::from_utf8_lossy(&bytes).lines().for_each(|line| found.take(line));
            }
        }
        Ok(found)
    }

    /// One line of a file: `<time of reception> client demo: <what was sent>`.
    fn take(&mut self, line: &str) {
        let Some((before, message)) = line.split_once(" client demo: ") else { return };
        let words: Vec<&str> = message.split(' ').collect();
        // Numbers have nine digits: what is shorter was cut.
        let number = |text: &str| (text.len() == 9).then(|| text.parse::<u64>().ok()).flatten();
        match words.as_slice() {
            ["datagram", text] => {
                if let (Some(number), Ok(at)) = (number(text), before.parse::<Timestamp>()) {
                    self.datagrams.push((number, at.as_microsecond()));
                }
            }
            ["stream", stream, "line", text] => {
                if let (Ok(stream), Some(number)) = (stream.parse(), number(text)) {
                    *self.lines.entry((stream, number)).or_default() += 1;
                }
            }
            _ => {}
        }
    }
}

/// What happened when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    pub(super) fault: Microseconds,
    /// When the broken node was helped up; `None`: nobody but its own keeper did.
    pub(super) helped: Option<Microseconds>,
}

/// What it cost. Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Datagrams.
    pub(super) sent: u64,
    /// Of these, those that are in a file.
    pub(super) arrived: u64,
    pub(super) lost: u64,
    /// Copies beyond the first.
    pub(super) twice: u64,
    /// Longest time between two consecutive arrivals anywhere, from the fault until the way back begins.
    pub(super) dark_ms: Option<f64>,
    /// From the fault to the first datagram at the successor; `None`: it never served.
    pub(super) takeover_ms: Option<f64>,
    /// As `dark_ms`, on the way back.
    pub(super) back_dark_ms: Option<f64>,
    /// From help (or the takeover, where nobody helped) to the first datagram at the node that was broken.
    pub(super) back_ms: Option<f64>,
    /// The longest that the sender itself paused from the fault on: no dark time means anything below it.
    pub(super) sender_pause_ms: f64,
    pub(super) tcp: Tcp,
}

/// The same for lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Tcp {
    pub(super) sent: u64,
    /// By the kernel of the node that had the connection.
    pub(super) acknowledged: u64,
    /// Acknowledged, and in no file.
    pub(super) missing: u64,
    pub(super) twice: u64,
}

/// Before the fault, so that the last arrival before it is seen.
const MARGIN: Microseconds = 200_000;

/// Counts; the first of `found` is the node that was broken.
pub(super) fn count(sent: &Sent, found: &[Found; 2], moments: &Moments) -> Figures {
    let [broken, successor] = found;
    let mut times = vec![0_u64; usize::try_from(sent.datagrams).unwrap_or_default()];
    let mut arrivals = Vec::with_capacity(times.len());
    for &(number, at) in broken.datagrams.iter().chain(&successor.datagrams) {
        arrivals.push(at);
        if let Some(times) = usize::try_from(number).ok().and_then(|number| times.get_mut(number)) {
            *times += 1;
        }
    }
    arrivals.sort_unstable();
    let arrived = times.iter().filter(|times| **times > 0).count() as u64;
    let first_at = |node: &Found, after: Microseconds| {
        node.datagrams.iter().map(|(_, at)| *at).filter(|at| *at >= after).min()
    };
    let takeover = first_at(successor, moments.fault);
    let back_begins = moments.helped.or(takeover);
    let back = back_begins.and_then(|begins| first_at(broken, begins));
    let end = arrivals.last().copied().unwrap_or(moments.fault);
    Figures {
        sent: sent.datagrams,
        arrived,
        lost: sent.datagrams - arrived,
        twice: times.iter().map(|times| times.saturating_sub(1)).sum(),
        dark_ms: longest(&arrivals, moments.fault - MARGIN, back_begins.unwrap_or(end)).map(milliseconds),
        takeover_ms: takeover.map(|at| milliseconds(at - moments.fault)),
        back_dark_ms: back_begins.and_then(|begins| longest(&arrivals, begins, end)).map(milliseconds),
        back_ms: back_begins.and_then(|begins| back.map(|at| milliseconds(at - begins))),
        sender_pause_ms: longest(&sent.moments, moments.fault - MARGIN, Microseconds::MAX)
            .map_or(0.0, milliseconds),
        tcp: tcp(sent, found),
    }
}

/// The longest pause that begins in `from..until`, among what is in order.
fn longest(moments: &[Microseconds], from: Microseconds, until: Microseconds) -> Option<Microseconds> {
    let pairs = moments.iter().zip(moments.iter().skip(1));
    pairs.filter(|(begin, _)| (from..until).contains(*begin)).map(|(begin, end)| end - begin).max()
}

fn tcp(sent: &Sent, [broken, successor]: &[Found; 2]) -> Tcp {
    let times = |key: &(u32, u64)| {
        broken.lines.get(key).copied().unwrap_or_default()
            + successor.lines.get(key).copied().unwrap_or_default()
    };
    let claimed = sent
        .acknowledged
        .iter()
        .flat_map(|of| of.lines.iter().map(|number| (of.stream, *number)))
        .collect::<Vec<_>>();
    let copies: u64 = broken.lines.values().chain(successor.lines.values()).sum();
    let distinct =
        broken.lines.len() + successor.lines.keys().filter(|key| !broken.lines.contains_key(key)).count();
    Tcp {
        sent: sent.lines,
        acknowledged: claimed.len() as u64,
        missing: claimed.iter().filter(|key| times(key) == 0).count() as u64,
        twice: copies - distinct as u64,
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a minute")]
fn milliseconds(span: Microseconds) -> f64 {
    span as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::lines::Acknowledged;

    fn found(datagrams: &[(u64, Microseconds)], lines: &[(u32, u64)]) -> Found {
        let mut found = Found { datagrams: datagrams.to_vec(), ..Found::default() };
        for key in lines {
            *found.lines.entry(*key).or_default() += 1;
        }
        found
    }

    #[test]
    fn what_is_missing_what_came_twice_and_how_long_it_was_dark() {
        let s = 1_000_000;
        // 3 and 4 are lost, 5 came twice; n2 serves from 14.5 s, n1 again from 16 s.
        let n1 = found(
            &[(0, 10 * s), (1, 11 * s), (2, 12 * s), (7, 16 * s), (8, 17 * s)],
            &[(0, 0), (1, 7), (1, 8)],
        );
        let n2 = found(&[(5, 14 * s + s / 2), (5, 14 * s + s / 2), (6, 15 * s)], &[(1, 7)]);
        let sent = Sent {
            datagrams: 9,
            moments: (10..18).map(|second| second * s).collect(),
            lines: 12,
            acknowledged: vec![
                Acknowledged { stream: 0, lines: vec![0, 1] },
                Acknowledged { stream: 1, lines: vec![7] },
            ],
        };
        let figures = count(&sent, &[n1, n2], &Moments { fault: 12 * s + s / 2, helped: Some(15 * s) });
        // The last arrival before the fault is too long ago here, as nothing in the margin arrived.
        assert_eq!((figures.sent, figures.arrived, figures.lost, figures.twice), (9, 7, 2, 1));
        assert_eq!(figures.takeover_ms, Some(2_000.0));
        assert_eq!((figures.back_ms, figures.back_dark_ms), (Some(1_000.0), Some(1_000.0)));
        assert_eq!(figures.tcp, Tcp { sent: 12, acknowledged: 3, missing: 1, twice: 1 });
        assert_eq!(figures.sender_pause_ms, 1_000.0);
    }

    #[test]
    fn a_gap_belongs_to_the_phase_in_which_it_begins() {
        let moments = [0, 10, 40, 50, 120];
        assert_eq!(longest(&moments, 5, 45), Some(30));
        assert_eq!(longest(&moments, 45, 200), Some(70));
        assert_eq!(longest(&moments, 120, 200), None);
    }

    #[test]
    fn lines_of_the_files_are_understood_and_a_cut_one_is_not() {
        let mut found = Found::default();
        for line in [
            "2026-11-21T06:08:24.719074+00:00 client demo: datagram 000000123",
            "2026-11-21T06:08:24.719074+00:00 client demo: datagram 0000001",
            "2026-11-21T06:08:24.719074+00:00 client demo: stream 3 line 000000004",
            "somebody else's",
        ] {
            found.take(line);
        }
        assert_eq!(found.datagrams, [(123, 1_795_241_304_719_074)]);
        assert_eq!(found.lines, HashMap::from([((3, 4), 1)]));
    }
}
