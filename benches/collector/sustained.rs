//! UDP for a minute and in bursts, and what the collector uses when nothing comes.

use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::measure::{Figures, Load, Shape};
use super::ours::Place;
use super::process;
use super::table::{percent, thousands};

const STEADY: u64 = 200_000;
const MINUTE: u64 = 60;
const BURST: u64 = 5;
const BURSTS: usize = 3;
const IDLE: Duration = Duration::from_secs(10);

/// Datagrams: a minute at a rate, and bursts as fast as one thread sends.
pub(crate) fn run(binary: &Path, share: u64) -> Result<(), String> {
    println!("| UDP | messages | delivered a second | CPU, µs a message | lost | memory |");
    println!("|---|---|---|---|---|---|");
    let minute = load(STEADY * MINUTE / share, Some(STEADY));
    row(&format!("200,000 a second, {} s", MINUTE / share), &measure(binary, &minute)?);
    // How many are five seconds of them is seen first.
    let rate = measure(binary, &load(500_000, None))?.delivered_per_second();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive and below 2^64"
    )]
    let burst = load(rate as u64 * BURST / share, None);
    for n in 1..=BURSTS {
        row(&format!("as fast as it is sent, burst {n}"), &measure(binary, &burst)?);
    }
    Ok(())
}

/// Nothing comes: what of a core is used all the same.
pub(crate) fn idle(binary: &Path, share: u32) -> Result<(), String> {
    println!("| idle | of a core | memory |");
    println!("|---|---|---|");
    for connections in [0, 1_000] {
        let place = Place::new(binary)?;
        place.configure(&format!("{}{}", place.sources(), place.files("files")))?;
        let running = place.start()?;
        let open = (0..connections).map(|_| TcpStream::connect(("127.0.0.1", place.port)));
        let open: Vec<TcpStream> =
            open.collect::<Result<_, _>>().map_err(|error| format!("connecting: {error}"))?;
        // What the start and the connections have to do is over by then.
        thread::sleep(Duration::from_secs(1));
        let used = || process::threads(running.id()).into_iter().map(|(_, used)| used).sum::<Duration>();
        let (before, span) = (used(), IDLE / share);
        thread::sleep(span);
        let share = used().saturating_sub(before).as_secs_f64() / span.as_secs_f64();
        println!(
            "| {} connections | {:.3} % | {} MiB |",
            thousands(open.len() as f64),
            share * 100.0,
            process::memory(running.id()) / 1024
        );
    }
    Ok(())
}

fn load(messages: u64, rate: Option<u64>) -> Load {
    Load {
        name: "UDP".to_owned(),
        transport: "udp",
        messages,
        rate,
        connections: 1,
        hosts: 1,
        shape: Shape::Rfc3164,
    }
}

fn measure(binary: &Path, load: &Load) -> Result<Figures, String> {
    eprintln!("{} datagrams ...", thousands(load.messages as f64));
    let place = Place::new(binary)?;
    place.configure(&format!("{}{}", place.sources(), place.files("files")))?;
    let running = place.start()?;
    place.load(&running, load, &["files"])
}

fn row(name: &str, figures: &Figures) {
    println!(
        "| {name} | {} | {} | {:.2} | {} | {} MiB |",
        thousands(figures.sent as f64),
        thousands(figures.delivered_per_second()),
        figures.cpu_microseconds(),
        percent(figures.lost()),
        figures.memory_kib / 1024
    );
}
