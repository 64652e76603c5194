//! From files to one text: comments taken away, `@` lines followed, backticks replaced.
//!
//! The body of a `block` is left as it is: what stands in backticks there are its arguments, which are known where it is
//! used.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::import::report::{Group, Report};
use crate::import::source::{Files, Place, Traced, read_text};

/// All text that comes of all files. What passes it is no configuration.
pub(super) const MOST_BYTES: usize = 8 << 20;
/// Files within files.
const DEEPEST: usize = 32;
/// Where `@include` looks, beside the directory of the file.
const INCLUDE: [&str; 3] =
    ["/etc/syslog-ng", "/usr/share/syslog-ng/include", "/usr/share/syslog-ng/include/scl"];

/// What `@version:` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    pub(super) major: u32,
    pub(super) minor: u32,
}

/// A configuration as one text.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) text: Traced,
    pub(super) version: Option<(Version, Place)>,
    pub(super) definitions: HashMap<String, String>,
}

/// Reads files.
#[derive(Debug)]
pub(super) struct Expander<'a> {
    files: &'a mut Files,
    report: &'a mut Report,
    done: Expanded,
    /// The files that are being read, by their real paths.
    open: Vec<PathBuf>,
    state: State,
}

/// Where in the text we are.
#[derive(Clone, Debug, Default)]
struct State {
    quote: Option<char>,
    depth: usize,
    /// The first word of the statement at the top, as far as it was read.
    word: String,
    word_ended: bool,
}

impl State {
    fn in_block(&self) -> bool {
        self.word == "block"
    }

    fn passes(&mut self, c: char) {
        match c {
            '{' => self.depth += 1,
            '}' => self.depth = self.depth.saturating_sub(1),
            ';' if self.depth == 0 => *self = Self::default(),
            c if self.depth == 0 && !self.word_ended => {
                if c.is_whitespace() {
                    self.word_ended = !self.word.is_empty();
                } else {
                    self.word.push(c);
                }
            }
            _ => {}
        }
        if c == '{' {
            self.word_ended = true;
        }
        if c == '}' && self.depth == 0 && !self.in_block() {
            // Where its `;` is missing the next statement begins all the same.
            *self = Self::default();
        }
    }
}

/// Nothing more is to be read; why is said.
#[derive(Debug)]
struct Enough;

impl<'a> Expander<'a> {
    pub(super) fn new(files: &'a mut Files, report: &'a mut Report) -> Self {
        Self { files, report, done: Expanded::default(), open: Vec::new(), state: State::default() }
    }

    /// A file and what it includes.
    pub(super) fn read(mut self, path: &Path) -> std::io::Result<Expanded> {
        let text = read_text(path)?;
        self.file(path, &text).ok();
        Ok(self.done)
    }

    /// A text that is called `path`.
    #[cfg(test)]
    pub(super) fn read_text(mut self, path: &Path, text: &str) -> Expanded {
        self.file(path, &(text.to_owned(), true)).ok();
        self.done
    }

    fn file(&mut self, path: &Path, (text, is_utf8): &(String, bool)) -> Result<(), Enough> {
        let file = self.files.add(path);
        if !is_utf8 {
            let start = Place { file, line: 1, column: 1 };
            self.report.say(Group::Wrong, start, "", "this file is not UTF-8 text");
        }
        self.open.push(path.canonicalize().unwrap_or_else(|_| path.to_path_buf()));
        for (n, line) in text.split_inclusive('\n').enumerate() {
            let at = |before: &str| Place { file, line: n + 1, column: before.chars().count() + 1 };
            let trimmed = line.trim_start();
            let indent = line.get(..line.len() - trimmed.len()).unwrap_or_default();
            if self.state.quote.is_none() && trimmed.starts_with('@') {
                self.pragma(trimmed, at(indent))?;
            } else if self.state.quote.is_none() && self.state.depth == 0 && is_old_include(trimmed) {
                self.include(trimmed, at(indent))?;
            } else {
                self.line(line, Place { file, line: n + 1, column: 1 })?;
            }
        }
        self.open.pop();
        Ok(())
    }

