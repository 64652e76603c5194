//! The functions of filters: what each is called, and what its arguments mean.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use syslog_parse::{Facility, Severity};

use super::grammar::{Argument, Call};
use super::{Expression, Network, Reader};
use crate::config::diagnostic::suggestion;
use crate::config::path::pattern::{Flag, Pattern, Type};
use crate::config::path::place::Mistake;

const FUNCTIONS: [&str; 14] = [
    "facility", "level", "priority", "severity", "host", "program", "message", "match", "netmask",
    "netmask6", "source", "tags", "in-list", "filter",
];

impl Reader<'_, '_> {
    pub(super) fn call(&mut self, call: &Call<'_>) -> Result<Expression, Mistake> {
        let name = call.name.replace('_', "-");
        Ok(match name.as_str() {
            "facility" => Expression::Facility(self.bits(call, &facility, 23, "facility")?),
            "level" | "priority" | "severity" => {
                let bits = self.bits(call, &severity, 7, "level")?;
                Expression::Level(u8::try_from(bits).unwrap_or(u8::MAX))
            }
            "host" => self.matches(call, Some("HOST"))?,
            "program" => self.matches(call, Some("PROGRAM"))?,
            "message" => self.matches(call, Some("MESSAGE"))?,
            "match" => self.matches(call, None)?,
            "netmask" | "netmask6" => {
                let networks = self.plain(call)?.into_iter().map(|(part, text)| {
                    let network = network(text)
                        .filter(|network| name == "netmask" || matches!(network, Network::V6 { .. }));
                    let help = if name == "netmask" { "such as 10.0.0.0/8" } else { "such as 2001:db8::/32" };
                    let wrong = || self.mistake(part, format!("`{text}` is no network")).help(help);
                    network.map(Expression::Network).ok_or_else(wrong)
                });
                any(networks.collect::<Result<_, _>>()?)
            }
            "source" => {
                let sources = self.plain(call)?.into_iter().map(|(part, text)| {
                    if self.context.sources.iter().any(|source| source == text) {
                        return Ok(Expression::Source(text.to_owned()));
                    }
                    let unknown = self.mistake(part, format!("there is no source `{text}`"));
                    let known: Vec<&str> = self.context.sources.iter().map(String::as_str).collect();
                    Err(unknown.help(suggestion(text, &known)))
                });
                any(sources.collect::<Result<_, _>>()?)
            }
            "tags" => {
                Expression::Tags(self.plain(call)?.into_iter().map(|(_, tag)| tag.to_owned()).collect())
            }
            "in-list" => self.in_list(call)?,
            "filter" => match self.plain(call)?.as_slice() {
                [(part, name)] => self.named(name, part)?,
                _ => return Err(self.mistake(call.name, "`filter` names one filter")),
            },
            unknown => {
                let mistake = self.mistake(call.name, format!("there is no filter function `{unknown}`"));
                return Err(mistake.help(suggestion(unknown, &FUNCTIONS)));
            }
        })
    }

