//! What will bite on this host, found before it does. Nothing is changed.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::address::Address;
use crate::handle::Handle;
use crate::link::{Carrier, Link};
use crate::sysctl;

/// Something about this host that a moving address will suffer from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is, for programs.
    pub concern: Concern,
    /// What was found, in a sentence.
    pub what: String,
    /// What helps.
    pub cure: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, cure, .. } = self;
        write!(f, "{what}; {cure}")
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It works, save in the case that the finding tells of.
    Warning,
    /// It does not work.
    Obstacle,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Concern {
    /// CAP_NET_ADMIN is missing.
    Capability,
    /// The interface is not there.
    NoInterface,
    /// The interface is down.
    Down,
    /// The interface has no carrier.
    NoCarrier,
    /// The interface resolves no addresses (IFF_NOARP).
    NoResolution,
    /// The MTU is too small for the family.
    Mtu,
    /// The address cannot be meant.
    Address,
    /// The address is there already, under another mark or none.
    Taken,
    /// A prefix shorter than the whole address makes primaries and secondaries.
    PromoteSecondaries,
    /// `arp_ignore`.
    ArpIgnore,
    /// `arp_announce`.
    ArpAnnounce,
    /// `rp_filter`.
    RpFilter,
    /// `disable_ipv6`.
    DisableIpv6,
    /// systemd-networkd manages the interface.
    Networkd,
    /// NetworkManager manages the interface.
    NetworkManager,
}

/// Looks at the host and at the interfaces of `addresses`, and says what will bite. The worst comes first.
///
/// Whether another machine answers for an address already is not asked: that takes frames on the link.
pub fn preflight(handle: &mut Handle, addresses: &[Address]) -> Vec<Finding> {
    preflight_in(Path::new("/"), handle, addresses)
}

