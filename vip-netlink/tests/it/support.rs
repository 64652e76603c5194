//! A namespace for each test: the test runs its own binary again inside one, so that every thread is born there.

#[expect(unsafe_code, reason = "an allocator that counts is a trait with unsafe functions, and signals")]
pub(crate) mod sys;

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::Duration;

use vip_netlink::{Address, Assigned, Event, Filter, Handle, Link, Monitor, Watch};

/// Tests that run in a namespace of their own.
macro_rules! in_a_namespace {
    ($(fn $name:ident() $body:block)*) => {
        $(
            #[test]
            fn $name() {
                if crate::support::inside(concat!(module_path!(), "::", stringify!($name))) $body
            }
        )*
    };
}
pub(crate) use in_a_namespace;

/// Whether this is the process inside. Outside, it is started, and the test fails if it fails.
pub(crate) fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    if let Some(reason) = impossible() {
        skip(&format!("{test}: {reason}"));
        return false;
    }
    let name = test.split_once("::").unwrap().1;
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--kill-child", "--"])
        .arg(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("1 passed"), "no such test inside: {out}\n{err}");
    if let Some(line) = err.lines().find(|line| line.starts_with("skipped: ")) {
        skip(line.trim_start_matches("skipped: "));
    }
    false
}

/// Past the harness, which would keep it to itself.
pub(crate) fn skip(reason: &str) {
    std::io::stderr().write_all(format!("skipped: {reason}\n").as_bytes()).unwrap();
}

fn impossible() -> Option<&'static str> {
    static REASON: OnceLock<Option<String>> = OnceLock::new();
    let reason = REASON.get_or_init(|| {
        let tried =
            Command::new("unshare").args(["--user", "--map-root-user", "--net", "ip", "link"]).output();
        match tried {
            Err(error) => Some(format!("unshare(1): {error}")),
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(format!(
                "no user and network namespace, or no ip(8): {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
        }
    });
    assert!(
        reason.is_none() || std::env::var_os("REQUIRE_NETNS").is_none(),
        "REQUIRE_NETNS is set, and: {reason:?}"
    );
    reason.as_deref()
}

/// Somebody else, who changes things.
pub(crate) fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A pair of interfaces, `v0` and `v1`, both ready and without addresses of the kernel's making; a handle, and the
/// index of `v0`.
pub(crate) fn veth() -> (Handle, u32) {
    ip("link add v0 type veth peer name v1");
    let mut monitor = Monitor::open(Watch::only(["v0", "v1"])).unwrap();
    for name in ["v0", "v1"] {
        ip(&format!("link set {name} addrgenmode none"));
        ip(&format!("link set {name} up"));
    }
    // The kernel finds their carriers a moment later, and would tell of that in the middle of a test.
    while !monitor.links().all(Link::is_ready) {
        monitor.wait(Some(PATIENCE)).unwrap().unwrap();
    }
    let mut handle = Handle::open().unwrap();
    let index = handle.link_named("v0").unwrap().index;
    (handle, index)
}

pub(crate) fn v4(index: u32) -> Address {
    Address::new(index, "192.0.2.100".parse().unwrap())
}

pub(crate) fn v6(index: u32) -> Address {
    Address::new(index, "2001:db8::100".parse().unwrap())
}

/// `count` addresses of both families by turns.
pub(crate) fn many(index: u32, count: u8) -> Vec<Address> {
    let one = |n: u8| match n % 2 {
        0 => Address::new(index, [192, 0, 2, n].into()),
        _ => Address::new(index, std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into()).into()),
    };
    (1..=count).map(one).collect()
}

/// What is on the interface, as text: `192.0.2.100/32`.
pub(crate) fn on(handle: &mut Handle, index: u32) -> Vec<String> {
    listed(handle, index).iter().map(|a| format!("{}/{}", a.ip, a.prefix_len)).collect()
}

pub(crate) fn listed(handle: &mut Handle, index: u32) -> Vec<Assigned> {
    handle.list(Filter::ALL.on(index)).unwrap()
}

pub(crate) fn watching(handle: &Handle) -> Monitor {
    Monitor::open(Watch::all().ours(handle)).unwrap()
}

/// The first event that `wanted` makes something of; what came before it is part of the message when there is none.
pub(crate) fn expect<T>(monitor: &mut Monitor, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
    let mut before = Vec::new();
    while let Some(event) = monitor.wait(Some(PATIENCE)).unwrap() {
        if let Some(found) = wanted(&event) {
            return found;
        }
        before.push(event);
    }
    panic!("it did not come; what came: {before:#?}");
}

/// A program of `examples/`, which `cargo test` has built.
pub(crate) fn example(name: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Killed {
    let exe = std::env::current_exe().unwrap();
    let path: PathBuf = exe.parent().unwrap().parent().unwrap().join("examples").join(name);
    Killed(
        Command::new(&path)
            .args(arguments)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    )
}

/// A process that does not outlive its test.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub(crate) fn set(setting: &str, value: &str) {
    std::fs::write(format!("/proc/sys/net/{setting}"), value).unwrap();
}

pub(crate) fn setting(setting: &str) -> String {
    std::fs::read_to_string(format!("/proc/sys/net/{setting}")).unwrap().trim().to_owned()
}

const INSIDE: &str = "VIP_NETLINK_TEST_IS_INSIDE";
const PATIENCE: Duration = Duration::from_secs(10);
