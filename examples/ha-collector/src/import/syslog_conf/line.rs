//! The lines of a syslog.conf: selectors with their actions, blocks of FreeBSD, directives and scripts of rsyslog.

use super::action::{self, Action, Sync, Transport};
use super::selector::{self, Remark};
use crate::import::command::Command;
use crate::import::filter::{Expr, quoted};
use crate::import::pipeline::{Keys, Object, Pipeline, Route, Step, Unique};
use crate::import::report::{Group, Report};
use crate::import::source::Place;
use crate::import::toml::{string, strings};

/// What files hold: a BSD line.
const BSD_LINE: &str = "$DATE $HOST $MSGHDR$MESSAGE\n";
/// More is no configuration.
const MOST_LINES: usize = 100_000;
const LONGEST_SHOWN: usize = 90;

/// Reads lines, one after the other.
#[derive(Debug)]
pub(super) struct Reader<'r> {
    file: usize,
    report: &'r mut Report,
    pipeline: Pipeline,
    /// `!program`, `+host`: what holds for the lines that follow.
    program: Option<Expr>,
    host: Option<Expr>,
    destinations: Vec<(Action, String)>,
    ids: Unique,
    path_ids: Unique,
    /// The action of the last line, for `&`, and its filter.
    last: Option<Expr>,
    /// Braces of RainerScript that are open.
    depth: usize,
    /// A property filter or script that goes on in the next line.
    bsd_line: bool,
}

