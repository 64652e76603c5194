//! From lines to statements: a keyword, its words, and perhaps a block of more of them.

use super::lex::{self, Quotes, Token};
use crate::import::report::{Group, Report, Reported};
use crate::import::source::{Cursor, Place, Traced};

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) place: Place,
}

/// A keyword (the first word, always there) and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    keyword: Word,
    pub(super) arguments: Vec<Word>,
    pub(super) block: Option<Vec<Self>>,
}

impl Statement {
    pub(super) fn keyword(&self) -> &str {
        &self.keyword.text
    }

    /// The argument of that number, from 0.
    pub(super) fn argument(&self, n: usize) -> Option<&str> {
        self.arguments.get(n).map(|word| word.text.as_str())
    }

    /// All words, the keyword too: where a line is data.
    pub(super) fn words(&self) -> impl Iterator<Item = &Word> {
        std::iter::once(&self.keyword).chain(&self.arguments)
    }

    pub(super) fn statements(&self) -> &[Self] {
        self.block.as_deref().unwrap_or_default()
    }
}

impl Reported for Statement {
    fn place(&self) -> Place {
        self.keyword.place
    }

    fn shown(&self) -> String {
        let mut shown = String::new();
        for (n, word) in self.words().enumerate() {
            let secret = n > 0 && self.keyword.text == "auth_pass";
            shown += if n == 0 { "" } else { " " };
            shown += if secret { "…" } else { &word.text };
            if shown.len() > LONGEST_SHOWN {
                return shown.chars().take(LONGEST_SHOWN).chain(['…']).collect();
            }
        }
        shown
    }
}

/// Longer statements are cut in a report.
const LONGEST_SHOWN: usize = 100;

/// keepalived's own blocks are five deep.
const DEEPEST: usize = 32;

/// What only begins a block of its own at the top: where it stands inside of another, that one was never closed.
const ONLY_AT_TOP: [&str; 9] = [
    "global_defs",
    "static_ipaddress",
    "static_routes",
    "static_rules",
    "virtual_server",
    "virtual_server_group",
    "vrrp_instance",
    "vrrp_script",
    "vrrp_sync_group",
];

