//! How the cost of a message grows with connections, hosts, filters and destinations.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::measure::{Figures, Load, Shape};
use super::ours::Place;
use super::table::{percent, thousands};

/// Messages of a row.
const MANY: u64 = 3_000_000;
/// Hosts whose names take part in no message.
const ELSEWHERE: &str = "elsewhere";

pub(crate) fn run(binary: &Path, share: u64, only: Option<&str>) -> Result<(), String> {
    println!("| | | delivered a second | CPU, µs a message | lost | memory |");
    println!("|---|---|---|---|---|---|");
    let messages = MANY / share;
    let each = |wanted: &Row| match only {
        Some(only) if !wanted.what.starts_with(only) => Ok(()),
        _ => row(binary, wanted),
    };
    for connections in [1, 10, 100, 1_000, 10_000] {
        each(&Row { connections, ..Row::plain("connections", messages) })?;
    }
    for (hosts, less) in [(1, 1), (1_000, 1), (4_000, 3), (50_000, 10)] {
        each(&Row { hosts, files: Files::FromBefore, ..Row::plain("hosts", messages / less) })?;
    }
    each(&Row { hosts: 50_000, ..Row::plain("hosts", messages / 10) })?;
    for (kind, name, numbers) in [
        (Filter::Path, "paths with a filter each", [1, 10, 60]),
        (Filter::Text, "branches of a path, a text each", [1, 10, 100]),
        (Filter::Pattern, "branches of a path, a pattern each", [1, 10, 100]),
    ] {
        for filters in numbers {
            let messages = if filters > 10 { messages / 3 } else { messages };
            each(&Row { filters: Some((kind, filters)), ..Row::plain(name, messages) })?;
        }
    }
    for destinations in [1, 2, 4, 8] {
        let messages = messages / destinations as u64;
        each(&Row { destinations, ..Row::plain("destinations", messages) })?;
    }
    Ok(())
}

/// Which files are there when the load begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Files {
    New,
    /// Those of today, for every host.
    FromBefore,
}

/// What a filter is part of, and asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    /// A path of its own, and whether the host has this name.
    Path,
    /// A branch of the only path, and whether the host has this name.
    Text,
    /// A branch of the only path, and whether a regular expression matches somewhere in the message.
    Pattern,
}

/// One row of the table: what grows, and everything else as it is usually.
#[derive(Clone, Copy, Debug)]
struct Row {
    what: &'static str,
    messages: u64,
    connections: u16,
    hosts: u64,
    files: Files,
    /// `None`: no path at all.
    filters: Option<(Filter, usize)>,
    destinations: usize,
}

impl Row {
    const fn plain(what: &'static str, messages: u64) -> Self {
        Self { what, messages, connections: 1, hosts: 1, files: Files::New, filters: None, destinations: 1 }
    }

    fn name(&self) -> String {
        let number = match self.what {
            "connections" => u64::from(self.connections),
            "hosts" => self.hosts,
            "destinations" => self.destinations as u64,
            _ => self.filters.map_or(0, |(_, filters)| filters as u64),
        };
        let files = if self.what == "hosts" && self.files == Files::New { ", all new" } else { "" };
        format!("{} | {}{files}", self.what, thousands(number as f64))
    }
}

fn row(binary: &Path, row: &Row) -> Result<(), String> {
    let name = row.name();
    eprintln!("{name} ...");
    let figures = measure(binary, row).map_err(|error| format!("{name}: {error}"))?;
    println!(
        "| {name} | {} | {:.2} | {} | {} MiB |",
        thousands(figures.delivered_per_second()),
        figures.cpu_microseconds(),
        percent(figures.lost()),
        figures.memory_kib / 1024,
    );
    Ok(())
}

fn measure(binary: &Path, row: &Row) -> Result<Figures, String> {
    let place = Place::new(binary)?;
    let ids: Vec<String> = (1..=row.destinations).map(|n| format!("files{n}")).collect();
    let mut text = place.sources();
    for id in &ids {
        text.push_str(&place.files(id));
    }
    if let Some((kind, filters)) = row.filters {
        text.push_str(&paths(kind, filters));
    }
    place.configure(&text)?;
    if row.files == Files::FromBefore {
        make_files(&place, "files1", row.hosts).map_err(|error| format!("files: {error}"))?;
    }
    let running = place.start()?;
    let load = Load {
        name: row.name(),
        transport: "tcp",
        messages: row.messages,
        rate: None,
        connections: row.connections,
        hosts: row.hosts,
        shape: Shape::Rfc3164,
    };
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    place.load(&running, &load, &ids)
}

/// So many filters before one destination, of which only the last one takes the messages.
fn paths(kind: Filter, filters: usize) -> String {
    let filter = |n: usize| match (kind, n == filters) {
        (Filter::Path | Filter::Text, true) => "host('host0001' type(string))".to_owned(),
        (Filter::Path | Filter::Text, false) => format!("host('{ELSEWHERE}{n}' type(string))"),
        (Filter::Pattern, true) => "message('seq=[0-9]+ at=')".to_owned(),
        (Filter::Pattern, false) => format!("message('session (opened|closed) by {ELSEWHERE}{n}')"),
    };
    let path = |n: usize, steps: &str| {
        format!(
            "[[path]]\nid = \"p{n}\"\nsteps = [{steps}]\ndestinations = [\"files1\"]\nflags = [\"flow-control\"]\n"
        )
    };
    if kind == Filter::Path {
        return (1..=filters).map(|n| path(n, &format!("{{ filter = \"{}\" }}", filter(n)))).collect();
    }
    let mut branches = String::new();
    for n in 1..=filters {
        let filter = filter(n);
        // Writing to a string cannot fail.
        write!(branches, "{{ when = \"{filter}\", steps = [{{ set-tag = \"t{n}\" }}] }},")
            .unwrap_or_default();
    }
    path(1, &format!("{{ if = [{branches}] }}"))
}

/// An empty file of today for each host that `ha-collector send` makes up.
fn make_files(place: &Place, destination: &str, hosts: u64) -> std::io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let today = chrono::DateTime::from_timestamp(i64::try_from(now).unwrap_or_default(), 0);
    let name = format!("{}.log", today.unwrap_or_default().format("%Y-%m-%d"));
    for host in 1..=hosts {
        let dir = place.out().join(destination).join(format!("host{host:04}"));
        std::fs::create_dir_all(&dir)?;
        std::fs::write(dir.join(&name), "")?;
    }
    Ok(())
}
