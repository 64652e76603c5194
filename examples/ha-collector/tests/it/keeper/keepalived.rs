//! One node with our daemon and one with the distribution's keepalived, as while a site changes over.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::lab::{Host, Lab, inside, until};
use crate::support::{binary, has, skipped};

const VIP: &str = "10.0.0.10";

/// What the guide that most people follow has, without its check script.
fn theirs(role: &str, priority: u8, own: &str, other: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\n state {role}\n interface eth0\n virtual_router_id 1\n priority {priority}\n advert_int 1
 unicast_src_ip {own}\n unicast_peer {{\n {other}\n }}\n authentication {{\n auth_type PASS\n auth_pass mysecret\n }}
 virtual_ipaddress {{\n {VIP}/24 dev eth0\n }}\n garp_master_delay 1\n garp_master_repeat 5\n}}\n"
    )
}

/// The same of ours.
fn ours(role: &str, priority: u8, own: &str, other: &str) -> String {
    format!(
        "[[vrrp]]\nid = \"VI_1\"\nstate = \"{role}\"\ninterface = \"eth0\"\nvrid = 1\nversion = 2\npriority = {priority}\n\
         unicast-source = \"{own}\"\nunicast-peers = [\"{other}\"]\nauthentication = {{ type = \"pass\", secret = \"mysecret\" }}\n\
         addresses = [\"{VIP}/24\"]\n"
    )
}

#[derive(Debug)]
struct Keepalived(Child);

impl Keepalived {
    fn start(lab: &Lab, host: &Host, configuration: &str) -> Self {
        let dir = lab.dir.path().join("keepalived");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("keepalived.conf"), configuration).unwrap();
        let log = File::options().append(true).create(true).open(dir.join("log")).unwrap();
        Self(host.run(move || {
            let mut command = Command::new("keepalived");
            command.args(["--vrrp", "--dont-fork", "--log-console", "--log-detail"]);
            command.arg("--use-file").arg(dir.join("keepalived.conf"));
            command.arg("--pid").arg(dir.join("pid")).arg("--vrrp_pid").arg(dir.join("vrrp-pid"));
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
        }))
    }

    /// All of it, at once.
    fn kill(mut self, lab: &Lab) {
        let vrrp = std::fs::read_to_string(lab.dir.path().join("keepalived/vrrp-pid")).unwrap();
        kill(Pid::from_raw(self.0.id() as i32), Signal::SIGSTOP).unwrap();
        kill(Pid::from_raw(vrrp.trim().parse().unwrap()), Signal::SIGKILL).unwrap();
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn stop(mut self) {
        kill(Pid::from_raw(self.0.id() as i32), Signal::SIGTERM).unwrap();
        self.0.wait().unwrap();
    }
}

fn can_run(test: &str) -> bool {
    if !inside(test) {
        return false;
    }
    if !has("keepalived") {
        skipped(&format!("{test}: keepalived is not installed"));
        return false;
    }
    true
}

