//! `syslog-parse` beside the published crates: messages one by one, all dialects shuffled, and streams.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that finds something else panics"
)]
#![allow(missing_docs, reason = "criterion's macros make a public function without any")]

mod engines;

use benches::Workload;
use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use engines::{NOW, real_world};
use std::hint::black_box;
use std::time::Duration;
use syslog_parse::{
    Cached, FixedOffset, Framer, Framing, IanaZone, Rfc3339, Step, Timestamp, parse, resolve,
};

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .sample_size(50);
    targets = decode, ill_formed, own, mix, streams
}
criterion_main!(benches);

fn group<'c>(c: &'c mut Criterion, name: String, octets: usize) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Bytes(octets as u64));
    group
}

/// Everything decoded: all fields, the instant, and every parameter of the structured data.
fn decode(c: &mut Criterion) {
    let mut workloads = benches::rfc5424_shapes();
    workloads.push(Workload { name: "rfc3164-123", octets: benches::RFC3164.into() });
    workloads.push(Workload { name: "rfc5424-214", octets: benches::RFC5424.into() });
    for Workload { name, octets } in &workloads {
        let text = std::str::from_utf8(octets).unwrap();
        let expected = engines::syslog_parse(octets, NOW);
        let mut group = group(c, format!("syslog-parse/decode/{name}"), octets.len());
        group.bench_function("syslog-parse", |b| {
            b.iter(|| assert_eq!(engines::syslog_parse(black_box(octets), NOW), expected));
        });
        let loose = engines::syslog_loose(text, expected.year).unwrap();
        group.bench_function("syslog_loose", |b| {
            b.iter(|| assert_eq!(engines::syslog_loose(black_box(text), expected.year).unwrap(), loose));
        });
        if let Some(strict) = engines::syslog_rfc5424(text) {
            group.bench_function("syslog_rfc5424", |b| {
                b.iter(|| assert_eq!(engines::syslog_rfc5424(black_box(text)).unwrap(), strict));
            });
        }
    }
}

/// What is not to the letter: read all the same and said where it is not. The peers answer as they do, an error as a rule.
fn ill_formed(c: &mut Criterion) {
    for Workload { name, octets } in &benches::rfc5424_ill_formed() {
        let text = std::str::from_utf8(octets).unwrap();
        let expected = engines::fault(octets);
        let mut group = c.benchmark_group(format!("syslog-parse/ill-formed/{name}"));
        group.bench_function("syslog-parse", |b| {
            b.iter(|| assert_eq!(engines::fault(black_box(octets)), expected));
        });
        let loose = engines::syslog_loose(text, 2026);
        group.bench_function("syslog_loose", |b| {
            b.iter(|| assert_eq!(engines::syslog_loose(black_box(text), 2026), loose));
        });
        let strict = engines::syslog_rfc5424(text);
        group.bench_function("syslog_rfc5424", |b| {
            b.iter(|| assert_eq!(engines::syslog_rfc5424(black_box(text)), strict));
        });
    }
}

/// The parts of it, and a zone with daylight saving time.
fn own(c: &mut Criterion) {
    let zone = Cached::new(IanaZone::named("America/New_York").unwrap());
    let now = Timestamp::new(1_791_756_856, 0); // 2026-10-11T22:14:16Z
    for (name, text, secs) in
        [("rfc3164-123", benches::RFC3164, 1_791_771_255), ("rfc5424-214", benches::RFC5424, 1_771_648_377)]
    {
        let octets = text.as_bytes();
        let expected = parse(octets);
        let mut parsing = group(c, format!("syslog-parse/parse/{name}"), octets.len());
        parsing.bench_function("syslog-parse", |b| {
            b.iter(|| {
                let message = parse(black_box(octets));
                assert_eq!(message.header().message, expected.header().message);
                black_box(&message);
            });
        });
        parsing.finish();
        let mut both = group(c, format!("syslog-parse/parse-resolve/{name}"), octets.len());
        both.bench_function("syslog-parse", |b| {
            b.iter(|| {
                let message = parse(black_box(octets));
                let found = resolve(&message.stamp().unwrap(), &zone, now).unwrap();
                assert_eq!(found.instant.secs, secs);
                black_box(&message);
            });
        });
        both.finish();
        let stamp = expected.stamp().unwrap();
        c.bench_function(&format!("syslog-parse/resolve/{name}/syslog-parse"), |b| {
            b.iter(|| assert_eq!(resolve(black_box(&stamp), &zone, now).unwrap().instant.secs, secs));
        });
    }
    c.bench_function("syslog-parse/rfc3339/milliseconds/syslog-parse", |b| {
        b.iter(|| {
            let text = Rfc3339::new(black_box(Timestamp::new(1_791_771_255, 3_000_000)), -14_400, 3);
            assert_eq!(text.as_bytes().len(), 29);
            text
        });
    });
}

