//! `destination`: where messages go. Each driver becomes a `[[destination]]` of ours.

mod option;

use super::options::Stamp;
use super::statement::{Call, split};
use super::templates::{check, macro_name};
use super::translate::{Said, Translator};
use super::tree::{Node, Slice, Text, word};
use super::value::Answer;
use crate::import::command::{Command, How};
use crate::import::pipeline::{Keys, Object};
use crate::import::report::{Group, Reported as _};
use crate::import::source::Place;
use crate::import::toml::{span, string, strings};

/// What a file of syslog-ng holds where no template is given and times are as of old.
const BSD_LINE: &str = "$DATE $HOST $MSGHDR$MESSAGE\n";
/// A buffer has three segments at the least.
const SMALLEST_BUFFER: u64 = 256 << 20;

/// What a driver has said so far.
#[derive(Debug)]
struct Driver {
    keys: Keys,
    file: super::options::FileRights,
    stamp: Stamp,
    template: Option<(String, Place)>,
    port: Option<u64>,
    transport: Option<String>,
    protocol: Protocol,
    ended: Vec<String>,
    keepalive: Option<(Answer, Place)>,
}

/// What it speaks.
#[derive(Debug)]
struct Protocol {
    tls: Answer,
    /// RFC 5424.
    ietf: Answer,
}

impl Default for Protocol {
    fn default() -> Self {
        Self { tls: Answer::No, ietf: Answer::No }
    }
}

