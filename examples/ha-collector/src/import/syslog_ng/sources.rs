//! `source`: where messages come from. Each driver becomes a `[[source]]` of ours.

mod option;

use super::options::FileRights;
use super::statement::{Call, split};
use super::translate::{Said, Source, Translator};
use super::tree::{Node, Slice, word};
use super::value::{Answer, number};
use crate::import::pipeline::{Keys, Object};
use crate::import::priority::{facility_name, level_name};
use crate::import::report::{Group, Reported as _};
use crate::import::source::Place;
use crate::import::toml::string;

/// Ports that devices send RFC 5424 or octet counting to.
const DEVICE_PORTS: [u64; 4] = [514, 601, 1514, 6514];

/// What a driver has said so far.
#[derive(Debug, Default)]
struct Driver {
    keys: Keys,
    ip: Option<String>,
    port: Option<u64>,
    transport: Option<String>,
    tls: bool,
    keepalive: Keepalive,
    overrides: Vec<(&'static str, String, Place)>,
    rights: FileRights,
    default_facility: Option<u8>,
    default_level: Option<u8>,
    default_at: Option<Place>,
    base_dir: Option<String>,
    pattern: Option<String>,
}

#[derive(Debug, Default)]
struct Keepalive {
    wanted: Option<Answer>,
    time: Option<u64>,
    interval: Option<u64>,
    probes: Option<u64>,
    at: Option<Place>,
}

/// What becomes of a driver: the type of a source of ours, and how it is listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Net(&'static str),
    Path(&'static str),
    File,
    Wildcard,
    Internal,
}

impl Translator<'_> {
    pub(super) fn source(&mut self, statement: &[Node]) {
        let Some((name, body)) = self.named(statement) else { return };
        self.report.translated(&Slice(statement));
        let source = self.source_of(name, body);
        if self.sources.insert(word(name), source).is_some() {
            self.report.say(
                Group::Wrong,
                Slice(statement).place(),
                Slice(statement).shown(),
                "there are two of this name: the second is meant",
            );
        }
    }

    /// The drivers of a source.
    pub(super) fn source_of(&mut self, name: &str, body: &[Node]) -> Source {
        let mut source = Source::default();
        let statements = split(body, self.report);
        let one = statements.len() == 1;
        for statement in statements {
            let Some(call) = Call::of(statement).filter(|call| call.round.is_some()) else {
                self.report.say(
                    Group::Wrong,
                    Slice(statement).place(),
                    Slice(statement).shown(),
                    "a driver has its options in parentheses",
                );
                continue;
            };
            let kind = call.word();
            if let Some(body) = self.block("source", &kind, &call) {
                self.report.translated(&call);
                let mut inner = Source::default();
                self.deeper(|this| inner = this.source_of(name, &body));
                source.ids.extend(inner.ids);
                source.overrides.extend(inner.overrides);
                source.waits |= inner.waits;
                continue;
            }
            let id = if one { name.to_owned() } else { format!("{name}-{}", call.name.text) };
            match kind.as_str() {
                "system" => self.system(&call, &id, &mut source),
                "default_network_drivers" => self.network_drivers(&call, &id, &mut source),
                _ => self.driver(&call, &id, &mut source),
            }
        }
        source
    }

