//! `filter`: conditions. Ours are written nearly the same way.

use super::lex::Bracket;
use super::statement::{Arguments, Call};
use super::translate::{Known, Said, Translator};
use super::tree::{Node, Quoted, Slice, Text, word};
use crate::import::filter::{Expr, quoted};
use crate::import::priority::{facility, level};
use crate::import::report::{Group, Reported as _};

/// A condition that cannot be said; why is in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost;

/// What a list of names stands for; `None`: it is no such name.
type Number = fn(&str) -> Option<u8>;

impl Translator<'_> {
    /// Filters may use each other before they are written.
    pub(super) fn filter_names_first(&mut self, statements: &[&[Node]]) {
        for statement in statements {
            let Some(name) = statement.get(1).and_then(Node::text) else { continue };
            if self.filters.contains_key(&word(&name.text)) {
                let slice = Slice(statement);
                let why = "there are two of this name: the last is meant";
                self.report.say(Group::Wrong, slice.place(), slice.shown(), why);
                continue;
            }
            let ours = self.filter_names.name(&name.text);
            self.filters.insert(word(&name.text), Known::Named(ours));
        }
    }

    pub(super) fn filter(&mut self, statement: &[Node]) {
        let Some((name, body)) = self.named(statement) else { return };
        let expr = self.condition(body);
        let key = word(name);
        match (expr, self.filters.get(&key)) {
            (Ok(expr), Some(Known::Named(ours))) => {
                let place = Slice(statement).place();
                let ours = ours.clone();
                self.pipeline.filters.retain(|known| known.name != ours);
                self.pipeline.filters.push(crate::import::pipeline::Filter { name: ours, expr, place });
                self.report.translated(&Slice(statement));
            }
            _ => {
                self.filters.insert(key, Known::Lost);
                self.report.unsupported(&Slice(statement), "something in it cannot be said");
            }
        }
    }

    /// An expression; what is wrong with it is said.
    pub(super) fn condition(&mut self, nodes: &[Node]) -> Result<Expr, Lost> {
        let nodes: Vec<&Node> = nodes.iter().collect();
        let end = nodes.iter().rposition(|node| !node.is_mark(";")).map_or(0, |last| last + 1);
        let nodes = nodes.get(..end).unwrap_or_default();
        if nodes.is_empty() {
            return Ok(Expr::ALWAYS);
        }
        let mut any = Vec::new();
        let mut lost = None;
        for alternative in nodes.split(|node| is_word(node, "or")) {
            match self.all_of(alternative) {
                Ok(expr) => any.push(expr),
                Err(why) => lost = Some(why),
            }
        }
        lost.map_or_else(|| Ok(Expr::any(any)), Err)
    }

    fn all_of(&mut self, mut nodes: &[&Node]) -> Result<Expr, Lost> {
        let mut all = Vec::new();
        let mut lost = None;
        while !nodes.is_empty() {
            let nots = nodes.iter().take_while(|node| is_word(node, "not")).count();
            nodes = nodes.get(nots..).unwrap_or_default();
            let (used, term) = self.term(nodes);
            match term {
                Ok(term) => all.push(if nots % 2 == 1 { term.negated() } else { term }),
                Err(why) => lost = Some(why),
            }
            nodes = nodes.get(used.max(1)..).unwrap_or_default();
            // What stands beside each other must both hold.
            while let [first, rest @ ..] = nodes
                && (is_word(first, "and") || first.is_mark(";"))
            {
                nodes = rest;
            }
        }
        lost.map_or_else(|| Ok(Expr::all(all)), Err)
    }

    /// One condition, and how many nodes it is.
    fn term(&mut self, nodes: &[&Node]) -> (usize, Result<Expr, Lost>) {
        if let [Node::Brackets(brackets), ..] = nodes
            && brackets.bracket == Bracket::Round
        {
            return (1, self.condition(&brackets.nodes));
        }
        if let [Node::Text(left), operator, Node::Text(right), ..] = nodes
            && let Some(operator) = comparison(operator)
        {
            return (3, self.compare(left, operator, right));
        }
        if let [name @ Node::Text(text), arguments @ Node::Brackets(_), ..] = nodes
            && text.quoted == Quoted::No
        {
            let call = [(*name).clone(), (*arguments).clone()];
            if let Some(call) = Call::of(&call).filter(|call| call.round.is_some()) {
                return (2, self.function(&call));
            }
        }
        if let [node, ..] = nodes {
            let one = std::slice::from_ref(*node);
            self.report.say(Group::Wrong, node.place(), Slice(one).shown(), "this is no condition");
        }
        (1, Err(Lost))
    }

    fn compare(&mut self, left: &Text, operator: &str, right: &Text) -> Result<Expr, Lost> {
        for side in [left, right] {
            if let Err(why) = super::templates::check(&side.text) {
                self.report.say(Group::Unsupported, side.place, side.text.clone(), why);
                return Err(Lost);
            }
        }
        Ok(Expr::Text(format!("{} {operator} {}", quoted(&left.text), quoted(&right.text))))
    }

    fn function(&mut self, call: &Call<'_>) -> Result<Expr, Lost> {
        let word = call.word();
        if let Some(body) = self.block("filter", &word, call) {
            let mut done = Err(Lost);
            self.deeper(|this| done = this.condition(&body));
            return done;
        }
        let arguments = call.arguments();
        match word.as_str() {
            "facility" => self.numbers(call, facility).map(Expr::Facility),
            "level" | "severity" | "priority" | "pri" => self
                .numbers(call, level)
                .map(|spans| Expr::Level(spans.into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect())),
            "host" | "program" | "message" | "msg" => {
                let name = if word == "msg" { "message" } else { &word };
                self.matching(call, name, &arguments)
            }
            "match" => self.matching(call, "match", &arguments),
            "netmask" | "netmask6" => match call.text() {
                Some(mask) => match network(mask) {
                    Some(mask) => Ok(Expr::Text(format!("netmask({mask})"))),
                    None => self.lost(call, Said::wrong("this is no network")),
                },
                None => self.lost(call, Said::wrong("this is no network")),
            },
            "tags" => {
                let tags: Vec<String> = arguments.values.iter().map(|tag| quoted(&tag.text)).collect();
                Ok(Expr::Text(format!("tags({})", tags.join(", "))))
            }
            "source" => match call.text().map(super::tree::word).and_then(|name| self.sources.get(&name)) {
                Some(source) => {
                    let tags: Vec<String> =
                        source.ids.iter().map(|id| quoted(&format!(".source.{id}"))).collect();
                    Ok(Expr::Text(format!("tags({})", tags.join(", "))))
                }
                None => {
                    self.lost(call, Said::no("a source that is written here, by its name, and nothing else"))
                }
            },
            "in_list" => {
                let value =
                    arguments.calls.iter().find(|option| option.word() == "value").and_then(Call::text);
                match (arguments.values.as_slice(), value) {
                    ([file], Some(value)) => {
                        Ok(Expr::Text(format!("in-list({} value({}))", quoted(&file.text), quoted(value))))
                    }
                    _ => self.lost(call, Said::wrong("a file, and value(\"NAME\")")),
                }
            }
            "filter" => {
                let Some(name) = call.text() else {
                    return self.lost(call, Said::wrong("the name of a filter"));
                };
                match self.filter_called(name) {
                    Some(expr) => Ok(expr),
                    None if self.filters.contains_key(&super::tree::word(name)) => Err(Lost),
                    None => self.lost(call, Said::wrong("there is no filter of that name")),
                }
            }
            "throttle" | "rate_limit" => self
                .lost(call, Said::no("nothing is limited by its rate; what is behind waits in the buffer")),
            _ => self.lost(call, Said::unknown()),
        }
    }

    fn lost(&mut self, call: &Call<'_>, said: Said) -> Result<Expr, Lost> {
        self.say(call, said);
        Err(Lost)
    }

    /// `kern, local0..local5`
    fn numbers(&mut self, call: &Call<'_>, number: Number) -> Result<Vec<(u8, u8)>, Lost> {
        let mut spans: Vec<(u8, u8)> = Vec::new();
        let mut range = false;
        for node in call.nodes_within() {
            match node {
                Node::Mark("..", _) => range = true,
                Node::Mark(",", _) => {}
                Node::Text(text) => match (number(&text.text), spans.last_mut()) {
                    (Some(to), Some((_, last))) if range => (*last, range) = (to, false),
                    (Some(one), _) => spans.push((one, one)),
                    (None, _) => {
                        let what = format!("{}: {}", call.shown(), text.text);
                        self.report.say(Group::Wrong, text.place, what, "there is no such name or number");
                        return Err(Lost);
                    }
                },
                other => {
                    self.odd(&[other]);
                    return Err(Lost);
                }
            }
        }
        if spans.is_empty() {
            self.report.say(Group::Wrong, call.place(), call.shown(), "of which?");
            return Err(Lost);
        }
        Ok(spans)
    }

    /// `host("pattern" type(glob) flags(ignore-case))`, and `match`, which has a value or a template, too.
    fn matching(&mut self, call: &Call<'_>, name: &str, arguments: &Arguments<'_>) -> Result<Expr, Lost> {
        self.odd(&arguments.odd);
        let [pattern] = arguments.values.as_slice() else {
            return self.lost(call, Said::wrong("one pattern"));
        };
        let mut options = String::new();
        let mut kind = "pcre";
        let mut value = None;
        for option in &arguments.calls {
            let said = match (option.word().as_str(), option.text()) {
                ("value", Some(field)) if name == "match" => {
                    value = Some(format!(" value({})", quoted(field.trim_start_matches('$'))));
                    continue;
                }
                ("template", Some(text)) if name == "match" => match one_macro(text) {
                    Some(field) => {
                        value = Some(format!(" value({})", quoted(field)));
                        continue;
                    }
                    None => {
                        return self.lost(option, Said::no("a pattern is looked for in one field: value()"));
                    }
                },
                ("type", Some(given @ ("pcre" | "string" | "glob"))) => {
                    kind = given;
                    options += &format!(" type({given})");
                    continue;
                }
                ("type", Some("posix")) => Said::changed("read as pcre"),
                ("flags", _) => {
                    let mut flags = Vec::new();
                    for flag in option.arguments().values {
                        match flag.word().as_str() {
                            "ignore_case" | "prefix" | "substring" | "unicode" | "utf8" | "newline" => {
                                flags.push(flag.text.replace('_', "-"));
                            }
                            "global" | "disable_jit" | "dupnames" => {}
                            "store_matches" => {
                                let why = "groups of a filter are not kept; `parse = \"regexp\"` with named groups does it";
                                self.report.say(Group::Unsupported, flag.place, flag.text.clone(), why);
                            }
                            _ => self.report.say(
                                Group::Unsupported,
                                flag.place,
                                flag.text.clone(),
                                "unknown flag",
                            ),
                        }
                    }
                    if !flags.is_empty() {
                        options += &format!(" flags({})", flags.join(", "));
                    }
                    continue;
                }
                _ => Said::unknown(),
            };
            self.say(option, said);
        }
        let mut pattern = pattern.text.clone();
        if kind == "pcre" {
            if let Some(why) = beyond_linear(&pattern) {
                return self.lost(call, Said::No(why));
            }
            // An anchor that pcre takes and we write otherwise.
            pattern = pattern.replace("\\Z", "\\z");
        }
        if name == "match" && value.is_none() {
            value = Some(format!(" value({})", quoted("MESSAGE")));
            self.report
                .changed(call, "looked for in the message; syslog-ng looks at PROGRAM[PID]: before it, too");
        }
        Ok(Expr::Text(format!("{name}({}{}{options})", quoted(&pattern), value.unwrap_or_default())))
    }
}

