//! What is told at the end: a small table for people, one JSON object for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::count::Figures;
use super::load::STREAMS;
use super::{Fault, Settings, setup};

/// The figures of one demonstration.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    settings: Settings,
    pub(super) ours: Option<Figures>,
    /// `None`: not installed, or not wanted.
    pub(super) keepalived: Option<Figures>,
}

impl Report {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), ours: None, keepalived: None }
    }

    /// Whether the other node served, the broken one came back, and a planned hand-over lost nothing.
    pub(crate) fn as_promised(&self) -> bool {
        let Some(ours) = &self.ours else { return false };
        let lossless = ours.lost == 0 && ours.twice == 0 && ours.tcp.missing == 0;
        ours.takeover_ms.is_some()
            && ours.back_ms.is_some()
            && (self.settings.fault != Fault::Stop || lossless)
    }

    /// One object with the results of both.
    pub(crate) fn json(&self) -> Value {
        let told = |figures: &Figures| {
            let mut told = serde_json::to_value(figures).unwrap_or_default();
            if let Value::Object(fields) = &mut told {
                fields.insert("successor_served".to_owned(), figures.takeover_ms.is_some().into());
                fields.insert("came_back".to_owned(), figures.back_ms.is_some().into());
            }
            told
        };
        json!({
            "fault": self.settings.fault.name(),
            "interval_ms": u64::try_from(self.settings.interval.as_millis()).unwrap_or(u64::MAX),
            "rate": self.settings.rate,
            "ha_collector": self.ours.as_ref().map(told),
            "keepalived": self.keepalived.as_ref().map(told),
            "keepalived_check_interval_s": self.keepalived.as_ref().map(|_| setup::check_interval(self.settings.interval).as_secs()),
        })
    }

    /// A row a figure, a column a system.
    pub(crate) fn table(&self) -> String {
        let mut out = String::new();
        let columns: Vec<(&str, &Figures)> = [("ha-collector", &self.ours), ("keepalived", &self.keepalived)]
            .into_iter()
            .filter_map(|(name, figures)| figures.as_ref().map(|figures| (name, figures)))
            .collect();
        let mut row = |title: &str, cell: &dyn Fn(&str, &Figures) -> String| {
            let cells = columns.iter().map(|(name, figures)| format!("{:>18}", cell(name, figures)));
            _ = writeln!(out, "  {title:<28}{}", cells.collect::<String>());
        };
        row("", &|name, _| name.to_owned());
        row("dark", &|_, figures| time(figures.dark_ms));
        row("takeover", &|_, figures| time(figures.takeover_ms));
        row("dark on the way back", &|_, figures| time(figures.back_dark_ms));
        row("longest pause of the client", &|_, figures| time(Some(figures.sender_pause_ms)));
        row("datagrams lost", &|_, figures| of(figures.lost, figures.sent));
        row("datagrams twice", &|_, figures| thousands(figures.twice));
        row("acknowledged lines lost", &|_, figures| of(figures.tcp.missing, figures.tcp.acknowledged));
        _ = writeln!(out, "  {}", self.configured());
        out
    }

    /// What was compared with what.
    fn configured(&self) -> String {
        let interval = self.settings.interval;
        let mut text = format!(
            "VRRPv{} at {interval:?}, {} datagrams/s, {STREAMS} TCP connections",
            setup::version(interval),
            thousands(self.settings.rate.into())
        );
        if self.keepalived.is_some() {
            let seconds = setup::check_interval(interval).as_secs();
            _ = write!(text, "; keepalived: check every {seconds} s, fall 2, weight -80");
        }
        text
    }
}

fn time(milliseconds: Option<f64>) -> String {
    match milliseconds {
        None => "never".to_owned(),
        Some(milliseconds) if milliseconds < 9.95 => format!("{milliseconds:.1} ms"),
        Some(milliseconds) if milliseconds < 999.5 => format!("{milliseconds:.0} ms"),
        Some(milliseconds) => format!("{:.2} s", milliseconds / 1_000.0),
    }
}

fn of(part: u64, whole: u64) -> String {
    format!("{} of {}", thousands(part), thousands(whole))
}

/// With commas between them.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_for_people() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
        for (milliseconds, text) in
            [(None, "never"), (Some(0.62), "0.6 ms"), (Some(81.4), "81 ms"), (Some(6_574.0), "6.57 s")]
        {
            assert_eq!(time(milliseconds), text);
        }
    }
}
