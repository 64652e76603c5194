//! What came of each word: translated, translated with changed meaning, or not supported; what is wrong with the file;
//! and what will hurt whoever runs it.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::source::{Files, Place};

/// The groups of a report, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Translated,
    Changed,
    Unsupported,
    /// What the other program itself would refuse.
    Wrong,
    /// What will hurt, in either of the two programs.
    Advice,
}

impl Group {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Translated, "translated"),
        (Self::Changed, "translated with changed meaning"),
        (Self::Unsupported, "not supported"),
        (Self::Wrong, "wrong"),
        (Self::Advice, "worth a look"),
    ];
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    group: Group,
    place: Place,
    what: String,
    why: String,
}

/// Whether what came out can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usable {
    Yes,
    /// Nothing came of it, our own check refuses it, or not all of the file was understood to its end.
    No,
}

/// A piece of a configuration that can be reported.
pub(super) trait Reported {
    fn place(&self) -> Place;
    /// As it may be shown: short, and without a secret.
    fn shown(&self) -> String;
}

/// Everything that is to be said of one configuration.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Entry>);

impl Report {
    pub(super) fn translated(&mut self, statement: &impl Reported) {
        self.statement(Group::Translated, statement, "");
    }

    pub(super) fn changed(&mut self, statement: &impl Reported, why: impl Into<String>) {
        self.statement(Group::Changed, statement, why);
    }

    pub(super) fn unsupported(&mut self, statement: &impl Reported, why: impl Into<String>) {
        self.statement(Group::Unsupported, statement, why);
    }

    fn statement(&mut self, group: Group, statement: &impl Reported, why: impl Into<String>) {
        self.say(group, statement.place(), statement.shown(), why);
    }

    pub(super) fn say(
        &mut self,
        group: Group,
        place: Place,
        what: impl Into<String>,
        why: impl Into<String>,
    ) {
        let (what, why) = (what.into(), why.into());
        let entry = Entry { group, place, what, why };
        // A line that is used a thousand times is said once.
        if self.0.last() != Some(&entry) {
            self.0.push(entry);
        }
    }

    /// Whether the other program would refuse something of it, or could not read it.
    pub(super) fn has_wrong(&self) -> bool {
        self.0.iter().any(|entry| entry.group == Group::Wrong)
    }

    /// The groups that have something in them, each line with its place.
    pub(super) fn show(&self, files: &Files) -> String {
        let mut text = String::new();
        let not_quite =
            self.0.iter().filter(|entry| entry.group != Group::Translated && entry.group != Group::Advice);
        let not_quite: HashSet<_> = not_quite.map(|entry| (entry.place, &entry.what)).collect();
        for (group, title) in Group::ALL {
            let mut entries: Vec<&Entry> = self.0.iter().filter(|entry| entry.group == group).collect();
            if group == Group::Translated {
                entries.retain(|entry| !not_quite.contains(&(entry.place, &entry.what)));
            }
            if entries.is_empty() {
                continue;
            }
            entries.sort_by_key(|entry| entry.place);
            entries.dedup();
            // Writing to a String does not fail.
            writeln!(text, "{title} ({}):", entries.len()).ok();
            for Entry { place, what, why, .. } in entries {
                let between = if what.is_empty() || why.is_empty() { "" } else { ": " };
                writeln!(text, "  {}: {}{between}{}", files.show(*place), printable(what), printable(why))
                    .ok();
            }
        }
        text
    }
}

/// With everything escaped that would move the cursor of a terminal.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn each_group_is_in_the_order_of_the_file_and_nothing_is_said_twice() {
        let mut files = Files::default();
        let file = files.add(Path::new("k.conf"));
        let at = |line| Place { file, line, column: 2 };
        let mut report = Report::default();
        report.say(Group::Unsupported, at(9), "vrf\x1b[2J", "why");
        report.say(Group::Unsupported, at(3), "smtp_alert on", "");
        report.say(Group::Unsupported, at(3), "smtp_alert on", "");
        report.say(Group::Translated, at(1), "priority 1", "");
        assert_eq!(
            report.show(&files),
            "translated (1):\n  k.conf:1:2: priority 1\nnot supported (2):\n  k.conf:3:2: smtp_alert on\n  \
             k.conf:9:2: vrf\\u{1b}[2J: why\n"
        );
        assert!(!report.has_wrong());
    }
}