/// `root` is where the files of the network managers are looked for.
fn preflight_in(root: &Path, handle: &mut Handle, addresses: &[Address]) -> Vec<Finding> {
    let mut findings = Vec::new();
    capability(&mut findings);
    let mut indexes: Vec<u32> = addresses.iter().map(Address::index).collect();
    indexes.sort_unstable();
    indexes.dedup();
    for index in indexes {
        let here: Vec<Address> =
            addresses.iter().filter(|address| address.index() == index).copied().collect();
        match handle.link(index) {
            Ok(link) => {
                link_itself(&link, &here, &mut findings);
                settings(&link, &here, &mut findings);
                managers(root, &link, &mut findings);
                taken(handle, &here, &mut findings);
            }
            Err(error) => findings.push(Finding {
                severity: Severity::Obstacle,
                concern: Concern::NoInterface,
                what: error.to_string(),
                cure: "addresses can be put there once it exists".to_owned(),
            }),
        }
    }
    for address in addresses {
        if let Some(fault) = address.fault() {
            obstacle(&mut findings, Concern::Address, format!("{address}: {fault}"), "choose another");
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn capability(findings: &mut Vec<Finding>) {
    // Of this thread, which is the one that asks.
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    if effective.is_some_and(|bits| bits & (1 << CAP_NET_ADMIN) == 0) {
        obstacle(
            findings,
            Concern::Capability,
            "this process has not got CAP_NET_ADMIN".to_owned(),
            "systemd: AmbientCapabilities=CAP_NET_ADMIN; it is needed for as long as addresses are held",
        );
    }
}

fn link_itself(link: &Link, addresses: &[Address], findings: &mut Vec<Finding>) {
    let Link { name, mtu, .. } = link;
    if !link.is_up() {
        let cure = format!("ip link set {name} up");
        obstacle(findings, Concern::Down, format!("{name} is down"), &cure);
    } else if link.carrier == Carrier::Absent {
        let what = format!("{name} has no carrier: what is announced there is dropped without an error");
        obstacle(findings, Concern::NoCarrier, what, "plug it in, and announce when the carrier is there");
    }
    if !link.resolves() {
        let what = format!("{name} resolves no addresses (NOARP): nobody will learn of a move");
        warning(
            findings,
            Concern::NoResolution,
            what,
            "choose an interface with ARP and neighbour discovery",
        );
    }
    let v6 = addresses.iter().any(|address| address.ip().is_ipv6());
    let needed = if v6 { MTU_V6 } else { MTU_V4 };
    if *mtu < needed {
        let what = format!("the MTU of {name} is {mtu}, and the kernel wants {needed}");
        obstacle(findings, Concern::Mtu, what, &format!("ip link set {name} mtu 1500"));
    }
}

fn settings(link: &Link, addresses: &[Address], findings: &mut Vec<Finding>) {
    let name = &link.name;
    let own = |setting: &str| number(&sysctl::ipv4(name, setting));
    let all = |setting: &str| number(&sysctl::ipv4("all", setting));
    // The kernel takes the greater of the two.
    let both = |setting: &str| own(setting).max(all(setting));
    if addresses.iter().any(|address| address.ip().is_ipv4()) {
        let ignore = both("arp_ignore");
        let host = addresses.iter().any(|address| address.scope() == crate::Scope::HOST);
        if ignore == Some(8) || (ignore == Some(3) && host) {
            let what = format!(
                "arp_ignore of {name} is {}: it will not answer for the address",
                ignore.unwrap_or(0)
            );
            let cure = format!("sysctl net.ipv4.conf.{name}.arp_ignore=1");
            obstacle(findings, Concern::ArpIgnore, what, &cure);
        }
        if link.kind.as_deref() == Some("macvlan") && ignore == Some(0) {
            let what = format!("arp_ignore of {name} is 0: it answers for its parent's addresses, too");
            let cure = format!("sysctl net.ipv4.conf.{name}.arp_ignore=1");
            warning(findings, Concern::ArpIgnore, what, &cure);
        }
        if both("arp_announce") == Some(0) {
            let what = format!(
                "arp_announce of {name} is 0: requests for other hosts may name the address as their sender's"
            );
            let cure = format!("sysctl net.ipv4.conf.{name}.arp_announce=2");
            warning(findings, Concern::ArpAnnounce, what, &cure);
        }
        if let Some(filter @ 1) = both("rp_filter") {
            let what = format!(
                "rp_filter of {name} is {filter}: answers that come in by another way than they go out are dropped"
            );
            let cure =
                format!("sysctl net.ipv4.conf.{name}.rp_filter=2, or 0 for it and for all on a macvlan");
            warning(findings, Concern::RpFilter, what, &cure);
        }
        let promoted = number(&sysctl::ipv4(name, "promote_secondaries")).max(all("promote_secondaries"));
        let short = addresses.iter().find(|address| address.ip().is_ipv4() && address.prefix_len() < 32);
        if let (Some(short), Some(0)) = (short, promoted) {
            let what = format!(
                "{short} shares its prefix: removing the first address of a prefix removes the others"
            );
            let cure =
                format!("give it a prefix of 32 bits, or sysctl net.ipv4.conf.{name}.promote_secondaries=1");
            warning(findings, Concern::PromoteSecondaries, what, &cure);
        }
    }
    let disabled = number(&sysctl::ipv6(name, "disable_ipv6"));
    if addresses.iter().any(|address| address.ip().is_ipv6()) && disabled != Some(0) {
        let cure = format!("sysctl net.ipv6.conf.{name}.disable_ipv6=0");
        obstacle(findings, Concern::DisableIpv6, format!("IPv6 is switched off on {name}"), &cure);
    }
}

fn managers(root: &Path, link: &Link, findings: &mut Vec<Finding>) {
    let Link { name, index, .. } = link;
    let state = fs::read_to_string(root.join(format!("run/systemd/netif/links/{index}"))).unwrap_or_default();
    let managed = |line: &str| line.strip_prefix("ADMIN_STATE=").is_some_and(|state| state != "unmanaged");
    if state.lines().any(managed) && !keeps_foreign(root, &state) {
        let what = format!(
            "systemd-networkd manages {name}: it removes addresses that are not its own when it starts again"
        );
        let cure = "KeepConfiguration=static in the [Network] section of its .network file (systemd 243)";
        warning(findings, Concern::Networkd, what, cure);
    }
    let state =
        fs::read_to_string(root.join(format!("run/NetworkManager/devices/{index}"))).unwrap_or_default();
    if state.lines().any(|line| ["managed=true", "managed=1", "managed=yes"].contains(&line)) {
        let what = format!(
            "NetworkManager manages {name}: it may remove addresses that are not its own when it activates it again"
        );
        let cure = format!("nmcli device set {name} managed no, or watch and ensure again");
        warning(findings, Concern::NetworkManager, what, &cure);
    }
}

/// Whether one of the files that networkd says it has read for the link tells it to keep addresses.
fn keeps_foreign(root: &Path, state: &str) -> bool {
    let files = state.lines().filter_map(|line| {
        line.strip_prefix("NETWORK_FILE=").or_else(|| line.strip_prefix("NETWORK_FILE_DROPINS="))
    });
    let paths = files.flat_map(|paths| paths.trim_matches('"').split_ascii_whitespace());
    let texts = paths.filter_map(|path| fs::read_to_string(root.join(path.trim_start_matches('/'))).ok());
    texts.into_iter().any(|text| {
        let mut values = text.lines().filter_map(|line| line.trim().strip_prefix("KeepConfiguration="));
        values.next_back().is_some_and(|value| ["yes", "static"].contains(&value.trim()))
    })
}

fn taken(handle: &mut Handle, addresses: &[Address], findings: &mut Vec<Finding>) {
    // Where it cannot be listed nothing is known, and `ensure` will say why.
    let there = handle.list(crate::Filter::ALL).unwrap_or_default();
    for address in addresses {
        let other =
            there.iter().find(|assigned| assigned.ip == address.ip() && !assigned.is_tagged(address.tag()));
        if let Some(other) = other {
            let what = format!("{other} is there already, and not marked as ours");
            let cure = "remove it, or say IfForeign::Leave where this machine owns it";
            warning(findings, Concern::Taken, what, cure);
        }
    }
}

/// `None` where the kernel has no such setting.
fn number(setting: &str) -> Option<u32> {
    sysctl::read(setting).ok()?.parse().ok()
}

fn obstacle(findings: &mut Vec<Finding>, concern: Concern, what: String, cure: &str) {
    findings.push(Finding { severity: Severity::Obstacle, concern, what, cure: cure.to_owned() });
}

fn warning(findings: &mut Vec<Finding>, concern: Concern, what: String, cure: &str) {
    findings.push(Finding { severity: Severity::Warning, concern, what, cure: cure.to_owned() });
}

const CAP_NET_ADMIN: u32 = 12;
const MTU_V4: u32 = 68;
const MTU_V6: u32 = 1280;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::parse_link;

    fn found(directory: &str, state: &str) -> Vec<Concern> {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(directory)).unwrap();
        fs::write(root.path().join(directory).join("3"), state).unwrap();
        // ifi_index 3, IFLA_IFNAME "eth0".
        let mut bytes = [0_u8; 28];
        bytes[16..28].copy_from_slice(b"\x09\0\x03\0eth0\0\0\0\0");
        let mut link = parse_link(&bytes).unwrap_or_else(|| panic!("{bytes:?}"));
        link.index = 3;
        let mut findings = Vec::new();
        managers(root.path(), &link, &mut findings);
        findings.into_iter().map(|finding| finding.concern).collect()
    }

    #[test]
    fn networkd_is_found_unless_it_keeps_what_is_not_its_own() {
        let links = "run/systemd/netif/links";
        assert_eq!(found(links, "ADMIN_STATE=configured\nOPER_STATE=routable\n"), [Concern::Networkd]);
        assert_eq!(found(links, "ADMIN_STATE=unmanaged\n"), []);
        // The file itself stands in for its .network file: what counts is the path that it names.
        let kept =
            format!("ADMIN_STATE=configured\nNETWORK_FILE=/{links}/3\n[Network]\nKeepConfiguration=static\n");
        assert_eq!(found(links, &kept), []);
    }

    #[test]
    fn network_manager_is_found_where_it_manages_the_link() {
        let devices = "run/NetworkManager/devices";
        assert_eq!(found(devices, "[device]\nmanaged=true\n"), [Concern::NetworkManager]);
        assert_eq!(found(devices, "[device]\nmanaged=false\n"), []);
    }
}
