//! `ha-collector import`: the configuration of another program in, ours out, and a report of what changed on the way.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Exit;
use crate::import::keepalived::{self, Health, Options};
use crate::import::{Imported, Usable, syslog_conf, syslog_ng};
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
    /// syslog-ng.conf: sources, filters, rewrites, parsers, templates, destinations, log paths
    #[command(long_about = SYSLOG_NG)]
    SyslogNg(FilesArguments),
    /// syslog.conf of BSD, sysklogd or rsyslog: selectors and where their messages go
    #[command(long_about = SYSLOG_CONF)]
    SyslogConf(FilesArguments),
}

const SYSLOG_NG: &str = "\
syslog-ng.conf: sources, filters, rewrites, parsers, templates, destinations, log paths.

Our TOML goes to standard output, each key with the line it came from. On standard error, with file:line:column,
every word of theirs: translated, translated with changed meaning, not supported; then what is wrong, and what is
worth a look. Exit 0 when at least one log path came out and nothing was wrong, 1 otherwise.";

const SYSLOG_CONF: &str = "\
syslog.conf of BSD, sysklogd or rsyslog: selectors and where their messages go.

Our TOML goes to standard output, each key with the line it came from. On standard error, with file:line:column,
every line of theirs: translated, translated with changed meaning, not supported; then what is wrong, and what is
worth a look. Exit 0 when at least one log path came out and nothing was wrong, 1 otherwise.";

#[derive(Debug, Args)]
struct FilesArguments {
    /// The configuration; several are translated each by itself
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write NAME.toml into this directory for each NAME.conf, instead of standard output; existing files are kept
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
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
    match &arguments.from {
        From::Keepalived(arguments) => keepalived(arguments),
        From::SyslogNg(arguments) => each(arguments, syslog_ng::import),
        From::SyslogConf(arguments) => each(arguments, syslog_conf::import),
    }
}

fn keepalived(arguments: &KeepalivedArguments) -> Exit {
    let options = Options {
        config_id: arguments.host.clone().unwrap_or_else(host_name),
        health: if arguments.native_health { Health::Native } else { Health::Scripts },
    };
    let (mut exit, imported) = read(&arguments.files, |path| keepalived::import(path, &options));
    for (_, one) in &imported {
        exit = told(&one.report, one.usable, exit);
    }
    for (n, (_, one)) in imported.iter().enumerate() {
        for (_, other) in imported.iter().skip(n + 1) {
            let lines = keepalived::compare(one, other);
            if !lines.is_empty() {
                log::say(format_args!("as a pair ({}):\n  {}", lines.len(), lines.join("\n  ")));
            }
        }
    }
    let texts: Vec<_> = imported.iter().map(|(path, one)| (*path, one.toml.as_str())).collect();
    put(arguments.output.as_deref(), &texts, exit)
}

/// Of a program whose files have nothing to do with each other.
fn each(arguments: &FilesArguments, import: impl Fn(&Path) -> io::Result<Imported>) -> Exit {
    let (mut exit, imported) = read(&arguments.files, import);
    for (_, one) in &imported {
        exit = told(&one.report, one.usable, exit);
    }
    let texts: Vec<_> = imported.iter().map(|(path, one)| (*path, one.toml.as_str())).collect();
    put(arguments.output.as_deref(), &texts, exit)
}

/// What came of the files that could be read.
fn read<T>(files: &[PathBuf], import: impl Fn(&Path) -> io::Result<T>) -> (Exit, Vec<(&Path, T)>) {
    let mut exit = Exit::Done;
    let mut imported = Vec::new();
    for path in files {
        match import(path) {
            Ok(one) => imported.push((path.as_path(), one)),
            Err(error) => {
                log::say(format_args!("error: cannot read {}: {error}", path.display()));
                exit = Exit::BadConfig;
            }
        }
    }
    (exit, imported)
}

fn told(report: &str, usable: Usable, exit: Exit) -> Exit {
    log::say(report.trim_end());
    if usable == Usable::No { Exit::BadConfig } else { exit }
}

fn put(output: Option<&Path>, imported: &[(&Path, &str)], exit: Exit) -> Exit {
    let written = match output {
        Some(dir) => imported.iter().try_for_each(|(path, toml)| write_into(dir, path, toml)),
        None => print(imported),
    };
    match written {
        Ok(()) => exit,
        Err(message) => {
            log::say(format_args!("error: {message}"));
            Exit::Failed
        }
    }
}

fn print(imported: &[(&Path, &str)]) -> Result<(), String> {
    let mut text = String::new();
    for (n, (path, toml)) in imported.iter().enumerate() {
        if imported.len() > 1 {
            let between = if n == 0 { "" } else { "\n" };
            text +=
                &format!("{between}# ---- {}\n", path.display().to_string().replace(char::is_control, "?"));
        }
        text += toml;
    }
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads our output has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| error.to_string()),
    }
}

/// There may be secrets in it: nobody else reads it.
fn write_into(dir: &Path, path: &Path, toml: &str) -> Result<(), String> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let name = Path::new(path.file_name().unwrap_or_default()).with_extension("toml");
    let to = dir.join(name);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to);
    file.and_then(|mut file| file.write_all(toml.as_bytes()))
        .map_err(|error| format!("{}: {error}", to.display()))
}

/// keepalived's config-id: the first part of the name of the host.
fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or_default().to_owned()
}
