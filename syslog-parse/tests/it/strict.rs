//! RFC 5424 to the letter, by the cases of another project (`rfc5424-strict.jsonl`), which are read where they are.

use crate::corpus::{answer, differences, octets, parse_cases};
use std::path::PathBuf;
use syslog_parse::parse;

/// `SYSLOG_PARSE_CORPUS`, or `../shared/corpus` beside the workspace.
fn corpus() -> PathBuf {
    std::env::var_os("SYSLOG_PARSE_CORPUS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus")),
        PathBuf::from,
    )
}

#[test]
fn what_obeys_the_grammar_is_accepted_and_all_else_refused() {
    let path = corpus().join("rfc5424-strict.jsonl");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!(
                "skipped: {path}: {error}; SYSLOG_PARSE_CORPUS names another directory",
                path = path.display()
            );
            return;
        }
    };
    let cases = parse_cases(&text);
    let mut wrong = Vec::new();
    let mut disputed = 0;
    for case in &cases {
        let raw = octets(&case["input_base64"]);
        let message = parse(&raw);
        let verdict = message.strict();
        disputed += usize::from(case.get("disputed").is_some());
        let strict = verdict.is_ok() && message.format().as_str() == "rfc5424";
        if case["valid"] != strict {
            wrong.push(format!("{id}: {verdict:?} {text}", id = case["id"], text = case["text"]));
        } else if let Some(expect) = case.get("expect") {
            let answer = answer(&message, None);
            let mut expect = expect.clone();
            // The version and the stamp as written are not of the answer; they are compared with the octets.
            let fields = expect.as_object_mut().unwrap();
            let version = fields.remove("version").unwrap();
            let stamp = fields.remove("timestamp").unwrap();
            let head = format!(
                "<{pri}>{version} {stamp} ",
                pri = fields["pri"],
                stamp = stamp.as_str().unwrap_or("-")
            );
            if !raw.starts_with(head.as_bytes()) || message.stamp().is_none() != stamp.is_null() {
                wrong.push(format!("{id}: {head}", id = case["id"]));
            }
            for difference in differences(&expect, &answer, &message) {
                wrong.push(format!("{id}: {difference}", id = case["id"]));
            }
        }
    }
    let (all, bad) = (cases.len(), wrong.len());
    eprintln!("{right} of {all} strict cases right, {disputed} of all are disputed", right = all - bad);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
