//! The example `decode`, as a program.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::vectors::{all, authentication};
use crate::wire::to_hex;

/// Where cargo puts examples: beside the directory of this test. `None`, and said so, if it was not built.
fn decode() -> Option<Command> {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.set_file_name("examples");
    path.push("decode");
    path.set_extension(std::env::consts::EXE_EXTENSION);
    if path.exists() {
        return Some(Command::new(path));
    }
    let text = format!("skipped: {} is not built (cargo test without --test builds it)\n", path.display());
    std::io::stderr().write_all(text.as_bytes()).unwrap();
    None
}

fn run(mut command: Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Who has the packet as an argument does not read this.
    let _written = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// The fields of the table as the program prints them.
fn expected(words: &str) -> Value {
    let fields: Vec<&str> = words.split(' ').collect();
    let number = |at: usize| fields[at].parse::<u32>().unwrap();
    let auth = (fields[4] != "-").then_some(fields[4]);
    json!({
        "version": number(0), "vrid": number(1), "priority": number(2), "interval_ms": number(3),
        "addresses": fields[7..], "auth": auth, "checksum": fields[5], "ttl": number(6),
    })
}

#[test]
fn every_vector_is_printed_as_one_line_or_refused_with_its_reason() {
    for (place, vector) in all().into_iter().enumerate() {
        if authentication(vector.auth, &vector.password()).is_none() {
            continue;
        }
        let Some(mut command) = decode() else { return };
        if vector.auth != "-" {
            command.args(["--auth", vector.auth]);
        }
        let packet = to_hex(&vector.packet);
        let output = if place % 2 == 0 {
            command.arg(&packet);
            run(command, "")
        } else {
            run(command, &format!("{packet}\n"))
        };
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        match vector.expected.strip_prefix("refused ") {
            Some(label) => {
                assert_eq!((output.status.code(), &*out), (Some(1), ""), "{}", vector.name);
                assert!(err.starts_with("refused: ") && err.ends_with(&format!(" ({label})\n")), "{err}");
            }
            None => {
                assert_eq!((output.status.code(), &*err), (Some(0), ""), "{}", vector.name);
                assert_eq!(out.lines().count(), 1);
                assert_eq!(
                    serde_json::from_str::<Value>(&out).unwrap(),
                    expected(vector.expected),
                    "{}",
                    vector.name
                );
            }
        }
    }
}

#[test]
fn hex_may_be_laid_out_for_people() {
    let Some(command) = decode() else { return };
    let output =
        run(command, "45:C0:00:20 0001 0000 ff70\n d090 0a090001 e0000012\r\n\t310e9601003243a90a090073\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_secret_that_is_missing_or_wrong_or_not_asked_for_is_refused() {
    let vector = |name: &str| all().into_iter().find(|vector| vector.name == name).unwrap();
    for (name, auth, label) in [
        ("k2-v2-pass", None, "auth_type"),
        ("k2-v2-pass", Some("pass:secret"), "password"),
        ("k1-v2-none", Some("pass:s3cret"), "auth_type"),
        #[cfg(feature = "auth-ah")]
        ("k3-v2-ah-1", None, "auth_type"),
        #[cfg(feature = "auth-ah")]
        ("k3-v2-ah-1", Some("ah:12345"), "ah_icv"),
        #[cfg(feature = "auth-ah")]
        ("k2-v2-pass", Some("ah:s3cret"), "auth_type"),
    ] {
        let Some(mut command) = decode() else { return };
        command.args(auth.map(|auth| ["--auth", auth]).into_iter().flatten());
        let output = run(command, &to_hex(&vector(name).packet));
        assert_eq!(output.status.code(), Some(1), "{name} {auth:?}");
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.contains(&format!("({label})")), "{err}");
    }
}

#[test]
#[cfg(feature = "hmac-sha256")]
fn keepalived_s_hmac_is_shown_to_whom_has_the_key() {
    let mut packet = crate::wire::ipv4(5, &crate::wire::hex(crate::hmac::V4));
    packet[12..16].copy_from_slice(&[198, 51, 100, 10]);
    let key: String = (0..0x20).map(|octet| format!("{octet:02x}")).collect();
    for (auth, code) in [
        (None, 1),
        (Some(format!("hmac:1:{key}")), 0),
        (Some(format!("hmac:2:{key}")), 1),
        (Some(format!("hmac:0:{key}")), 2),
        (Some("hmac:1:00".to_owned()), 2),
    ] {
        let Some(mut command) = decode() else { return };
        command.args(auth.iter().flat_map(|auth| ["--auth", auth]));
        let output = run(command, &to_hex(&packet));
        assert_eq!(output.status.code(), Some(code), "{auth:?}");
        if code == 0 {
            let line: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(line["auth"], "hmac-sha256");
        }
    }
}

#[test]
fn from_how_far_a_peer_may_come_can_be_said() {
    let mut packet = all().into_iter().find(|vector| vector.name == "k5-v3-unicast").unwrap().packet;
    packet[8] = 250;
    for (least, code) in [(None, 1), (Some("251"), 1), (Some("250"), 0)] {
        let Some(mut command) = decode() else { return };
        command.args(least.map(|least| ["--least-ttl", least]).into_iter().flatten());
        assert_eq!(run(command, &to_hex(&packet)).status.code(), Some(code), "{least:?}");
    }
}

#[test]
fn a_question_that_makes_no_sense_is_told_so() {
    for arguments in
        [&["--auth"][..], &["--auth", "md5:x"], &["--what"], &["4"], &["zz"], &["--least-ttl", "256"]]
    {
        let Some(mut command) = decode() else { return };
        command.args(arguments);
        let output = run(command, "");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("usage: decode"));
    }
}

#[test]
fn the_readme_shows_what_it_prints() {
    let readme = include_str!("../../README.md");
    let shown = |start: &str| readme.lines().find_map(|line| line.strip_prefix(start)).unwrap();
    let packet = shown("$ cargo run -q --example decode -- ");
    let line = readme.lines().find(|line| line.starts_with("{\"version\"")).unwrap();
    let Some(mut command) = decode() else { return };
    command.arg(packet);
    assert_eq!(String::from_utf8(run(command, "").stdout).unwrap().trim_end(), line);
}
