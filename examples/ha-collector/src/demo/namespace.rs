//! Into namespaces of our own (user, network, processes), as any user may; and what to do where that is forbidden.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{getegid, geteuid};

use super::Error;
use super::play::interrupt;

/// Runs this program with these arguments as the first process of its own namespaces. When it ends, or we do, the kernel
/// ends all that it started. Must be called before any thread is started.
pub(crate) fn inside_namespaces(arguments: &[OsString]) -> Result<ExitStatus, Error> {
    // Waited for one after the other below: no handler, no thread.
    let mut waited = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        waited.add(signal);
    }
    enter()?;
    let cannot = |source: io::Error| Error::Start { program: "this program again".to_owned(), source };
    waited.thread_block().map_err(|errno| cannot(errno.into()))?;
    // Its standard input is a pipe whose end it takes for our death.
    let mut child = Command::new("/proc/self/exe")
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .or_else(|_| {
            let program = std::env::current_exe()?;
            Command::new(program).args(arguments).stdin(Stdio::piped()).spawn()
        })
        .map_err(cannot)?;
    let mut lifeline = child.stdin.take();
    loop {
        match waited.wait() {
            Ok(Signal::SIGCHLD) => {
                if let Some(status) = child.try_wait().map_err(cannot)? {
                    return Ok(status);
                }
            }
            // The first one is passed on, the second one is the end.
            Ok(_) if lifeline.take().is_some() => {}
            Ok(_) | Err(_) => {
                child.kill().ok();
                return child.wait().map_err(cannot);
            }
        }
    }
}

/// What becomes of the files when the end comes early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inside {
    Keep,
    Remove,
}

/// Inside: when whoever started us has gone or wants no more, everything is put away in order, within a few seconds.
pub(crate) fn end_with_standard_input(dir: &Path, files: Inside) {
    let dir: PathBuf = dir.to_owned();
    // Whoever started us waits for signals with a mask, and masks are inherited: those whom we start must hear theirs. We
    // ourselves hear none without a handler, as the first process of a namespace.
    SigSet::all().thread_unblock().ok();
    thread::spawn(move || {
        // Nothing is ever written to it.
        io::copy(&mut io::stdin().lock(), &mut io::sink()).ok();
        interrupt();
        thread::sleep(Duration::from_secs(3));
        if files == Inside::Remove {
            std::fs::remove_dir_all(&dir).ok();
        }
        // As the first process of its namespace it takes all others along.
        std::process::exit(5);
    });
}

fn enter() -> Result<(), Error> {
    let (uid, gid) = (geteuid(), getegid());
    let network = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID;
    match unshare(CloneFlags::CLONE_NEWUSER | network) {
        Ok(()) => {
            let map = |file: &'static str, text: String| {
                std::fs::write(file, text).map_err(|source| forbidden(file, source))
            };
            // Without it no group may be mapped (user_namespaces(7)); kernels before 3.19 have none.
            map("/proc/self/setgroups", "deny".to_owned()).or_else(|error| match error {
                Error::Forbidden { ref source, .. } if source.kind() == io::ErrorKind::NotFound => Ok(()),
                error => Err(error),
            })?;
            map("/proc/self/uid_map", format!("0 {uid} 1\n"))?;
            map("/proc/self/gid_map", format!("0 {gid} 1\n"))
        }
        // Who is root in a container may have the rights without a namespace for users.
        Err(_) if uid.is_root() && unshare(network).is_ok() => Ok(()),
        Err(errno) => Err(forbidden("unshare", errno.into())),
    }
}

/// With its cause, as far as the system tells it.
fn forbidden(step: &'static str, source: io::Error) -> Error {
    let errno = source.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw);
    let (cause, cure) = explain(errno, &System::read());
    Error::Forbidden { step, source, cause, cure }
}

/// What speaks against namespaces on this system.
#[derive(Clone, Copy, Debug, Default)]
struct System {
    /// `kernel.unprivileged_userns_clone`, Debian's switch.
    unprivileged: Option<u64>,
    /// `kernel.apparmor_restrict_unprivileged_userns`, Ubuntu's since 23.10.
    apparmor: Option<u64>,
    /// `user.max_…_namespaces`.
    users: Option<u64>,
    networks: Option<u64>,
    processes: Option<u64>,
    /// Whether a filter of system calls is on us, as containers have.
    seccomp: Option<u64>,
}

