//! The whole path, socket to file: ours beside rsyslog and syslog-ng, one after the other, on the loopback.
//!
//! ```text
//! cargo run --release -p benches --example collector            # about ten minutes
//! cargo run --release -p benches --example collector -- quick   # a tenth of the messages
//! cargo run --release -p benches --example collector -- only ha-collector
//! cargo run --release -p benches --example collector -- svg docs/performance.svg
//! ```
//!
//! Every set-up writes one file a host and day. Ours always writes through its queue on disk; the peers without one and,
//! in a row of their own, with one. A peer that is not installed is said and left out. The load comes from
//! `ha-collector send`, one thread; what is delivered is counted in the files, line by line. CPU time is that of all
//! threads of the collector, from the kernel, and includes what the kernel did for it.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

mod chart;
mod measure;
mod setup;

use std::path::PathBuf;
use std::process::Command;

use measure::{Figures, Load, Shape};
use setup::Setup;

/// Messages of a load at full speed.
const MANY: u64 = 1_000_000;

fn main() -> Result<(), String> {
    let wanted = Wanted::read()?;
    let binary = build()?;
    let mut rows = Vec::new();
    for setup in Setup::ALL {
        if wanted.only.as_deref().is_some_and(|only| !setup.name().starts_with(only)) {
            continue;
        }
        if let Err(why) = setup.is_installed() {
            println!("skipped: {}: {why}", setup.name());
            continue;
        }
        for load in loads(wanted.messages) {
            eprintln!("{}: {} ...", setup.name(), load.name);
            let figures = measure::run(setup, &load, &binary)?;
            rows.push((setup, load, figures));
        }
        // Half of what it takes at full speed: how long does a message take then?
        let full = rows.iter().rev().find(|(of, load, _)| *of == setup && load.name == "TCP, 1 connection");
        if let Some((_, _, full)) = full {
            let load = half(full, wanted.messages);
            eprintln!("{}: {} ...", setup.name(), load.name);
            let figures = measure::run(setup, &load, &binary)?;
            rows.push((setup, load, figures));
        }
    }
    table(&rows);
    if let Some(path) = wanted.svg {
        let drawn = chart::draw(&rows);
        std::fs::write(&path, drawn).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// What was asked for.
#[derive(Debug)]
struct Wanted {
    messages: u64,
    only: Option<String>,
    svg: Option<PathBuf>,
}

impl Wanted {
    fn read() -> Result<Self, String> {
        let mut this = Self { messages: MANY, only: None, svg: None };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` is followed by nothing"));
            match word.as_str() {
                "quick" => this.messages = MANY / 10,
                "only" => this.only = Some(value()?),
                "svg" => this.svg = Some(value()?.into()),
                _ => return Err(format!("`{word}` is none of: quick, only NAME, svg FILE")),
            }
        }
        Ok(this)
    }
}

fn loads(messages: u64) -> Vec<Load> {
    let tcp =
        |name, connections, shape| Load { name, transport: "tcp", messages, rate: None, connections, shape };
    vec![
        tcp("TCP, 1 connection", 1, Shape::Rfc3164),
        tcp("TCP, 10 connections", 10, Shape::Rfc3164),
        tcp("TCP, 1,000 connections", 1_000, Shape::Rfc3164),
        tcp("TCP, RFC 5424, octet counting", 1, Shape::Rfc5424Counted),
        tcp("TCP, lines of real devices", 1, Shape::Devices),
        Load {
            name: "UDP, 200,000 a second",
            transport: "udp",
            messages,
            rate: Some(200_000),
            connections: 1,
            shape: Shape::Rfc3164,
        },
        Load {
            name: "UDP, as fast as it is sent",
            transport: "udp",
            messages,
            rate: None,
            connections: 1,
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
        name: "TCP at half of that",
        transport: "tcp",
        // Five seconds of it, where that is less.
        messages: messages.min(rate * 5),
        rate: Some(rate.max(1_000)),
        connections: 1,
        shape: Shape::Rfc3164,
    }
}

/// The collector, built as it is shipped.
fn build() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "-p", "ha-collector", "--quiet"])
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !built.success() {
        return Err("ha-collector could not be built".to_owned());
    }
    // This program stands in `<target>/release/examples/`.
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let release = here.parent().and_then(|examples| examples.parent()).ok_or("where is this program?")?;
    Ok(release.join("ha-collector"))
}

fn table(rows: &[(Setup, Load, Figures)]) {
    println!("| load | collector | delivered a second | CPU, µs a message | lost | 99 % within | memory |");
    println!("|---|---|---|---|---|---|---|");
    let mut loads: Vec<&str> = Vec::new();
    for (_, load, _) in rows {
        if !loads.contains(&load.name) {
            loads.push(load.name);
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
                figures
                    .delay_99
                    .map_or_else(|| "–".to_owned(), |delay| format!("{:.1} ms", delay.as_secs_f64() * 1e3)),
                figures.memory_kib / 1024,
            );
        }
    }
}

fn percent(share: f64) -> String {
    if share == 0.0 { "0".to_owned() } else { format!("{:.2} %", share * 100.0) }
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
