//! Lines as devices and daemons send them (`tests/data/real-world.jsonl`, `tests/data/devices.jsonl`).

use crate::corpus::{answer, cases, differences, octets, resolved};
use syslog_parse::{FixedOffset, parse};

#[test]
fn lines_of_the_real_world_are_read_as_people_would_read_them() {
    all_right("real-world.jsonl");
}

#[test]
fn lines_of_devices_met_later_are_read_as_people_would_read_them() {
    all_right("devices.jsonl");
}

fn all_right(file: &str) {
    let cases = cases(file);
    let mut right = 0;
    let mut table = String::new();
    for case in &cases {
        assert_eq!(case["zone"], "UTC");
        let raw = octets(&case["input_base64"]);
        let message = parse(&raw);
        let answer = answer(&message, resolved(&message, case, &FixedOffset::UTC));
        let differences = differences(&case["expect"], &answer, &message);
        right += usize::from(differences.is_empty());
        for difference in differences {
            table += &format!("{id:>4}  {difference}\n      {text}\n", id = case["id"], text = case["text"]);
        }
    }
    let all = cases.len();
    eprintln!("{file}: {right} of {all} lines right; wrong are:\n{table}");
    assert_eq!(right, all, "{table}");
}