impl System {
    fn read() -> Self {
        let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse().ok();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            unprivileged: number("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            users: number("/proc/sys/user/max_user_namespaces"),
            networks: number("/proc/sys/user/max_net_namespaces"),
            processes: number("/proc/sys/user/max_pid_namespaces"),
            seccomp: status
                .lines()
                .find_map(|line| line.strip_prefix("Seccomp:"))
                .and_then(|mode| mode.trim().parse().ok()),
        }
    }
}

/// The cause and the cure.
fn explain(errno: Errno, system: &System) -> (String, String) {
    let sysctl = |name: &str, found: u64, wanted: u64| {
        (format!("{name} is {found}"), format!("sudo sysctl -w {name}={wanted}"))
    };
    let limits = [
        ("user.max_user_namespaces", system.users),
        ("user.max_net_namespaces", system.networks),
        ("user.max_pid_namespaces", system.processes),
    ];
    let nothing_left = limits.iter().find_map(|(name, limit)| (*limit == Some(0)).then_some(*name));
    match (errno, system) {
        (_, System { unprivileged: Some(0), .. }) => sysctl("kernel.unprivileged_userns_clone", 0, 1),
        (Errno::ENOSPC, _) => match nothing_left {
            Some(name) => sysctl(name, 0, 1_000),
            None => (
                "a limit on namespaces is used up".to_owned(),
                "raise user.max_user_namespaces, user.max_net_namespaces or user.max_pid_namespaces"
                    .to_owned(),
            ),
        },
        (Errno::EPERM | Errno::EACCES, System { apparmor: Some(found @ 1..), .. }) => {
            sysctl("kernel.apparmor_restrict_unprivileged_userns", *found, 0)
        }
        (Errno::EPERM | Errno::EACCES, System { seccomp: Some(2), .. }) => (
            "a filter of system calls is in the way, as containers have one".to_owned(),
            "outside of the container, or in one started with --security-opt seccomp=unconfined".to_owned(),
        ),
        (Errno::EPERM | Errno::EACCES, _) => (
            "the user may not: in a chroot, or a policy of the system (SELinux, a security module)"
                .to_owned(),
            "as root, or outside of it".to_owned(),
        ),
        (Errno::EINVAL | Errno::ENOSYS, _) => (
            "this kernel was built without user, network or process namespaces".to_owned(),
            "a kernel with CONFIG_USER_NS, CONFIG_NET_NS and CONFIG_PID_NS".to_owned(),
        ),
        _ => ("no cause that is known here".to_owned(), "see `unshare -Urn --pid --fork true`".to_owned()),
    }
}

/// Namespaces were made, and give no rights: what that comes from.
pub(super) fn without_power() -> Option<String> {
    let system = System::read();
    system.apparmor.filter(|found| *found > 0).map(|found| {
        let (cause, cure) = explain(Errno::EPERM, &System { apparmor: Some(found), ..System::default() });
        format!("{cause}\n  {cure}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_forbidding_has_its_cure() {
        let none =
            System { users: Some(1_000), networks: Some(1_000), processes: Some(1_000), ..System::default() };
        for (errno, system, cause, cure) in [
            (
                Errno::EPERM,
                System { unprivileged: Some(0), ..none },
                "is 0",
                "kernel.unprivileged_userns_clone=1",
            ),
            (Errno::ENOSPC, System { users: Some(0), ..none }, "is 0", "user.max_user_namespaces=1000"),
            (Errno::ENOSPC, System { networks: Some(0), ..none }, "is 0", "user.max_net_namespaces=1000"),
            (Errno::ENOSPC, none, "used up", "raise"),
            (
                Errno::EPERM,
                System { apparmor: Some(1), ..none },
                "is 1",
                "apparmor_restrict_unprivileged_userns=0",
            ),
            (Errno::EPERM, System { seccomp: Some(2), ..none }, "filter", "seccomp=unconfined"),
            (Errno::EPERM, none, "chroot", "as root"),
            (Errno::EINVAL, none, "kernel", "CONFIG_USER_NS"),
            (Errno::EIO, none, "no cause", "unshare"),
        ] {
            let told = explain(errno, &system);
            assert!(told.0.contains(cause) && told.1.contains(cure), "{errno}: {told:?}");
        }
    }
}
