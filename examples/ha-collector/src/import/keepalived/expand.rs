//! From files to lines: comments taken away, includes followed, conditions decided, definitions replaced, sequences
//! written out. What is left is words and braces.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::lex::{self, Condition, Use};
use super::sequence;
use crate::import::report::{Group, Report};
use crate::import::source::{Files, Place, Traced, read_text};

/// All lines that come of all files, and how long one of them gets. What passes these is no configuration.
const MOST_BYTES: usize = 32 << 20;
const LONGEST_LINE: usize = 64 << 10;
/// Lines looked at; definitions replaced in one; definitions within definitions, and files within files.
const MOST_LINES: usize = 1_000_000;
const MOST_REPLACED: usize = 1_000;
const DEEPEST: usize = 32;

/// Reads files into lines.
#[derive(Debug)]
pub(super) struct Expander<'a> {
    pub(super) files: &'a mut Files,
    pub(super) report: &'a mut Report,
    /// What `@name` is compared with.
    config_id: &'a str,
    definitions: HashMap<String, Vec<Traced>>,
    /// The files that are being read, by their real paths.
    open: Vec<PathBuf>,
    lines: Vec<Traced>,
    bytes: usize,
    looked_at: usize,
}

/// Nothing more is to be read; why is said.
#[derive(Debug)]
pub(super) struct Enough;

impl<'a> Expander<'a> {
    pub(super) fn new(files: &'a mut Files, report: &'a mut Report, config_id: &'a str) -> Self {
        Self {
            files,
            report,
            config_id,
            definitions: HashMap::new(),
            open: Vec::new(),
            lines: Vec::new(),
            bytes: 0,
            looked_at: 0,
        }
    }

    /// All lines of a file and of what it includes.
    pub(super) fn read(mut self, path: &Path) -> std::io::Result<Vec<Traced>> {
        let text = read_text(path)?;
        self.file(path, &text).ok();
        Ok(self.lines)
    }

    /// All lines of a text that is called `path`.
    #[cfg(test)]
    pub(super) fn read_text(mut self, path: &Path, text: &str) -> Vec<Traced> {
        self.file(path, &(text.to_owned(), true)).ok();
        self.lines
    }

    fn file(&mut self, path: &Path, (text, is_utf8): &(String, bool)) -> Result<(), Enough> {
        let file = self.files.add(path);
        if !is_utf8 {
            let start = Place { file, line: 1, column: 1 };
            self.report.say(Group::Wrong, start, "", "this file is not UTF-8 text");
        }
        self.open.push(path.canonicalize().unwrap_or_else(|_| path.to_path_buf()));
        let mut foreign_blank_said = false;
        let mut physical = text.lines().enumerate();
        while let Some((n, line)) = physical.next() {
            let indent = line.len() - line.trim_start().len();
            let column = line.get(..indent).unwrap_or_default().chars().count() + 1;
            let here = Place { file, line: n + 1, column };
            let code = lex::code(line.trim_start()).trim_end();
            if code.len() > LONGEST_LINE {
                return Err(self.enough(here, "this line is longer than 64 KiB"));
            }
            if !foreign_blank_said && lex::code(line).chars().any(|c| c.is_whitespace() && !c.is_ascii()) {
                foreign_blank_said = true;
                let why =
                    "a blank that is none for keepalived (pasted from a web page?); it is read as one here";
                self.report.say(Group::Advice, here, "", why);
            }
            if let Ok((_, (word, pattern))) = lex::include(code) {
                self.include(word, pattern.trim(), here)?;
                continue;
            }
            let mut whole = Traced::new(code, here);
            let mut following: Vec<Traced> = Vec::new();
            // A definition keeps its lines; anything else becomes one.
            while whole_ends_open(&whole, &following) {
                let last = following.last_mut().unwrap_or(&mut whole);
                *last = last.slice(0..last.text.len() - 1);
                let Some((n, line)) = physical.find(|(_, line)| !lex::code(line).trim().is_empty()) else {
                    break;
                };
                following
                    .push(Traced::new(lex::code(line).trim_end(), Place { file, line: n + 1, column: 1 }));
            }
            self.logical(whole, following, 0)?;
        }
        self.open.pop();
        Ok(())
    }

    /// A line with those that continue it.
    fn logical(&mut self, mut line: Traced, following: Vec<Traced>, depth: usize) -> Result<(), Enough> {
        self.looked_at += 1;
        if self.looked_at > MOST_LINES || depth > DEEPEST {
            return Err(self.enough(line.place(0), "definitions that grow without an end"));
        }
        line = line.trim();
        let mut replaced = 0;
        let mut from = 0;
        loop {
            while line.text.starts_with('@') {
                let Ok((rest, condition)) = lex::condition(&line.text) else { break };
                let holds = match condition {
                    Condition::Is(name) => name == self.config_id,
                    Condition::IsNot(name) => name != self.config_id,
                };
                if !holds {
                    return Ok(());
                }
                line = line.slice(line.text.len() - rest.len()..line.text.len()).trim();
                from = 0;
            }
            if let Ok((value, name)) = lex::definition(&line.text) {
                let name = name.to_owned();
                let value = line.slice(line.text.len() - value.len()..line.text.len()).trim();
                let first = (!value.text.is_empty() || following.is_empty()).then_some(value);
                self.definitions.insert(name, first.into_iter().chain(following).collect());
                return Ok(());
            }
            if line.text.starts_with('~') {
                return self.sequence(&line, depth);
            }
            let Some((range, used)) = next_use(&line.text, from) else { break };
            let place = line.place(range.start);
            let Some(value) = self.value(&used, place) else {
                from = range.end;
                continue;
            };
            replaced += 1;
            let grown = line.text.len() + value.iter().map(|line| line.text.len()).sum::<usize>();
            if replaced > MOST_REPLACED || grown > LONGEST_LINE {
                return Err(self.enough(place, "definitions that grow without an end"));
            }
            if let [one] = value.as_slice() {
                from = range.start;
                line = line.replace(range, &Traced::put(&one.text, place));
                continue;
            }
            return self.several(&line, range, &value, depth);
        }
        let mut whole = line;
        for next in following {
            whole.push(&Traced::put(" ", whole.place(whole.text.len())));
            whole.push(&next.trim());
        }
        self.emit(whole)
    }

