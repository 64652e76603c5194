//! `ha-collector parse` on the corpus of the parser: the JSON says what people expect of each line.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::binary;

/// What `parse` prints for `input`, with its exit code.
fn parse(arguments: &[&str], input: &[u8]) -> (Vec<Value>, String, i32) {
    let mut command = binary();
    command.arg("parse").args(arguments).env("TZ", "UTC");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that refuses its arguments does not read.
    drop(child.stdin.take().unwrap().write_all(input));
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (lines, String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
}

fn base64(text: &Value) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap()
}

fn cases(file: &str) -> Vec<Value> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../syslog-parse/tests/data");
    let text = std::fs::read_to_string(dir.join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The arguments that a case asks for.
fn arguments(case: &Value) -> Vec<String> {
    let mut arguments = vec!["--framing".to_owned(), "none".to_owned()];
    for key in ["zone", "now"] {
        arguments.extend([format!("--{key}"), case[key].as_str().unwrap().to_owned()]);
    }
    for (name, offset) in case["zone_table"].as_object().into_iter().flatten() {
        arguments.extend(["--zone-name".to_owned(), format!("{name}={}", offset.as_str().unwrap())]);
    }
    arguments
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty)
}

#[test]
fn lines_of_the_real_world_come_out_as_people_expect() {
    let mut wrong = String::new();
    for case in cases("real-world.jsonl") {
        let arguments = arguments(&case);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (lines, said, code) = parse(&arguments, &base64(&case["input_base64"]));
        assert_eq!((code, lines.len()), (0, 1), "{case}: {said}");
        for (key, asked) in case["expect"].as_object().unwrap() {
            let got = &lines[0][key.as_str()];
            let same = match key.as_str() {
                "deviations_include" => {
                    let got = lines[0]["deviations"].as_array().unwrap();
                    asked.as_array().unwrap().iter().all(|name| got.contains(name))
                }
                "message_base64" => base64(got) == base64(asked),
                // `Z` and `+00:00` are one offset.
                "timestamp" => {
                    got.as_str() == asked.as_str().map(|text| text.replace('Z', "+00:00")).as_deref()
                }
                _ => asked == got || is_empty(asked) && is_empty(got),
            };
            if !same {
                wrong += &format!("{}: {key}: asked {asked}, got {got}\n", case["id"]);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn streams_are_framed_as_asked() {
    for case in cases("framing.jsonl") {
        let (lines, _, code) = parse(&["--framing", "auto"], &base64(&case["stream_base64"]));
        assert_eq!(code, 0);
        let right = |frames: &Value| frames.as_array().unwrap().len() == lines.len();
        let also = case["accept_also"].as_array();
        assert!(right(&case["expect_frames"]) || also.is_some_and(|also| also.iter().any(right)), "{case}");
    }
}

#[test]
fn what_was_inferred_of_a_time_is_told() {
    let input = b"<13>Nov  1 01:30:00 h a: fold";
    let (lines, ..) = parse(&["--zone", "America/New_York", "--now", "2026-11-21T12:00:00Z"], input);
    assert_eq!(lines[0]["timestamp"], "2026-11-01T01:30:00-04:00");
    let time = &lines[0]["time"];
    assert_eq!((&time["zone"], &time["year_inferred"]), (&"configured".into(), &true.into()));
    assert_eq!((&time["fold"], &time["gap"]), (&true.into(), &false.into()));
}

#[test]
fn a_zone_name_means_what_was_said_of_it_even_if_everybody_else_means_utc() {
    let time = |arguments: &[&str], stamp: &str| {
        let arguments = [&["--now", "2026-11-21T12:00:00Z", "--zone", "Asia/Tokyo"], arguments].concat();
        let (lines, said, code) = parse(&arguments, format!("<13>{stamp} h a: b").as_bytes());
        assert_eq!((lines.len(), code), (1, 0), "{said}");
        (lines[0]["timestamp"].clone(), lines[0]["time"]["zone"].clone())
    };
    for name in ["UTC", "GMT"] {
        let stamp = format!("Nov 20 2026 10:00:00 {name}");
        assert_eq!(time(&[], &stamp), ("2026-11-20T10:00:00+00:00".into(), "stamp".into()));
        let said = format!("{name}=+01:00");
        let found = time(&["--zone-name", &said], &stamp);
        assert_eq!(found, ("2026-11-20T10:00:00+01:00".into(), "name".into()), "{name}");
        // Nothing was said of the other one, nor of an offset.
        let other = if name == "UTC" { "GMT" } else { "UTC" };
        let found = time(&["--zone-name", &said], &format!("Nov 20 2026 10:00:00 {other}"));
        assert_eq!(found, ("2026-11-20T10:00:00+00:00".into(), "stamp".into()));
        let found = time(&["--zone-name", &said], &format!("Nov 20 2026 10:00:00 {name}+02:00"));
        assert_eq!(found, ("2026-11-20T10:00:00+02:00".into(), "stamp".into()));
    }
}

#[test]
fn nonsense_in_an_argument_is_said_and_nothing_is_read() {
    for (arguments, word) in [
        (["--zone", "Mars/Olympus"], "Mars/Olympus"),
        (["--now", "yesterday"], "--now"),
        (["--zone-name", "CDT"], "CDT"),
        (["--zone-name", "Z=+01:00"], "`Z` behind a stamp is no name"),
    ] {
        let (lines, said, code) = parse(&arguments, b"x");
        assert_eq!((lines.len(), code), (0, 1), "{arguments:?}");
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn strict_refuses_with_offset_and_field_and_shows_the_rest() {
    let good = "<34>1 2003-10-11T22:14:15.003Z mymachine su - ID47 - it failed";
    let bad = good.replace("22:14:15", "22:14:65");
    let (lines, said, code) =
        parse(&["--strict", "--framing", "lf"], format!("{good}\n{bad}\n{good}\n").as_bytes());
    assert_eq!((lines.len(), code), (2, 1), "{said}");
    assert!(said.starts_with("error: message 2: ") && said.contains("timestamp"), "{said}");
    assert_eq!(parse(&["--strict"], good.as_bytes()).2, 0);
}
