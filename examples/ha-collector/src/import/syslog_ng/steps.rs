//! `rewrite` and `parser`: what is done to a message, as steps.

use super::filters::{Lost, beyond_linear};
use super::statement::{Call, split};
use super::templates;
use super::translate::{Said, Translator};
use super::tree::{Node, Slice, word};
use crate::import::filter::Expr;
use crate::import::pipeline::{Step, text};
use crate::import::report::{Group, Reported as _};
use crate::import::toml::{string, strings};

impl Translator<'_> {
    pub(super) fn rewrite(&mut self, statement: &[Node]) {
        self.named_steps(statement, "rewrite");
    }

    pub(super) fn parser(&mut self, statement: &[Node]) {
        self.named_steps(statement, "parser");
    }

    fn named_steps(&mut self, statement: &[Node], kind: &'static str) {
        let Some((name, body)) = self.named(statement) else { return };
        let steps = self.steps_of(body, kind);
        let slice = Slice(statement);
        let ours = if steps.is_empty() {
            self.report.unsupported(&slice, "nothing is left of it: left out where it is used");
            None
        } else {
            self.report.translated(&slice);
            let ours = self.step_names.name(name);
            self.pipeline.steps.push((ours.clone(), steps, slice.place()));
            Some(ours)
        };
        self.steps.insert((kind, word(name)), ours);
    }

    /// The steps of a rewrite or a parser.
    pub(super) fn steps_of(&mut self, body: &[Node], kind: &'static str) -> Vec<Step> {
        let mut steps = Vec::new();
        for statement in split(body, self.report) {
            let Some(call) = Call::of(statement) else {
                self.report.say(
                    Group::Wrong,
                    Slice(statement).place(),
                    Slice(statement).shown(),
                    "this begins with no word",
                );
                continue;
            };
            if let Some(body) = self.block(kind, &call.word(), &call) {
                self.report.translated(&call);
                self.deeper(|this| steps.extend(this.steps_of(&body, kind)));
                continue;
            }
            if statement
                .first()
                .and_then(Node::text)
                .is_some_and(|text| text.is("if") || text.is("channel") || text.is("junction"))
            {
                self.report.unsupported(
                    &Slice(statement),
                    "branches are translated in log paths, not in a parser or rewrite of their own",
                );
                continue;
            }
            let (step, said) = if kind == "rewrite" { self.rewriting(&call) } else { self.parsing(&call) };
            self.say(&call, said);
            steps.extend(step.map(|inside| Step::Inline(inside, call.place())));
        }
        steps
    }

    fn rewriting(&mut self, call: &Call<'_>) -> (Option<String>, Said) {
        let arguments = call.arguments();
        self.odd(&arguments.odd);
        let mut field = None;
        let mut tail = String::new();
        let mut global = false;
        for option in &arguments.calls {
            let said = match (option.word().as_str(), option.text()) {
                ("value", Some(name)) => {
                    field = Some(name.trim_start_matches('$').to_owned());
                    continue;
                }
                ("condition", _) => match self.condition(option.nodes_within()) {
                    Ok(when) if when.is_always() => continue,
                    Ok(when) => {
                        tail += &format!(", when = {}", text(&when.to_string()));
                        continue;
                    }
                    Err(Lost) => return (None, Said::no("its condition cannot be said")),
                },
                ("type", Some(kind @ ("pcre" | "string"))) if call.word() == "subst" => {
                    tail += &format!(", type = \"{kind}\"");
                    continue;
                }
                ("flags", _) if call.word() == "subst" => {
                    let mut flags = Vec::new();
                    for flag in option.arguments().values {
                        match flag.word().as_str() {
                            "global" => global = true,
                            "ignore_case" | "unicode" | "utf8" | "newline" => {
                                flags.push(flag.text.replace('_', "-"))
                            }
                            "store_matches" | "disable_jit" | "dupnames" => {}
                            "substring" | "prefix" if flag.is("substring") => {}
                            _ => self.report.say(
                                Group::Unsupported,
                                flag.place,
                                flag.text.clone(),
                                "unknown flag",
                            ),
                        }
                    }
                    if !flags.is_empty() {
                        tail += &format!(", flags = {}", strings(&flags));
                    }
                    continue;
                }
                ("time_zone", Some(_)) => continue,
                _ => Said::unknown(),
            };
            self.say(option, said);
        }
        let values: Vec<&str> = arguments.values.iter().map(|value| value.text.as_str()).collect();
        let of = |text: &str| templates::check(text).err().map(Said::No);
        let step = match (call.word().as_str(), values.as_slice(), field) {
            ("set", [to], Some(field)) => {
                if let Some(said) = of(to) {
                    return (None, said);
                }
                format!("set = {}, to = {}", string(&field), text(to))
            }
            ("unset", [], Some(field)) => format!("unset = {}", string(&field)),
            ("subst", [pattern, with], field) => {
                if let Some(why) = beyond_linear(pattern) {
                    return (None, Said::No(why));
                }
                let field = field.unwrap_or_else(|| "MESSAGE".to_owned());
                let global = if global { ", global = true" } else { "" };
                format!("subst = {}, with = {}, in = {}{global}", text(pattern), text(with), string(&field))
            }
            ("rename", [from, to], None) => format!("rename = {}, to = {}", string(from), string(to)),
            ("set_tag", [tag], None) => format!("set-tag = {}", string(tag)),
            ("clear_tag", [tag], None) => format!("clear-tag = {}", string(tag)),
            ("set_severity" | "set_level", [value], None) => format!("set-severity = {}", string(value)),
            ("set_facility", [value], None) => format!("set-facility = {}", string(value)),
            ("set_pri", [value], None) => format!("set-pri = {}", string(value)),
            ("fix_time_zone", [zone], None) => format!("fix-time-zone = {}", string(zone)),
            ("set_time_zone", [zone], None) => format!("set-time-zone = {}", string(zone)),
            ("credit_card_mask", [], field) => {
                let field = field.unwrap_or_else(|| "MESSAGE".to_owned());
                let step = format!(
                    "subst = '\\b[0-9]{{13,16}}\\b', with = \"****\", in = {}, global = true{tail}",
                    string(&field)
                );
                return (Some(step), Said::changed("every number of 13 to 16 digits"));
            }
            ("guess_time_zone", ..) => {
                return (None, Said::no("`time-zone` of the source or sender says it"));
            }
            ("groupset" | "groupunset", ..) => {
                return (None, Said::no("a field is named, not a pattern of names"));
            }
            ("set_matches" | "unset_matches" | "map_value_pairs" | "set_time", ..) => {
                return (None, Said::no("groups of a regular expression have names here"));
            }
            (
                "set" | "unset" | "subst" | "rename" | "set_tag" | "clear_tag" | "set_severity" | "set_level"
                | "set_facility" | "set_pri" | "fix_time_zone" | "set_time_zone",
                ..,
            ) => {
                return (None, Said::wrong("its values are not those that it needs"));
            }
            _ => return (None, Said::unknown()),
        };
        (Some(step + &tail), Said::Translated)
    }

    fn parsing(&mut self, call: &Call<'_>) -> (Option<String>, Said) {
        let kind = match call.word().as_str() {
            "csv_parser" => "csv",
            "kv_parser" | "linux_audit_parser" => "kv",
            "json_parser" => "json",
            "regexp_parser" => "regexp",
            "date_parser" => {
                return (
                    None,
                    Said::no(
                        "times are read where messages are received; `keep-timestamp` and `time-zone` say how",
                    ),
                );
            }
            "syslog_parser" => {
                return (None, Said::no("every message is read as syslog where it is received"));
            }
            "db_parser"
            | "grouping_by"
            | "group_lines"
            | "add_contextual_data"
            | "geoip2"
            | "python"
            | "map_value_pairs"
            | "metrics_probe"
            | "tags_parser"
            | "xml"
            | "apache_accesslog_parser"
            | "cisco_parser"
            | "checkpoint_parser"
            | "sudo_parser"
            | "iptables_parser"
            | "windows_eventlog_xml_parser"
            | "panos_parser"
            | "fortigate_parser"
            | "websense_parser"
            | "app_parser"
            | "mariadb_audit_parser"
            | "snmptrapd_parser"
            | "postgresql_csvlog_parser"
            | "netskope_parser" => {
                return (None, Said::no("parsers are csv, kv, json and regexp"));
            }
            _ => return (None, Said::unknown()),
        };
        let arguments = call.arguments();
        self.odd(&arguments.odd);
        let mut step = format!("parse = \"{kind}\"");
        let (mut complete, mut because) = (kind == "kv" || kind == "json", None);
        for option in &arguments.calls {
            let values = option.arguments().values;
            let list: Vec<String> = values.iter().map(|value| value.text.clone()).collect();
            let said = match (option.word().as_str(), option.text()) {
                ("template", Some(template)) => {
                    match templates::macro_name(template.trim_start_matches(['$', '{'])) {
                        "MESSAGE" | "MSG" | "MSGONLY" if template.starts_with('$') => Said::Translated,
                        name if format!("${name}") == template || format!("${{{name}}}") == template => {
                            step += &format!(", from = {}", string(name));
                            Said::Translated
                        }
                        _ => match template.strip_prefix("${").and_then(|name| name.strip_suffix('}')) {
                            Some(name) if !name.contains(['$', ':', '}']) => {
                                step += &format!(", from = {}", string(name));
                                Said::Translated
                            }
                            _ => return (None, Said::no("one field is read, not a template")),
                        },
                    }
                }
                ("prefix", Some(prefix)) => {
                    step += &format!(", prefix = {}", string(prefix));
                    Said::Translated
                }
                ("marker", Some(marker)) if kind == "json" => {
                    step += &format!(", marker = {}", string(marker));
                    Said::Translated
                }
                ("columns", _) if kind == "csv" && !list.is_empty() => {
                    complete = true;
                    step += &format!(", columns = {}", strings(&list));
                    Said::Translated
                }
                ("delimiters", given) if kind == "csv" => {
                    let chars = option
                        .arguments()
                        .calls
                        .iter()
                        .find(|inner| inner.word() == "chars")
                        .and_then(Call::text);
                    match given.or(chars) {
                        Some(chars) => {
                            step += &format!(", delimiters = {}", string(chars));
                            Said::Translated
                        }
                        None => Said::no("delimiters are single characters"),
                    }
                }
                ("quote_pairs" | "quotes", Some(pairs)) => {
                    let mut firsts: Vec<char> = pairs.chars().collect();
                    firsts.dedup();
                    step += &format!(", quotes = {}", string(&firsts.into_iter().collect::<String>()));
                    Said::changed("a value ends with the quote that began it")
                }
                ("flags", _) if kind == "csv" => {
                    let mut flags = Vec::new();
                    for flag in &values {
                        match flag.word().as_str() {
                            "greedy" | "strip_whitespace" | "drop_invalid" | "escape_double_char"
                            | "escape_backslash" => {
                                flags.push(flag.text.replace('_', "-"));
                            }
                            "escape_none" => {}
                            _ => self.report.say(
                                Group::Unsupported,
                                flag.place,
                                flag.text.clone(),
                                "unknown flag",
                            ),
                        }
                    }
                    if !flags.is_empty() {
                        step += &format!(", flags = {}", strings(&flags));
                    }
                    Said::Translated
                }
                ("value_separator", Some(separator)) if kind == "kv" => {
                    step += &format!(", value-separator = {}", string(separator));
                    Said::Translated
                }
                ("pair_separator", Some(separator)) if kind == "kv" => {
                    step += &format!(", pair-separator = {}", string(separator));
                    Said::Translated
                }
                ("patterns", _) if kind == "regexp" && !list.is_empty() => {
                    if let Some(why) = list.iter().find_map(|pattern| beyond_linear(pattern)) {
                        return (None, Said::No(why));
                    }
                    complete = true;
                    let patterns: Vec<String> = list.iter().map(|pattern| text(pattern)).collect();
                    step += &format!(", pattern = [{}]", patterns.join(", "));
                    Said::Translated
                }
                ("flags", _) if kind == "regexp" => {
                    let known = ["ignore-case", "unicode", "utf8", "newline"];
                    let flags: Vec<String> = list
                        .iter()
                        .map(|flag| flag.replace('_', "-"))
                        .filter(|flag| known.contains(&flag.as_str()))
                        .collect();
                    let all = flags.len() == list.len();
                    step += &format!(", flags = {}", strings(&flags));
                    if all {
                        Said::Translated
                    } else {
                        Said::changed("flags that are not known are left out")
                    }
                }
                ("drop_unmatched", _) => Said::Translated,
                _ => {
                    because = Some("without the options that are not supported");
                    Said::unknown()
                }
            };
            self.say(option, said);
        }
        if !complete {
            return (None, Said::wrong("it does not say what is looked for"));
        }
        (Some(step), because.map_or(Said::Translated, Said::changed))
    }

    /// A step that sets a field of what these sources read.
    pub(super) fn overriding(
        ids: &[String],
        field: &str,
        to: &str,
        place: crate::import::source::Place,
    ) -> Step {
        let tags: Vec<String> =
            ids.iter().map(|id| crate::import::filter::quoted(&format!(".source.{id}"))).collect();
        let when = Expr::Text(format!("tags({})", tags.join(", ")));
        let set = Step::Inline(format!("set = {}, to = {}", string(field), text(to)), place);
        Step::If { branches: vec![(when, vec![set])], otherwise: Vec::new(), place }
    }
}
