//! The options of sources.

use super::{Driver, port};
use crate::import::priority::{facility, level};
use crate::import::report::{Group, Reported as _};
use crate::import::source::Place;
use crate::import::syslog_ng::options::{Other, dns, elsewhere, rights};
use crate::import::syslog_ng::statement::Call;
use crate::import::syslog_ng::translate::{Said, Translator};
use crate::import::syslog_ng::value::{Answer, answer, number, seconds, size};
use crate::import::toml::{span, string, strings};

impl Translator<'_> {
    pub(super) fn source_option(&mut self, option: &Call<'_>, driver: &mut Driver) -> Said {
        let place = option.place();
        let word = option.word();
        match word.as_str() {
            "ip" | "localip" => {
                driver.ip = option.text().map(str::to_owned);
                if driver.ip.is_some() { Said::Translated } else { Said::wrong("this is no address") }
            }
            "port" | "localport" => match option.text().map(port) {
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
                driver.tls = true;
                Said::no("there is no TLS")
            }
            "ip_protocol" => match option.text() {
                Some("6") => {
                    driver.ip.get_or_insert_with(|| "::".to_owned());
                    Said::Translated
                }
                Some("4") => Said::Translated,
                _ => Said::wrong("4 or 6"),
            },
            "max_connections" => {
                keyed(number(option).map(|n| n.to_string()), "max-connections", place, driver)
            }
            "so_rcvbuf" => keyed(number(option).map(size), "receive-buffer", place, driver),
            "log_msg_size" => keyed(number(option).map(size), "max-message", place, driver),
            "keep_hostname" => {
                keyed(answer(option).map(|a| a.toml().to_owned()), "keep-hostname", place, driver)
            }
            "keep_timestamp" => {
                keyed(answer(option).map(|a| a.toml().to_owned()), "keep-timestamp", place, driver)
            }
            "chain_hostnames" => {
                keyed(answer(option).map(|a| a.toml().to_owned()), "chain-hostnames", place, driver)
            }
            "use_fqdn" => keyed(answer(option).map(|a| a.toml().to_owned()), "use-fqdn", place, driver),
            "use_dns" => keyed(dns(option).map(str::to_owned), "use-dns", place, driver),
            "time_zone" => keyed(option.text().map(string), "time-zone", place, driver),
            "ip_freebind" => keyed(answer(option).map(|a| a.toml().to_owned()), "freebind", place, driver),
            "idle_timeout" => keyed(seconds(option).map(span), "idle-timeout", place, driver),
            "tags" => {
                let tags: Vec<String> =
                    option.arguments().values.iter().map(|tag| tag.text.clone()).collect();
                keyed(Some(strings(&tags)), "tags", place, driver)
            }
            "so_keepalive" => {
                driver.keepalive.at = Some(place);
                driver.keepalive.wanted = answer(option);
                match driver.keepalive.wanted {
                    Some(Answer::Yes) => Said::changed(
                        "the first probe comes after a minute, not after the two hours of the kernel's default",
                    ),
                    Some(Answer::No) => Said::Translated,
                    None => Said::wrong("yes or no"),
                }
            }
            "tcp_keepalive_time" | "tcp_keepalive_intvl" | "tcp_keepalive_probes" => {
                let value = number(option).filter(|n| *n > 0 && *n <= 32_767);
                match word.as_str() {
                    "tcp_keepalive_time" => driver.keepalive.time = value,
                    "tcp_keepalive_intvl" => driver.keepalive.interval = value,
                    _ => driver.keepalive.probes = value,
                }
                driver.keepalive.at.get_or_insert(place);
                if value.is_some() { Said::Translated } else { Said::wrong("1 to 32767") }
            }
            "default_facility" | "default_level" | "default_severity" | "default_priority" => {
                driver.default_at = Some(place);
                let name = option.text().unwrap_or_default();
                let found = if word == "default_facility" {
                    driver.default_facility = facility(name);
                    driver.default_facility
                } else {
                    driver.default_level = level(name);
                    driver.default_level
                };
                if found.is_some() { Said::Translated } else { Said::wrong("there is no such name") }
            }
            "program_override" | "host_override" => match option.text() {
                Some(to) => {
                    let field = if word == "host_override" { "HOST" } else { "PROGRAM" };
                    driver.overrides.push((field, to.to_owned(), place));
                    Said::changed("set in each log path that begins here")
                }
                None => Said::wrong("this is no text"),
            },
            "base_dir" => {
                driver.base_dir = option.text().map(str::to_owned);
                Said::Translated
            }
            "filename_pattern" => {
                driver.pattern = option.text().map(str::to_owned);
                Said::Translated
            }
            "recursive" => match answer(option) {
                Some(Answer::No) => Said::Translated,
                _ => Said::no("only the last component of a path may be a pattern: one source a directory"),
            },
            "read_old_records" => match answer(option) {
                Some(Answer::Yes) => keyed(Some("\"beginning\"".to_owned()), "start", place, driver),
                Some(Answer::No) => keyed(Some("\"end\"".to_owned()), "start", place, driver),
                None => Said::wrong("yes or no"),
            },
            "owner" | "group" | "perm" | "dir_owner" | "dir_group" | "dir_perm" | "create_dirs" => {
                rights(option, &mut driver.rights)
            }
            "flags" => {
                for flag in option.arguments().values {
                    let said = source_flag(&flag.word());
                    match said {
                        Said::Translated => {}
                        Said::Changed(why) => {
                            self.report.say(Group::Changed, flag.place, flag.text.clone(), why)
                        }
                        Said::No(why) | Said::Wrong(why) => {
                            self.report.say(Group::Unsupported, flag.place, flag.text.clone(), why)
                        }
                    }
                }
                Said::Translated
            }
            "follow_freq" | "monitor_method" | "max_files" | "force_directory_polling" | "monitor_freq" => {
                Said::changed("files are watched by the kernel's notice")
            }
            "optional" => Said::no("what cannot be opened is said, and tried again"),
            "encoding" => Said::no("bytes are kept as they are"),
            "pad_size" => Said::no("messages end with their line"),
            "multi_line_mode" | "multi_line_prefix" | "multi_line_garbage" | "multi_line_suffix"
            | "multi_line_timeout" => Said::no("a line is a message"),
            "interface" => Said::no("an address says where it listens"),
            "ip_ttl" | "ip_tos" | "so_broadcast" | "so_sndbuf" | "so_passcred" | "listen_backlog"
            | "so_priority" => Said::no("socket options are chosen by the program"),
            "ebpf" => Said::no("datagrams of a sender stay in their order, in one socket"),
            other => match elsewhere(other) {
                Some(Other::Changed(why)) => Said::changed(why),
                Some(Other::No(why)) => Said::no(why),
                None => Said::unknown(),
            },
        }
    }
}

