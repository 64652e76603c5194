//! How it looks while it runs: a few lines drawn again in place on a terminal, a line an event elsewhere.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use super::node::State;
use super::{Looks, Settings};

/// What is seen of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) name: &'static str,
    pub(super) state: State,
    pub(super) holding: Holding,
}

/// Whether a node has the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Holding {
    Has,
    #[default]
    HasNot,
}

/// What is shown.
#[derive(Debug)]
pub(super) struct View {
    looks: Looks,
    title: String,
    begun: Instant,
    nodes: Vec<Seen>,
    datagrams: u64,
    lines: u64,
    last: String,
    drawn: Option<Instant>,
    /// Lines on the screen that are ours to draw again.
    height: usize,
}

/// Between two drawings.
const FRAME: Duration = Duration::from_millis(100);
const NARROWEST: usize = 40;

impl View {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            looks: settings.looks,
            title: String::new(),
            begun: Instant::now(),
            nodes: Vec::new(),
            datagrams: 0,
            lines: 0,
            last: String::new(),
            drawn: None,
            height: 0,
        }
    }

    /// Something new begins.
    pub(super) fn begin(&mut self, title: String) {
        self.end();
        if self.looks == Looks::Plain {
            print(&format!("{title}\n"));
        }
        self.title = title;
        self.begun = Instant::now();
        self.nodes.clear();
        (self.datagrams, self.lines, self.last) = (0, 0, String::new());
    }

    /// Something has happened.
    pub(super) fn event(&mut self, what: &str) {
        what.clone_into(&mut self.last);
        if self.looks == Looks::Plain {
            print(&format!("{:6.2} s  {what}\n", self.begun.elapsed().as_secs_f64()));
        }
        self.drawn = None;
        self.draw();
    }

    /// How it stands now.
    pub(super) fn show(&mut self, nodes: Vec<Seen>, datagrams: u64, lines: u64) {
        (self.datagrams, self.lines) = (datagrams, lines);
        // A reason may change without anything happening; it is seen on a terminal.
        let told = |seen: &&Seen| {
            let same = |known: &Seen| {
                (known.name, &known.state.word, known.holding) == (seen.name, &seen.state.word, seen.holding)
            };
            !seen.state.word.is_empty() && !self.nodes.iter().any(same)
        };
        let changed: Vec<Seen> = nodes.iter().filter(told).cloned().collect();
        self.nodes = nodes;
        for seen in changed {
            let holding = if seen.holding == Holding::Has { ", has the address" } else { "" };
            let why =
                if seen.state.why.is_empty() { String::new() } else { format!(" ({})", seen.state.why) };
            self.event(&format!("{} is {}{holding}{why}", seen.name, seen.state.word));
        }
        self.draw();
    }

    /// What stands on the screen stays there.
    pub(super) fn end(&mut self) {
        self.drawn = None;
        self.draw();
        self.height = 0;
    }

    fn draw(&mut self) {
        let due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME);
        if self.looks != Looks::Live || self.title.is_empty() || !due {
            return;
        }
        self.drawn = Some(Instant::now());
        let width = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col));
        // Some terminals do not know theirs.
        let width = if width == 0 { 80 } else { width };
        let lines = self.lines();
        let mut text = String::new();
        if self.height > 0 {
            _ = write!(text, "\x1b[{}F", self.height);
        }
        for line in &lines {
            let line: String = line.chars().take(width.max(NARROWEST) - 1).collect();
            _ = writeln!(text, "{line}\x1b[K");
        }
        self.height = lines.len();
        print(&text);
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}   {:.1} s", self.title, self.begun.elapsed().as_secs_f64())];
        for seen in &self.nodes {
            let holding = if seen.holding == Holding::Has { "10.0.0.10" } else { "" };
            lines.push(format!("  {:<4}{:<10}{holding:<11}{}", seen.name, seen.state.word, seen.state.why));
        }
        lines.push(format!("  sent {} datagrams, {} lines", self.datagrams, self.lines));
        lines.push(format!("  {}", self.last));
        lines
    }
}

fn print(text: &str) {
    let mut out = io::stdout().lock();
    // Nobody is left to be told that it is closed.
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_the_address_what_both_are_and_what_was_sent_is_seen() {
        let mut view = View {
            looks: Looks::Silent,
            title: "ha-collector, fault: stop".to_owned(),
            begun: Instant::now(),
            nodes: Vec::new(),
            datagrams: 0,
            lines: 0,
            last: String::new(),
            drawn: None,
            height: 0,
        };
        let state = |word: &str, why: &str| State { word: word.to_owned(), why: why.to_owned() };
        let active = Seen { name: "n1", state: state("active", ""), holding: Holding::Has };
        let backup = Seen {
            name: "n2",
            state: state("backup", "10.0.0.11 advertises 150 > 100"),
            holding: Holding::HasNot,
        };
        view.show(vec![active, backup], 1_234, 56);
        let lines = view.lines();
        assert!(lines[0].starts_with("ha-collector, fault: stop"), "{lines:?}");
        assert_eq!(lines[1], "  n1  active    10.0.0.10  ");
        assert_eq!(lines[2], "  n2  backup               10.0.0.11 advertises 150 > 100");
        assert_eq!(lines[3], "  sent 1234 datagrams, 56 lines");
        assert_eq!(lines[4], "  n2 is backup (10.0.0.11 advertises 150 > 100)");
    }
}
