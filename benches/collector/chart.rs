//! The table as bars.

use std::fmt::Write as _;

use super::measure::{Figures, Load};
use super::setup::Setup;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 200.0;
const BAR: f64 = 16.0;
const COLOURS: [&str; 5] = ["#2563eb", "#9ca3af", "#6b7280", "#d6b98c", "#a8875a"];

/// One group of bars a load: messages delivered a second.
pub(crate) fn draw(rows: &[(Setup, Load, Figures)]) -> String {
    let most = rows.iter().map(|(_, _, figures)| figures.delivered_per_second()).fold(1.0, f64::max);
    let mut names: Vec<&str> = Vec::new();
    for (_, load, _) in rows {
        // At a rate it says nothing about the collector.
        if load.rate.is_none() && !names.contains(&load.name.as_str()) {
            names.push(&load.name);
        }
    }
    let mut body = String::new();
    let mut y = 40.0;
    for name in names {
        // Writing to a string cannot fail.
        write!(body, "<text x=\"8\" y=\"{:.0}\" font-weight=\"bold\">{name}</text>", y + 12.0)
            .unwrap_or_default();
        y += 20.0;
        for (setup, _, figures) in rows.iter().filter(|(_, load, _)| load.name == name) {
            let rate = figures.delivered_per_second();
            let width = (WIDTH - LEFT - 190.0) * rate / most;
            let colour = Setup::ALL
                .iter()
                .position(|all| all == setup)
                .and_then(|at| COLOURS.get(at))
                .unwrap_or(&"#000");
            let lost = if figures.lost() > 0.0 {
                format!(", {:.1} % lost", figures.lost() * 100.0)
            } else {
                String::new()
            };
            write!(
                body,
                "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"{LEFT}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{:.0}\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{:.0}\">{:.2} M/s, {:.2} µs{lost}</text>",
                LEFT - 6.0,
                y + 12.0,
                setup.name(),
                BAR - 3.0,
                LEFT + width + 6.0,
                y + 12.0,
                rate / 1e6,
                figures.cpu_microseconds(),
            )
            .unwrap_or_default();
            y += BAR;
        }
        y += 10.0;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{y:.0}\" font-family=\"sans-serif\" font-size=\"11\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
         <text x=\"8\" y=\"20\" font-size=\"14\">Messages delivered into files a second, and the collector's CPU time for one</text>{body}</svg>\n"
    )
}
