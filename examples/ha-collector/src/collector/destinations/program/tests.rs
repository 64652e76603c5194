use std::path::Path;

use super::*;
use crate::collector::destinations::render::plain;
use crate::collector::event::Changes;
use crate::collector::record::Record;
use crate::collector::record::tests::record_of;
use crate::collector::template::Boundary;

/// Far longer than anything takes.
const LONG: Duration = Duration::from_secs(30);

/// A shell that obeys `script`, with `$1` a directory that it may write.
fn shell(dir: &Path, script: &str) -> Program {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    let command = ["/bin/sh", "-c", script, "sh", dir.to_str().unwrap()].map(str::to_owned).to_vec();
    Program::new("test", &ProgramDestination { command }, plain("line", Boundary::Line))
}

fn take(program: &mut Program, text: &str) {
    let bytes = record_of(format!("<34>1 2003-10-11T22:14:15Z h su - - - {text}").as_bytes());
    let mut changes = Changes::default();
    program.take(&Event::new(Record::read(&bytes).unwrap(), &mut changes));
}

/// Tries until it is delivered; says how often it was not.
fn flush(program: &mut Program) -> u32 {
    let until = Instant::now() + LONG;
    let mut failed = 0;
    while let Err(error) = program.flush(Instant::now()) {
        assert!(Instant::now() < until, "{error}");
        failed += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    failed
}

fn wait_for(path: &Path, wanted: impl Fn(&str) -> bool) -> String {
    let until = Instant::now() + LONG;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if wanted(&text) {
            return text;
        }
        assert!(Instant::now() < until, "{} holds {text:?}", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_program_reads_every_message_and_ends_with_its_input() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = shell(dir.path(), "cat > $1/out; echo done > $1/end");
    for n in 0..3_000 {
        take(&mut program, &format!("message {n}"));
    }
    flush(&mut program);
    drop(program);
    assert_eq!(std::fs::read_to_string(dir.path().join("end")).unwrap(), "done\n");
    let out = std::fs::read_to_string(dir.path().join("out")).unwrap();
    assert!(out.lines().zip(0..).all(|(line, n)| line.ends_with(&format!(" h su: message {n}"))));
    assert_eq!(out.lines().count(), 3_000);
}

#[test]
fn one_that_ends_is_started_again_and_gets_what_the_first_one_did_not_read() {
    let dir = tempfile::tempdir().unwrap();
    // `read` takes a byte at a time, so what is not its line stays in the pipe.
    let mut program = shell(dir.path(), "read line; echo \"$line\" >> $1/out");
    for text in ["one", "two", "three"] {
        take(&mut program, text);
    }
    assert!(flush(&mut program) > 0);
    let out = wait_for(&dir.path().join("out"), |out| out.lines().count() == 3);
    let texts: Vec<&str> = out.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(texts, ["one", "two", "three"]);
}

#[test]
fn one_that_does_not_end_is_ended_with_all_that_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let script = "trap '' TERM; sleep 1000 & echo $! > $1/pid; while :; do read line; sleep 0.1; done";
    let mut program = shell(dir.path(), script);
    take(&mut program, "one");
    flush(&mut program);
    let pid = wait_for(&dir.path().join("pid"), |pid| pid.ends_with('\n'));
    drop(program);
    // Killed; whoever is its parent now may not have reaped it yet.
    let status = format!("/proc/{}/stat", pid.trim());
    wait_for(Path::new(&status), |stat| stat.is_empty() || stat.contains(") Z "));
}

#[test]
fn it_has_nothing_of_ours() {
    use std::os::fd::AsFd as _;
    let dir = tempfile::tempdir().unwrap();
    // A descriptor that forgot to say that it is not for others.
    let secret =
        std::fs::File::open("/etc/hostname").or_else(|_| std::fs::File::open("/proc/self/stat")).unwrap();
    let leak = rustix::io::dup(secret.as_fd()).unwrap();
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
    let script =
        "(ls /proc/$$/fd; grep ^Cap /proc/$$/status; id -u; id -G; env) > $1/tmp; mv $1/tmp $1/out; read l";
    let mut program = shell(dir.path(), script);
    take(&mut program, "one");
    flush(&mut program);
    let out = wait_for(&dir.path().join("out"), |out| !out.is_empty());
    let descriptors: Vec<&str> = out.lines().take_while(|line| line.parse::<u32>().is_ok()).collect();
    // 10 is where a shell keeps what it redirects.
    assert!(descriptors.iter().all(|fd| ["0", "1", "2", "10"].contains(fd)), "{out}");
    assert!(!out.contains("CARGO"), "{out}");
    if geteuid().is_root() {
        for set in ["CapPrm", "CapEff", "CapAmb"] {
            assert!(out.contains(&format!("{set}:\t0000000000000000")), "{out}");
        }
        let nobody = User::from_name("nobody").unwrap().unwrap();
        assert!(out.lines().any(|line| line == nobody.uid.to_string()), "{out}");
    }
}

#[test]
fn one_that_cannot_be_started_is_tried_again_and_messages_wait() {
    let config = ProgramDestination { command: vec!["/no/such/program".to_owned()] };
    let mut program = Program::new("test", &config, plain("line", Boundary::Line));
    take(&mut program, "one");
    let now = Instant::now();
    assert!(program.flush(now).is_err());
    assert!(program.flush(now).unwrap_err().to_string().contains("started again in 0.1 s"));
    assert!(program.flush(now + PAUSES.0).is_err());
    assert!(program.flush(now + PAUSES.0).unwrap_err().to_string().contains("started again in 0.2 s"));
    assert!(!program.lines.is_written());
}
