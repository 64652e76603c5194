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

pub(crate) fn run(binary: &Path, share: u64) -> Result<(), String> {
    println!("| | | delivered a second | CPU, µs a message | lost | memory |");
    println!("|---|---|---|---|---|---|");
    let messages = MANY / share;
    for connections in [1, 10, 100, 1_000, 10_000] {
        row(binary, &Row { connections, ..Row::plain("connections", messages) })?;
    }
    for hosts in [1, 1_000] {
        row(binary, &Row { hosts, ..Row::plain("hosts", messages) })?;
    }
    for files in [Files::New, Files::FromBefore] {
        let (hosts, messages) = (50_000, messages / 10);
        row(binary, &Row { hosts, files, ..Row::plain("hosts", messages) })?;
    }
    for (kind, name) in [(Filter::Text, "filters, a text each"), (Filter::Pattern, "filters, a pattern each")]
    {
        for filters in [1, 10, 100] {
            let messages = if filters == 100 { messages / 3 } else { messages };
            row(binary, &Row { filters: Some((kind, filters)), ..Row::plain(name, messages) })?;
        }
    }
    for destinations in [1, 2, 4, 8] {
        let messages = messages / destinations as u64;
        row(binary, &Row { destinations, ..Row::plain("destinations", messages) })?;
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

/// What a filter asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    /// Whether the host has this name.
    Text,
    /// Whether a regular expression matches somewhere in the message.
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
    /// A path each; `None`: no path at all.
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
        let files = if self.files == Files::FromBefore { ", their files there" } else { "" };
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

/// So many paths to one destination, of which only the last one is the messages'.
fn paths(kind: Filter, filters: usize) -> String {
    let mut text = String::new();
    for n in 1..=filters {
        let last = n == filters;
        let filter = match kind {
            Filter::Text if last => "host('host0001' type(string))".to_owned(),
            Filter::Text => format!("host('{ELSEWHERE}{n}' type(string))"),
            Filter::Pattern if last => "message('seq=[0-9]+ at=')".to_owned(),
            Filter::Pattern => format!("message('session (opened|closed) by {ELSEWHERE}{n}')"),
        };
        // Writing to a string cannot fail.
        write!(
            text,
            "[[path]]\nid = \"p{n}\"\nsteps = [{{ filter = \"{filter}\" }}]\ndestinations = [\"files1\"]\n\
             flags = [\"flow-control\"]\n"
        )
        .unwrap_or_default();
    }
    text
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
