//! Actions: what stands behind a selector.

/// Where the messages of a line go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Its path, and whether each message is to be synced.
    File(String, Sync),
    /// `/dev/console`, a terminal.
    Device(String),
    Host {
        transport: Transport,
        host: String,
        port: Option<String>,
    },
    /// A named pipe, as sysklogd and rsyslog have it.
    Pipe(String),
    /// A command, as BSD has it.
    Program(String),
    /// `*` is everybody.
    Users(Vec<String>),
    /// `~` or `stop`: nowhere, and no further.
    Discard,
    /// What is not translated, and why.
    No(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sync {
    Each,
    /// A `-` stands before the path.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
}

/// Reads an action.
pub(super) fn read(text: &str) -> Action {
    let (text, template) = match text.split_once(';') {
        Some((text, template)) if text.starts_with(['/', '-', '@', '|', ':']) => {
            (text.trim(), Some(template))
        }
        _ => (text, None),
    };
    if template.is_some_and(|name| !name.trim().is_empty() && !name.trim().starts_with("RSYSLOG_")) {
        return Action::No("its template is not translated");
    }
    if let Some(path) = text.strip_prefix('-') {
        return file(path.trim(), Sync::Never);
    }
    if let Some(target) = text.strip_prefix("@@") {
        return host(Transport::Tcp, target);
    }
    if let Some(target) = text.strip_prefix('@') {
        return host(Transport::Udp, target);
    }
    if let Some(command) = text.strip_prefix('|') {
        let command = command.trim().trim_matches('"');
        let words = command.split_whitespace().count();
        return match words {
            0 => Action::No("of what?"),
            // A path alone is a pipe for one program and a command for the other: what is there tells.
            1 if command.starts_with("/dev/") || is_fifo(command) => Action::Pipe(command.to_owned()),
            _ => Action::Program(command.to_owned()),
        };
    }
    if let Some(command) = text.strip_prefix('^') {
        return Action::Program(command.split(';').next().unwrap_or_default().to_owned());
    }
    match text {
        "" => Action::No("there is no action"),
        "~" | "stop" => Action::Discard,
        _ if text.starts_with('/') => file(text, Sync::Each),
        _ if text.starts_with(":omusrmsg:") => users(text.trim_start_matches(":omusrmsg:")),
        _ if text.starts_with(':')
            || text.starts_with('?')
            || text.starts_with('$')
            || text.starts_with('>') =>
        {
            Action::No("modules and templates of rsyslog are not translated")
        }
        _ => users(text),
    }
}

fn file(path: &str, sync: Sync) -> Action {
    if path.starts_with("/dev/") {
        return Action::Device(path.to_owned());
    }
    if path.split_whitespace().count() == 1 && path.starts_with('/') {
        Action::File(path.to_owned(), sync)
    } else {
        Action::No("this is no path")
    }
}

/// `host`, `host:port`, `[::1]:port`, and `(z9)` of rsyslog before it.
fn host(transport: Transport, target: &str) -> Action {
    let target = match target.strip_prefix('(') {
        Some(rest) => rest.split_once(')').map_or("", |(_, target)| target),
        None => target,
    };
    let (host, port) = match target.strip_prefix('[') {
        Some(inner) => match inner.split_once(']') {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => return Action::No("a `[` without its `]`"),
        },
        None => match target.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (target, None),
        },
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:%".contains(c);
    if host.is_empty() || !host.chars().all(plain) {
        return Action::No("this is no host");
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Action::No("this is no port");
    }
    Action::Host { transport, host: host.to_owned(), port: port.map(str::to_owned) }
}

fn users(text: &str) -> Action {
    let users: Vec<String> = text.split(',').map(|user| user.trim().to_owned()).collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.$".contains(c);
    let good = |user: &String| user == "*" || !user.is_empty() && user.chars().all(plain);
    if users.iter().all(good) {
        Action::Users(users)
    } else {
        Action::No("this is neither a path, nor a host, nor users")
    }
}

fn is_fifo(path: &str) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_known_by_their_first_sign() {
        let file = |path: &str, sync| Action::File(path.to_owned(), sync);
        assert_eq!(read("/var/log/messages"), file("/var/log/messages", Sync::Each));
        assert_eq!(read("-/var/log/mail"), file("/var/log/mail", Sync::Never));
        assert_eq!(read("/var/log/x;RSYSLOG_TraditionalFileFormat"), file("/var/log/x", Sync::Each));
        assert_eq!(read("/dev/console"), Action::Device("/dev/console".to_owned()));
        assert_eq!(read("|/dev/xconsole"), Action::Pipe("/dev/xconsole".to_owned()));
        assert_eq!(read("|exec /bin/x"), Action::Program("exec /bin/x".to_owned()));
        assert_eq!(read("*"), Action::Users(vec!["*".to_owned()]));
        assert_eq!(read("root, operator"), Action::Users(vec!["root".to_owned(), "operator".to_owned()]));
        assert_eq!(read(":omusrmsg:*"), Action::Users(vec!["*".to_owned()]));
        assert_eq!(read("~"), Action::Discard);
        for no in ["", ":ommysql:x", "?Dyn", "/var/log/x;Mine", "@", "@h:x", "a b/c", "@[::1"] {
            assert!(matches!(read(no), Action::No(_)), "{no}");
        }
    }

    #[test]
    fn hosts_have_one_at_for_udp_and_two_for_tcp() {
        let host = |text| match read(text) {
            Action::Host { transport, host, port } => {
                format!("{transport:?} {host} {}", port.unwrap_or_default())
            }
            other => format!("{other:?}"),
        };
        assert_eq!(host("@loghost"), "Udp loghost ");
        assert_eq!(host("@@10.0.0.1:10514"), "Tcp 10.0.0.1 10514");
        assert_eq!(host("@[2001:db8::1]:514"), "Udp 2001:db8::1 514");
        assert_eq!(host("@@(z9)loghost:514"), "Tcp loghost 514");
        assert_eq!(host("@2001:db8::1"), "Udp 2001:db8::1 ");
    }
}