impl<'r> Reader<'r> {
    pub(super) fn new(file: usize, report: &'r mut Report) -> Self {
        Self {
            file,
            report,
            pipeline: Pipeline::default(),
            program: None,
            host: None,
            destinations: Vec::new(),
            ids: Unique::default(),
            path_ids: Unique::default(),
            last: None,
            depth: 0,
            bsd_line: false,
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        let mut lines = text.lines().enumerate();
        let mut read = 0;
        while let Some((n, line)) = lines.next() {
            read += 1;
            let mut whole = line.to_owned();
            let indent = line.len() - line.trim_start().len();
            let column = line.get(..indent).unwrap_or_default().chars().count() + 1;
            let place = Place { file: self.file, line: n + 1, column };
            if read > MOST_LINES {
                self.report.say(Group::Wrong, place, "", "more than 100,000 lines: the rest is not read");
                return;
            }
            // A backslash at the end: the line goes on.
            while let Some(before) = whole.strip_suffix('\\')
                && whole.len() < (64 << 10)
            {
                let before = before.len();
                let Some((_, next)) = lines.next() else { break };
                whole.truncate(before);
                whole += next.trim_start();
            }
            self.line(whole.trim(), place);
        }
    }

    /// What all lines came to.
    pub(super) fn finish(mut self) -> Pipeline {
        if !self.pipeline.paths.is_empty() {
            let place = Place { file: self.file, line: 1, column: 1 };
            let mut keys = Keys::default();
            keys.otherwise("path", "\"/dev/log\"", "where syslog(3) writes to");
            keys.otherwise("mode", "\"0666\"", "");
            let id = "local".to_owned();
            self.pipeline.sources.push(Object { id, kind: "unix-dgram", keys, place });
            let why = "a syslogd reads /dev/log and its own messages; what else it listens on stands in its arguments or its directives: add a [[source]] for it. With systemd, journald holds /dev/log, and passes on to /run/systemd/journal/syslog";
            self.report.say(Group::Advice, place, "", why);
            let internal =
                Object { id: "internal".to_owned(), kind: "internal", keys: Keys::default(), place };
            self.pipeline.sources.push(internal);
            if self.bsd_line {
                self.pipeline.templates.push(("bsd-line".to_owned(), BSD_LINE.to_owned(), None));
            }
        }
        let doubled: Vec<(Place, String)> = crate::import::overlap::twice(&self.pipeline)
            .iter()
            .map(|twice| {
                let line = twice.first.place.line();
                let why = format!("`{}` is also written to by line {line}: a message of {} is written twice, here and with theirs; `dedupe = true` there makes it once", twice.destination, twice.example);
                (twice.second.place, why)
            })
            .collect();
        for (place, why) in doubled {
            self.report.say(Group::Advice, place, "", why);
        }
        self.pipeline
    }

    fn say(&mut self, group: Group, place: Place, line: &str, why: &str) {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut shown: String = line.chars().take(LONGEST_SHOWN).collect();
        if shown.len() < line.len() {
            shown.push('…');
        }
        self.report.say(group, place, shown, why);
    }

    fn line(&mut self, line: &str, place: Place) {
        let no = "directives and scripts of rsyslog are not translated";
        if self.depth > 0 || is_script(line) {
            self.say(Group::Unsupported, place, line, no);
            let (opened, closed) = (line.matches(['{', '(']).count(), line.matches(['}', ')']).count());
            self.depth = (self.depth + opened).saturating_sub(closed);
            self.last = None;
            return;
        }
        if line.is_empty() {
            return;
        }
        // `#!program` and `#+host` are what they would be without the `#`.
        if let Some(comment) = line.strip_prefix('#') {
            if !comment.starts_with(['!', '+', '-'])
                || comment.starts_with("--")
                || comment.len() < 2
                || comment.contains(' ')
            {
                return;
            }
            self.block(comment, line, place);
            return;
        }
        if line.starts_with('!') || is_host_block(line) {
            self.block(line, line, place);
            return;
        }
        if line.starts_with('$') || line.starts_with("include") && line.contains('(') {
            self.say(Group::Unsupported, place, line, no);
            return;
        }
        if line.starts_with("include ") {
            self.say(Group::Unsupported, place, line, "import the files of this directory by themselves");
            return;
        }
        if let Some(action) = line.strip_prefix('&') {
            match self.last.clone() {
                Some(expr) => self.route(&expr, action.trim(), line, place, Vec::new()),
                None => self.say(Group::Unsupported, place, line, "belongs to a line that is not translated"),
            }
            return;
        }
        if line.starts_with(':') {
            self.last = None;
            self.say(
                Group::Unsupported,
                place,
                line,
                "filters by property are not translated; `program('x')` or `message('x')` in a path does it",
            );
            return;
        }
        let Some((selector, action)) = line.split_once([' ', '\t']) else {
            self.say(Group::Wrong, place, line, "a selector and an action, with blanks or tabs between them");
            return;
        };
        match selector::read(selector) {
            Ok(read) => {
                let mut remarks: Vec<&str> = Vec::new();
                for remark in &read.remarks {
                    remarks.push(match remark {
                        Remark::Security => {
                            "security is facility 13, as on FreeBSD; Linux' syslogds mean auth"
                        }
                        Remark::Mark => "no marks are written",
                    });
                }
                if read.takes != read.replaced {
                    remarks.push("a message that meets any of the terms is taken, as sysklogd and rsyslog do; on FreeBSD a later term replaces what an earlier one says of a facility");
                }
                if read.takes == crate::import::priority::Priorities::NONE {
                    self.last = None;
                    self.say(Group::Unsupported, place, line, "nothing is left that it takes");
                    return;
                }
                let mut terms = vec![Expr::of(&read.takes)];
                terms.extend(self.program.clone());
                terms.extend(self.host.clone());
                let expr = Expr::all(terms);
                self.last = Some(expr.clone());
                self.route(&expr, action.trim(), line, place, remarks);
            }
            Err(wrong) => {
                self.last = None;
                let before = line.get(..wrong.at.start).unwrap_or_default().chars().count();
                let place = Place { column: place.column + before, ..place };
                let what = selector.get(wrong.at).unwrap_or(selector).to_owned();
                self.say(Group::Wrong, place, &what, wrong.why);
            }
        }
    }

    /// `!program`, `!-program`, `!*`, `+host`, `-host`, `+*`.
    fn block(&mut self, block: &str, line: &str, place: Place) {
        let (kind, names) = block.split_at(1);
        let (negated, names) = match (kind, names.strip_prefix('-')) {
            ("!", Some(names)) => (true, names),
            ("-", _) => (true, names),
            _ => (false, names.strip_prefix('+').unwrap_or(names)),
        };
        let function = if kind == "!" { "program" } else { "host" };
        if names.contains("@") {
            self.say(
                Group::Unsupported,
                place,
                line,
                "`@` is the name of this host: write it out; the lines that follow hold for all hosts",
            );
            self.host = None;
            return;
        }
        let terms = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        let terms: Vec<Expr> =
            terms.map(|name| Expr::Text(format!("{function}({} type(string))", quoted(name)))).collect();
        let all = names.trim() == "*";
        let expr = Expr::any(terms);
        let expr = if negated { expr.negated() } else { expr };
        let slot = if kind == "!" { &mut self.program } else { &mut self.host };
        *slot = (!all).then_some(expr);
        self.say(Group::Translated, place, line, "");
    }

    fn route(&mut self, expr: &Expr, action: &str, line: &str, place: Place, mut remarks: Vec<&str>) {
        let comment = action.find(" #").unwrap_or(action.len());
        let action = action::read(action.get(..comment).unwrap_or_default().trim());
        let mut flags = Vec::new();
        let destinations = match &action {
            Action::No(why) => {
                self.say(Group::Unsupported, place, line, why);
                return;
            }
            Action::Discard => {
                flags.push("final");
                Vec::new()
            }
            action => {
                let known =
                    self.destinations.iter().find(|(known, _)| known == action).map(|(_, id)| id.clone());
                match known.or_else(|| self.destination(action, place, &mut remarks)) {
                    Some(id) => vec![id],
                    None => {
                        self.say(
                            Group::Unsupported,
                            place,
                            line,
                            "a path that begins at `/`, with a directory",
                        );
                        return;
                    }
                }
            }
        };
        let steps = if expr.is_always() { Vec::new() } else { vec![Step::Filter(expr.clone(), place)] };
        let id = self.path_ids.id(&format!("line-{}", place.line()));
        self.pipeline.paths.push(Route { id, sources: Vec::new(), steps, destinations, flags, place });
        if remarks.is_empty() {
            self.say(Group::Translated, place, line, "");
        } else {
            self.say(Group::Changed, place, line, &remarks.join("; "));
        }
    }

    fn destination(&mut self, action: &Action, place: Place, remarks: &mut Vec<&str>) -> Option<String> {
        let mut keys = Keys::default();
        let (wanted, kind) = match action {
            Action::File(path, sync) => {
                let (root, rest) = path.rsplit_once('/')?;
                let root = if root.is_empty() { "/" } else { root };
                if rest.is_empty() || path.contains('$') || path.split('/').any(|part| part == "..") {
                    return None;
                }
                keys.set("root", string(root), place);
                keys.set("path", string(rest), place);
                keys.otherwise("template", "\"bsd-line\"", "as syslogd writes");
                keys.otherwise("create-dirs", "false", "as syslogd does");
                self.bsd_line = true;
                if *sync == Sync::Each {
                    remarks.push("not synced after each message; `sync = \"batch\"` syncs before the buffer lets go of it");
                }
                (rest, "file")
            }
            Action::Device(path) => {
                keys.set("path", string(path), place);
                keys.otherwise("template", "\"bsd-line\"", "as syslogd writes");
                self.bsd_line = true;
                (path.rsplit('/').next().unwrap_or("console"), "console")
            }
            Action::Host { transport, host, port } => {
                let port = port.as_deref().unwrap_or("514");
                let to =
                    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
                keys.set("to", strings(&[to]), place);
                keys.otherwise("format", "\"rfc3164\"", "as syslogd sends");
                if *transport == Transport::Tcp {
                    keys.otherwise("framing", "\"lf\"", "as rsyslog sends");
                }
                (host.as_str(), if *transport == Transport::Tcp { "tcp" } else { "udp" })
            }
            Action::Pipe(path) => {
                keys.set("path", string(path), place);
                keys.otherwise("template", "\"bsd-line\"", "as syslogd writes");
                self.bsd_line = true;
                (path.rsplit('/').next().unwrap_or("pipe"), "pipe")
            }
            Action::Program(command) => {
                let command = Command::new(command)?;
                keys.set("command", strings(&command.arguments), place);
                keys.otherwise("template", "\"bsd-line\"", "as syslogd writes");
                self.bsd_line = true;
                ("program", "program")
            }
            Action::Users(users) => {
                keys.set("users", strings(users), place);
                ("users", "usertty")
            }
            Action::Discard | Action::No(_) => return None,
        };
        let id = self.ids.id(wanted);
        self.pipeline.destinations.push(Object { id: id.clone(), kind, keys, place });
        self.destinations.push((action.clone(), id.clone()));
        Some(id)
    }
}

/// RainerScript of rsyslog.
fn is_script(line: &str) -> bool {
    let words = [
        "module(",
        "input(",
        "action(",
        "global(",
        "template(",
        "ruleset(",
        "main_queue(",
        "if ",
        "if(",
        "else",
        "set ",
        "unset ",
        "call ",
        "foreach",
        "timezone(",
        "lookup_table(",
        "parser(",
        "property(",
        "constant(",
        "dyn_stats(",
        "}",
        ")",
        "stop",
    ];
    let line = line.to_ascii_lowercase();
    words.iter().any(|word| line.starts_with(word))
        || line.starts_with("template ")
        || line.starts_with("module ")
        || line.starts_with("input ")
}

/// `+host` or `-host`; an action begins so, too, but never a line.
fn is_host_block(line: &str) -> bool {
    line.starts_with(['+', '-']) && line.len() > 1
}
