//! Ours beside rsyslog and syslog-ng, under the same loads.
//!
//! Every set-up writes one file a host and day. Ours always writes through its queue on disk; the peers without one and,
//! in a row of their own, with one. A peer that is not installed is said and left out.

use std::path::{Path, PathBuf};

use super::chart;
use super::measure::{self, Figures, Load, Shape};
use super::setup::Setup;
use super::table::{milliseconds, percent, thousands};

/// Messages of a load at full speed.
const MANY: u64 = 1_000_000;

/// What is wanted of the comparison besides its table.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) only: Option<String>,
    pub(crate) svg: Option<PathBuf>,
}

pub(crate) fn run(binary: &Path, share: u64, wanted: &Wanted) -> Result<(), String> {
    let messages = MANY / share;
    let mut rows = Vec::new();
    for setup in Setup::ALL {
        if wanted.only.as_deref().is_some_and(|only| !setup.name().starts_with(only)) {
            continue;
        }
        if let Err(why) = setup.is_installed() {
            println!("skipped: {}: {why}", setup.name());
            continue;
        }
        for load in loads(messages) {
            eprintln!("{}: {} ...", setup.name(), load.name);
            let figures = measure::run(setup, &load, binary)?;
            rows.push((setup, load, figures));
        }
        // Half of what it takes at full speed: how long does a message take then?
        let full = rows.iter().rev().find(|(of, load, _)| *of == setup && load.name == "TCP, 1 connection");
        if let Some((_, _, full)) = full {
            let load = half(full, messages);
            eprintln!("{}: {} ...", setup.name(), load.name);
            let figures = measure::run(setup, &load, binary)?;
            rows.push((setup, load, figures));
        }
    }
    table(&rows);
    if let Some(path) = &wanted.svg {
        let drawn = chart::draw(&rows);
        std::fs::write(path, drawn).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn loads(messages: u64) -> Vec<Load> {
    let tcp = |name: &str, connections, shape| Load {
        name: name.to_owned(),
        transport: "tcp",
        messages,
        rate: None,
        connections,
        hosts: 1,
        shape,
    };
    vec![
        tcp("TCP, 1 connection", 1, Shape::Rfc3164),
        tcp("TCP, 10 connections", 10, Shape::Rfc3164),
        tcp("TCP, 1,000 connections", 1_000, Shape::Rfc3164),
        tcp("TCP, RFC 5424, octet counting", 1, Shape::Rfc5424Counted),
        tcp("TCP, lines of real devices", 1, Shape::Devices),
        Load {
            name: "UDP, 200,000 a second".to_owned(),
            transport: "udp",
            messages,
            rate: Some(200_000),
            connections: 1,
            hosts: 1,
            shape: Shape::Rfc3164,
        },
        Load {
            name: "UDP, as fast as it is sent".to_owned(),
            transport: "udp",
            messages,
            rate: None,
            connections: 1,
            hosts: 1,
            shape: Shape::Rfc3164,
        },
    ]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive and far below 2^64"
)]
fn half(full: &Figures, messages: u64) -> Load {
    let rate = (full.delivered_per_second() / 2.0) as u64;
    Load {
        name: "TCP at half of that".to_owned(),
        transport: "tcp",
        // Five seconds of it, where that is less.
        messages: messages.min(rate * 5),
        rate: Some(rate.max(1_000)),
        connections: 1,
        hosts: 1,
        shape: Shape::Rfc3164,
    }
}

fn table(rows: &[(Setup, Load, Figures)]) {
    println!("| load | collector | delivered a second | CPU, µs a message | lost | 99 % within | memory |");
    println!("|---|---|---|---|---|---|---|");
    let mut loads: Vec<&str> = Vec::new();
    for (_, load, _) in rows {
        if !loads.contains(&load.name.as_str()) {
            loads.push(&load.name);
        }
    }
    for name in loads {
        for (setup, _, figures) in rows.iter().filter(|(_, load, _)| load.name == name) {
            println!(
                "| {name} | {} | {} | {:.2} | {} | {} | {} MiB |",
                setup.name(),
                thousands(figures.delivered_per_second()),
                figures.cpu_microseconds(),
                percent(figures.lost()),
                figures.delay_99.map_or_else(|| "–".to_owned(), milliseconds),
                figures.memory_kib / 1024,
            );
        }
    }
}
