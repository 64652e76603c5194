//! `ha-collector import`: the configuration of another program in, ours out, and a report of what changed on the way.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Exit;
use crate::import::keepalived::{self, Health, Imported, Options, Usable};
use crate::log;

#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    /// keepalived.conf: VRRP instances, what they track, whom they tell
    #[command(long_about = KEEPALIVED)]
    Keepalived(KeepalivedArguments),
}

const KEEPALIVED: &str = "\
keepalived.conf: VRRP instances, what they track, whom they tell.

Our TOML goes to standard output, each key with the line it came from. On standard error, with file:line:column,
every word of theirs: translated, translated with changed meaning, not supported; then what is wrong, and what is
worth a look. Several files are several hosts: each is translated by itself, and they are compared as a pair.
Exit 0 when a configuration came out that `check` takes, 1 otherwise.";

#[derive(Debug, Args)]
struct KeepalivedArguments {
    /// keepalived.conf of a host; of several hosts, to have them compared
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What lines such as `@node1 priority 150` are compared with; keepalived's --config-id [default: this host's name]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Let the collector's own health decide, in place of the scripts that are tracked
    #[arg(long)]
    native_health: bool,
    /// Write NAME.toml into this directory for each NAME.conf, instead of standard output; existing files are kept
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn import(arguments: &ImportArguments) -> Exit {
    let From::Keepalived(arguments) = &arguments.from;
    let options = Options {
        config_id: arguments.host.clone().unwrap_or_else(host_name),
        health: if arguments.native_health { Health::Native } else { Health::Scripts },
    };
    let mut exit = Exit::Done;
    let mut imported = Vec::new();
    for path in &arguments.files {
        match keepalived::import(path, &options) {
            Ok(one) => {
                log::say(one.report.trim_end());
                if one.usable == Usable::No {
                    exit = Exit::BadConfig;
                }
                imported.push((path, one));
            }
            Err(error) => {
                log::say(format_args!("error: cannot read {}: {error}", path.display()));
                exit = Exit::BadConfig;
            }
        }
    }
    for (n, (_, one)) in imported.iter().enumerate() {
        for (_, other) in imported.iter().skip(n + 1) {
            let lines = keepalived::compare(one, other);
            if !lines.is_empty() {
                log::say(format_args!("as a pair ({}):\n  {}", lines.len(), lines.join("\n  ")));
            }
        }
    }
    let written = match &arguments.output {
        Some(dir) => imported.iter().try_for_each(|(path, one)| write_into(dir, path, one)),
        None => print(&imported),
    };
    match written {
        Ok(()) => exit,
        Err(message) => {
            log::say(format_args!("error: {message}"));
            Exit::Failed
        }
    }
}

fn print(imported: &[(&PathBuf, Imported)]) -> Result<(), String> {
    let mut text = String::new();
    for (n, (path, one)) in imported.iter().enumerate() {
        if imported.len() > 1 {
            let between = if n == 0 { "" } else { "\n" };
            text +=
                &format!("{between}# ---- {}\n", path.display().to_string().replace(char::is_control, "?"));
        }
        text += &one.toml;
    }
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever reads our output has seen enough, as `head` does.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| error.to_string()),
    }
}

/// There may be secrets in it: nobody else reads it.
fn write_into(dir: &Path, path: &Path, one: &Imported) -> Result<(), String> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let name = Path::new(path.file_name().unwrap_or_default()).with_extension("toml");
    let to = dir.join(name);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to);
    file.and_then(|mut file| file.write_all(one.toml.as_bytes()))
        .map_err(|error| format!("{}: {error}", to.display()))
}

/// keepalived's config-id: the first part of the name of the host.
fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or_default().to_owned()
}
