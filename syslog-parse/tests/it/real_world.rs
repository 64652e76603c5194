//! Lines as devices and daemons send them (`tests/data/real-world.jsonl`, `tests/data/devices.jsonl`,
//! `tests/data/devices-2.jsonl`, `tests/data/devices-3.jsonl`).

use crate::corpus::{answer, cases, differences, octets, resolved};
use syslog_parse::{FixedOffset, parse};

#[test]
fn lines_of_the_real_world_are_read_as_people_would_read_them() {
    all_right_but("real-world.jsonl", &[]);
}

#[test]
fn lines_of_devices_met_later_are_read_as_people_would_read_them() {
    all_right_but("devices.jsonl", &[]);
}

#[test]
fn lines_of_devices_met_later_still_are_read_as_people_would_read_them() {
    all_right_but("devices-2.jsonl", &["e49", "e93"]);
}

#[test]
fn lines_of_devices_met_last_are_read_as_people_would_read_them() {
    all_right_but("devices-3.jsonl", &[]);
}

/// Fails unless exactly those lines differ that `docs/known-differences.md` lists.
fn all_right_but(file: &str, known: &[&str]) {
    let mut differing = Vec::new();
    let mut table = String::new();
    for case in &cases(file) {
        assert_eq!(case["zone"], "UTC");
        let raw = octets(&case["input_base64"]);
        let message = parse(&raw);
        let answer = answer(&message, resolved(&message, case, &FixedOffset::UTC));
        let differences = differences(&case["expect"], &answer, &message);
        let id = case["id"].as_str().unwrap();
        if !differences.is_empty() {
            differing.push(id.to_owned());
        }
        for difference in differences {
            table += &format!("{id:>4}  {difference}\n      {text}\n", text = case["text"]);
        }
    }
    assert_eq!(differing, known, "{file}:\n{table}");
}