#[test]
fn ours_is_the_better_one_and_keepalived_stands_behind_it() {
    if !can_run("keeper::keepalived::ours_is_the_better_one_and_keepalived_stands_behind_it") {
        return;
    }
    let lab = Lab::new();
    let peer = Keepalived::start(&lab, &lab.n2, &theirs("BACKUP", 100, "10.0.0.12", "10.0.0.11"));
    let configuration = ours("active", 150, "10.0.0.11", "10.0.0.12");
    let n1 = lab.start(&lab.n1, "n1", &configuration);
    until("ours holds the address", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    // Stopped, cut off, and back.
    assert_eq!(n1.stop().code(), Some(0));
    until("keepalived holds it alone", || lab.n2.holds(VIP) && !lab.n1.holds(VIP));
    let n1 = lab.start(&lab.n1, "n1", &configuration);
    until("ours holds it alone", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    lab.cut("n1");
    until("keepalived holds it", || lab.n2.holds(VIP));
    lab.mend("n1");
    until("ours holds it alone", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    // keepalived cannot know that we drain: it is told by priority 0, and preempted by nobody.
    n1.ask(&["drain"]);
    until("keepalived holds it alone", || lab.n2.holds(VIP) && !lab.n1.holds(VIP));
    n1.ask(&["promote"]);
    until("ours holds it alone", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    assert_eq!(n1.instance()["refused"], serde_json::json!({}));
    // Killed: the address does not stay behind.
    n1.signal(Signal::SIGKILL);
    until("keepalived holds it alone", || lab.n2.holds(VIP) && !lab.n1.holds(VIP));
    peer.stop();
}

#[test]
fn keepalived_is_the_better_one_and_ours_stands_behind_it() {
    if !can_run("keeper::keepalived::keepalived_is_the_better_one_and_ours_stands_behind_it") {
        return;
    }
    let lab = Lab::new();
    let configuration = theirs("MASTER", 150, "10.0.0.11", "10.0.0.12");
    let peer = Keepalived::start(&lab, &lab.n1, &configuration);
    let n2 = lab.start(&lab.n2, "n2", &ours("backup", 100, "10.0.0.12", "10.0.0.11"));
    until("keepalived holds the address", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    until("ours knows", || n2.instance()["reason"] == "10.0.0.11 advertises 150 > 100");
    peer.stop();
    until("ours holds it alone", || lab.n2.holds(VIP) && !lab.n1.holds(VIP));
    let peer = Keepalived::start(&lab, &lab.n1, &configuration);
    until("keepalived holds it alone", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    lab.cut("n1");
    until("ours holds it", || lab.n2.holds(VIP));
    lab.mend("n1");
    until("keepalived holds it alone", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    assert_eq!(n2.instance()["refused"], serde_json::json!({}));
    // Killed, it leaves its address behind; ours takes it over all the same.
    peer.kill(&lab);
    until("ours holds it", || lab.n2.holds(VIP) && n2.is("active"));
}

/// The files of the guide, for this lab's interface and with a service that a test can stop.
fn imported(lab: &Lab, file: &str) -> String {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keepalived").join(file);
    let service = lab.dir.path().join(format!("{file}.service"));
    std::fs::write(&service, "").unwrap();
    let text = std::fs::read_to_string(data).unwrap();
    assert!(text.contains("enp0s1") && text.contains("/usr/bin/systemctl is-active --quiet syslog-ng"));
    let text = text.replace("enp0s1", "eth0").replace(
        "/usr/bin/systemctl is-active --quiet syslog-ng",
        &format!("/usr/bin/test -e {}", service.display()),
    );
    let path = lab.dir.path().join(file);
    std::fs::write(&path, text).unwrap();
    let output = binary().args(["import", "keepalived"]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Nobody but root is known in a namespace of an ordinary user.
    format!("[keeper]\nscript-user = \"root\"\n{}", String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_pair_of_the_guide_imported_fails_over_with_its_service_and_returns() {
    if !inside("keeper::keepalived::the_pair_of_the_guide_imported_fails_over_with_its_service_and_returns") {
        return;
    }
    let lab = Lab::new();
    let n1 = lab.start(&lab.n1, "n1", &imported(&lab, "syslog1.conf"));
    let n2 = lab.start(&lab.n2, "n2", &imported(&lab, "syslog2.conf"));
    until("n1 holds the address alone", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    let service = lab.dir.path().join("syslog1.conf.service");
    std::fs::remove_file(&service).unwrap();
    until("n2 holds it alone", || lab.n2.holds(VIP) && !lab.n1.holds(VIP));
    let row = n1.instance();
    assert_eq!(
        (row["effective_priority"].as_u64(), row["tracking"].as_str()),
        (Some(70), Some("chk_syslogng")),
        "{row}"
    );
    // Asked to take over, and not after the whole down timer.
    assert!(n2.log().contains("10.0.0.11 let go"), "{}", n2.log());
    std::fs::write(&service, "").unwrap();
    until("n1 holds it alone again", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    assert_eq!((n1.stop().code(), n2.stop().code()), (Some(0), Some(0)));
}
