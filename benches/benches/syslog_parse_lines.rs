//! Line by line, of the real world and of the workloads: `syslog-parse` and the fastest published crate that reads the line right too.
//!
//! Right means: the same host, tag, process, message and second as `syslog-parse`, which is right on all of them by
//! the tests of that crate. Prints a table; each time is the least of many runs. Messages are octets, but the peers ask for `&str`:
//! `checked` is the peer with the `std::str::from_utf8` that its caller cannot do without. A second table has what is no
//! message to the letter: `syslog-parse` reads it and says where it is not, the others answer as they do, an error as a rule.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that finds something else panics"
)]

mod engines;

use engines::{Line, NOW, real_world};
use std::hint::black_box;
use std::time::Instant;

#[expect(clippy::print_stdout, reason = "the table is what it is for")]
fn main() {
    let (runs, rounds) =
        if std::env::args().any(|argument| argument == "--test") { (1, 10) } else { (41, 2000) };
    let (mut ratios, mut checked_ratios) = (Vec::new(), Vec::new());
    println!(
        "{:>22} {:>7} {:>13} {:>8} {:>8} {:>8}  engine",
        "line", "ns", "fastest peer", "times", "checked", "times"
    );
    let mut lines = real_world();
    let workload = |name: &str, octets: &[u8]| Line { id: name.to_owned(), raw: octets.to_vec() };
    lines.extend(benches::rfc5424_shapes().iter().map(|work| workload(work.name, &work.octets)));
    lines.push(workload("rfc3164-123", benches::RFC3164.as_bytes()));
    for Line { id, raw } in &lines {
        let Ok(text) = std::str::from_utf8(raw) else { continue };
        let right = engines::texts_of_parse(raw, NOW);
        let expected = engines::syslog_parse(raw, NOW);
        let mut peers = Vec::new();
        let mut checked = Vec::new();
        let year = 2026;
        let text_of = |raw| std::str::from_utf8(raw).unwrap();
        if engines::texts_of_loose(text, year).is_some_and(|texts| texts == right) {
            let answer = engines::syslog_loose(text, year);
            let bare =
                least(runs, rounds, || assert_eq!(engines::syslog_loose(black_box(text), year), answer));
            peers.push((bare, "syslog_loose"));
            checked.push(least(runs, rounds, || {
                assert_eq!(engines::syslog_loose(text_of(black_box(raw)), year), answer);
            }));
        }
        if engines::texts_of_rfc5424(text).is_some_and(|texts| texts == right) {
            let answer = engines::syslog_rfc5424(text);
            let bare = least(runs, rounds, || assert_eq!(engines::syslog_rfc5424(black_box(text)), answer));
            peers.push((bare, "syslog_rfc5424"));
            checked.push(least(runs, rounds, || {
                assert_eq!(engines::syslog_rfc5424(text_of(black_box(raw))), answer);
            }));
        }
        let Some(&(peer, name)) = peers.iter().min_by(|a, b| a.0.total_cmp(&b.0)) else { continue };
        let checked = checked.into_iter().fold(f64::MAX, f64::min);
        let own = least(runs, rounds, || assert_eq!(engines::syslog_parse(black_box(raw), NOW), expected));
        let (ratio, checked_ratio) = (peer / own, checked / own);
        println!("{id:>22} {own:>7.1} {peer:>13.1} {ratio:>8.1} {checked:>8.1} {checked_ratio:>8.1}  {name}");
        ratios.push(ratio);
        checked_ratios.push(checked_ratio);
    }
    summary("lines", ratios);
    summary("lines, the peer's octets being checked", checked_ratios);
    println!("\n{:>22} {:>13} {:>13} {:>15}", "ill-formed", "syslog-parse", "syslog_loose", "syslog_rfc5424");
    for benches::Workload { name, octets } in &benches::rfc5424_ill_formed() {
        let text = std::str::from_utf8(octets).unwrap();
        let own = engines::fault(octets);
        let own = least(runs, rounds, || assert_eq!(engines::fault(black_box(octets)), own));
        let loose = engines::syslog_loose(text, 2026);
        let loose = least(runs, rounds, || assert_eq!(engines::syslog_loose(black_box(text), 2026), loose));
        let strict = engines::syslog_rfc5424(text);
        let strict = least(runs, rounds, || assert_eq!(engines::syslog_rfc5424(black_box(text)), strict));
        println!("{name:>22} {own:>13.1} {loose:>13.1} {strict:>15.1}");
    }
}

/// How many times faster, from the least to the most, and on how many lines it is six times.
#[expect(clippy::print_stdout, reason = "the table is what it is for")]
fn summary(what: &str, mut ratios: Vec<f64>) {
    ratios.sort_by(f64::total_cmp);
    let [lowest, .., most] = ratios[..] else { panic!("no line that both read right") };
    println!(
        "{count} {what}; times faster: {lowest:.1} to {most:.1}, median {median:.1}; six times or more: {six}",
        count = ratios.len(),
        median = ratios[ratios.len() / 2],
        six = ratios.iter().filter(|&&ratio| ratio >= 6.0).count()
    );
}

/// Nanoseconds of one call, the least of `runs` averages over `rounds` calls.
fn least(runs: usize, rounds: u32, mut call: impl FnMut()) -> f64 {
    (0..runs).fold(f64::MAX, |least, _| {
        let start = Instant::now();
        (0..rounds).for_each(|_| call());
        least.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(rounds))
    })
}
