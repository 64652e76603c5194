//! rsyslog, with its own formats and framings.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::{Daemon, EVERY, Ear, Fields, Shape, Way, collector_before, collector_to, say};
use crate::ports::port;
use crate::support::{has, skipped};

const TEXT: &str = "an application event";

fn start(dir: &Path, tcp: SocketAddr, to: SocketAddr, forward: &str) -> Daemon {
    let text = format!(
        r#"global(workDirectory={dir:?})
module(load="imtcp")
module(load="imudp")
template(name="bars" type="string"
  string="%pri%|%timereported:::date-rfc3339%|%hostname%|%app-name%|%procid%|%msgid%|%structured-data%|%msg%\n")
input(type="imtcp" address="127.0.0.1" port="{port}")
input(type="imudp" address="127.0.0.1" port="{port}")
action(type="omfwd" target="127.0.0.1" port="{there}" action.resumeRetryCount="-1" action.resumeInterval="1" {forward})
"#,
        port = tcp.port(),
        there = to.port(),
    );
    let config = dir.join("rsyslog.conf");
    std::fs::write(&config, text).unwrap();
    Daemon::start(Command::new("rsyslogd").arg("-n").arg("-iNONE").arg("-f").arg(&config), tcp)
}

fn is_missing() -> bool {
    let missing = !has("rsyslogd");
    if missing {
        skipped("rsyslogd (rsyslog) is not installed");
    }
    missing
}

#[test]
fn what_rsyslog_sends_has_the_fields_that_it_was_given() {
    if is_missing() {
        return;
    }
    for (shape, way) in EVERY {
        let dir = tempfile::tempdir().unwrap();
        let ear = Ear::open();
        let collector = collector_before(&ear, dir.path(), port());
        let template = match shape {
            Shape::Rfc3164 => "RSYSLOG_TraditionalForwardFormat",
            Shape::Rfc5424 => "RSYSLOG_SyslogProtocol23Format",
        };
        let (to, travel) = match way {
            Way::Udp => (collector.udp, "protocol=\"udp\""),
            Way::Lf => (collector.tcp, "protocol=\"tcp\" TCP_Framing=\"traditional\""),
            Way::OctetCounting => (collector.tcp, "protocol=\"tcp\" TCP_Framing=\"octet-counted\""),
        };
        let tcp = port();
        let _rsyslog = start(dir.path(), tcp, to, &format!("{travel} template=\"{template}\""));
        let fields = Fields::now();
        say(tcp, &fields.rfc5424());
        let heard = ear.hear(TEXT);
        assert_eq!(Fields::from_rfc5424(&heard), fields.in_shape(shape), "{shape:?} {way:?}: {heard}");
    }
}

#[test]
fn rsyslog_finds_in_what_we_send_the_fields_that_we_were_given() {
    if is_missing() {
        return;
    }
    for (shape, way) in EVERY {
        let dir = tempfile::tempdir().unwrap();
        let ear = Ear::open();
        let tcp = port();
        let _rsyslog = start(dir.path(), tcp, ear.address(), "protocol=\"tcp\" template=\"bars\"");
        let collector = collector_to(tcp, shape, way, dir.path(), port());
        let fields = Fields::now();
        say(collector.tcp, &fields.rfc5424());
        let heard = ear.hear(TEXT);
        assert_eq!(Fields::from_bars(&heard), fields.in_shape(shape), "{shape:?} {way:?}: {heard}");
    }
}