    /// The arguments, where none of them is an option: where each stands, and its text. There is at least one.
    fn plain<'a>(&self, call: &'a Call<'_>) -> Result<Vec<(&'a str, &'a str)>, Mistake> {
        let arguments = call.arguments.iter().map(|argument| match argument {
            Argument::Bare(text) => Ok((*text, *text)),
            Argument::Quoted(quoted) => Ok((quoted.raw, quoted.text.as_str())),
            Argument::Call(option) => {
                Err(self.mistake(option.name, format!("`{}` has no such option", call.name)))
            }
        });
        let arguments: Vec<_> = arguments.collect::<Result<_, _>>()?;
        if arguments.is_empty() {
            return Err(self.mistake(call.name, format!("`{}` of what?", call.name)));
        }
        Ok(arguments)
    }

    /// Names, numbers and ranges as bits.
    fn bits(
        &self,
        call: &Call<'_>,
        number: &dyn Fn(&str) -> Option<u32>,
        most: u32,
        what: &str,
    ) -> Result<u32, Mistake> {
        let mut bits = 0;
        for (part, text) in self.plain(call)? {
            let number = |name: &str| {
                let number = number(name).or_else(|| name.parse().ok().filter(|number| *number <= most));
                number.ok_or_else(|| {
                    let wrong = self.mistake(part, format!("there is no {what} `{name}`"));
                    let names: Vec<&str> = match what {
                        "facility" => Facility::ALL.iter().map(|facility| facility.as_str()).collect(),
                        _ => Severity::ALL.iter().map(|severity| severity.as_str()).collect(),
                    };
                    wrong.help(suggestion(name, &names))
                })
            };
            let (from, to) = text.split_once("..").unwrap_or((text, text));
            let (from, to) = (number(from.trim())?, number(to.trim())?);
            (from.min(to)..=from.max(to)).for_each(|bit| bits |= 1 << bit);
        }
        Ok(bits)
    }

    fn matches(&self, call: &Call<'_>, fixed: Option<&str>) -> Result<Expression, Mistake> {
        let mut pattern = None;
        let mut field = fixed.map(str::to_owned);
        let (mut is, mut flags) = (Type::default(), Vec::new());
        for argument in &call.arguments {
            let option = match argument {
                Argument::Bare(text) if pattern.is_none() => {
                    pattern = Some((*text, *text));
                    continue;
                }
                Argument::Quoted(quoted) if pattern.is_none() => {
                    pattern = Some((quoted.raw, quoted.text.as_str()));
                    continue;
                }
                Argument::Bare(text) => return Err(self.mistake(text, "one pattern is enough")),
                Argument::Quoted(quoted) => return Err(self.mistake(quoted.raw, "one pattern is enough")),
                Argument::Call(option) => option,
            };
            match option.name {
                "type" => {
                    let [(part, name)] = self.plain(option)?[..] else {
                        return Err(self.mistake(option.name, "one type is enough"));
                    };
                    is = Type::of(name).ok_or_else(|| {
                        self.mistake(part, format!("there is no type `{name}`"))
                            .help(suggestion(name, &Type::NAMES))
                    })?;
                }
                "flags" => {
                    for (part, name) in self.plain(option)? {
                        flags.push(Flag::of(name).ok_or_else(|| {
                            self.mistake(part, format!("there is no flag `{name}`"))
                                .help(suggestion(name, &Flag::NAMES))
                        })?);
                    }
                }
                "value" if fixed.is_none() => field = Some(self.field(option)?),
                name => {
                    let known: &[&str] =
                        if fixed.is_some() { &["type", "flags"] } else { &["type", "flags", "value"] };
                    let unknown = self.mistake(name, format!("`{}` has no option `{name}`", call.name));
                    return Err(unknown.help(suggestion(name, known)));
                }
            }
        }
        let Some((part, text)) = pattern else {
            return Err(self.mistake(call.name, format!("`{}` of what?", call.name)));
        };
        let Some(field) = field else {
            let missing = self.mistake(call.name, "`match` needs the field that it looks at");
            return Err(missing.help("match(\"...\" value(\"MESSAGE\"))"));
        };
        let pattern = Pattern::new(text, is, &flags).map_err(|error| self.mistake(part, error))?;
        Ok(Expression::Matches { field, pattern })
    }

    /// `value("FIELD")`, also with the `$` that does not belong there.
    fn field(&self, option: &Call<'_>) -> Result<String, Mistake> {
        match self.plain(option)?[..] {
            [(_, name)] if !name.trim_start_matches('$').is_empty() => {
                let name = name.trim_start_matches('$');
                let inner = name.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
                Ok(inner.unwrap_or(name).to_owned())
            }
            _ => Err(self.mistake(option.name, "`value` names one field")),
        }
    }

    fn in_list(&self, call: &Call<'_>) -> Result<Expression, Mistake> {
        let (mut path, mut field) = (None, None);
        for argument in &call.arguments {
            match argument {
                Argument::Bare(text) if path.is_none() => path = Some((*text, *text)),
                Argument::Quoted(quoted) if path.is_none() => path = Some((quoted.raw, quoted.text.as_str())),
                Argument::Call(option) if option.name == "value" => field = Some(self.field(option)?),
                Argument::Bare(part) => return Err(self.mistake(part, "one file is enough")),
                Argument::Quoted(quoted) => return Err(self.mistake(quoted.raw, "one file is enough")),
                Argument::Call(option) => {
                    return Err(self
                        .mistake(option.name, "`in-list` has no such option")
                        .help("only `value`"));
                }
            }
        }
        let (Some((part, path)), Some(field)) = (path, field) else {
            let missing = self.mistake(call.name, "`in-list` needs a file and a field");
            return Err(missing.help("in-list(\"/etc/ha-collector/hosts.list\" value(\"HOST\"))"));
        };
        if !path.starts_with('/') {
            return Err(self.mistake(part, format!("`{path}` is no absolute path")));
        }
        let text = std::fs::read(path)
            .map_err(|error| self.mistake(part, format!("cannot read {path}: {error}")))?;
        let lines = text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let list: HashSet<Box<[u8]>> = lines.filter(|line| !line.is_empty()).map(Box::from).collect();
        Ok(Expression::InList { field, list: Arc::new(list) })
    }
}

fn any(mut expressions: Vec<Expression>) -> Expression {
    match expressions.len() {
        1 => expressions.remove(0),
        _ => Expression::Any(expressions),
    }
}

/// The number of a facility's name.
pub(crate) fn facility(name: &str) -> Option<u32> {
    Facility::from_name(name).map(|facility| facility as u32)
}

/// The number of a severity's name, or of one of its other names.
pub(crate) fn severity(name: &str) -> Option<u32> {
    Severity::from_name(name).map(|severity| severity as u32)
}

/// `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `10.0.0.1`, `2001:db8::/32`
fn network(text: &str) -> Option<Network> {
    let (address, behind) =
        text.split_once('/').map_or((text, None), |(address, mask)| (address, Some(mask)));
    Some(match address.parse().ok()? {
        IpAddr::V4(address) => {
            let mask = match behind {
                None => u32::MAX,
                Some(mask) if mask.contains('.') => mask.parse::<std::net::Ipv4Addr>().ok()?.to_bits(),
                Some(bits) => ones(bits.parse().ok()?, 32)?.try_into().ok()?,
            };
            Network::V4 { base: (address.to_bits() & mask).into(), mask }
        }
        IpAddr::V6(address) => {
            let mask = behind.map_or(Some(u128::MAX), |bits| ones(bits.parse().ok()?, 128))?;
            Network::V6 { base: (address.to_bits() & mask).into(), mask }
        }
    })
}

/// So many ones in front, of `width` bits.
fn ones(bits: u32, width: u32) -> Option<u128> {
    let zeros = width.checked_sub(bits)?;
    let all = u128::MAX >> (128 - width);
    Some(all.checked_shl(zeros).unwrap_or(0) & all)
}
