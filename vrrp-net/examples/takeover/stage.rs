//! Namespaces, links, processes in them, and somebody who listens.

use std::fmt::{self, Write as _};
use std::os::fd::AsFd;
use std::process::{Child, Command as Program, Stdio};
use std::time::{Duration, SystemTime};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vrrp_net::{GROUP_V4, Inbox, Interface, Octets, Protocol, Socket, SocketOptions};
use vrrp_proto::Family;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Ours,
    Keepalived,
}

impl Engine {
    pub(crate) fn is_here(self) -> bool {
        self == Self::Ours
            || Program::new("keepalived").arg("--version").stderr(Stdio::null()).status().is_ok()
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ours => "vrrp-net",
            Self::Keepalived => "keepalived",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    Ordinary,
    RealTime,
}

/// A network namespace, held by a process that does nothing.
pub(crate) struct Room(Child);

impl Room {
    pub(crate) fn empty() -> Self {
        let child = Program::new("unshare").args(["-n", "sleep", "infinity"]).spawn().unwrap();
        let room = Self(child);
        let theirs = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/net")).unwrap();
        while theirs(room.0.id()) == theirs(std::process::id()) {
            std::thread::yield_now();
        }
        room
    }

    /// With `v1`, 10.9.0.NUMBER, on the switch of this namespace.
    pub(crate) fn on_switch(number: u8) -> Self {
        if number == 1 {
            // Left by the one measured before.
            Program::new("ip").args(["link", "delete", "br0"]).stderr(Stdio::null()).status().unwrap();
            ip("link add br0 type bridge stp_state 0 forward_delay 0");
            ip("link set br0 up");
        }
        let room = Self::empty();
        ip(&format!("link add p{number} type veth peer name v1 netns {}", room.0.id()));
        ip(&format!("link set p{number} master br0 up"));
        room.ip(&format!("address add 10.9.0.{number}/24 dev v1"));
        room.ip("link set v1 up");
        room
    }

    /// From one to the other, of this name in both.
    pub(crate) fn cable(rooms: &[Self; 2], name: &str) {
        let [one, two] = rooms;
        ip(&format!("link add {name} netns {} type veth peer name {name} netns {}", one.0.id(), two.0.id()));
        for (number, room) in [(1, one), (2, two)] {
            let link = name.trim_start_matches('v');
            room.ip(&format!("address add 10.9.{link}.{number}/24 dev {name}"));
            room.ip(&format!("link set {name} up"));
        }
    }

    fn run(&self, program: &str) -> Program {
        let mut command = Program::new("nsenter");
        command.args(["-t", &self.0.id().to_string(), "-n", program]);
        command
    }

    fn ip(&self, arguments: &str) {
        assert!(self.run("ip").args(arguments.split_whitespace()).status().unwrap().success());
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn ip(arguments: &str) {
    assert!(Program::new("ip").args(arguments.split_whitespace()).status().unwrap().success(), "{arguments}");
}

/// A process that is measured.
pub(crate) struct Node {
    child: Child,
    _files: tempfile::TempDir,
}

impl Node {
    pub(crate) fn start(
        engine: Engine,
        room: &Room,
        interfaces: &[&str],
        routers: u8,
        priority: u8,
        milliseconds: u32,
        rank: Rank,
    ) -> Self {
        let files = tempfile::tempdir().unwrap();
        let ours = std::env::current_exe().unwrap();
        // Where real-time priority is refused it is ordinary: what it is, `rank` says.
        let real_time = rank == Rank::RealTime
            && Program::new("chrt")
                .args(["-f", "50", "true"])
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|s| s.success());
        let program = match engine {
            Engine::Ours => ours.to_str().unwrap().to_owned(),
            Engine::Keepalived => "keepalived".to_owned(),
        };
        let mut command = match rank {
            Rank::RealTime if real_time => {
                let mut command = room.run("chrt");
                command.args(["-f", "50", &program]);
                command
            }
            _ => room.run(&program),
        };
        match engine {
            Engine::Ours => {
                let settings = [priority.to_string(), milliseconds.to_string(), routers.to_string()];
                command.arg("node").args(settings).args(interfaces)
            }
            Engine::Keepalived => {
                let path = files.path().join("conf");
                std::fs::write(&path, configuration(interfaces, routers, priority, milliseconds)).unwrap();
                command.args(["--vrrp", "--dont-fork", "--use-file"]).arg(&path);
                command.arg("--pid").arg(files.path().join("pid"));
                command.arg("--vrrp_pid").arg(files.path().join("vrrp"))
            }
        };
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { child, _files: files }
    }

    /// All of its processes, at once and without warning.
    pub(crate) fn crash(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // A keepalived whose other half dies says goodbye, if it is not held.
        let all = self.processes();
        for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
            for process in all.iter().rev() {
                kill(*process, signal).ok();
            }
        }
        self.child.wait().unwrap();
    }

