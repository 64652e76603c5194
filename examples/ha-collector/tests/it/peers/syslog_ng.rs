//! syslog-ng, with the driver that its manual has for each shape and way.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::{Daemon, EVERY, Ear, Fields, Shape, Way, collector_before, collector_to, say};
use crate::ports::port;
use crate::support::{has, skipped};

const TEXT: &str = "an application event";

/// It has no driver for RFC 3164 with octet counting.
fn every() -> impl Iterator<Item = (Shape, Way)> {
    EVERY.into_iter().filter(|each| *each != (Shape::Rfc3164, Way::OctetCounting))
}

/// The driver's name and flags.
fn driver(shape: Shape, way: Way) -> (&'static str, &'static str) {
    match (shape, way) {
        (Shape::Rfc3164, Way::Udp) => ("network", "transport(\"udp\")"),
        (Shape::Rfc3164, _) => ("network", "transport(\"tcp\")"),
        (Shape::Rfc5424, Way::Udp) => ("syslog", "transport(\"udp\")"),
        (Shape::Rfc5424, Way::Lf) => ("network", "transport(\"tcp\") flags(syslog-protocol)"),
        (Shape::Rfc5424, Way::OctetCounting) => ("syslog", "transport(\"tcp\")"),
    }
}

/// `heard` is a source driver on `ports.0`, besides the one for RFC 5424 in lines on `ports.1`.
fn start(dir: &Path, heard: &str, tcp: SocketAddr, destination: &str) -> Daemon {
    let text = format!(
        r#"@version: 3.35
options {{ keep-hostname(yes); use-dns(no); stats-freq(0); time-reopen(1); frac-digits(0); }};
source s {{
  {heard}
  network(ip("127.0.0.1") port({port}) transport("tcp") flags(syslog-protocol));
}};
destination d {{ {destination} }};
log {{ source(s); destination(d); }};
"#,
        port = tcp.port(),
    );
    let config = dir.join("syslog-ng.conf");
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new("syslog-ng");
    command.args(["-F", "--no-caps"]).arg("-f").arg(&config);
    for (option, file) in [("--persist-file", "persist"), ("--pidfile", "pid"), ("--control", "ctl")] {
        command.arg(option).arg(dir.join(file));
    }
    Daemon::start(&mut command, tcp)
}

fn is_missing() -> bool {
    let missing = !has("syslog-ng");
    if missing {
        skipped("syslog-ng (syslog-ng-core) is not installed");
    }
    missing
}

#[test]
fn what_syslog_ng_sends_has_the_fields_that_it_was_given() {
    if is_missing() {
        return;
    }
    for (shape, way) in every() {
        let dir = tempfile::tempdir().unwrap();
        let ear = Ear::open();
        let collector = collector_before(&ear, dir.path(), port());
        let to = if way == Way::Udp { collector.udp } else { collector.tcp };
        let (driver, flags) = driver(shape, way);
        let tcp = port();
        let destination = format!("{driver}(\"127.0.0.1\" port({}) {flags});", to.port());
        let _syslog_ng = start(dir.path(), "", tcp, &destination);
        let fields = Fields::now();
        say(tcp, &fields.rfc5424());
        let heard = ear.hear(TEXT);
        assert_eq!(Fields::from_rfc5424(&heard), fields.in_shape(shape), "{shape:?} {way:?}: {heard}");
    }
}

#[test]
fn syslog_ng_finds_in_what_we_send_the_fields_that_we_were_given() {
    if is_missing() {
        return;
    }
    for (shape, way) in every() {
        let dir = tempfile::tempdir().unwrap();
        let ear = Ear::open();
        let (driver, flags) = driver(shape, way);
        let at = port();
        let heard = format!("{driver}(ip(\"127.0.0.1\") port({}) {flags});", at.port());
        let destination = format!(
            "network(\"127.0.0.1\" port({}) transport(\"tcp\") \
             template(\"${{LEVEL_NUM}}+${{FACILITY_NUM}}|$S_ISODATE|$HOST|$PROGRAM|$PID|$MSGID|$SDATA|$MESSAGE\\n\"));",
            ear.address().port()
        );
        let _syslog_ng = start(dir.path(), &heard, port(), &destination);
        let collector = collector_to(at, shape, way, dir.path(), port());
        let fields = Fields::now();
        say(collector.tcp, &fields.rfc5424());
        let heard = ear.hear(TEXT);
        let mut found = Fields::from_bars(&heard);
        // 20 * 8 + 5
        assert_eq!(found.pri, "5+20", "{heard}");
        found.pri.clone_from(&fields.pri);
        assert_eq!(found, fields.in_shape(shape), "{shape:?} {way:?}: {heard}");
    }
}
