//! The commands that speak to a running daemon: `status`, `drain`, `promote`, `reload`, `events`.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::Exit;
use crate::collector::{Meant, orphaned};
use crate::config::Config;
use crate::control::{AskError, Request, Wanted, ask};
use crate::log::say;

/// Which daemon.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Configuration of the daemon, to find it by
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Its data directory [default: ha-collector-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "two flags of a command line")]
pub(super) struct StatusArguments {
    #[command(flatten)]
    which: Which,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Again every second, until interrupted
    #[arg(long)]
    watch: bool,
}

#[derive(Debug, Args)]
pub(super) struct EventsArguments {
    #[command(flatten)]
    which: Which,
    /// Only what came after the event with this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: u64,
}

impl Which {
    fn control(&self) -> Result<PathBuf, Exit> {
        self.read().map(|config| config.control)
    }

    fn meant(&self) -> Meant {
        Meant::by(&self.config, self.data.as_deref())
    }

    pub(super) fn read(&self) -> Result<Config, Exit> {
        if self.config.is_empty() {
            return Ok(Config::standard(self.data.as_deref()));
        }
        Config::load(&self.config, self.data.as_deref()).map_err(|errors| {
            say(errors);
            Exit::BadConfig
        })
    }
}

/// One question with one answer, which says only that it was done.
pub(super) fn order(which: &Which, request: &Request) -> Exit {
    let path = match which.control() {
        Ok(path) => path,
        Err(exit) => return exit,
    };
    told(answered(&path, request))
}

/// What is answered to an order.
pub(super) fn answered(path: &Path, request: &Request) -> Result<Value, AskError> {
    let mut said = Value::Null;
    ask(path, request, |answer| {
        said = answer;
        Wanted::Enough
    })?;
    Ok(said)
}

/// Passes on what was answered to an order.
pub(super) fn told(answer: Result<Value, AskError>) -> Exit {
    let in_part = |answer: &Value| answer.get("in_part").and_then(Value::as_str).map(str::to_owned);
    match answer {
        Ok(answer) if let Some(said) = in_part(&answer) => {
            say(format_args!("error: {said}"));
            Exit::Failed
        }
        Err(late @ AskError::Late(_)) => {
            say(format_args!("error: {late}"));
            Exit::Failed
        }
        answer => done(answer.map(|answer| answer.as_str().unwrap_or_default().to_owned())),
    }
}

pub(super) fn events(arguments: &EventsArguments) -> Exit {
    let path = match arguments.which.control() {
        Ok(path) => path,
        Err(exit) => return exit,
    };
    let asked =
        ask(&path, &Request::Events { after: arguments.after }, |event| match print(&format!("{event}\n")) {
            Ok(()) => Wanted::More,
            Err(_closed) => Wanted::Enough,
        });
    done(asked.map(|()| String::new()))
}

pub(super) fn status(arguments: &StatusArguments) -> Exit {
    let path = match arguments.which.control() {
        Ok(path) => path,
        Err(exit) => return exit,
    };
    let meant = arguments.which.meant();
    loop {
        let mut status = Value::Null;
        let asked = ask(&path, &Request::Status, |answer| {
            status = answer;
            Wanted::Enough
        });
        if let Err(error) = asked {
            say(format_args!("error: {error}"));
            return Exit::CannotStart;
        }
        let text = if arguments.json { format!("{status}\n") } else { table(&status, &meant) };
        let text = if arguments.watch && !arguments.json { format!("\x1b[H\x1b[2J{text}") } else { text };
        if print(&text).is_err() || !arguments.watch {
            return Exit::Done;
        }
        thread::sleep(Duration::from_secs(1));
    }
}