    fn driver(&mut self, call: &Call<'_>, id: &str, source: &mut Source) {
        let word = call.word();
        let kind = match word.as_str() {
            "udp" | "udp6" => Kind::Net("udp"),
            "tcp" | "tcp6" => Kind::Net("tcp"),
            "network" | "syslog" => Kind::Net(""),
            "unix_dgram" => Kind::Path("unix-dgram"),
            "unix_stream" => Kind::Path("unix-stream"),
            "pipe" | "fifo" => Kind::Path("pipe"),
            "file" => Kind::File,
            "wildcard_file" => Kind::Wildcard,
            "internal" => Kind::Internal,
            _ => {
                self.report.unsupported(call, other_driver(&word));
                return;
            }
        };
        let mut driver = Driver::default();
        let arguments = call.arguments();
        self.odd(&arguments.odd);
        for option in &arguments.calls {
            let said = self.source_option(option, &mut driver);
            self.say(option, said);
        }
        let place = call.place();
        let (of_type, said) = match kind {
            Kind::Net(fixed) => self.net(call, fixed, &mut driver, source),
            Kind::Path(of_type) => match call.arguments().values.as_slice() {
                [path] => {
                    driver.keys.set("path", string(&path.text), path.place);
                    for (key, value, place) in std::mem::take(&mut driver.rights.keys) {
                        if !key.starts_with("dir-") {
                            driver.keys.set(key, value, place);
                        }
                    }
                    if path.text == "/dev/log" {
                        let why = "with systemd, journald holds /dev/log; what it passes on arrives at /run/systemd/journal/syslog";
                        self.advise(path.place, call.shown(), why);
                    }
                    (Some(of_type), Said::Translated)
                }
                _ => (None, Said::wrong("the path of a socket")),
            },
            Kind::File => match call.arguments().values.as_slice() {
                [path] if ["/proc/kmsg", "/dev/kmsg"].contains(&path.text.as_str()) => (
                    None,
                    Said::no("the kernel's messages are not read; journald has them, and passes them on"),
                ),
                [path] => {
                    driver.keys.set("path", string(&path.text), path.place);
                    driver.keys.otherwise("start", "\"beginning\"", "syslog-ng's default");
                    (Some("file"), Said::Translated)
                }
                _ => (None, Said::wrong("the path of a file")),
            },
            Kind::Wildcard => match (&driver.base_dir, &driver.pattern) {
                (Some(dir), pattern) => {
                    let pattern = pattern.as_deref().unwrap_or("*");
                    let path = format!("{}/{pattern}", dir.trim_end_matches('/'));
                    driver.keys.set("path", string(&path), place);
                    driver.keys.otherwise("start", "\"beginning\"", "syslog-ng's default");
                    (Some("file"), Said::Translated)
                }
                _ => (None, Said::wrong("base-dir() and filename-pattern()")),
            },
            Kind::Internal => (Some("internal"), Said::Translated),
        };
        let lost = matches!(said, Said::Wrong(_) | Said::No(_));
        self.say(call, said);
        let Some(of_type) = of_type.filter(|_| !lost) else { return };
        if driver.default_facility.is_some() || driver.default_level.is_some() {
            let facility = facility_name(driver.default_facility.unwrap_or(1));
            let level = level_name(driver.default_level.unwrap_or(5));
            driver.keys.set(
                "default-priority",
                string(&format!("{facility}.{level}")),
                driver.default_at.unwrap_or(place),
            );
        }
        let id = self.source_ids.id(id);
        for (field, to, at) in driver.overrides {
            source.overrides.push(Self::overriding(std::slice::from_ref(&id), field, &to, at));
        }
        self.pipeline.sources.push(Object { id: id.clone(), kind: of_type, keys: driver.keys, place });
        source.ids.push(id);
    }

