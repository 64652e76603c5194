//! What the daemons of a node are given: our configuration, or keepalived's with our collector as a plain receiver.

use std::path::Path;
use std::time::Duration;

use super::lab::VIP;

/// Where the collectors listen.
pub(super) const PORT: u16 = 5514;

/// n1 is better.
pub(super) const PRIORITIES: [u8; 2] = [150, 100];

/// Sources, buffer and files of a collector.
pub(super) fn collector() -> String {
    let sources = ["udp", "tcp"].map(|kind| {
        format!("[[source]]\nid = \"{kind}\"\ntype = \"{kind}\"\nlisten = \"0.0.0.0:{PORT}\"\n\n")
    });
    format!(
        "[buffer]\nmax-size = \"64MiB\"\nsegment-size = \"4MiB\"\n\n{}[[destination]]\nid = \"files\"\ntype = \"file\"\n",
        sources.concat()
    )
}

/// The same with the address that moves.
pub(super) fn ours(priority: u8, interval: Duration) -> String {
    format!(
        "{}\n[[vrrp]]\nid = \"VI_1\"\ninterface = \"eth0\"\nvrid = 51\nversion = {}\npriority = {priority}\n\
         advert-interval = \"{}ms\"\naddresses = [\"{VIP}/24\"]\n",
        collector(),
        version(interval),
        interval.as_millis()
    )
}

/// keepalived with the same timing. It runs its scripts as another user, which nobody can become in a namespace for users,
/// and then takes them as good; so the check runs beside it, and it looks at what that says in a file.
pub(super) fn keepalived(place: usize, interval: Duration, verdict: &Path) -> String {
    let (state, priority) = if place == 0 { ("MASTER", PRIORITIES[0]) } else { ("BACKUP", PRIORITIES[1]) };
    format!(
        "global_defs {{\n  script_user root\n}}\ntrack_file service {{\n  file \"{}\"\n  weight -80\n  init_file 0 overwrite\n}}\n\
         vrrp_instance VI_1 {{\n  state {state}\n  interface eth0\n  virtual_router_id 51\n  priority {priority}\n  version {}\n  advert_int {}\n  \
         virtual_ipaddress {{\n    {VIP}/24 dev eth0\n  }}\n  track_file {{\n    service weight -80\n  }}\n  \
         garp_master_delay 1\n  garp_master_repeat 5\n}}\n",
        verdict.display(),
        version(interval),
        interval.as_secs_f64()
    )
}

/// keepalived's users check every two seconds; who advertises faster gets the fastest that keepalived has.
pub(super) fn check_interval(interval: Duration) -> Duration {
    Duration::from_secs(if interval < Duration::from_secs(1) { 1 } else { 2 })
}

/// Only version 3 has fractions of a second.
pub(super) fn version(interval: Duration) -> u8 {
    if interval < Duration::from_secs(1) { 3 } else { 2 }
}

/// What keepalived does with `interval`, `fall 2` and `rise 2`: whether the process is alive that a file names, as
/// `systemctl is-active` says to those who have systemd.
pub(super) fn check(interval: Duration, pid: &Path, verdict: &Path) -> String {
    format!(
        "#!/bin/sh\nbefore=0\nwhile sleep {}; do\n  kill -0 \"$(cat '{}')\" 2>/dev/null && now=0 || now=1\n  \
         [ $now = $before ] && echo $now > '{}'\n  before=$now\ndone\n",
        check_interval(interval).as_secs(),
        pid.display(),
        verdict.display()
    )
}