fn keyed(value: Option<String>, key: &'static str, place: Place, driver: &mut Driver) -> Said {
    match value {
        Some(value) => {
            driver.keys.set(key, value, place);
            Said::Translated
        }
        None => Said::wrong("this is no such value"),
    }
}

fn source_flag(flag: &str) -> Said {
    match flag {
        "syslog_protocol" | "kernel" | "dont_store_legacy_msghdr" | "store_legacy_msghdr" | "threaded" => {
            Said::changed("what a message is shows in the message")
        }
        "no_multi_line" | "validate_utf8" | "sanitize_utf8" | "assume_utf8" | "empty_lines" => {
            Said::changed("bytes are kept as they are; what could harm is made harmless where it is written")
        }
        "no_parse" => Said::no("every message is parsed; a line that is none is kept as its text"),
        "store_raw_message" => Said::no("the raw message is kept until it is delivered, and has no macro"),
        "no_hostname" | "expect_hostname" | "no_header" => {
            Said::no("whether there is a host shows in the message")
        }
        "guess_timezone" => Said::no("`time-zone` of the source or sender says it"),
        "check_hostname" | "no_check_hostname" => Said::no("names are kept as they are"),
        "ignore_aux_data" | "store_aux_data" | "exit_on_eof" | "ignore_errors" => {
            Said::no("there is no such thing here")
        }
        _ => Said::unknown(),
    }
}