/// Lines of all dialects in an order that cannot be learnt; per line of the mix.
fn mix(c: &mut Criterion) {
    let lines = real_world();
    let order = benches::shuffled(lines.len(), 64);
    let octets: usize = order.iter().map(|&at| lines[at].raw.len()).sum();
    let expected: usize = order.iter().map(|&at| parse(&lines[at].raw).message().len()).sum();
    let mut group = group(c, "syslog-parse/parse/mix-of-dialects".to_owned(), octets);
    group.throughput(Throughput::Elements(order.len() as u64));
    group.bench_function("syslog-parse", |b| {
        b.iter(|| {
            let found: usize = order.iter().map(|&at| parse(black_box(&lines[at].raw)).message().len()).sum();
            assert_eq!(found, expected);
        });
    });
    let texts: Vec<_> = lines.iter().map(|line| String::from_utf8_lossy(&line.raw)).collect();
    let loose = |at: usize| engines::loose_message_len(black_box(&texts[at]));
    let expected: usize = order.iter().map(|&at| loose(at)).sum();
    group.bench_function("syslog_loose", |b| {
        b.iter(|| assert_eq!(order.iter().map(|&at| loose(at)).sum::<usize>(), expected));
    });
}

/// 64 KiB as they come out of a socket: framed, parsed, and the instant resolved.
fn streams(c: &mut Criterion) {
    for (name, (stream, count)) in
        [("lf", benches::stream_of_lines()), ("counted", benches::stream_of_counted())]
    {
        let mut framing = group(c, format!("syslog-parse/frame/64KiB-{name}"), stream.len());
        framing.bench_function("syslog-parse", |b| {
            b.iter(|| assert_eq!(frames(black_box(&stream), |_| 1), count as u64));
        });
        framing.finish();
        let mut parsing = group(c, format!("syslog-parse/frame-parse/64KiB-{name}"), stream.len());
        let expected = frames(&stream, |frame| parse(frame).message().len() as u64);
        parsing.bench_function("syslog-parse", |b| {
            b.iter(|| {
                let found = frames(black_box(&stream), |frame| parse(frame).message().len() as u64);
                assert_eq!(found, expected);
            });
        });
        parsing.finish();
        let mut all = group(c, format!("syslog-parse/frame-parse-resolve/64KiB-{name}"), stream.len());
        let secs = |frame: &[u8]| {
            let message = parse(frame);
            resolve(&message.stamp().unwrap(), &FixedOffset::UTC, NOW).unwrap().instant.secs.unsigned_abs()
        };
        let expected = frames(&stream, secs);
        all.bench_function("syslog-parse", |b| {
            b.iter(|| assert_eq!(frames(black_box(&stream), secs), expected));
        });
        all.finish();
    }
}

/// Frames a whole stream and adds up what `of` says of each frame.
fn frames(stream: &[u8], of: impl Fn(&[u8]) -> u64) -> u64 {
    let mut framer = Framer::new(Framing::Auto, 8192);
    let mut rest = stream;
    let mut sum = 0;
    loop {
        match framer.next(rest) {
            Step::Complete { frame, consumed } => {
                sum += of(frame.bytes);
                rest = &rest[consumed..];
            }
            Step::Partial { consumed } => {
                assert_eq!(consumed, rest.len());
                return sum;
            }
        }
    }
}
