//! `options { … }`: what holds where nothing else is said.

use std::time::Duration;

use super::statement::{Call, split};
use super::translate::{Said, Translator};
use super::tree::{Node, Slice};
use super::value::{Answer, answer, milliseconds, mode, number, seconds, size};
use crate::import::report::{Group, Reported};
use crate::import::source::Place;
use crate::import::toml::{span, string};

/// What options say about more than one key of ours.
#[derive(Clone, Debug, Default)]
pub(super) struct Globals {
    pub(super) file: FileRights,
    /// `time-reap`
    pub(super) idle_close: Option<(Duration, Place)>,
    pub(super) stamp: Stamp,
    /// `file-template`, `proto-template`: names, or the text itself.
    pub(super) file_template: Option<(String, Place)>,
    pub(super) proto_template: Option<(String, Place)>,
    /// What disk buffers were given, all together, in bytes.
    pub(super) capacity: u64,
    dns_cache: DnsCache,
}

/// How a file gets its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stamp {
    /// `Nov 21 08:00:00`
    #[default]
    Bsd,
    /// `2026-11-21T08:00:00+01:00`
    Iso,
}

/// Whose a file is that is made, and who may read it: each as TOML has it.
#[derive(Clone, Debug, Default)]
pub(super) struct FileRights {
    pub(super) create_dirs: Option<(Answer, Place)>,
    /// `mode`, `dir-mode`, `owner`, `group`, `dir-owner`, `dir-group`
    pub(super) keys: Vec<(&'static str, String, Place)>,
}

impl FileRights {
    pub(super) fn set(&mut self, key: &'static str, value: String, place: Place) {
        self.keys.retain(|(known, ..)| *known != key);
        self.keys.push((key, value, place));
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct DnsCache {
    size: Option<u64>,
    expire: Option<Duration>,
    expire_failed: Option<Duration>,
}

const BUFFER: &str = "there is one buffer for all, on disk and bounded in bytes: `max-size` of [buffer]";
const WINDOW: &str = "what sources hold is bounded in bytes, all together: `max-held` of [receive]";
const LEDGER: &str =
    "counts are not sent into the log; `ha-collector status --json` has them, and USR1 writes the ledger";
const MARKS: &str = "no marks are written; a sender that falls silent writes nothing";
const INSIDE: &str = "about how syslog-ng works inside";
const NAMES: &str = "names are kept as they are; what could harm is made harmless where it is written";
const IDS: &str = "a message has no number of its own in the text";

impl Translator<'_> {
    pub(super) fn options(&mut self, statement: &[Node]) {
        let body = statement.get(1).and_then(|node| node.brackets(super::lex::Bracket::Curly));
        let Some(body) = body else {
            let slice = Slice(statement);
            self.report.say(
                Group::Wrong,
                slice.place(),
                slice.shown(),
                "this needs a block: `options { … };`",
            );
            return;
        };
        self.report.translated(&Slice(statement));
        for statement in split(&body.nodes, self.report) {
            let Some(call) = Call::of(statement) else {
                self.report.say(
                    Group::Wrong,
                    Slice(statement).place(),
                    Slice(statement).shown(),
                    "this is no option",
                );
                continue;
            };
            if let Some(body) = self.block("options", &call.word(), &call) {
                self.report.translated(&call);
                for statement in split(&body, self.report) {
                    if let Some(call) = Call::of(statement) {
                        self.global(&call);
                    }
                }
                continue;
            }
            self.global(&call);
        }
    }

    fn global(&mut self, call: &Call<'_>) {
        let said = self.global_option(call);
        self.say(call, said);
        if let Some(place) = call.round.is_none().then(|| call.place()) {
            self.report.say(Group::Wrong, place, call.shown(), "an option has its value in parentheses");
        }
        let since = match call.word().as_str() {
            "stats" => {
                Some("stats() is known from 4.1 on; before, stats_freq(), stats_level() and stats_lifetime()")
            }
            _ => None,
        };
        if let Some(why) = since {
            self.since(call, 4, 1, why);
        }
    }

    /// An option that older versions refuse.
    pub(super) fn since(&mut self, call: &Call<'_>, major: u32, minor: u32, why: &str) {
        let needs = super::expand::Version { major, minor };
        match self.version {
            Some(version) if version < needs => {
                let why = format!("{why}; this file says @version: {}.{}", version.major, version.minor);
                self.report.say(Group::Wrong, call.place(), call.shown(), why);
            }
            _ => self.advise(
                call.place(),
                call.shown(),
                format!("{why}; Debian 12 has 3.38, which refuses this file"),
            ),
        }
    }

    fn global_option(&mut self, call: &Call<'_>) -> Said {
        let place = call.place();
        let word = call.word();
        match word.as_str() {
            "keep_hostname" | "keep_timestamp" | "use_fqdn" => {
                let key = match word.as_str() {
                    "keep_hostname" => "keep-hostname",
                    "keep_timestamp" => "keep-timestamp",
                    _ => "use-fqdn",
                };
                self.receive(call, key)
            }
            "chain_hostnames" | "long_hostnames" => self.receive(call, "chain-hostnames"),
            "use_dns" => match dns(call) {
                Some(value) => {
                    self.pipeline.receive.set("use-dns", value, place);
                    Said::changed(
                        "never asked for while a message waits: the first message of a sender may have its address",
                    )
                }
                None => Said::wrong("yes, no or persist_only"),
            },
            "use_time_recvd" => match answer(call) {
                Some(Answer::No) => Said::Translated,
                Some(Answer::Yes) => {
                    self.pipeline.receive.set("keep-timestamp", "false", place);
                    Said::changed("as keep-timestamp(no): for all of the message, not only for macros")
                }
                None => Said::wrong("yes or no"),
            },
            "recv_time_zone" => self.zone(call, Side::Receive),
            "send_time_zone" | "time_zone" => self.zone(call, Side::Deliver),
            "frac_digits" => match digits(call) {
                Some(digits) => {
                    self.pipeline.deliver.set("frac-digits", digits, place);
                    Said::Translated
                }
                None => Said::wrong("this is no number from 0 to 9"),
            },
            "local_time_zone" => Said::no("file names have the zone of their destination: `time-zone`"),
            "log_msg_size" => match number(call) {
                Some(bytes) => {
                    self.pipeline.receive.set("max-message", size(bytes), place);
                    Said::changed("longer messages are cut, counted and flagged")
                }
                None => Said::wrong("this is no size"),
            },
            "dns_cache" => match answer(call) {
                Some(Answer::Yes) => Said::Translated,
                Some(Answer::No) => Said::no("names are always asked for in the background and kept"),
                None => Said::wrong("yes or no"),
            },
            "dns_cache_size" | "dns_cache_expire" | "dns_cache_expire_failed" => self.dns_cache(call, &word),
            "dns_cache_hosts" => Said::no("`use-dns = \"hosts-file\"` reads /etc/hosts and no other"),
            "time_reopen" => match seconds(call) {
                Some(time) => {
                    self.pipeline.deliver.set("time-reopen", span(time), place);
                    Said::changed("the longest pause: the first tries come sooner")
                }
                None => Said::wrong("this is no number of seconds"),
            },
            "flush_lines" | "sync" => match number(call) {
                Some(lines) => {
                    self.pipeline.deliver.set("flush-lines", lines.to_string(), place);
                    Said::changed("waits for so many, but not longer than `flush-timeout`")
                }
                None => Said::wrong("this is no number"),
            },
            "flush_timeout" => match milliseconds(call) {
                Some(time) => {
                    self.pipeline.deliver.set("flush-timeout", span(time), place);
                    Said::Translated
                }
                None => Said::wrong("this is no number of milliseconds"),
            },
            "create_dirs" | "owner" | "group" | "perm" | "dir_owner" | "dir_group" | "dir_perm" => {
                rights(call, &mut self.globals.file)
            }
            "time_reap" => match seconds(call) {
                Some(time) => {
                    self.globals.idle_close = Some((time, place));
                    Said::Translated
                }
                None => Said::wrong("this is no number of seconds"),
            },
            "ts_format" => match stamp(call) {
                Some(stamp) => {
                    self.globals.stamp = stamp;
                    Said::Translated
                }
                None => Said::no("times are written as rfc3164 (bsd) or rfc3339 (iso)"),
            },
            "file_template" => self.global_template(call, Side::Receive),
            "proto_template" => self.global_template(call, Side::Deliver),
            "log_fifo_size" => Said::changed(BUFFER),
            other => match elsewhere(other) {
                Some(Other::Changed(why)) => Said::changed(why),
                Some(Other::No(why)) => Said::no(why),
                None => Said::unknown(),
            },
        }
    }

    fn receive(&mut self, call: &Call<'_>, key: &'static str) -> Said {
        match answer(call) {
            Some(answer) => {
                self.pipeline.receive.set(key, answer.toml(), call.place());
                Said::Translated
            }
            None => Said::wrong("yes or no"),
        }
    }

    fn zone(&mut self, call: &Call<'_>, side: Side) -> Said {
        let Some(zone) = call.text() else { return Said::wrong("this is no time zone") };
        let keys = match side {
            Side::Receive => &mut self.pipeline.receive,
            Side::Deliver => &mut self.pipeline.deliver,
        };
        keys.set("time-zone", string(zone), call.place());
        Said::Translated
    }

    fn global_template(&mut self, call: &Call<'_>, side: Side) -> Said {
        let Some(text) = call.text() else { return Said::wrong("this is no template") };
        let given = Some((text.to_owned(), call.place()));
        match side {
            Side::Receive => self.globals.file_template = given,
            Side::Deliver => self.globals.proto_template = given,
        }
        Said::Translated
    }

    fn dns_cache(&mut self, call: &Call<'_>, word: &str) -> Said {
        let Some(value) = number(call).filter(|value| *value <= u64::from(u32::MAX)) else {
            return Said::wrong("this is no number");
        };
        let cache = &mut self.globals.dns_cache;
        match word {
            "dns_cache_size" => cache.size = Some(value),
            "dns_cache_expire" => cache.expire = seconds(call),
            _ => cache.expire_failed = seconds(call),
        }
        let parts = [
            cache.size.map(|size| format!("size = {size}")),
            cache.expire.map(|expire| format!("expire = {}", span(expire))),
            cache.expire_failed.map(|expire| format!("expire-failed = {}", span(expire))),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        self.pipeline.receive.set("dns-cache", format!("{{ {} }}", parts.join(", ")), call.place());
        Said::Translated
    }

    /// What syslog-ng does where nothing is said, and we do not.
    pub(super) fn defaults(&mut self) {
        let why = "syslog-ng's default";
        self.pipeline.receive.otherwise("keep-hostname", "false", why);
        self.pipeline.receive.otherwise("use-dns", "\"yes\"", why);
        self.pipeline.deliver.otherwise("time-reopen", "\"60s\"", why);
        self.pipeline.deliver.otherwise("frac-digits", "0", why);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Receive,
    Deliver,
}

/// `use-dns`, as TOML has it.
pub(super) fn dns(call: &Call<'_>) -> Option<&'static str> {
    match (call.text()?, answer(call)) {
        ("persist_only" | "persist-only", _) => Some("\"hosts-file\""),
        (_, Some(Answer::Yes)) => Some("\"yes\""),
        (_, Some(Answer::No)) => Some("\"no\""),
        _ => None,
    }
}

/// `frac-digits`, as TOML has it.
pub(super) fn digits(call: &Call<'_>) -> Option<String> {
    number(call).filter(|digits| *digits <= 9).map(|digits| digits.to_string())
}

pub(super) fn stamp(call: &Call<'_>) -> Option<Stamp> {
    match call.text()? {
        "iso" | "rfc3339" => Some(Stamp::Iso),
        "bsd" | "rfc3164" => Some(Stamp::Bsd),
        _ => None,
    }
}

/// `create-dirs`, `owner`, `perm` and their like.
pub(super) fn rights(call: &Call<'_>, rights: &mut FileRights) -> Said {
    let word = call.word();
    let key = match word.as_str() {
        "create_dirs" => {
            return match answer(call) {
                Some(answer) => {
                    rights.create_dirs = Some((answer, call.place()));
                    Said::Translated
                }
                None => Said::wrong("yes or no"),
            };
        }
        "owner" => "owner",
        "group" => "group",
        "dir_owner" => "dir-owner",
        "dir_group" => "dir-group",
        "perm" => "mode",
        _ => "dir-mode",
    };
    // `owner()` and `owner(-2)`: as it is.
    let kept = call.nodes_within().is_empty() || call.text() == Some("-2");
    if kept {
        rights.keys.retain(|(known, ..)| *known != key);
        return Said::Translated;
    }
    let value = match key {
        "mode" | "dir-mode" => mode(call),
        _ => call.text().map(string),
    };
    match value {
        Some(value) => {
            rights.set(key, value, call.place());
            Said::Translated
        }
        None => Said::wrong("these are no permissions, such as 0640, and no name"),
    }
}

/// Why an option has no key of ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum Other {
    /// Its job is done otherwise.
    Changed(&'static str),
    No(&'static str),
}

/// Options of every place that are known and not translated.
pub(super) fn elsewhere(word: &str) -> Option<Other> {
    Some(match word {
        "log_iw_size"
        | "log_fetch_limit"
        | "min_iw_size_per_reader"
        | "dynamic_window_size"
        | "dynamic_window_stats_freq"
        | "dynamic_window_realloc_ticks" => Other::Changed(WINDOW),
        "stats" | "stats_freq" | "stats_level" | "stats_lifetime" | "stats_max_dynamics" | "metrics"
        | "stats_max" => Other::No(LEDGER),
        "mark" | "mark_freq" | "mark_mode" | "mark_errors_as_flush" => Other::No(MARKS),
        "gc_busy_threshold"
        | "gc_idle_threshold"
        | "time_sleep"
        | "threaded"
        | "jvm_options"
        | "log_level"
        | "sync_freq"
        | "fetch_no_data_delay"
        | "scratch_buffers"
        | "python_dir"
        | "autoload_compiled_modules"
        | "compat"
        | "config_id"
        | "max_cap_level"
        | "worker_partition_key"
        | "time_steps"
        | "workers"
        | "batch_lines"
        | "batch_timeout"
        | "batch_bytes"
        | "log_prefix"
        | "so_reuseport"
        | "trim_large_messages"
        | "log_fetch_retry_limit" => Other::No(INSIDE),
        "check_hostname" | "bad_hostname" | "normalize_hostnames" | "custom_domain" => Other::No(NAMES),
        "use_rcptid" | "use_uniqid" => Other::No(IDS),
        "suppress" => Other::No("messages that repeat are all written"),
        "throttle" => Other::No("destinations take what they can; the rest is in the buffer"),
        "on_error" => Other::No("a field that cannot be rendered is empty"),
        "pass_unix_credentials" => Other::Changed("credentials of unix sockets are always asked for"),
        "type_cast_to_strings" | "type_casting" => Other::No("fields are text"),
        "persist_name" => Other::Changed("what is kept is kept by the `id`"),
        "keep_alive" => Other::No("connections end with the process; what was accepted is in the buffer"),
        "internal" | "use_syslogng_pid" | "hook_commands" => Other::No(INSIDE),
        _ => return None,
    })
}