fn done(asked: Result<String, AskError>) -> Exit {
    match asked {
        Ok(said) => {
            if !said.is_empty() {
                say(said);
            }
            Exit::Done
        }
        Err(error) => {
            say(format_args!("error: {error}"));
            Exit::CannotStart
        }
    }
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// For a person: the columns of kad-status first, as wide and in the order that its users know, then ours.
fn table(status: &Value, meant: &Meant) -> String {
    let mut out = String::new();
    let list = |key: &str| status.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let pids: Vec<String> = list("pids").iter().map(Value::to_string).collect();
    _ = writeln!(out, "ha-collector: PIDs => {}", pids.join(","));
    if !list("instances").is_empty() {
        _ = writeln!(
            out,
            "\n{:>16}{:>10}{:>10}{:>8}{:>20}{:>10}{:>11}{:>25}{:>7}{:>12}  {:<19}  WHY",
            "VIP",
            "STATUS",
            "STATE",
            "PRI",
            "INSTANCE",
            "IFACE",
            "ROUTER ID",
            "TRACKING",
            "EFF",
            "NOW",
            "SINCE"
        );
        _ = writeln!(out, "  {}", "-".repeat(158));
    }
    for row in list("instances") {
        let text = |key: &str| match row.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        let held = row.get("held").and_then(Value::as_bool).unwrap_or_default();
        let role = if text("configured_state") == "active" { "MASTER" } else { "BACKUP" };
        let since = text("since").replace('T', " ");
        _ = writeln!(
            out,
            "{:>16}{:>10}{:>10}{:>8}{:>20}{:>10}{:>11}{:>25}{:>7}{:>12}  {:<19}  {}",
            text("vip"),
            if held { "ACTIVE" } else { "" },
            role,
            text("priority"),
            text("instance"),
            text("interface"),
            text("vrid"),
            text("tracking"),
            text("effective_priority"),
            text("state"),
            since.get(..19).unwrap_or(&since),
            text("reason")
        );
    }
    ledger(&mut out, "SOURCE", &["received", "accepted", "waiting"], list("sources"));
    ledger(&mut out, "PATH", &["offered", "taken", "filtered"], list("paths"));
    ledger(&mut out, "DESTINATION", &["delivered", "passed_by", "queued"], list("destinations"));
    for failed in list("not_done").iter().filter_map(Value::as_str) {
        _ = writeln!(out, "\nnot done at the last reload: {failed}");
    }
    for (name, queued) in orphans(status) {
        _ = writeln!(out, "\n{}", orphaned(name, queued, meant));
    }
    out
}

/// The destinations of a status that are not configured and for which records wait, and how many.
pub(super) fn orphans(status: &Value) -> impl Iterator<Item = (&str, u64)> {
    let rows = status.get("destinations").and_then(Value::as_array).map(Vec::as_slice);
    rows.unwrap_or_default().iter().filter_map(|row| {
        let alone = row.get("orphaned")?.as_bool()?;
        alone.then_some((row.get("id")?.as_str()?, row.get("queued")?.as_u64()?))
    })
}

fn ledger(out: &mut String, title: &str, columns: &[&str], rows: &[Value]) {
    if rows.is_empty() {
        return;
    }
    _ = write!(out, "\n{title:>20}");
    for column in columns {
        _ = write!(out, "{:>14}", column.to_uppercase().replace('_', " "));
    }
    // A path drops nothing: what it filters out may go along another one.
    let drops = rows.iter().any(|row| row.get("dropped").is_some());
    _ = writeln!(out, "{}", if drops { "  DROPPED" } else { "" });
    for row in rows {
        _ = write!(out, "{:>20}", row.get("id").and_then(Value::as_str).unwrap_or_default());
        for column in columns {
            _ = write!(out, "{:>14}", row.get(*column).and_then(Value::as_u64).unwrap_or_default());
        }
        let Some(dropped) = row.get("dropped").and_then(Value::as_object) else {
            out.push('\n');
            continue;
        };
        let reasons: Vec<String> =
            dropped.iter().map(|(reason, messages)| format!("{messages} {reason}")).collect();
        _ = writeln!(out, "  {}", if reasons.is_empty() { "0".to_owned() } else { reasons.join(", ") });
    }
}
