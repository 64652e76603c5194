//! Values of one line: numbers, times, names, weights, commands. What keepalived would refuse is said and left out, as
//! keepalived leaves it out.

use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::Translator;
use crate::import::command::{Command, How};
use crate::import::keepalived::model::{At, Sense, Track, Weight};
use crate::import::keepalived::tree::Statement;
use crate::import::report::{Group, Reported as _};

impl Translator<'_> {
    pub(super) fn set<T>(&mut self, statement: &Statement, slot: &mut Option<At<T>>, value: T) {
        if slot.is_some() {
            let why = "said before: the last one counts";
            self.report.say(Group::Advice, statement.place(), statement.shown(), why);
        }
        *slot = Some(At { value, place: statement.place() });
        self.report.translated(statement);
    }

    pub(super) fn text(&mut self, statement: &Statement, slot: &mut Option<At<String>>) {
        match statement.argument(0) {
            Some(text) if !text.is_empty() => self.set(statement, slot, text.to_owned()),
            _ => self.wrong(statement, "a value is missing"),
        }
    }

    pub(super) fn number<N: FromStr + PartialOrd + Display>(
        &mut self,
        statement: &Statement,
        slot: &mut Option<At<N>>,
        range: RangeInclusive<N>,
    ) {
        let number = statement.argument(0).and_then(|text| text.parse().ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => self.set(statement, slot, number),
            None => {
                let why =
                    format!("no number from {} to {}: the default is taken", range.start(), range.end());
                self.wrong(statement, why);
            }
        }
    }

    pub(super) fn seconds(
        &mut self,
        statement: &Statement,
        slot: &mut Option<At<Duration>>,
        range: RangeInclusive<u64>,
    ) {
        let bounds = Duration::from_secs(*range.start())..=Duration::from_secs(*range.end());
        match statement.argument(0).and_then(seconds).filter(|time| bounds.contains(time)) {
            Some(time) => self.set(statement, slot, time),
            None => {
                let (least, most) = (range.start(), range.end());
                self.wrong(
                    statement,
                    format!("no number of seconds from {least} to {most}: the default is taken"),
                );
            }
        }
    }

    /// Of a script: keepalived counts whole seconds there.
    pub(super) fn whole_seconds(&mut self, statement: &Statement, slot: &mut Option<At<Duration>>) {
        if statement.argument(0).is_some_and(|text| text.contains('.') && seconds(text).is_some()) {
            self.report.changed(
                statement,
                "taken as written; keepalived 2.2 takes whole seconds, and its default for this",
            );
        }
        match statement.argument(0).and_then(seconds) {
            Some(time) if time.is_zero() => self.wrong(statement, "no time at all: the default is taken"),
            _ => self.seconds(statement, slot, 0..=3600),
        }
    }

    pub(super) fn address(&mut self, statement: &Statement, slot: &mut Option<At<IpAddr>>) {
        match statement.argument(0).and_then(|text| text.parse().ok()) {
            Some(address) => self.set(statement, slot, address),
            None => self.wrong(statement, "no address"),
        }
    }

    /// on, off, true, false, yes, no; alone it means on.
    pub(super) fn flag(&mut self, statement: &Statement) -> Option<bool> {
        let flag = match statement.argument(0) {
            None | Some("on" | "true" | "yes") => true,
            Some("off" | "false" | "no") => false,
            Some(_) => {
                self.wrong(statement, "on or off, true or false, yes or no");
                return None;
            }
        };
        self.report.translated(statement);
        Some(flag)
    }

    /// A user, and perhaps a group.
    pub(super) fn user(&mut self, statement: &Statement, slot: &mut Option<At<String>>) {
        self.text(statement, slot);
        if statement.argument(1).is_some() {
            self.report.changed(statement, "a program has the groups of its user");
        }
    }

    /// A command, with what has to be said of it.
    pub(super) fn command(&mut self, statement: &Statement, slot: &mut Option<At<Command>>) {
        let Some(command) = statement.argument(0).and_then(Command::new) else {
            self.wrong(statement, "a program is missing");
            return;
        };
        self.how(statement, command.how);
        if statement.arguments.len() > 1 {
            let why =
                "only the first word is run, as keepalived has it: the whole of a command stands in quotes";
            self.report.changed(statement, why);
        }
        self.set(statement, slot, command);
    }

    /// A command, and behind it perhaps a user and a group.
    pub(super) fn notify(&mut self, statement: &Statement, slot: &mut Option<At<Command>>) {
        let Some(command) = statement.argument(0).and_then(Command::new) else {
            self.wrong(statement, "a program is missing");
            return;
        };
        self.how(statement, command.how);
        if statement.argument(1).is_some() {
            self.report
                .changed(statement, "programs that are told of a change run as the keeper's script user");
        }
        if command.how == How::Shell {
            // The shell takes what is appended as $0, $1, …: nothing of it reaches the program.
            self.report.changed(statement, "the shell drops INSTANCE, name, state and priority");
        } else if statement.keyword() != "notify" {
            let why = "INSTANCE, name, state and priority follow its arguments, which keepalived appends for `notify` only";
            self.report.changed(statement, why);
        }
        self.set(statement, slot, command);
    }

    fn how(&mut self, statement: &Statement, how: How) {
        match how {
            How::AsWritten => {}
            How::Shell => {
                let why = "needs a shell, and gets /bin/sh -c; keepalived 2 runs programs without one";
                self.report.changed(statement, why);
            }
            How::Search => {
                let why = "no absolute path: /usr/bin/env looks for it at each run; write where it is";
                self.report.changed(statement, why);
            }
        }
    }

    /// `weight NUMBER [reverse]` of a tracker.
    pub(super) fn weight(&mut self, statement: &Statement, slot: &mut Option<At<Weight>>, most: i16) {
        let Some(number) = self.weight_number(statement, statement.argument(0), most) else { return };
        let sense = match statement.argument(1) {
            Some("reverse") => Sense::Reverse,
            None | Some("noreverse" | "no_reverse") => Sense::Straight,
            Some(_) => {
                self.wrong(statement, "after a weight there is only `reverse`");
                Sense::Straight
            }
        };
        self.set(statement, slot, Weight { number, sense });
    }

    /// `NAME [weight NUMBER] [reverse]`; whether it can be used.
    pub(super) fn track_words(&mut self, statement: &Statement, track: &mut Track) -> bool {
        let mut words = statement.arguments.iter().map(|word| word.text.as_str());
        while let Some(word) = words.next() {
            match word {
                "weight" => {
                    // One that is none is ignored, and that of the tracker holds.
                    if let Some(number) = self.weight_number(statement, words.next(), 254) {
                        track.weight = Some(number);
                        track.sense.get_or_insert(Sense::Straight);
                    }
                }
                "reverse" => track.sense = Some(Sense::Reverse),
                "noreverse" | "no_reverse" => track.sense = Some(Sense::Straight),
                other => {
                    self.wrong(statement, format!("`{other}` is neither `weight` nor `reverse`"));
                    return false;
                }
            }
        }
        true
    }

    fn weight_number(&mut self, statement: &Statement, text: Option<&str>, most: i16) -> Option<i16> {
        let number = text.and_then(|text| text.parse::<i64>().ok());
        let Some(number) = number else {
            self.wrong(statement, "a weight is a number");
            return None;
        };
        match i16::try_from(number) {
            Ok(number) if (-most..=most).contains(&number) => Some(number),
            _ => {
                self.wrong(statement, format!("a weight is from -{most} to {most}"));
                None
            }
        }
    }
}

/// Seconds with a fraction, to the microsecond, as keepalived reads them.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u32>().ok()? };
    let fraction = fraction.get(..fraction.len().min(6))?;
    let micros: u32 = format!("{fraction:0<6}").parse().ok()?;
    Some(Duration::new(whole.into(), micros * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_fractions() {
        assert_eq!(seconds("1"), Some(Duration::from_secs(1)));
        assert_eq!(seconds("0.92"), Some(Duration::from_millis(920)));
        assert_eq!(seconds(".5"), Some(Duration::from_millis(500)));
        assert_eq!(seconds("2.7182818284"), Some(Duration::from_micros(2_718_281)));
        for wrong in ["", ".", "-1", "1s", "1.x", "99999999999"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