impl Translator<'_> {
    pub(super) fn destination(&mut self, statement: &[Node]) {
        let Some((name, body)) = self.named(statement) else { return };
        self.report.translated(&Slice(statement));
        let ids = self.destination_of(name, body);
        if self.destinations.insert(word(name), ids).is_some() {
            self.report.say(
                Group::Wrong,
                Slice(statement).place(),
                Slice(statement).shown(),
                "there are two of this name: the second is meant",
            );
        }
    }

    /// The drivers of a destination.
    pub(super) fn destination_of(&mut self, name: &str, body: &[Node]) -> Vec<String> {
        let mut ids = Vec::new();
        let statements = split(body, self.report);
        let one = statements.len() == 1;
        for statement in statements {
            let Some(call) = Call::of(statement).filter(|call| call.round.is_some()) else {
                let slice = Slice(statement);
                self.report.say(
                    Group::Wrong,
                    slice.place(),
                    slice.shown(),
                    "a driver has its options in parentheses",
                );
                continue;
            };
            if let Some(body) = self.block("destination", &call.word(), &call) {
                self.report.translated(&call);
                self.deeper(|this| ids.extend(this.destination_of(name, &body)));
                continue;
            }
            let id = if one { name.to_owned() } else { format!("{name}-{}", call.name.text) };
            ids.extend(self.delivering(&call, &id));
        }
        ids
    }

    fn delivering(&mut self, call: &Call<'_>, id: &str) -> Option<String> {
        let mut driver = Driver {
            keys: Keys::default(),
            file: self.globals.file.clone(),
            stamp: self.globals.stamp,
            template: None,
            port: None,
            transport: None,
            protocol: Protocol::default(),
            ended: Vec::new(),
            keepalive: None,
        };
        let arguments = call.arguments();
        let values = arguments.values.as_slice();
        self.odd(&arguments.odd);
        let word = call.word();
        let other = match word.as_str() {
            "file" | "udp" | "udp6" | "tcp" | "tcp6" | "network" | "syslog" | "unix_dgram"
            | "unix_stream" | "program" | "pipe" | "usertty" => None,
            _ => Some(other_driver(&word)),
        };
        if let Some(why) = other {
            self.report.unsupported(call, why);
            return None;
        }
        for option in &arguments.calls {
            let said = self.destination_option(option, &word, &mut driver);
            self.say(option, said);
        }
        let (of_type, said) = match (word.as_str(), values) {
            ("file", [path]) => self.file(call, path, &mut driver),
            ("udp" | "udp6" | "tcp" | "tcp6" | "network" | "syslog", [host]) => {
                self.send_to(call, host, &mut driver)
            }
            ("unix_dgram" | "unix_stream", [path]) => {
                driver.keys.put_first("to", strings(std::slice::from_ref(&path.text)), path.place);
                self.layout(&mut driver, Wanted::Sent);
                (Some(if word == "unix_dgram" { "unix-dgram" } else { "unix-stream" }), Said::Translated)
            }
            ("program", [command]) => match Command::new(&command.text) {
                Some(found) => {
                    driver.keys.put_first("command", strings(&found.arguments), command.place);
                    self.layout(&mut driver, Wanted::Line);
                    let said = match found.how {
                        How::Shell => Said::Translated,
                        How::AsWritten => Said::changed("run without a shell"),
                        How::Search => Said::changed("run without a shell, found by /usr/bin/env"),
                    };
                    (Some("program"), said)
                }
                None => (None, Said::wrong("there is nothing to run")),
            },
            ("pipe", [path]) if !path.text.contains('$') => {
                driver.keys.put_first("path", string(&path.text), path.place);
                self.layout(&mut driver, Wanted::Line);
                (Some("pipe"), Said::Translated)
            }
            ("pipe", [_]) => (None, Said::no("a pipe has one name")),
            ("usertty", [user]) => {
                driver.keys.put_first("users", strings(std::slice::from_ref(&user.text)), user.place);
                (Some("usertty"), Said::Translated)
            }
            _ => (None, Said::wrong("one value, before its options: where to?")),
        };
        let lost = matches!(said, Said::Wrong(_) | Said::No(_));
        self.say(call, said);
        let kind = of_type.filter(|_| !lost)?;
        let id = self.destination_ids.id(id);
        self.pipeline.destinations.push(Object {
            id: id.clone(),
            kind,
            keys: driver.keys,
            place: call.place(),
        });
        Some(id)
    }

    fn file(&mut self, call: &Call<'_>, path: &Text, driver: &mut Driver) -> (Option<&'static str>, Said) {
        if path.text.starts_with("/dev/") && !path.text.contains('$') {
            driver.keys.put_first("path", string(&path.text), path.place);
            self.layout(driver, Wanted::Line);
            return (Some("console"), Said::Translated);
        }
        if let Err(why) = check(&path.text) {
            return (None, Said::No(why));
        }
        let Some((root, rest)) = rooted(&path.text) else {
            return (None, Said::no("a path that begins at `/`, with a directory that is always the same"));
        };
        let rest = braced(&rest);
        driver.keys.put_first("path", string(&rest), path.place);
        driver.keys.put_first("root", string(&root), path.place);
        self.layout(driver, Wanted::Line);
        let why = "syslog-ng's default";
        for (key, value, place) in std::mem::take(&mut driver.file.keys) {
            driver.keys.set(key, value, place);
        }
        driver.keys.otherwise("mode", "\"0600\"", why);
        match driver.file.create_dirs {
            Some((answer, place)) => driver.keys.set("create-dirs", answer.toml(), place),
            None => driver.keys.otherwise("create-dirs", "false", why),
        }
        let makes = driver.file.create_dirs.is_some_and(|(answer, _)| answer == Answer::Yes);
        if makes {
            driver.keys.otherwise("dir-mode", "\"0700\"", why);
        }
        if let Some((time, place)) = self.globals.idle_close
            && !driver.keys.has("idle-close")
        {
            driver.keys.set("idle-close", span(time), place);
        }
        let names = ["HOST", "PROGRAM", "FULLHOST", "HOST_FROM", "FULLHOST_FROM", "SOURCEIP"];
        let named: Vec<&str> =
            names.into_iter().filter(|name| rest.contains(&format!("${{{name}}}"))).collect();
        let dated = rest.contains("${YEAR}") || rest.contains("${MONTH}") || rest.contains("${DAY}");
        let mut why = Vec::new();
        if !named.is_empty() {
            why.push(format!("${} is chosen by who sends: with us it is always one name within {root}, `/`, `.` and `..` encoded; syslog-ng loses such a message, or makes directories of it", named.join(", $")));
        }
        if dated {
            why.push("the date in the name is in the zone of the destination, as received if it has none; syslog-ng's is in the local zone".to_owned());
        }
        if !named.is_empty() && !rest.contains('/') {
            let why = format!(
                "a host that calls itself like another file in {root}, such as auth.log, would write to that: give it a directory of its own"
            );
            self.advise(path.place, call.shown(), why);
        }
        (Some("file"), if why.is_empty() { Said::Translated } else { Said::Changed(why.join("; ")) })
    }

    fn send_to(&mut self, call: &Call<'_>, host: &Text, driver: &mut Driver) -> (Option<&'static str>, Said) {
        let word = call.word();
        let transport = driver.transport.as_deref().unwrap_or("tcp");
        let of_type = match (word.as_str(), transport) {
            ("udp" | "udp6", _) | ("network" | "syslog", "udp") => "udp",
            ("tcp" | "tcp6", _) | ("network" | "syslog", "tcp") => "tcp",
            ("network" | "syslog", "tls") => {
                return (
                    None,
                    Said::no("there is no TLS: a tunnel such as stunnel, and this to its near end"),
                );
            }
            _ => return (None, Said::no("udp and tcp")),
        };
        if driver.protocol.tls == Answer::Yes {
            return (None, Said::no("there is no TLS: a tunnel such as stunnel, and this to its near end"));
        }
        if host.text.is_empty() {
            return (None, Said::wrong("there is no address: `tcp(\"10.0.0.20\" port(5140))`"));
        }
        let default = if word == "syslog" && of_type == "tcp" { 601 } else { 514 };
        let port = driver.port.unwrap_or(default);
        let target = |host: &str| {
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
        };
        let mut targets = vec![target(&host.text)];
        targets.extend(driver.ended.iter().map(|host| target(host)));
        driver.keys.put_first("to", strings(&targets), host.place);
        if targets.len() > 1 {
            driver.keys.otherwise("strategy", "\"failover\"", "the first that answers");
        }
        if let Some((answer, place)) = driver.keepalive
            && of_type == "tcp"
        {
            let value = if answer == Answer::Yes {
                "{ time = \"60s\", interval = \"10s\", probes = 6 }"
            } else {
                "false"
            };
            driver.keys.set("keepalive", value, place);
        }
        let ietf = word == "syslog" || driver.protocol.ietf == Answer::Yes;
        if of_type == "tcp" {
            driver.keys.otherwise(
                "framing",
                if word == "syslog" { "\"octet-counting\"" } else { "\"lf\"" },
                "as this driver does",
            );
        }
        self.layout(driver, if ietf { Wanted::Ietf } else { Wanted::Sent });
        (Some(of_type), Said::Translated)
    }

    /// What a message looks like there.
    fn layout(&mut self, driver: &mut Driver, wanted: Wanted) {
        let global = match wanted {
            Wanted::Line => self.globals.file_template.clone(),
            Wanted::Sent => self.globals.proto_template.clone(),
            Wanted::Ietf => None,
        };
        if let Some((text, place)) = driver.template.clone().or(global) {
            match self.template_called(&text) {
                Ok(template) => driver.keys.set("template", string(&template), place),
                Err(why) => self.report.say(Group::Unsupported, place, format!("template({text})"), why),
            }
        }
        if driver.keys.has("template") {
            return;
        }
        match (wanted, driver.stamp) {
            (Wanted::Ietf, _) => driver.keys.otherwise("format", "\"rfc5424\"", "as this driver does"),
            (Wanted::Sent, _) => driver.keys.otherwise("format", "\"rfc3164\"", "as this driver does"),
            (Wanted::Line, Stamp::Iso) => driver.keys.otherwise("format", "\"line\"", "ts-format(iso)"),
            (Wanted::Line, Stamp::Bsd) => {
                let name = self.template_of("bsd-line", BSD_LINE);
                driver.keys.otherwise("template", string(&name), "syslog-ng's default");
            }
        }
    }
}

