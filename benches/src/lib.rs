//! Workloads: the octets that all engines of a benchmark are given.
//!
//! The benchmarks themselves are in `benches/`; what they found is in the README.

/// One workload: a name for the benchmark and the octets.
#[derive(Clone, Debug)]
pub struct Workload {
    /// As it stands in the name of the benchmark.
    pub name: &'static str,
    /// What is parsed.
    pub octets: Vec<u8>,
}

/// RFC 5424 with two elements of structured data, 214 octets.
pub const RFC5424: &str = "<29>1 2026-02-21T04:32:57+00:00 web1 someservice - - [origin x-service=\"someservice\"]\
    [meta sequenceId=\"14125553\"] 192.0.2.1 - - 1456029177 \"GET /v1/ok HTTP/1.1\" 200 145 \"-\" \"probe 0.9.0\" \
    24306 127.0.0.1:40124 575 a";

/// RFC 3164 as `sudo` writes it, 123 octets.
pub const RFC3164: &str = "<85>Oct 11 22:14:15 mymachine sudo[12345]:    alice : TTY=pts/0 ; PWD=/home/alice ; \
    USER=root ; COMMAND=/usr/bin/apt update";

/// Messages of RFC 5424 in the shapes that the Go parser of that name is measured with; the words are ours.
pub fn rfc5424_shapes() -> Vec<Workload> {
    let header = "<165>1 2026-10-11T22:14:15.003Z mymachine.example.com evntslog 111 ID47";
    let work = |name, text: String| Workload { name, octets: text.into_bytes() };
    let all_longest = format!(
        "<191>1 2026-12-31T23:59:59.999999-23:59 {h} {a} {p} {m}",
        h = "h".repeat(255),
        a = "a".repeat(48),
        p = "p".repeat(128),
        m = "m".repeat(32)
    );
    vec![
        work("minimal", "<1>1 - - - - - -".to_owned()),
        work("average", RFC5424.to_owned()),
        work(
            "complicated",
            "<78>1 2026-01-15T00:04:01Z host1 CROND 10391 - [meta sequenceId=\"29\" sequenceBlah=\"foo\"]\
             [my@32473 key=\"value\"] \u{feff}some_message"
                .to_owned(),
        ),
        work("very-long", format!("{header} - {text}", text = "stack trace at line 7; ".repeat(80))),
        work(
            "longest-fields",
            format!("{all_longest} [an@32473 key1=\"{v}\" key2=\"{v}\"] message", v = "v".repeat(100)),
        ),
        work("longest-fields-no-data", format!("{all_longest} -")),
        work("newline-in-message", "<1>1 - - - - - - x\nx y".to_owned()),
        work(
            "without-procid",
            "<69>1 2026-10-11T22:14:15.003Z mymachine su - ID47 - 'su root' failed on tty9".to_owned(),
        ),
        work(
            "utf8-message",
            format!("{header} - árvíztűrő tükörfúrógép, jó foxim és don Quijote húszwattos lámpánál"),
        ),
        work(
            "byte-order-mark",
            format!("{header} - \u{feff}árvíztűrő tükörfúrógép, jó foxim és don Quijote"),
        ),
        work("data-id-only", format!("{header} [ex@32473] message")),
        work("two-elements", format!("{header} [ex@32473 iut=\"3\"][prio@32473 class=\"high\"] message")),
        work("escapes", format!("{header} [ex@32473 a=\"\\\\ \\\" \\]\" b=\"C:\\\\temp\\\\x\"] message")),
        work(
            "utf8-data",
            format!("{header} [ex@32473 who=\"árvíztűrő tükörfúrógép\" what=\"jó foxim\"] message"),
        ),
    ]
}

/// The four of that list that are no messages of RFC 5424 to the letter; the words are ours.
pub fn rfc5424_ill_formed() -> Vec<Workload> {
    let work = |name, text: &str| Workload { name, octets: text.into() };
    vec![
        work("empty", ""),
        work(
            "impossible-time",
            "<101>1 2026-09-31T22:14:15.003Z mymachine.example.com evntslog 111 ID47 - late",
        ),
        work("malformed-data", "<1>1 - - - - - [ex@32473 iut=\"3\" class=high message"),
        work(
            "duplicate-element",
            "<165>1 2026-10-11T22:14:15.003Z mymachine.example.com evntslog 111 ID47 [ex@32473 iut=\"3\" source=\"app\"]\
             [ex@32473 class=\"high\"] message",
        ),
    ]
}

/// A stream of at least 64 KiB of different messages of both kinds, each ended by LF, and how many they are.
pub fn stream_of_lines() -> (Vec<u8>, usize) {
    stream(|line| format!("{line}\n"))
}

/// The same with counts (RFC 6587 §3.4.1).
pub fn stream_of_counted() -> (Vec<u8>, usize) {
    stream(|line| format!("{len} {line}", len = line.len()))
}

fn stream(frame: impl Fn(&str) -> String) -> (Vec<u8>, usize) {
    let mut octets = Vec::new();
    let mut count = 0;
    while octets.len() < 64 * 1024 {
        let line = match count % 5 {
            0 | 3 => RFC5424.replacen("web1", &format!("web{count}"), 1),
            1 => format!(
                "<38>Oct 11 22:14:15 gate{count} sshd[{count}]: Accepted publickey for bob from 192.0.2.7 port {count} ssh2: ED25519 SHA256:0123456789abcdef0123456789abcdef"
            ),
            2 => format!(
                "<4>Oct 11 22:14:16 wall{count} kernel: [12345.{count}] [UFW BLOCK] IN=eth0 OUT= MAC=52:54:00:12:34:56 SRC=198.51.100.9 DST=192.0.2.{last} LEN=60 TOS=0x00 PREC=0x00 TTL=51 ID=4{count} DF PROTO=TCP SPT=41234 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0",
                last = count % 250
            ),
            _ => RFC3164.replacen("mymachine", &format!("machine{count}"), 1),
        };
        octets.extend_from_slice(frame(&line).as_bytes());
        count += 1;
    }
    (octets, count)
}

/// The places of `len` things, `rounds` times over, in an order that no branch predictor learns but every run repeats.
pub fn shuffled(len: usize, rounds: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len * rounds).map(|place| place % len).collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for place in (1..order.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(place, (state >> 33) as usize % (place + 1));
    }
    order
}
