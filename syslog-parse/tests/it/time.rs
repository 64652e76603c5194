//! Stamps and the instants they mean (`tests/data/time.jsonl`).

use crate::corpus::{cases, instant, offset, resolved};
use serde_json::Value;
use syslog_parse::{Cached, IanaZone, Resolved, parse};

/// Why a case is wrong; `None`: it is right.
fn difference(case: &Value, raw: &[u8]) -> Option<String> {
    let zone = IanaZone::named_or_posix(case["zone"].as_str().unwrap()).unwrap();
    let message = parse(raw);
    let found = resolved(&message, case, &zone);
    // A zone that remembers must not remember wrongly, wherever it has been before.
    let cached = Cached::new(&zone);
    for _ in 0..2 {
        assert_eq!(resolved(&message, case, &cached), found);
    }
    let expect = &case["expect"];
    if expect.get("invalid").is_some() {
        return found.map(|found| format!("asked none, got {found:?}"));
    }
    let Some(Resolved { instant: at, offset: seconds, provenance }) = found else {
        return Some(format!("asked {expect}, got none"));
    };
    let right = at == instant(expect["instant"].as_str().unwrap())
        && expect.get("offset").is_none_or(|asked| seconds == offset(asked.as_str().unwrap()))
        && provenance.year_inferred() == expect["year_inferred"]
        && provenance.gap() == expect["gap"]
        && provenance.fold() == expect["fold"];
    (!right).then(|| format!("asked {expect}, got {found:?}"))
}

fn check(which: &str, raw: impl Fn(&Value) -> Vec<u8>) {
    let cases = cases("time.jsonl");
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| Some(format!("{id}: {why}", id = case["id"], why = difference(case, &raw(case))?)))
        .collect();
    eprintln!("{right} of {all} right by the {which}", right = cases.len() - wrong.len(), all = cases.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_line_means_the_instant_that_its_zone_and_the_reference_say() {
    check("line", |case| case["line"].as_str().unwrap().as_bytes().to_vec());
}

#[test]
fn a_stamp_alone_means_the_same_as_in_a_line() {
    check("stamp", |case| format!("<13>{stamp}", stamp = case["stamp"].as_str().unwrap()).into_bytes());
}
