//! What a keeper has its collector do: a new configuration, a destination forgotten.

use super::FAST;
use super::lab::{Lab, collector, inside, keeper, until};

#[test]
fn a_keeper_passes_on_what_its_collector_is_to_do_and_an_orphan_makes_no_node_unhealthy() {
    if !inside(
        "keeper::orders::a_keeper_passes_on_what_its_collector_is_to_do_and_an_orphan_makes_no_node_unhealthy",
    ) {
        return;
    }
    let lab = Lab::new();
    let usual = collector(150, FAST);
    let away = "[[destination]]\nid = \"away\"\ntype = \"tcp\"\nto = [\"127.0.0.1:9\"]\n";
    let n1 = lab.start(&lab.n1, "n1", &format!("{usual}{away}"));
    until("n1 holds the address", || lab.n1.holds("10.0.0.10"));
    lab.client.run(|| {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.send_to(b"<13>Jan  1 00:00:00 sender app: hello", "10.0.0.10:5514").unwrap();
    });
    until("n1 has it", || n1.written().iter().any(|line| line.contains("hello")));
    std::fs::write(n1.dir.join("node.toml"), usual).unwrap();
    n1.ask(&["reload"]);
    let table = n1.ask(&["status"]);
    assert!(table.contains("`ha-collector buffer forget away --config "), "{table}");
    n1.ask(&["buffer", "forget", "away", "--yes"]);
    let status = n1.status();
    let destinations = status["destinations"].as_array().unwrap();
    let away = destinations.iter().find(|row| row["id"] == "away").unwrap();
    assert_eq!((&away["queued"], &away["dropped"]["forgotten"]), (&0.into(), &1.into()), "{status}");
    let log = n1.log();
    let (_, since) = log.split_once("the collector is well").unwrap();
    assert!(lab.n1.holds("10.0.0.10") && !since.contains("is not well"), "{log}");
    assert_eq!(n1.stop().code(), Some(0));
}

#[test]
fn a_keeper_without_a_collector_leaves_it_to_the_command_to_forget_what_a_collector_has_left() {
    if !inside(
        "keeper::orders::a_keeper_without_a_collector_leaves_it_to_the_command_to_forget_what_a_collector_has_left",
    ) {
        return;
    }
    let lab = Lab::new();
    let away = "[[destination]]\nid = \"away\"\ntype = \"tcp\"\nto = [\"127.0.0.1:9\"]\n";
    let n1 = lab.start(&lab.n1, "n1", &format!("{}{away}", collector(150, FAST)));
    until("n1 holds the address", || lab.n1.holds("10.0.0.10"));
    lab.client.run(|| {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.send_to(b"<13>Jan  1 00:00:00 sender app: hello", "10.0.0.10:5514").unwrap();
    });
    until("n1 has it", || n1.written().iter().any(|line| line.contains("hello")));
    assert_eq!(n1.stop().code(), Some(4), "{}", n1.log());
    let cursor = n1.dir.join("data/buffer/consumers/away.cursor");
    assert!(cursor.exists());
    let n1 = lab.start(&lab.n1, "n1", &keeper(150, FAST));
    n1.ask(&["buffer", "forget", "away", "--yes"]);
    assert!(!cursor.exists(), "{}", n1.log());
    assert_eq!(n1.stop().code(), Some(0));
}