    /// A driver that listens on an address.
    fn net(
        &mut self,
        call: &Call<'_>,
        fixed: &'static str,
        driver: &mut Driver,
        source: &mut Source,
    ) -> (Option<&'static str>, Said) {
        let word = call.word();
        let transport = driver.transport.as_deref().unwrap_or("tcp");
        let of_type = match (fixed, transport) {
            ("", "udp" | "udp6") => "udp",
            ("", "tcp" | "tcp6" | "auto" | "text-with-nuls") => "tcp",
            ("", "tls" | "proxied-tcp" | "proxied-tls" | "proxied-tls-passthrough") => {
                return (
                    None,
                    Said::no(
                        "there is neither TLS nor the PROXY protocol: a tunnel such as stunnel in front of it",
                    ),
                );
            }
            ("", _) => return (None, Said::no("udp and tcp")),
            (fixed, _) => fixed,
        };
        if driver.tls {
            return (None, Said::no("there is no TLS: a tunnel such as stunnel in front of it"));
        }
        if let [value, ..] = call.arguments().values.as_slice() {
            self.report.say(Group::Wrong, value.place, call.shown(), "a source has its address in ip()");
        }
        let six = word.ends_with('6')
            || driver.transport.as_deref().is_some_and(|transport| transport.ends_with('6'));
        let ip = driver.ip.clone().unwrap_or_else(|| if six { "::" } else { "0.0.0.0" }.to_owned());
        let ip = match ip.as_str() {
            "" => if six { "::" } else { "0.0.0.0" }.to_owned(),
            "localhost" => "127.0.0.1".to_owned(),
            _ => ip,
        };
        let Ok(address) = ip.parse::<std::net::IpAddr>() else {
            return (None, Said::wrong("an address, not a name: nothing is asked for when it starts"));
        };
        let default = if word == "syslog" && of_type == "tcp" { 601 } else { 514 };
        let port = driver.port.unwrap_or(default);
        let Ok(port_number) = u16::try_from(port) else {
            return (None, Said::wrong("there is no such port"));
        };
        let mut keys = Keys::default();
        keys.set(
            "listen",
            string(&std::net::SocketAddr::new(address, port_number).to_string()),
            call.place(),
        );
        std::mem::swap(&mut driver.keys, &mut keys);
        for key in keys.into_iter() {
            driver.keys.put(key);
        }
        if of_type == "udp" {
            return (Some(of_type), Said::Translated);
        }
        source.waits = true;
        self.keepalive(call, driver);
        let plain = matches!(word.as_str(), "tcp" | "tcp6" | "network");
        if word == "syslog" {
            driver.keys.set("framing", "\"octet-counting\"", call.place());
            return (Some(of_type), Said::Translated);
        }
        if plain && DEVICE_PORTS.contains(&port) {
            let why = "devices send RFC 5424 and octet counting to this port, too: told apart here, message by message, where syslog-ng takes `1` and the count for a program";
            return (Some(of_type), Said::changed(why));
        }
        (Some(of_type), Said::changed("RFC 5424 and octet counting are understood, too, message by message"))
    }

    fn keepalive(&mut self, call: &Call<'_>, driver: &mut Driver) {
        let Keepalive { wanted, time, interval, probes, at } = &driver.keepalive;
        let at = at.unwrap_or_else(|| call.place());
        match wanted {
            Some(Answer::No) => driver.keys.set("keepalive", "false", at),
            _ if time.is_some() || interval.is_some() || probes.is_some() => {
                let value = format!(
                    "{{ time = \"{}s\", interval = \"{}s\", probes = {} }}",
                    time.unwrap_or(60),
                    interval.unwrap_or(10),
                    probes.unwrap_or(6)
                );
                driver.keys.set("keepalive", value, at);
            }
            Some(Answer::Yes) => {
                driver.keys.set("keepalive", "{ time = \"60s\", interval = \"10s\", probes = 6 }", at);
            }
            None => {}
        }
    }

    /// `system()`: what the machine itself has to say.
    fn system(&mut self, call: &Call<'_>, id: &str, source: &mut Source) {
        let why = "/dev/log alone: the kernel's own messages are not read, and with systemd it is journald that holds /dev/log; let it pass everything on (ForwardToSyslog=yes) and make this path /run/systemd/journal/syslog";
        self.report.changed(call, why);
        for option in call.arguments().calls {
            self.say(&option, Said::no("system() is a unix socket here, and no more"));
        }
        let mut keys = Keys::default();
        keys.set("path", "\"/dev/log\"", call.place());
        keys.otherwise("mode", "\"0666\"", "syslog-ng's default");
        self.put(id, "unix-dgram", keys, call.place(), source);
    }