    fn processes(&self) -> Vec<Pid> {
        let parent = self.child.id();
        let children =
            std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        let pids = children.split_whitespace().map(|pid| pid.parse().unwrap());
        std::iter::once(i32::try_from(parent).unwrap()).chain(pids).map(Pid::from_raw).collect()
    }

    /// Of all of its processes.
    pub(crate) fn processor_time(&self) -> Duration {
        let ticks = |pid: &Pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
        };
        // A hundred a second, on every Linux.
        Duration::from_millis(10 * self.processes().iter().map(ticks).sum::<u64>())
    }

    /// Of all of its processes.
    pub(crate) fn resident_kilobytes(&self) -> u64 {
        let resident = |pid: &Pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
            line.split_whitespace().next().unwrap().parse::<u64>().unwrap()
        };
        self.processes().iter().map(resident).sum()
    }

    /// How it is scheduled.
    pub(crate) fn rank(&self) -> &'static str {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        match stat.rsplit(')').next().unwrap().split_whitespace().nth(38) {
            Some("1") => "SCHED_FIFO",
            _ => "ordinary priority",
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.end();
        }
    }
}

fn configuration(interfaces: &[&str], routers: u8, priority: u8, milliseconds: u32) -> String {
    let mut text = String::new();
    for (link, interface) in interfaces.iter().enumerate() {
        for number in 1..=routers {
            let seconds = f64::from(milliseconds) / 1e3;
            write!(
                text,
                "vrrp_instance {interface}.{number} {{\n interface {interface}\n state BACKUP\n version 3\n \
                 virtual_router_id {number}\n priority {priority}\n advert_int {seconds}\n \
                 virtual_ipaddress {{ 10.10.{link}.{number}/32 }}\n}}\n"
            )
            .unwrap();
        }
    }
    text
}

/// Hears who speaks on the switch, and when, by the kernel's clock.
pub(crate) struct Ear {
    socket: Socket,
    inbox: Inbox,
    heard: std::collections::VecDeque<(u8, SystemTime)>,
    last: [Option<SystemTime>; 3],
}

impl Ear {
    pub(crate) fn at_switch() -> Self {
        let interface = Interface::look_up("br0").unwrap().unwrap().index();
        let group = Some(GROUP_V4.into());
        let options = SocketOptions { interface, family: Family::V4, protocol: Protocol::Vrrp, group };
        let socket = Socket::open(options).unwrap();
        Self { socket, inbox: Inbox::new(), heard: std::collections::VecDeque::new(), last: [None; 3] }
    }

    /// The last number of the address of whoever spoke next, and when.
    pub(crate) fn next(&mut self, within: Duration) -> Option<(u8, SystemTime)> {
        while self.heard.is_empty() {
            let mut waiting = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            if poll(&mut waiting, PollTimeout::try_from(within).unwrap()).unwrap() == 0 {
                return None;
            }
            self.socket.receive(&mut self.inbox).unwrap();
            self.heard.extend(self.inbox.iter().filter_map(|datagram| match datagram.octets {
                Octets::V4(octets) => Some((*octets.get(15)?, datagram.arrived?)),
                Octets::V6 { .. } => None,
            }));
        }
        let (who, at) = self.heard.pop_front()?;
        if let Some(last) = self.last.get_mut(usize::from(who)) {
            *last = Some(at);
        }
        Some((who, at))
    }

    /// When this one spoke next.
    pub(crate) fn until(&mut self, wanted: u8, within: Duration) -> Option<SystemTime> {
        loop {
            let (who, at) = self.next(within)?;
            if who == wanted {
                return Some(at);
            }
        }
    }

    pub(crate) fn last_of(&self, who: u8) -> Option<SystemTime> {
        self.last.get(usize::from(who)).copied().flatten()
    }
}