    fn line(&mut self, line: &str, mut place: Place) -> Result<(), Enough> {
        if self.done.text.text.len() + line.len() > MOST_BYTES {
            return Err(self.enough(place, "more than 8 MiB of configuration"));
        }
        let mut piece = String::new();
        let mut from = place;
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let mut after = rest.get(c.len_utf8()..).unwrap_or_default();
            let mut passed = 1;
            match (self.state.quote, c) {
                (None, '#') => break,
                (_, '`') if !self.state.in_block() => {
                    if let Some((name, behind)) = after.split_once('`')
                        && is_name(name)
                    {
                        self.done.text.push(&Traced::new(&piece, from));
                        piece.clear();
                        self.replace(name, place)?;
                        after = behind;
                        passed = name.chars().count() + 2;
                        (from, rest) = (Place { column: place.column + passed, ..place }, after);
                        place = from;
                        continue;
                    }
                    piece.push(c);
                }
                (Some('"'), '\\') => {
                    piece.push(c);
                    if let Some(escaped) = after.chars().next() {
                        piece.push(escaped);
                        after = after.get(escaped.len_utf8()..).unwrap_or_default();
                        passed = 2;
                    }
                }
                (Some(quote), c) => {
                    piece.push(c);
                    if c == quote {
                        self.state.quote = None;
                    }
                }
                (None, c) => {
                    piece.push(c);
                    if c == '"' || c == '\'' {
                        self.state.quote = Some(c);
                    }
                    self.state.passes(c);
                }
            }
            place.column += passed;
            rest = after;
        }
        if !piece.ends_with('\n') {
            piece.push('\n');
        }
        self.done.text.push(&Traced::new(&piece, from));
        Ok(())
    }

    fn replace(&mut self, name: &str, place: Place) -> Result<(), Enough> {
        let value = value_of(name, &self.done.definitions);
        let Some(value) = value else {
            let what = format!("`{name}`");
            self.report.say(Group::Wrong, place, what, "is defined neither here nor in the environment");
            return Ok(());
        };
        if self.done.text.text.len() + value.len() > MOST_BYTES {
            return Err(self.enough(place, "definitions that grow without an end"));
        }
        let value = if self.state.quote == Some('"') { escaped(&value) } else { value };
        self.done.text.push(&Traced::put(&value, place));
        Ok(())
    }

    fn pragma(&mut self, line: &str, place: Place) -> Result<(), Enough> {
        let code = without_comment(line);
        let what = code.trim_end();
        let (word, rest) = what.split_at(what.find([' ', '\t', ':']).unwrap_or(what.len()));
        let rest = rest.trim_start_matches([' ', '\t', ':']).trim();
        match word {
            "@version" => match version(rest) {
                Some(version) => {
                    self.done.version = Some((version, place));
                    self.report.say(Group::Translated, place, what, "");
                }
                None => self.report.say(Group::Wrong, place, what, "this is no version, such as 4.8"),
            },
            "@include" => return self.include(what, place),
            "@define" => {
                let (name, value) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
                if is_name(name) {
                    self.done.definitions.insert(name.to_owned(), unquoted(value.trim()));
                    self.report.say(Group::Translated, place, what, "");
                } else {
                    self.report.say(Group::Wrong, place, what, "this is no name");
                }
            }
            "@module" | "@requires" => {
                let why = "there are no modules: everything is there";
                self.report.say(Group::Translated, place, what, why);
            }
            _ => self.report.say(Group::Unsupported, place, what, "unknown word"),
        }
        Ok(())
    }

    fn include(&mut self, line: &str, place: Place) -> Result<(), Enough> {
        let what = without_comment(line).trim_end().trim_end_matches(';');
        let (_, given) = what.split_once([' ', '\t']).unwrap_or_default();
        let given = self.expanded(&unquoted(given.trim()), place);
        if given.is_empty() {
            self.report.say(Group::Wrong, place, what, "of which file?");
            return Ok(());
        }
        let of_the_library =
            |name: &str| given.ends_with(name) || given.contains("/scl/") || given.starts_with("scl/");
        if of_the_library("scl.conf") {
            let why = "not read: what it defines is known here by its name, where it can be translated";
            self.report.say(Group::Translated, place, what, why);
            return Ok(());
        }
        let dir = self.open.last().and_then(|path| path.parent()).map(Path::to_path_buf).unwrap_or_default();
        let mut found = Vec::new();
        for dir in std::iter::once(dir).chain(INCLUDE.map(PathBuf::from)) {
            // Joining an absolute path gives that path.
            let within = glob::Pattern::escape(&dir.to_string_lossy());
            match glob::glob(&Path::new(&within).join(&given).to_string_lossy()) {
                Ok(paths) => found.extend(paths.flatten()),
                Err(error) => self.report.say(Group::Wrong, place, what, error.to_string()),
            }
            if !found.is_empty() {
                break;
            }
        }
        // A directory stands for what is in it.
        if let [dir] = found.as_slice()
            && dir.is_dir()
        {
            let within = glob::Pattern::escape(&dir.to_string_lossy());
            found = glob::glob(&format!("{within}/*.conf"))
                .map(|paths| paths.flatten().collect())
                .unwrap_or_default();
        }
        if found.is_empty() {
            let group = if given.contains('*') { Group::Advice } else { Group::Wrong };
            self.report.say(group, place, what, "there is no such file");
        } else {
            self.report.say(Group::Translated, place, what, "");
        }
        for path in found.into_iter().filter(|path| !path.is_dir()) {
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            if self.open.contains(&real) || self.open.len() >= DEEPEST {
                let why = format!("{} includes itself", path.display());
                self.report.say(Group::Wrong, place, what, why);
                continue;
            }
            match read_text(&path) {
                Ok(text) => self.file(&path, &text)?,
                Err(error) => {
                    self.report.say(Group::Wrong, place, what, format!("{}: {error}", path.display()));
                }
            }
        }
        Ok(())
    }

    /// The same with its backticks replaced.
    fn expanded(&mut self, text: &str, place: Place) -> String {
        let mut parts = text.split('`');
        let mut done = parts.next().unwrap_or_default().to_owned();
        while let Some(name) = parts.next() {
            match value_of(name, &self.done.definitions) {
                Some(value) => done += &value,
                None => self.report.say(Group::Wrong, place, format!("`{name}`"), "is not defined"),
            }
            done += parts.next().unwrap_or_default();
        }
        done
    }

    fn enough(&mut self, place: Place, why: &str) -> Enough {
        self.report.say(Group::Wrong, place, "", format!("{why}: the rest is not read"));
        Enough
    }
}

/// What a name in backticks stands for.
pub(super) fn value_of(name: &str, definitions: &HashMap<String, String>) -> Option<String> {
    definitions.get(name).cloned().or_else(|| std::env::var(name).ok())
}

pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// As it stands in double quotes.
pub(super) fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

fn is_old_include(line: &str) -> bool {
    line.strip_prefix("include").is_some_and(|rest| rest.trim_start().starts_with(['"', '\'']))
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return line.get(..at).unwrap_or_default(),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    line
}

fn unquoted(text: &str) -> String {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text).to_owned()
}

fn version(text: &str) -> Option<Version> {
    let (major, minor) = text.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some(Version { major: major.trim().parse().ok()?, minor: minor.trim().parse().ok()? })
}