/// What a driver writes where no template is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Line,
    Sent,
    Ietf,
}

/// The directories that are always the same, and the rest.
pub(super) fn rooted(path: &str) -> Option<(String, String)> {
    let constant = path.get(..path.find('$').unwrap_or(path.len()))?;
    let slash = constant.rfind('/')?;
    let (root, rest) = (path.get(..slash)?, path.get(slash + 1..)?);
    let root = if root.is_empty() { "/" } else { root };
    let climbs = path.split('/').any(|component| component == "..");
    (path.starts_with('/') && !rest.is_empty() && !climbs).then(|| (root.to_owned(), rest.to_owned()))
}

/// `$HOST` as `${HOST}`.
fn braced(path: &str) -> String {
    let mut done = String::new();
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        done += rest.get(..at).unwrap_or_default();
        rest = rest.get(at + 1..).unwrap_or_default();
        let name = macro_name(rest);
        if name.is_empty() {
            done.push('$');
            if let Some(first @ ('$' | '{' | '(')) = rest.chars().next() {
                done.push(first);
                rest = rest.get(1..).unwrap_or_default();
            }
        } else {
            done += &format!("${{{name}}}");
            rest = rest.get(name.len()..).unwrap_or_default();
        }
    }
    done + rest
}

fn other_driver(word: &str) -> &'static str {
    match word {
        "null" => "leave the path out, or give it flags(final) and no destination",
        "logstore" => "files are not encrypted",
        "amqp"
        | "arrow_flight"
        | "bigquery"
        | "clickhouse"
        | "cloud_auth"
        | "collectd"
        | "discord"
        | "elasticsearch"
        | "elasticsearch2"
        | "elasticsearch_http"
        | "opensearch"
        | "example_destination"
        | "google_pubsub"
        | "graphite"
        | "graylog2"
        | "hdfs"
        | "http"
        | "java"
        | "kafka"
        | "kafka_c"
        | "logscale"
        | "loggly"
        | "logmatic"
        | "loki"
        | "mongodb"
        | "mqtt"
        | "openobserve_log"
        | "opentelemetry"
        | "osquery"
        | "pseudofile"
        | "python"
        | "redis"
        | "riemann"
        | "s3"
        | "sentinel"
        | "slack"
        | "smtp"
        | "snmp"
        | "splunk_hec_event"
        | "splunk_hec_raw"
        | "sql"
        | "stomp"
        | "sumologic_http"
        | "sumologic_syslog"
        | "syslog_ng"
        | "syslog_ng_otlp"
        | "telegram"
        | "trap"
        | "tostring"
        | "network_load_balancer"
        | "axosyslog_otlp"
        | "fluentd"
        | "ewmm" => {
            "destinations are files, udp, tcp, unix sockets, programs, pipes and terminals; `program` runs anything"
        }
        _ => "unknown driver",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_what_is_always_the_same() {
        let parts = |path| rooted(path).map(|(root, rest)| format!("{root} {}", braced(&rest)));
        assert_eq!(
            parts("/var/log/remote/$HOST/$YEAR-$MONTH.log").as_deref(),
            Some("/var/log/remote ${HOST}/${YEAR}-${MONTH}.log")
        );
        assert_eq!(parts("/var/log/messages").as_deref(), Some("/var/log messages"));
        assert_eq!(parts("/var/log/x-$HOST").as_deref(), Some("/var/log x-${HOST}"));
        assert_eq!(parts("/${HOST:-none}/$").as_deref(), Some("/ ${HOST:-none}/$"));
        for none in ["messages", "/var/log/", "$HOST/x", "/var/../etc/passwd", ""] {
            assert_eq!(parts(none), None, "{none}");
        }
    }
}