    /// A use that stands for several lines.
    fn several(
        &mut self,
        line: &Traced,
        range: std::ops::Range<usize>,
        value: &[Traced],
        depth: usize,
    ) -> Result<(), Enough> {
        let (before, after) = (line.slice(0..range.start), line.slice(range.end..line.text.len()));
        let mut lines = vec![before];
        for (n, part) in value.iter().enumerate() {
            match lines.last_mut() {
                Some(first) if n == 0 => first.push(part),
                _ => lines.push(part.clone()),
            }
        }
        if let Some(last) = lines.last_mut() {
            last.push(&after);
        }
        lines.into_iter().try_for_each(|line| self.logical(line, Vec::new(), depth + 1))
    }

    fn value(&mut self, used: &Use<'_>, place: Place) -> Option<Vec<Traced>> {
        let text = match used.name {
            "_HASH" => "#".to_owned(),
            "_BANG" => "!".to_owned(),
            "_INSTANCE" => self.config_id.to_owned(),
            "_PWD" => self.open.last()?.parent()?.to_string_lossy().into_owned(),
            "_ENV" => {
                let name = used.arguments.first()?;
                let Ok(value) = std::env::var(name) else {
                    self.report.say(Group::Wrong, place, format!("${{_ENV {name}}}"), "is not set here");
                    return None;
                };
                value
            }
            "_RANDOM" => {
                self.report.say(Group::Unsupported, place, "${_RANDOM}", "a configuration is not random");
                return None;
            }
            name => return self.definitions.get(name).cloned(),
        };
        Some(vec![Traced::put(&text, place)])
    }

    fn sequence(&mut self, line: &Traced, depth: usize) -> Result<(), Enough> {
        let (rest, rounds) = match sequence::rounds(&line.text) {
            Ok(found) => found,
            Err(why) => {
                self.report.say(Group::Wrong, line.place(0), line.text.clone(), why);
                return Ok(());
            }
        };
        let rest = line.slice(line.text.len() - rest.len()..line.text.len());
        for round in rounds {
            for (name, value) in round {
                self.definitions.insert(name, vec![Traced::put(&value, line.place(0))]);
            }
            self.logical(rest.clone(), Vec::new(), depth + 1)?;
        }
        Ok(())
    }

    fn include(&mut self, word: &str, pattern: &str, here: Place) -> Result<(), Enough> {
        let what = format!("{word} {pattern}");
        let dir = self.open.last().and_then(|path| path.parent()).map(Path::to_path_buf).unwrap_or_default();
        let mut found = Vec::new();
        for pattern in sequence::braces(pattern) {
            // Joining an absolute path gives that path.
            let within = glob::Pattern::escape(&dir.to_string_lossy());
            match glob::glob(&Path::new(&within).join(pattern).to_string_lossy()) {
                Ok(paths) => found.extend(paths.flatten().filter(|path| path.is_file())),
                Err(error) => self.report.say(Group::Wrong, here, what.clone(), error.to_string()),
            }
        }
        if found.is_empty() {
            let group = if word == "include" { Group::Advice } else { Group::Wrong };
            self.report.say(group, here, what.clone(), "there is no such file");
        }
        for path in found {
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            if self.open.contains(&real) || self.open.len() >= DEEPEST {
                let why = format!("{} includes itself", path.display());
                self.report.say(Group::Wrong, here, what.clone(), why);
                continue;
            }
            match read_text(&path) {
                Ok(text) => self.file(&path, &text)?,
                Err(error) => {
                    self.report.say(Group::Wrong, here, what.clone(), format!("{}: {error}", path.display()));
                }
            }
        }
        Ok(())
    }

    fn emit(&mut self, line: Traced) -> Result<(), Enough> {
        if line.text.is_empty() {
            return Ok(());
        }
        self.bytes += line.text.len();
        if self.bytes > MOST_BYTES {
            return Err(self.enough(line.place(0), "more than 32 MiB of configuration"));
        }
        self.lines.push(line);
        Ok(())
    }

    fn enough(&mut self, place: Place, why: &str) -> Enough {
        self.report.say(Group::Wrong, place, "", format!("{why}: the rest is not read"));
        Enough
    }
}

fn whole_ends_open(whole: &Traced, following: &[Traced]) -> bool {
    following.last().unwrap_or(whole).text.ends_with('\\')
}

/// The next use that might be replaced.
fn next_use(text: &str, from: usize) -> Option<(std::ops::Range<usize>, Use<'_>)> {
    let mut from = from;
    loop {
        let at = from + text.get(from..)?.find('$')?;
        if let Ok((rest, used)) = lex::usage(text.get(at..)?) {
            return Some((at..text.len() - rest.len(), used));
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests;
