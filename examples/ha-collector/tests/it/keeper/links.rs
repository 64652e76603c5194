//! IPv6, a MAC of the virtual router's own, groups, and a collector that listens on the virtual address alone.

use std::process::Command;

use super::lab::{Host, Lab, collector, inside, ip, keeper, until};

const FAST: &str = "advert-interval = \"50ms\"";

#[test]
fn over_ipv6_the_address_moves_as_well() {
    if !inside("keeper::links::over_ipv6_the_address_moves_as_well") {
        return;
    }
    let lab = Lab::new();
    let v6 =
        |priority| keeper(priority, FAST).replace("\"10.0.0.10/24\"", "\"fe80::10/64\", \"fd00::10/64\"");
    let n1 = lab.start(&lab.n1, "n1", &v6(150));
    let _n2 = lab.start(&lab.n2, "n2", &v6(100));
    until("n1 holds the addresses", || lab.n1.holds("fd00::10") && lab.n1.holds("fe80::10"));
    assert_eq!(n1.status()["instances"].as_array().unwrap().len(), 2);
    n1.stop();
    until("n2 holds them alone", || {
        lab.n2.holds("fd00::10") && !lab.n1.holds("fd00::10") && !lab.n1.holds("fe80::10")
    });
}

/// The MAC that the client has learned for the address.
fn neighbour(client: &Host, address: &'static str) -> String {
    client.run(move || {
        Command::new("ping").args(["-c1", "-W1", address]).output().ok();
        let output = Command::new("ip").args(["neigh", "show", address]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    })
}

#[test]
fn a_virtual_router_may_have_its_own_mac_which_moves_with_the_address() {
    if !inside("keeper::links::a_virtual_router_may_have_its_own_mac_which_moves_with_the_address") {
        return;
    }
    let lab = Lab::new();
    let with_mac = format!("{FAST}\nvirtual-mac = true");
    let n1 = lab.start(&lab.n1, "n1", &keeper(150, &with_mac));
    let n2 = lab.start(&lab.n2, "n2", &keeper(100, &with_mac));
    until("n1 holds the address", || lab.n1.holds("10.0.0.10"));
    until("n2 knows", || n2.instance()["reason"] == "10.0.0.11 advertises 150 > 100");
    until("the client knows the virtual MAC", || {
        neighbour(&lab.client, "10.0.0.10").contains("00:00:5e:00:01:33")
    });
    n1.stop();
    until("n2 holds the address", || lab.n2.holds("10.0.0.10"));
    until("the client still knows it", || neighbour(&lab.client, "10.0.0.10").contains("00:00:5e:00:01:33"));
    n2.stop();
    for host in [&lab.n1, &lab.n2] {
        let links = host.run(|| Command::new("ip").args(["-o", "link"]).output().unwrap().stdout);
        assert!(!String::from_utf8_lossy(&links).contains("vrrp4.51"), "the macvlan is gone with the keeper");
    }
}

#[test]
fn members_of_a_group_are_at_fault_together_and_recover_together() {
    if !inside("keeper::links::members_of_a_group_are_at_fault_together_and_recover_together") {
        return;
    }
    let lab = Lab::new();
    // A second link of n1, to nowhere in particular.
    lab.n1.run(|| {
        ip("link add inner type veth peer name outer");
        ip("address add 10.1.0.11/24 dev inner");
        ip("link set inner up");
        ip("link set outer up");
    });
    let inner = keeper(150, FAST)
        .replace("VI_1", "VI_2")
        .replace("eth0", "inner")
        .replace("10.0.0.10/24", "10.1.0.10/24");
    let group = "[[sync-group]]\nid = \"both\"\nmembers = [\"VI_1\", \"VI_2\"]\n";
    let n1 = lab.start(&lab.n1, "n1", &format!("{}{inner}{group}", keeper(150, FAST)));
    let n2 = lab.start(&lab.n2, "n2", &keeper(100, FAST));
    until("n1 holds both", || lab.n1.holds("10.0.0.10") && lab.n1.holds("10.1.0.10"));
    lab.n1.run(|| ip("link set outer down"));
    until("n2 holds the address", || lab.n2.holds("10.0.0.10"));
    until("n1 holds none", || !lab.n1.holds("10.0.0.10") && !lab.n1.holds("10.1.0.10"));
    assert_eq!(n1.instance()["reason"], "another one of its group is faulty");
    lab.n1.run(|| ip("link set outer up"));
    until("n1 holds both again", || lab.n1.holds("10.0.0.10") && lab.n1.holds("10.1.0.10"));
    until("n2 has let go", || n2.is("backup") && !lab.n2.holds("10.0.0.10"));
}

#[test]
fn a_collector_listens_on_the_virtual_address_before_it_is_there() {
    if !inside("keeper::links::a_collector_listens_on_the_virtual_address_before_it_is_there") {
        return;
    }
    let lab = Lab::new();
    let on_vip = |priority| collector(priority, FAST).replace("0.0.0.0:5514", "10.0.0.10:5514");
    let n1 = lab.start(&lab.n1, "n1", &on_vip(150));
    let n2 = lab.start(&lab.n2, "n2", &on_vip(100));
    assert!(n2.log().contains("listening on udp 10.0.0.10:5514"), "{}", n2.log());
    until("n1 holds the address", || lab.n1.holds("10.0.0.10"));
    n1.stop();
    until("n2 holds the address", || lab.n2.holds("10.0.0.10"));
    lab.client.run(|| {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.send_to(b"<13>Jan  1 00:00:00 sender app: hello", "10.0.0.10:5514").unwrap();
    });
    until("n2 has it", || n2.written().iter().any(|line| line.contains("hello")));
}
