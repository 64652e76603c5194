//! `template`: texts with macros. Ours are written the same way; what we do not have is said.

use super::statement::{Call, split};
use super::translate::{Said, Translator};
use super::tree::{Node, Slice, word};
use super::value::{Answer, answer};
use crate::import::report::{Group, Reported as _};

/// Template functions that we have.
const FUNCTIONS: [&str; 7] = ["format-json", "if", "substr", "sanitize", "lowercase", "uppercase", "escape"];
/// Macros that are about syslog-ng itself or what we do not keep.
const NOT_OURS: [&str; 13] = [
    "SEQNUM",
    "RCPTID",
    "UNIQID",
    "SYSUPTIME",
    "HOSTID",
    "CONTEXT_ID",
    "BSDTAG",
    "TAGS_HEAD",
    "RAWMSG",
    "TRANSPORT",
    "IPV",
    "PROTO",
    "DESTIP",
];

/// Functions in functions.
const DEEPEST: usize = 16;

impl Translator<'_> {
    /// `template name "text";` or `template name { template("text"); };`
    pub(super) fn template(&mut self, statement: &[Node]) {
        let slice = Slice(statement);
        let Some(name) = statement.get(1).and_then(Node::text) else {
            self.report.say(Group::Wrong, slice.place(), slice.shown(), "a template has a name");
            return;
        };
        if let Some(call) = statement.get(1..).and_then(Call::of).filter(|call| call.round.is_some()) {
            let why = "a template cannot be called as a function; write it out where it is used";
            self.report.unsupported(&call, why);
            return;
        }
        let text = match statement.get(2) {
            Some(Node::Text(text)) => Some(text.text.clone()),
            Some(Node::Brackets(body)) => {
                let mut found = None;
                for statement in split(&body.nodes, self.report) {
                    let Some(call) = Call::of(statement) else {
                        self.odd(&statement.iter().collect::<Vec<_>>());
                        continue;
                    };
                    let said = match call.word().as_str() {
                        "template" => {
                            found = call.text().map(str::to_owned);
                            if found.is_some() { Said::Translated } else { Said::wrong("this is no text") }
                        }
                        "template_escape" => match answer(&call) {
                            Some(Answer::No) => Said::Translated,
                            _ => Said::no("`$(escape $X)` does it where it is wanted"),
                        },
                        _ => Said::unknown(),
                    };
                    self.say(&call, said);
                }
                found
            }
            _ => None,
        };
        let Some(text) = text else {
            self.report.say(Group::Wrong, slice.place(), slice.shown(), "this template has no text");
            return;
        };
        if let Err(why) = check(&text) {
            self.report.unsupported(&slice, why);
            // Whoever refers to it must not find its name to be a text.
            self.templates.insert(word(&name.text), None);
            return;
        }
        self.report.translated(&slice);
        let ours = self.template_names.name(&name.text);
        self.pipeline.templates.push((ours.clone(), text, Some(slice.place())));
        self.templates.insert(word(&name.text), Some(ours));
    }

    /// The name of a template of ours that is this text.
    pub(super) fn template_of(&mut self, wanted: &str, text: &str) -> String {
        if let Some((name, ..)) = self.pipeline.templates.iter().find(|(_, known, _)| known == text) {
            return name.clone();
        }
        let name = self.template_names.name(wanted);
        self.pipeline.templates.push((name.clone(), text.to_owned(), None));
        name
    }

    /// What `template(x)` means: the name of one, or the text itself.
    pub(super) fn template_called(&self, text: &str) -> Result<String, String> {
        if let Some(name) = self.templates.get(&word(text)) {
            return name.clone().ok_or_else(|| "this template could not be translated".to_owned());
        }
        check(text)?;
        Ok(text.to_owned())
    }
}

/// Whether we can render it, or why not.
pub(super) fn check(text: &str) -> Result<(), String> {
    checked(text, 0)
}

fn checked(text: &str, depth: usize) -> Result<(), String> {
    if depth > DEEPEST {
        return Err("functions that are too deep".to_owned());
    }
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('(') {
            let function: String = inner.chars().take_while(|c| !c.is_whitespace() && *c != ')').collect();
            if !FUNCTIONS.contains(&function.replace('_', "-").as_str()) {
                return Err(format!("there is no function $({function})"));
            }
            rest = inner;
        } else if let Some(inner) = rest.strip_prefix('{') {
            let Some((name, after)) = inner.split_once('}') else {
                return Err("a `${` without its `}`".to_owned());
            };
            let (name, default) = name.split_once(":-").unwrap_or((name, ""));
            known(name)?;
            checked(default, depth + 1)?;
            rest = after;
        } else {
            let name = macro_name(rest);
            known(name)?;
            rest = rest.get(name.len()..).unwrap_or_default();
        }
    }
    Ok(())
}

/// The name of a macro without braces.
pub(super) fn macro_name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn known(name: &str) -> Result<(), String> {
    if NOT_OURS.contains(&name) {
        return Err(format!("there is no ${name}"));
    }
    if name.contains('@') {
        return Err(format!("${{{name}}}: there is no correlation of messages"));
    }
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_digit()) {
        return Err(format!(
            "${name}: groups of a regular expression have names: (?<name>…), then ${{name}}"
        ));
    }
    Ok(())
}