    /// `default-network-drivers()`: 514 for both, and 601 for RFC 5424.
    fn network_drivers(&mut self, call: &Call<'_>, id: &str, source: &mut Source) {
        self.report.changed(
            call,
            "UDP and TCP on 514, TCP on 601, RFC 3164 and 5424 in either framing on each; no TLS on 6514",
        );
        let mut ports = [514_u16, 514, 601];
        let mut driver = Driver::default();
        for option in call.arguments().calls {
            let slot = match option.word().as_str() {
                "udp_port" => Some(0),
                "tcp_port" => Some(1),
                "rfc5424_tcp_port" => Some(2),
                _ => None,
            };
            let said = match slot.and_then(|slot| ports.get_mut(slot)) {
                Some(slot) => match number(&option).and_then(|port| u16::try_from(port).ok()) {
                    Some(port) => {
                        *slot = port;
                        Said::Translated
                    }
                    None => Said::wrong("this is no port"),
                },
                None if ["rfc5424_tls_port", "tls"].contains(&option.word().as_str()) => {
                    Said::no("there is no TLS")
                }
                None => self.source_option(&option, &mut driver),
            };
            self.say(&option, said);
        }
        for ((suffix, of_type), port) in
            [("udp", "udp"), ("tcp", "tcp"), ("rfc5424", "tcp")].into_iter().zip(ports)
        {
            let mut keys = Keys::default();
            keys.set("listen", format!("\"0.0.0.0:{port}\""), call.place());
            for key in driver.keys.clone().into_iter() {
                if of_type == "tcp" || key.key != "max-connections" {
                    keys.put(key);
                }
            }
            self.put(&format!("{id}-{suffix}"), of_type, keys, call.place(), source);
        }
        source.waits = true;
    }

    fn put(&mut self, id: &str, kind: &'static str, keys: Keys, place: Place, source: &mut Source) {
        let id = self.source_ids.id(id);
        self.pipeline.sources.push(Object { id: id.clone(), kind, keys, place });
        source.ids.push(id);
    }
}

/// A port by its number or the names that are in use.
pub(super) fn port(text: &str) -> Option<u64> {
    match text {
        "syslog" => Some(514),
        "syslog-conn" => Some(601),
        "syslog-tls" => Some(6514),
        text => text.parse().ok().filter(|port| *port <= u64::from(u16::MAX)),
    }
}

fn other_driver(word: &str) -> &'static str {
    match word {
        "systemd_journal" | "journal" => {
            "the journal is not read; ForwardToSyslog=yes passes it on, to a unix-dgram source of the path /run/systemd/journal/syslog"
        }
        "systemd_syslog" => "write a unix-dgram source of the path /run/systemd/journal/syslog",
        "program" => "no program is read; let it write to a pipe",
        "sun_streams" | "sun_stream" | "openbsd" | "darwin_oslog" | "darwin_oslog_stream" | "pacct" => {
            "this is a Linux program"
        }
        "stdin"
        | "mbox"
        | "osquery"
        | "nodejs"
        | "snmptrap"
        | "linux_audit"
        | "docker"
        | "kubernetes"
        | "mqtt"
        | "http"
        | "opentelemetry"
        | "syslog_ng_otlp"
        | "python"
        | "python_fetcher"
        | "java"
        | "kafka"
        | "redis"
        | "hypr_audit_trail"
        | "hypr_app_audit_trail"
        | "example_msg_generator"
        | "example_random_generator"
        | "random_generator"
        | "ebpf"
        | "webhook"
        | "google_pubsub"
        | "s3"
        | "aws"
        | "cloud_auth"
        | "arrow_flight"
        | "windows_eventlog"
        | "jellyfin"
        | "pihole_ftl"
        | "qbittorrent"
        | "slog" => "sources are udp, tcp, unix sockets, files, pipes and internal",
        _ => "unknown driver",
    }
}
