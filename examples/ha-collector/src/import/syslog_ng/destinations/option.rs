//! The options of destinations.

use super::{Driver, SMALLEST_BUFFER};
use crate::import::report::{Group, Reported as _};
use crate::import::syslog_ng::expand::Version;
use crate::import::syslog_ng::options::{Other, digits, elsewhere, rights, stamp};
use crate::import::syslog_ng::sources::port;
use crate::import::syslog_ng::statement::Call;
use crate::import::syslog_ng::translate::{Said, Translator};
use crate::import::syslog_ng::value::{Answer, answer, milliseconds, number, seconds, size};
use crate::import::toml::{span, string};

impl Translator<'_> {
    pub(super) fn destination_option(
        &mut self,
        option: &Call<'_>,
        driver_word: &str,
        driver: &mut Driver,
    ) -> Said {
        let place = option.place();
        let keys = &mut driver.keys;
        let word = option.word();
        let mut keyed = |value: Option<String>, key: &'static str| match value {
            Some(value) => {
                keys.set(key, value, place);
                Said::Translated
            }
            None => Said::wrong("this is no such value"),
        };
        match word.as_str() {
            "time_zone" => keyed(option.text().map(string), "time-zone"),
            "frac_digits" => keyed(digits(option), "frac-digits"),
            "flush_lines" | "sync" => keyed(number(option).map(|lines| lines.to_string()), "flush-lines"),
            "flush_timeout" => keyed(milliseconds(option).map(span), "flush-timeout"),
            "time_reopen" => keyed(seconds(option).map(span), "time-reopen"),
            "time_reap" => keyed(seconds(option).map(span), "idle-close"),
            "fsync" => match answer(option) {
                Some(Answer::Yes) => {
                    driver.keys.set("sync", "\"batch\"", place);
                    Said::changed("before the buffer lets go of the messages of a batch, not after each")
                }
                Some(Answer::No) => Said::Translated,
                None => Said::wrong("yes or no"),
            },
            "create_dirs" | "owner" | "group" | "perm" | "dir_owner" | "dir_group" | "dir_perm" => {
                rights(option, &mut driver.file)
            }
            "template" | "file_template" | "proto_template" => match option.text() {
                Some(text) => {
                    driver.template = Some((text.to_owned(), place));
                    Said::Translated
                }
                None => Said::wrong("this is no template"),
            },
            "template_escape" => match answer(option) {
                Some(Answer::No) => Said::Translated,
                _ => Said::no("`$(escape $X)` does it where it is wanted"),
            },
            "ts_format" => match stamp(option) {
                Some(stamp) => {
                    driver.stamp = stamp;
                    Said::Translated
                }
                None => Said::no("times are written as rfc3164 (bsd) or rfc3339 (iso)"),
            },
            "disk_buffer" => self.disk_buffer(option, driver_word),
            "logrotate" => {
                self.since(option, 4, 9, "logrotate() is known from 4.9 on");
                self.rotate(option, driver)
            }
            "port" | "destport" => match option.text().map(port) {
                Some(Some(number)) => {
                    driver.port = Some(number);
                    Said::Translated
                }
                _ => Said::wrong("this is no port"),
            },
            "transport" => {
                driver.transport = option.text().map(str::to_owned);
                Said::Translated
            }
            "tls" => {
                driver.protocol.tls = Answer::Yes;
                Said::no("there is no TLS")
            }
            "failover" | "failover_servers" => self.failover(option, driver),
            "so_keepalive" => {
                driver.keepalive = answer(option).map(|answer| (answer, place));
                if driver.keepalive.is_some() {
                    Said::changed("the first probe comes after a minute")
                } else {
                    Said::wrong("yes or no")
                }
            }
            "flags" => {
                for flag in option.arguments().values {
                    match flag.word().as_str() {
                        "syslog_protocol" => driver.protocol.ietf = Answer::Yes,
                        "no_multi_line" | "threaded" => {}
                        _ => {
                            self.report.say(Group::Unsupported, flag.place, flag.text.clone(), "unknown flag")
                        }
                    }
                }
                Said::Translated
            }
            "log_fifo_size" => Said::changed(
                "there is one buffer for all, on disk and bounded in bytes: `max-size` of [buffer]",
            ),
            "symlink_as" => Said::no("no links are made"),
            "overwrite_if_older" => Said::no("files are rotated, never emptied: `rotate`"),
            "remove_if_older" => Said::no("files are rotated: `rotate`"),
            "local_time_zone" => Said::no("file names have the zone of their destination: `time-zone`"),
            "spoof_source" => Said::no("messages are sent from the address of this machine"),
            "localip"
            | "localport"
            | "ip_protocol"
            | "ip_ttl"
            | "ip_tos"
            | "so_broadcast"
            | "so_rcvbuf"
            | "so_sndbuf"
            | "interface"
            | "tcp_keepalive_time"
            | "tcp_keepalive_intvl"
            | "tcp_keepalive_probes"
            | "ip_freebind"
            | "close_on_input"
            | "pad_size" => Said::no("socket options are chosen by the program"),
            "truncate_size" => Said::no("messages are cut where they are received: `max-message`"),
            "inherit_environment" | "mark_errors_as_critical" => Said::no("there is no such thing here"),
            other => match elsewhere(other) {
                Some(Other::Changed(why)) => Said::changed(why),
                Some(Other::No(why)) => Said::no(why),
                None => Said::unknown(),
            },
        }
    }

    fn disk_buffer(&mut self, buffer: &Call<'_>, driver: &str) -> Said {
        for option in buffer.arguments().calls {
            let word = option.word();
            let place = option.place();
            let said = match word.as_str() {
                "disk_buf_size" | "capacity_bytes" => match number(&option) {
                    Some(bytes) => {
                        let bytes = bytes.saturating_add(self.globals.capacity);
                        self.globals.capacity = bytes;
                        self.pipeline.buffer.set("max-size", size(bytes.max(SMALLEST_BUFFER)), place);
                        let why =
                            "the one buffer that all share; what several destinations were given is added up";
                        Said::Changed(if bytes < SMALLEST_BUFFER {
                            format!("{why}; at least 256 MiB")
                        } else {
                            why.to_owned()
                        })
                    }
                    None => Said::wrong("this is no size"),
                },
                "dir" => match option.text() {
                    Some(dir) => {
                        self.pipeline.buffer.set("dir", string(dir), place);
                        Said::changed("the one buffer that all share")
                    }
                    None => Said::wrong("this is no directory"),
                },
                "reliable" => {
                    if driver == "file" && answer(&option) == Some(Answer::Yes) {
                        let why = "a disk buffer in front of a file adds nothing but work with syslog-ng; with us every message is in the buffer on disk until it is written";
                        self.advise(place, option.shown(), why);
                    }
                    match answer(&option) {
                        Some(Answer::Yes) => Said::Translated,
                        Some(Answer::No) => Said::changed("every message is on disk before it is delivered"),
                        None => Said::wrong("yes or no"),
                    }
                }
                "mem_buf_size"
                | "mem_buf_length"
                | "qout_size"
                | "flow_control_window_bytes"
                | "flow_control_window_size"
                | "front_cache_size" => Said::no("nothing waits in memory: what is not delivered is on disk"),
                "prealloc" | "compaction" | "truncate_size_ratio" => {
                    Said::no("segments are made whole and given back whole")
                }
                _ => Said::unknown(),
            };
            self.say(&option, said);
            let renamed = match word.as_str() {
                "disk_buf_size" => "capacity-bytes()",
                "mem_buf_size" => "flow-control-window-bytes()",
                "mem_buf_length" => "flow-control-window-size()",
                "qout_size" => "front-cache-size()",
                _ => "",
            };
            if !renamed.is_empty()
                && self.version.is_some_and(|version| version >= Version { major: 4, minor: 3 })
            {
                self.advise(place, option.shown(), format!("is called {renamed} since 4.3"));
            } else if [
                "capacity_bytes",
                "flow_control_window_bytes",
                "flow_control_window_size",
                "front_cache_size",
            ]
            .contains(&word.as_str())
            {
                self.since(&option, 4, 3, "this name is known from 4.3 on");
            }
        }
        Said::changed("there is one buffer for all destinations, always on disk: [buffer]")
    }

    fn rotate(&mut self, rotate: &Call<'_>, driver: &mut Driver) -> Said {
        let mut parts = Vec::new();
        for option in rotate.arguments().calls {
            let said = match option.word().as_str() {
                "enable" => {
                    if answer(&option) == Some(Answer::No) {
                        self.say(&option, Said::Translated);
                        return Said::Translated;
                    }
                    Said::Translated
                }
                "size" => match number(&option) {
                    Some(bytes) => {
                        parts.push(format!("size = {}", size(bytes)));
                        Said::Translated
                    }
                    None => Said::wrong("this is no size"),
                },
                "rotations" => match number(&option) {
                    Some(keep) => {
                        parts.push(format!("keep = {keep}"));
                        Said::Translated
                    }
                    None => Said::wrong("this is no number"),
                },
                _ => Said::unknown(),
            };
            self.say(&option, said);
        }
        driver.keys.set("rotate", format!("{{ {} }}", parts.join(", ")), rotate.place());
        Said::Translated
    }

    fn failover(&mut self, option: &Call<'_>, driver: &mut Driver) -> Said {
        let arguments = option.arguments();
        driver.ended.extend(arguments.values.iter().map(|server| server.text.clone()));
        for inner in arguments.calls {
            let said = match inner.word().as_str() {
                "servers" => {
                    driver.ended.extend(inner.arguments().values.iter().map(|server| server.text.clone()));
                    Said::Translated
                }
                "failback" => Said::changed("the first that answers is looked for at each new connection"),
                _ => Said::unknown(),
            };
            self.say(&inner, said);
        }
        if driver.ended.is_empty() { Said::wrong("servers() names them") } else { Said::Translated }
    }
}
