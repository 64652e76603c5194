//! What a backlog of one destination costs the others, how long a start takes with it, and how fast it goes when the
//! destination is there again.

use std::io::Read as _;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::measure::{Load, Shape};
use super::ours::Place;
use super::output;
use super::process::{self, Running};
use super::table::{milliseconds, percent, thousands};

/// Messages of 256 bytes in a gigabyte of the queue.
const IN_A_GIGABYTE: u64 = 2_400_000;
/// Messages of the load beside it.
const BESIDE: u64 = 2_000_000;
/// A start takes no longer.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run(binary: &Path, share: u64) -> Result<(), String> {
    println!(
        "| backlog | in the queue | filled, a second | others meanwhile: a second | CPU, µs a message | lost | memory \
         | first line after a start | after a kill | delivered, a second |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for gigabytes in [0, 1, 10] {
        eprintln!("{gigabytes} GB ...");
        row(binary, gigabytes, share).map_err(|error| format!("{gigabytes} GB: {error}"))?;
    }
    Ok(())
}

fn row(binary: &Path, gigabytes: u64, share: u64) -> Result<(), String> {
    let backlog = gigabytes * IN_A_GIGABYTE / share;
    let place = Place::new(binary)?;
    // Bound and closed again: nobody listens there until the destination is there again.
    let (fill, away) = (process::free_port(), process::free_port());
    let (fill, away) = (fill.map_err(|e| e.to_string())?, away.map_err(|e| e.to_string())?);
    place.configure(&configuration(&place, fill, away))?;
    let running = place.start()?;
    let filled = match backlog {
        0 => None,
        _ => Some(fill_queue(&place, fill, backlog, binary)?),
    };
    let queue = output::bytes(&place.work().join("buffer"));
    let load = Load { messages: BESIDE / share, ..load(&format!("beside {gigabytes} GB")) };
    let beside = place.load(&running, &load, &["files"])?;
    drop(running);
    let (running, stopped) = first_line(&place, 1)?;
    running.kill();
    let (running, killed) = first_line(&place, 2)?;
    let memory = beside.memory_kib.max(process::memory(running.id()));
    let delivered = match backlog {
        0 => None,
        _ => Some(receive(away, backlog)?),
    };
    let memory = memory.max(process::memory(running.id()));
    let rate = |rate: Option<f64>| rate.map_or_else(|| "–".to_owned(), thousands);
    println!(
        "| {} messages | {:.1} GB | {} | {} | {:.2} | {} | {} MiB | {} | {} | {} |",
        thousands(backlog as f64),
        queue as f64 / 1e9,
        rate(filled),
        thousands(beside.delivered_per_second()),
        beside.cpu_microseconds(),
        percent(beside.lost()),
        memory / 1024,
        milliseconds(stopped),
        milliseconds(killed),
        rate(delivered),
    );
    Ok(())
}

/// What `fill` brings waits for a destination that is away; everything else goes to files.
fn configuration(place: &Place, fill: u16, away: u16) -> String {
    format!(
        "{}\
         [[source]]\nid = \"fill\"\ntype = \"tcp\"\nlisten = \"127.0.0.1:{fill}\"\n\
         {}\
         [[destination]]\nid = \"away\"\ntype = \"tcp\"\nto = [\"127.0.0.1:{away}\"]\nframing = \"lf\"\ntime-reopen = \"1s\"\n\
         [buffer]\nmax-size = \"16GiB\"\n\
         [[path]]\nid = \"kept\"\nsources = [\"fill\"]\ndestinations = [\"away\"]\nflags = [\"flow-control\"]\n\
         [[path]]\nid = \"live\"\nsources = [\"tcp\", \"udp\"]\ndestinations = [\"files\"]\nflags = [\"flow-control\"]\n",
        place.sources(),
        place.files("files"),
    )
}

fn load(name: &str) -> Load {
    Load {
        name: name.to_owned(),
        transport: "tcp",
        messages: 0,
        rate: None,
        connections: 1,
        hosts: 1,
        shape: Shape::Rfc3164,
    }
}

/// Messages a second that the queue took.
fn fill_queue(place: &Place, port: u16, messages: u64, binary: &Path) -> Result<f64, String> {
    let load = Load { messages, ..load("filling") };
    let mut sender =
        super::measure::sender(&load, port, &place.work(), binary).map_err(|error| error.to_string())?;
    let begun = Instant::now();
    if !sender.status().is_ok_and(|status| status.success()) {
        return Err("the backlog could not be sent".to_owned());
    }
    // What the kernel still holds of it.
    while place.ledger()?.accepted() < messages {
        if begun.elapsed() > Duration::from_secs(240) {
            return Err("the backlog was not accepted".to_owned());
        }
        thread::sleep(Duration::from_millis(10));
    }
    let took = begun.elapsed();
    if place.ledger()?.queued(&["away"]) != messages {
        return Err("not all of the backlog waits".to_owned());
    }
    Ok(messages as f64 / took.as_secs_f64())
}

/// Starts the collector: the time until the line that was sent to it as soon as it listened is in its file.
fn first_line(place: &Place, life: u32) -> Result<(Running, Duration), String> {
    let begun = Instant::now();
    let mut running = place.spawn()?;
    let said = |error: std::io::Error| format!("the first message: {error}");
    let mut stream: TcpStream = running.listens(place.port).map_err(said)?;
    writeln!(stream, "<13>Jan  1 00:00:00 life{life} start: up").map_err(said)?;
    let out = place.out().join("files").join(format!("life{life}"));
    while output::lines(&out) == 0 {
        if begun.elapsed() > PATIENCE {
            return Err(format!("no line after {PATIENCE:?}"));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok((running, begun.elapsed()))
}

/// The destination is there again: messages a second, from the first to the last.
fn receive(port: u16, messages: u64) -> Result<f64, String> {
    let said = |error: std::io::Error| format!("the destination: {error}");
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(said)?;
    let (mut stream, _) = listener.accept().map_err(said)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(said)?;
    let begun = Instant::now();
    let (mut came, mut buffer) = (0, vec![0; 1 << 20]);
    while came < messages {
        let n = stream.read(&mut buffer).map_err(said)?;
        if n == 0 {
            return Err(format!("the collector closed after {came} messages"));
        }
        came += output::line_ends(buffer.get(..n).unwrap_or_default());
    }
    Ok(came as f64 / begun.elapsed().as_secs_f64())
}