/// What of a regular expression cannot be done in time that is linear in the length of the message.
pub(super) fn beyond_linear(pattern: &str) -> Option<String> {
    let around = ["(?=", "(?!", "(?<=", "(?<!", "(?>", "\\K"].into_iter().find(|part| pattern.contains(part));
    let mut escaped = false;
    let mut back = false;
    for c in pattern.chars() {
        back |= escaped && ('1'..='9').contains(&c);
        escaped = c == '\\' && !escaped;
    }
    let what = if back { around.or(Some("\\1")) } else { around }?;
    Some(format!("`{what}` is not looked for: every match takes time linear in the length of the message"))
}

/// The name in a text that is one macro and nothing else.
fn one_macro(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// `10.0.0.0/255.0.0.0` is `10.0.0.0/8`.
fn network(text: &str) -> Option<String> {
    let (address, mask) = match text.split_once('/') {
        Some((address, mask)) => (address, Some(mask)),
        None => (text, None),
    };
    let address: std::net::IpAddr = address.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = match mask {
        None => longest,
        Some(mask) => match mask.parse::<std::net::Ipv4Addr>() {
            Ok(mask) if address.is_ipv4() => {
                let bits = u32::from(mask);
                (bits.leading_ones() == bits.count_ones()).then_some(bits.count_ones())?
            }
            _ => mask.parse().ok().filter(|length| *length <= longest)?,
        },
    };
    Some(format!("{address}/{length}"))
}

fn is_word(node: &Node, word: &str) -> bool {
    node.text().is_some_and(|text| text.is(word))
}

fn comparison(node: &Node) -> Option<&'static str> {
    Some(match node {
        Node::Mark(mark @ ("==" | "!=" | "<=" | ">=" | "<" | ">"), _) => mark,
        Node::Text(text) if text.quoted == Quoted::No => match text.text.as_str() {
            "eq" => "eq",
            "ne" => "ne",
            "lt" => "lt",
            "le" => "le",
            "gt" => "gt",
            "ge" => "ge",
            _ => return None,
        },
        _ => return None,
    })
}
