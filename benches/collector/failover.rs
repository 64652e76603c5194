//! The failover of two collectors beside that of two keepalived, as `ha-collector demo` plays it in namespaces of its own.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::table::thousands;

pub(crate) fn run(binary: &Path, rounds: usize) -> Result<(), String> {
    println!(
        "| advertisements | fault | | takeover, ms | dark, ms | datagrams lost | acknowledged lines lost |"
    );
    println!("|---|---|---|---|---|---|---|");
    for interval in ["1s", "100ms"] {
        for (fault, what) in
            [("service", "collector killed"), ("node", "node gone"), ("stop", "told to stop")]
        {
            eprintln!("{what}, advertisements every {interval} ...");
            let plays = (0..rounds).map(|_| play(binary, interval, fault)).collect::<Result<Vec<_>, _>>()?;
            for system in ["ha_collector", "keepalived"] {
                let plays: Vec<&Value> = plays
                    .iter()
                    .filter_map(|play| play.get(system))
                    .filter(|play| play.is_object())
                    .collect();
                if plays.is_empty() {
                    println!("| {interval} | {what} | {system}: not installed | | | | |");
                    continue;
                }
                let middle =
                    |key: &str| median(plays.iter().filter_map(|play| play.get(key)?.as_f64()).collect());
                let lines = plays.iter().filter_map(|play| play.get("tcp")?.get("missing")?.as_f64());
                println!(
                    "| {interval} | {what} | {} | {} | {} | {} of {} | {} |",
                    system.replace('_', "-"),
                    thousands(middle("takeover_ms")),
                    thousands(middle("dark_ms")),
                    thousands(middle("lost")),
                    thousands(middle("sent")),
                    thousands(median(lines.collect())),
                );
            }
        }
    }
    Ok(())
}

fn play(binary: &Path, interval: &str, fault: &str) -> Result<Value, String> {
    let mut command = Command::new(binary);
    command.args(["demo", "--json", "--interval", interval, "--fault", fault]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output();
    let output = output.map_err(|error| format!("the demo: {error}"))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("the demo: {}", String::from_utf8_lossy(&output.stderr)))
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