/// Puts lines together, one after the other.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    report: &'a mut Report,
    /// The blocks that are open: whose they are, and where they opened.
    open: Vec<(Statement, Place)>,
    top: Vec<Statement>,
    /// The statement of the line that is read.
    current: Option<Statement>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(report: &'a mut Report) -> Self {
        Self { report, open: Vec::new(), top: Vec::new(), current: None }
    }

    /// `Break`: nothing more is to be read.
    pub(super) fn line(&mut self, line: &Traced) -> std::ops::ControlFlow<()> {
        let mut cursor = Cursor::new(line);
        let mut rest = line.text.as_str();
        while let Ok((after, (blank, token))) = lex::token(rest) {
            let place = cursor.place(line.text.len() - rest.len() + blank);
            rest = after;
            match token {
                Token::Open => self.opens(place, rest)?,
                Token::Close => self.closes(place),
                Token::Word { text, quotes } => {
                    if quotes == Quotes::Open {
                        self.report.say(Group::Wrong, place, "", "this quote is not closed in its line");
                    }
                    let word = Word { text, place };
                    match &mut self.current {
                        Some(statement) => statement.arguments.push(word),
                        None => {
                            self.current =
                                Some(Statement { keyword: word, arguments: Vec::new(), block: None });
                        }
                    }
                }
            }
        }
        self.ends();
        std::ops::ControlFlow::Continue(())
    }

    /// All that was read; what is still open is said.
    pub(super) fn finish(mut self) -> Vec<Statement> {
        self.ends();
        self.close_all();
        self.top
    }

    fn siblings(&mut self) -> &mut Vec<Statement> {
        match self.open.last_mut() {
            Some((statement, _)) => statement.block.get_or_insert_default(),
            None => &mut self.top,
        }
    }

    fn ends(&mut self) {
        if let Some(statement) = self.current.take() {
            self.siblings().push(statement);
        }
    }

    fn opens(&mut self, place: Place, rest: &str) -> std::ops::ControlFlow<()> {
        // A brace alone in its line belongs to the statement of the line before.
        let statement = match self.current.take() {
            Some(statement) => Some(statement),
            None => match self.siblings().pop() {
                Some(statement) if statement.block.is_none() => Some(statement),
                Some(other) => {
                    self.siblings().push(other);
                    None
                }
                None => None,
            },
        };
        let Some(mut statement) = statement else {
            self.report.say(Group::Wrong, place, "{", "a block of nothing");
            if rest.trim_start().starts_with('{') {
                self.report.say(Group::Wrong, place, "", "the rest is not read");
                return std::ops::ControlFlow::Break(());
            }
            let keyword = Word { text: String::new(), place };
            let nothing = Statement { keyword, arguments: Vec::new(), block: Some(Vec::new()) };
            self.open.push((nothing, place));
            return std::ops::ControlFlow::Continue(());
        };
        if !self.open.is_empty() && ONLY_AT_TOP.contains(&statement.keyword()) {
            self.close_all();
        }
        if self.open.len() == DEEPEST {
            let why = format!("blocks more than {DEEPEST} deep: the rest is not read");
            self.report.say(Group::Wrong, place, "", why);
            return std::ops::ControlFlow::Break(());
        }
        statement.block = Some(Vec::new());
        self.open.push((statement, place));
        std::ops::ControlFlow::Continue(())
    }

    fn closes(&mut self, place: Place) {
        self.ends();
        match self.open.pop() {
            Some((statement, _)) => self.siblings().push(statement),
            None => self.report.say(Group::Wrong, place, "}", "there is nothing to close"),
        }
    }

    /// Closes what should have been.
    fn close_all(&mut self) {
        while let Some((statement, place)) = self.open.pop() {
            let what = format!("{} {{", statement.shown());
            self.report.say(Group::Wrong, place, what, "this brace is never closed");
            self.siblings().push(statement);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::source::Files;

    fn read(text: &str) -> (String, String) {
        let mut report = Report::default();
        let mut builder = Builder::new(&mut report);
        for (n, line) in text.lines().enumerate() {
            let place = Place { file: 0, line: n + 1, column: 1 };
            if builder.line(&Traced::new(line, place)).is_break() {
                break;
            }
        }
        let tree = builder.finish();
        (tree.iter().map(shape).collect::<Vec<_>>().join("; "), report.show(&Files::default()))
    }

    fn shape(statement: &Statement) -> String {
        let block = statement
            .block
            .as_ref()
            .map(|block| format!(" {{{}}}", block.iter().map(shape).collect::<Vec<_>>().join("; ")));
        format!("{}{}", statement.shown(), block.unwrap_or_default())
    }

    #[test]
    fn a_brace_stands_at_the_end_of_a_line_on_the_next_or_within() {
        for text in
            ["a b {\n c 1\n d\n}\ne", "a b\n{\n c 1\n d\n}\ne", "a b { c 1\nd }\ne", "a b{\nc 1\nd } e"]
        {
            assert_eq!(read(text), ("a b {c 1; d}; e".to_owned(), String::new()), "{text}");
        }
    }

    #[test]
    fn what_is_never_closed_is_said_where_it_opened_and_the_next_instance_is_read_all_the_same() {
        let (tree, said) =
            read("vrrp_instance A {\n authentication {\n  auth_pass x\n\nvrrp_instance B {\n}\n");
        assert_eq!(tree, "vrrp_instance A {authentication {auth_pass …}}; vrrp_instance B {}");
        assert!(said.contains("?:1:17: vrrp_instance A {: this brace is never closed"), "{said}");
        assert!(said.contains("?:2:17: authentication {: this brace is never closed"), "{said}");
        let (_, said) = read("a {\n");
        assert!(said.contains("?:1:3: a {: this brace is never closed"), "{said}");
    }

    #[test]
    fn too_many_braces_are_said() {
        assert!(read("a }\n").1.contains("?:1:3: }: there is nothing to close"));
        assert!(read("{\nx\n}").1.contains("a block of nothing"));
        assert!(read(&"a {\n".repeat(40)).1.contains("more than 32 deep"));
        assert!(read(&"{".repeat(1 << 20)).1.contains("the rest is not read"));
    }

    #[test]
    fn a_long_statement_is_cut_in_what_is_shown() {
        assert_eq!(read(&format!("a {}", "ü".repeat(500))).0.chars().count(), LONGEST_SHOWN + 1);
    }
}
