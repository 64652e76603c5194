//! `ha-collector import keepalived` on real configurations, on every keyword there is, and on what is none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::{binary, has, skipped};

/// What keepalived takes, and we do.
const GOOD: [&str; 6] = ["syslog1", "syslog2", "logstash", "loghost01", "loghost02", "templated"];

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keepalived")
}

/// Exit code, standard output, standard error; in the directory of the fixtures.
fn import(arguments: &[&str]) -> (i32, String, String) {
    let mut command = binary();
    command.args(["import", "keepalived", "--host", "high"]).args(arguments);
    let output = command.current_dir(data()).stdin(Stdio::null()).output().unwrap();
    let Output { status, stdout, stderr } = output;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// Imports a text.
fn import_text(text: &[u8]) -> (i32, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k.conf");
    std::fs::write(&path, text).unwrap();
    import(&[path.to_str().unwrap()])
}

fn check(toml: &str) -> (bool, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("imported.toml");
    std::fs::write(&path, toml).unwrap();
    let output = binary().args(["check", "--config"]).arg(&path).output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

/// With WRITE_GOLDEN=1 in the environment the files are written, for a look at `git diff`.
fn golden(name: &str, found: &str) {
    let path = data().join(name);
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{name} (WRITE_GOLDEN=1 writes it)");
}

#[test]
fn each_configuration_comes_out_as_it_did_and_our_check_takes_it() {
    for name in GOOD.iter().chain(&["keywords"]) {
        let (code, toml, report) = import(&[&format!("{name}.conf")]);
        golden(&format!("{name}.toml"), &toml);
        golden(&format!("{name}.report"), &report);
        assert_eq!(code, 0, "{name}: {report}");
        let (good, said) = check(&toml);
        assert!(good, "{name}: {said}");
    }
}

#[test]
fn a_damaged_configuration_is_read_to_its_end_and_not_called_usable() {
    let (code, toml, report) = import(&["logstash-damaged.conf"]);
    golden("logstash-damaged.toml", &toml);
    golden("logstash-damaged.report", &report);
    assert_eq!(code, 1);
    assert!(
        report.contains("logstash-damaged.conf:2:13: global_defs {: this brace is never closed"),
        "{report}"
    );
}

#[test]
fn two_hosts_come_under_their_names_and_are_compared() {
    let (code, toml, report) = import(&["syslog1.conf", "syslog2.conf"]);
    assert_eq!(code, 0, "{report}");
    let parts: Vec<&str> = toml.split("# ---- ").collect();
    assert_eq!(parts.len(), 3, "{toml}");
    for (part, name) in parts[1..].iter().zip(["syslog1", "syslog2"]) {
        let alone = std::fs::read_to_string(data().join(format!("{name}.toml"))).unwrap();
        assert_eq!(part.trim_end(), format!("{name}.conf\n{alone}").trim_end());
    }
    let pair = "as a pair (1):\n  syslog1.conf:38:5: chk_syslogng weight -80 moves the addresses (the priorities are 50 apart)";
    assert!(report.contains(pair), "{report}");
    let (_, _, crossed) = import(&["loghost01.conf", "loghost02.conf"]);
    assert!(!crossed.contains("as a pair"), "there is nothing to say of it: {crossed}");
}

#[test]
fn hosts_go_into_files_of_their_own_which_nobody_else_reads_and_nothing_is_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().to_str().unwrap();
    let (code, out, report) = import(&["--output", to, "syslog1.conf", "syslog2.conf"]);
    assert_eq!((code, out.as_str()), (0, ""), "{report}");
    for name in ["syslog1.toml", "syslog2.toml"] {
        let path = dir.path().join(name);
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(data().join(name)).unwrap());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let (code, _, report) = import(&["--output", to, "syslog1.conf"]);
    assert_eq!(code, 5);
    assert!(report.contains("syslog1.toml: File exists"), "{report}");
}

#[test]
fn no_keyword_of_the_manual_is_unknown() {
    let (_, _, report) = import(&["keywords.conf"]);
    assert!(!report.contains("unknown word"), "{report}");
    // Every line that begins with a word is in the report, by itself or within its block.
    let text = std::fs::read_to_string(data().join("keywords.conf")).unwrap();
    let mut missing = String::new();
    let keyword = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    for (n, line) in text.lines().enumerate() {
        let word = keyword(line);
        let named = report.contains(&format!("keywords.conf:{}:", n + 1))
            || report.contains(&format!("({word}"))
            || report.contains(&format!(", {word}"));
        let plain = line.is_empty() || line.starts_with('#') || word == "}";
        // Data of a block that has its name in the report.
        let data = ["eth", "enp", "192.", "from", "admin", "VI_", "GROUP1", "10.", "fwmark", "group", "BFD"];
        if !plain && !named && !data.iter().any(|data| word.starts_with(data)) {
            writeln!(missing, "{}: {line}", n + 1).unwrap();
        }
    }
    assert_eq!(missing, "");
}

#[test]
fn a_word_that_nobody_knows_is_named_with_its_place() {
    let text = std::fs::read_to_string(data().join("syslog1.conf")).unwrap();
    let (code, _, report) = import_text(text.replace("priority 150", "priorty 150").as_bytes());
    assert_eq!(code, 0, "{report}");
    assert!(report.contains("k.conf:23:3: priorty 150: unknown word"), "{report}");
}

#[test]
fn native_health_takes_the_place_of_the_scripts_in_a_whole_collector() {
    let (code, toml, report) = import(&["--native-health", "syslog1.conf"]);
    assert_eq!(code, 0, "{report}");
    assert!(toml.contains("health = -80") && !toml.contains("track-script"), "{toml}");
    let whole = format!(
        "[[source]]\nid = \"udp\"\ntype = \"udp\"\nlisten = \"127.0.0.1:0\"\n[[destination]]\nid = \"files\"\ntype = \"file\"\n{toml}"
    );
    let (good, said) = check(&whole);
    assert!(good, "{said}");
}

#[test]
fn what_is_no_configuration_is_said_to_be_none() {
    let loops = tempfile::tempdir().unwrap();
    std::fs::write(loops.path().join("a.conf"), "include b.conf\n").unwrap();
    std::fs::write(loops.path().join("b.conf"), "include a.conf\n").unwrap();
    let (code, _, report) = import(&[loops.path().join("a.conf").to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(
        report.contains("b.conf:1:1: include a.conf: ") && report.contains("includes itself"),
        "{report}"
    );
    let braces = vec![b'{'; 10 << 20];
    let lines = b"a {\n".repeat(1 << 16);
    let random: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (text, expected) in [
        (b"" as &[u8], "no virtual router came out of it"),
        (b"vrrp_instance V {\n", "k.conf:1:17: vrrp_instance V {: this brace is never closed"),
        (b"vrrp_script s {\n script \"/bin/x\n}\n", "k.conf:2:9: this quote is not closed in its line"),
        (b"}\n", "k.conf:1:1: }: there is nothing to close"),
        (&braces, "the rest is not read"),
        (&lines, "more than 32 deep"),
        (&random, "this file is not UTF-8 text"),
        (b"\0\0\0", "unknown word"),
    ] {
        let (code, _, report) = import_text(text);
        assert_eq!(code, 1, "{expected}");
        assert!(report.contains(expected), "{expected} is not in:\n{}", &report[..report.len().min(2_000)]);
        assert!(!report.contains('\0') && !report.contains('\x1b'), "it would move a terminal's cursor");
    }
    let (code, _, report) = import(&["no-such-file.conf"]);
    assert_eq!(code, 1);
    assert!(report.contains("cannot read no-such-file.conf"), "{report}");
}

#[test]
fn keepalived_itself_takes_every_configuration_that_we_take() {
    if !has("keepalived") || !has("unshare") || !has("ip") {
        skipped("keepalived, unshare (util-linux) and ip (iproute2) are needed to ask keepalived itself");
        return;
    }
    // It wants the interfaces to be there: in a network of its own they are.
    let links = "for link in enp0s1 ens33 eth0 eth0.0 eth0.1; do ip link add $link type veth peer name x$link && ip link set $link up || exit 1; done";
    let script = format!("{links} && exec keepalived -t -i high -f \"$0\"");
    let probe = Command::new("unshare").args(["-Urn", "sh", "-c", links]).output().unwrap();
    if !probe.status.success() {
        let why = String::from_utf8_lossy(&probe.stderr);
        skipped(&format!("no network namespace with interfaces of its own: {}", why.trim()));
        return;
    }
    for name in GOOD {
        let path = data().join(format!("{name}.conf"));
        let output = Command::new("unshare").args(["-Urn", "sh", "-c", &script]).arg(&path).output().unwrap();
        let status = output.status;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        for wrong in ["Unknown keyword", "missing '}'", "extra '}'", "nterminated", "No VIP", "not valid"] {
            assert!(!said.contains(wrong), "{name}: {said}");
        }
        // 4 would be an error in the file, 6 no configuration; 5 is a script that is not on this host.
        assert!(matches!(status.code(), Some(0 | 5)), "{name}: {status}: {said}");
    }
}

/// What keepalived has understood, as it dumps it when it starts: by instance, key and value.
fn dump(path: &Path) -> std::io::Result<BTreeMap<String, BTreeMap<String, String>>> {
    let pids = tempfile::tempdir()?;
    let links = "for link in enp0s1 ens33 eth0 eth0.0 eth0.1; do ip link add $link type veth peer name x$link && ip link set $link up; done";
    let run = "exec timeout -s KILL 20 keepalived -n -l -d -P -i high -p \"$1/a\" -r \"$1/b\" -f \"$0\"";
    let mut command = Command::new("unshare");
    // It ends with its namespace, whatever it has started.
    command
        .args(["-Urnpf", "--kill-child", "sh", "-c", &format!("{links}; {run}")])
        .arg(path)
        .arg(pids.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut instance = None;
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line?;
        if line.contains("------<") && instance.is_some() {
            break;
        }
        let Some((key, value)) = line.split_once(" = ") else { continue };
        let key = key.rsplit(": ").next().unwrap_or_default().trim();
        if key == "VRRP Instance" {
            instance = Some(value.to_owned());
        } else if let Some(instance) = &instance {
            found
                .entry(instance.clone())
                .or_default()
                .entry(key.to_owned())
                .or_insert_with(|| value.to_owned());
        }
    }
    child.kill()?;
    child.wait()?;
    Ok(found)
}

fn number(toml: &toml::Value) -> String {
    toml.as_integer().unwrap().to_string()
}

/// Seconds, as keepalived writes them.
fn seconds(toml: &toml::Value) -> String {
    let text = toml.as_str().unwrap();
    match text.strip_suffix("ms") {
        Some(millis) => format!("{millis} milli-sec"),
        None => text.trim_end_matches('s').to_owned(),
    }
}

#[test]
fn what_is_written_out_is_what_keepalived_itself_has_understood() {
    if !has("keepalived") || !has("unshare") || !has("ip") {
        skipped("keepalived, unshare (util-linux) and ip (iproute2) are needed to ask keepalived itself");
        return;
    }
    for name in GOOD {
        let dumped = dump(&data().join(format!("{name}.conf"))).unwrap();
        if dumped.is_empty() {
            skipped(&format!(
                "keepalived dumps nothing of {name}: no network namespace with interfaces of its own?"
            ));
            return;
        }
        let ours: toml::Table =
            std::fs::read_to_string(data().join(format!("{name}.toml"))).unwrap().parse().unwrap();
        let routers = ours["vrrp"].as_array().unwrap();
        assert_eq!(routers.len(), dumped.len(), "{name}");
        for router in routers {
            let theirs = &dumped[router["id"].as_str().unwrap()];
            let announce = &router["announce"];
            let preempt = router.get("preempt").is_none_or(|preempt| preempt.as_bool().unwrap());
            let interval = seconds(&router["advert-interval"]);
            let interval = match router["version"].as_integer().unwrap() {
                2 => format!("{interval} sec"),
                _ if interval.ends_with("milli-sec") => interval,
                _ => format!("{interval}000 milli-sec"),
            };
            for (key, ours) in [
                ("VRRP Version", number(&router["version"])),
                ("Virtual Router ID", number(&router["vrid"])),
                ("Priority", number(&router["priority"])),
                ("Advert interval", interval),
                ("Preempt", if preempt { "enabled" } else { "disabled" }.to_owned()),
                ("Gratuitous ARP delay", seconds(&announce["delay"])),
                ("Gratuitous ARP repeat", number(&announce["repeat"])),
                ("Gratuitous ARP refresh", seconds(&announce["refresh"])),
                ("Gratuitous ARP refresh repeat", number(&announce["refresh-repeat"])),
                ("Gratuitous ARP lower priority delay", seconds(&announce["lower-priority-delay"])),
                ("Gratuitous ARP lower priority repeat", number(&announce["lower-priority-repeat"])),
            ] {
                assert_eq!(theirs.get(key), Some(&ours), "{name}, {}: {key}", router["id"].as_str().unwrap());
            }
        }
    }
}
