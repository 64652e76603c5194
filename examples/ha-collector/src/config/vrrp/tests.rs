//! Mistakes that people make with virtual routers, and what they are told.

use super::*;
use crate::config::Config;

fn load(text: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(&[path], None).map_err(|errors| errors.to_string())
}

fn keeper(text: &str) -> Keeper {
    load(text).unwrap().keeper.unwrap()
}

const GOOD: &str = r#"
[[vrrp]]
id = "VI_1"
interface = "eth0"
vrid = 51
addresses = ["10.0.0.10/24"]
"#;

#[test]
fn a_good_router_is_read_with_its_defaults_filled_in() {
    let keeper = keeper(GOOD);
    assert_eq!((keeper.lease, keeper.heartbeat_timeout), (Duration::from_secs(3), Duration::from_secs(1)));
    let router = &keeper.routers[0];
    assert_eq!(
        (router.version, router.family, router.priority),
        (Version::V3, Family::V4, Priority::DEFAULT)
    );
    assert_eq!((router.interval, router.down_adverts), (Interval::ONE_SECOND, 3));
    assert_eq!((router.initial, router.preempt), (Initial::Backup, Preempt::After(Duration::ZERO)));
    let group = "224.0.0.18".parse().unwrap();
    assert_eq!(router.reach, Reach::Multicast { group, source: None });
    assert_eq!(router.addresses[0].device, "eth0");
    assert_eq!((router.health, router.announce), (Some(Weight::Fault), None));
}

#[test]
fn an_interval_is_what_the_version_can_say() {
    let with = |version: u8, interval: &str| {
        load(&format!("{GOOD}version = {version}\nadvert-interval = \"{interval}\"\n"))
    };
    assert_eq!(with(3, "10ms").unwrap().keeper.unwrap().routers[0].interval.centiseconds(), 1);
    assert_eq!(with(2, "255s").unwrap().keeper.unwrap().routers[0].interval.centiseconds(), 25_500);
    for (version, interval) in
        [(3, "5ms"), (3, "15ms"), (3, "41s"), (3, "0s"), (2, "500ms"), (2, "256s"), (2, "0s")]
    {
        assert!(
            with(version, interval).unwrap_err().contains("cannot be advertised"),
            "{version} {interval}"
        );
    }
    assert!(with(4, "1s").unwrap_err().contains("no VRRP version 4"));
}

#[test]
fn what_contradicts_itself_is_said_at_its_place() {
    for (more, said) in [
        (
            "version = 2\n[[vrrp]]\nid = \"VI_1\"\ninterface = \"eth0\"\nvrid = 51\naddresses = [\"10.0.0.11\"]",
            "used twice",
        ),
        (
            "[[vrrp]]\nid = \"B\"\ninterface = \"eth0\"\nvrid = 51\naddresses = [\"10.0.0.11\"]",
            "`VI_1` has this vrid on eth0",
        ),
        (
            "[[vrrp]]\nid = \"B\"\ninterface = \"eth0\"\nvrid = 52\naddresses = [\"10.0.0.10\"]",
            "is an address of `VI_1` too",
        ),
        ("authentication = { type = \"pass\", secret = \"x\" }", "VRRP version 3 has no authentication"),
        ("checksum = \"message-only\"\nversion = 2", "only one checksum"),
        ("unicast-min-ttl = 64", "there are no `unicast-peers`"),
        ("unicast-peers = [\"10.0.0.11\"]\nunicast-source = \"10.0.0.11\"", "our own address"),
        ("unicast-peers = [\"fd00::11\"]", "not of the kind"),
        ("group = \"10.0.0.1\"", "no multicast group"),
        ("priority = 255\npreempt = false", "always preempts"),
        ("preempt = false\npreempt-delay = \"5s\"", "never happens"),
        ("priority = 0", "out of range"),
        ("[[vrrp.track]]\nweight = 5", "what is to be tracked"),
        ("[[vrrp.track]]\nscript = \"nope\"", "no [[track-script]] with the id `nope`"),
        ("[[vrrp.track]]\ninterface = \"eth0\"\nweight = 300", "out of range"),
        ("[[track-script]]\nid = \"s\"\ncommand = []", "cannot be empty"),
        ("[[track-script]]\nid = \"s\"\ncommand = [\"true\"]", "no absolute path"),
        ("[[sync-group]]\nid = \"g\"\nmembers = [\"VI_1\", \"nope\"]", "no [[vrrp]] with the id `nope`"),
        ("excluded-addresses = [\"224.0.0.1\"]", "cannot be a virtual address"),
        ("[keeper]\nlease = \"1500ms\"", "whole seconds"),
    ] {
        let text = format!("{GOOD}{more}\n");
        let error = load(&text).map(|config| config.to_string()).expect_err(&text);
        assert!(error.contains(said), "{text}\n{error}");
        assert!(error.contains("c.toml:") || said == "whole seconds", "{error}");
    }
}

#[test]
fn ipv6_needs_version_3_and_a_link_local_address_first() {
    let v6 = GOOD.replace("\"10.0.0.10/24\"", "\"fe80::10/64\", \"fd00::10/64\"");
    assert_eq!(keeper(&v6).routers[0].family, Family::V6);
    assert!(load(&format!("{v6}version = 2\n")).unwrap_err().contains("no IPv6"));
    let without = GOOD.replace("10.0.0.10/24", "fd00::10/64");
    assert!(load(&without).unwrap_err().contains("must be link-local"));
    let mixed = GOOD.replace("\"10.0.0.10/24\"", "\"10.0.0.10/24\", \"fd00::10/64\"");
    assert!(load(&mixed).unwrap_err().contains("addresses of one kind"));
}

#[test]
fn what_will_hurt_is_a_warning_and_no_error() {
    for (more, said) in [
        (
            "version = 2\nauthentication = { type = \"pass\", secret = \"mysecret9\" }",
            "only the first 8 bytes",
        ),
        ("preempt = false\nstate = \"active\"", "no effect on a router that starts as Active"),
        (
            "[[track-script]]\nid = \"s\"\ncommand = [\"/usr/bin/systemctl\", \"is-active\", \"x\"]",
            "need not work",
        ),
    ] {
        let config = load(&format!("{GOOD}{more}\n")).unwrap();
        assert!(config.warnings.to_string().contains(said), "{more}\n{}", config.warnings);
    }
    assert!(load(GOOD).unwrap().warnings.0.is_empty());
}

#[test]
fn a_keeper_alone_needs_no_source_and_a_source_needs_a_destination() {
    assert!(load(GOOD).unwrap().sources.is_empty());
    let source = "[[source]]\nid = \"udp\"\ntype = \"udp\"\nlisten = \"0.0.0.0:514\"\n";
    assert!(load(&format!("{GOOD}{source}")).unwrap_err().contains("no [[destination]]"));
}

#[test]
fn a_secret_is_not_shown() {
    let text = format!("{GOOD}version = 2\nauthentication = {{ type = \"pass\", secret = \"hunter22\" }}\n");
    assert!(!format!("{:?}", keeper(&text)).contains("hunter22"));
    assert_eq!(keeper(&text).routers[0].authentication, Authentication::Pass(*b"hunter22"));
}
