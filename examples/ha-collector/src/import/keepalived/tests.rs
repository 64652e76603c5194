use proptest::prelude::*;

use super::*;

fn read(text: &str, health: Health) -> Imported {
    let options = Options { config_id: "main".to_owned(), health };
    let (mut files, mut report) = (Files::default(), Report::default());
    let path = Path::new("k.conf");
    let lines = Expander::new(&mut files, &mut report, &options.config_id).read_text(path, text);
    translated(path, &options, &lines, files, report)
}

/// An instance that lacks nothing, with more in it.
fn instance(more: &str) -> Imported {
    let text = format!(
        "vrrp_instance V {{\n interface eth0\n virtual_router_id 7\n virtual_ipaddress {{\n 10.0.0.1/24\n }}\n{more}\n}}\n"
    );
    read(&text, Health::Scripts)
}

fn has(imported: &Imported, toml: &[&str], report: &[&str]) {
    for line in toml {
        assert!(imported.toml.contains(line), "{line} is not in:\n{}", imported.toml);
    }
    for line in report {
        assert!(imported.report.contains(line), "{line} is not in:\n{}", imported.report);
    }
}

#[test]
fn what_keepalived_means_without_saying_it_is_written_out() {
    let imported = instance("");
    assert_eq!(imported.usable, Usable::Yes, "{}", imported.report);
    let toml = [
        "version = 2 # keepalived's default",
        "priority = 100 # keepalived's default",
        "advert-interval = \"1s\" # keepalived's default",
        "state = \"backup\"\n",
        "health = \"ignore\"",
        "repeat = 5\n",
        "delay = \"5s\"\n",
        "refresh = \"0s\"\n",
    ];
    has(&imported, &toml, &["VRRP is IP protocol 112"]);
}

#[test]
fn nopreempt_and_a_delay_count_only_for_one_that_starts_as_backup() {
    let backup = instance("nopreempt");
    has(&backup, &["preempt = false # k.conf:7"], &["k.conf:7:1: nopreempt\n"]);
    let master = instance("state MASTER\nnopreempt\npreempt_delay 4");
    has(
        &master,
        &["state = \"active\""],
        &["nopreempt: has no effect with state MASTER", "preempt_delay: has no effect"],
    );
    assert!(!master.toml.contains("preempt"), "{}", master.toml);
    has(&instance("preempt_delay 4.5"), &["preempt-delay = \"4500ms\""], &[]);
}

#[test]
fn a_secret_is_cut_and_never_shown_in_the_report() {
    let imported = instance("authentication {\n auth_type PASS\n auth_pass verysecret\n}");
    has(&imported, &["secret = \"verysecr\""], &["auth_pass …: only its first 8 bytes", "clear text"]);
    assert!(!imported.report.contains("verysec"), "{}", imported.report);
    let third = instance("version 3\nauthentication {\n auth_type AH\n auth_pass x\n}");
    has(&third, &["version = 3"], &["version 3 has no authentication"]);
    assert!(!third.toml.contains("secret"), "{}", third.toml);
}

#[test]
fn peers_are_unicast_without_a_look_at_the_ttl_unless_one_is_given() {
    let imported = instance("unicast_src_ip 10.0.0.2\nunicast_peer {\n 10.0.0.3\n 10.0.0.2\n}");
    let toml = ["unicast-source = \"10.0.0.2\"", "\"10.0.0.3\", # k.conf:9", "unicast-min-ttl = 1"];
    has(&imported, &toml, &["10.0.0.2: this is our own address", "only peers are heard"]);
    has(
        &instance("unicast_peer {\n 10.0.0.3 min_ttl 200 max_ttl 255\n}"),
        &["unicast-min-ttl = 200"],
        &["no highest TTL"],
    );
}

#[test]
fn addresses_keep_their_device_label_and_scope_and_lose_what_we_do_not_say() {
    let text = "virtual_ipaddress_excluded {\n 10.1.0.1 dev eth1 label eth1:v scope link\n 10.1.0.2/24 brd 10.1.0.255 home\n}";
    let imported = instance(text);
    let toml = [
        "{ address = \"10.1.0.1/32\", device = \"eth1\", label = \"eth1:v\", scope = \"link\" }",
        "\"10.1.0.2/24\",",
    ];
    has(&imported, &toml, &["without `brd 10.1.0.255`, `home`"]);
    let cut = instance(
        "virtual_ipaddress_excluded {\n 10.1.0.1 label\n}\nunicast_peer {\n 10.0.0.3 min_ttl 256\n}",
    );
    has(&cut, &[], &["nothing follows `label`", "a TTL is from 0 to 255"]);
    let other = instance("virtual_ipaddress {\n fd00::1\n}");
    has(&other, &[], &["fd00::1: not of the kind of the first"]);
}

#[test]
fn ipv6_is_version_3_with_a_link_local_address_first() {
    let text = |addresses: &str| {
        format!(
            "vrrp_instance V {{\ninterface e\nvirtual_router_id 7\nversion 2\nvirtual_ipaddress {{\n{addresses}\n}}\n}}"
        )
    };
    let both = read(&text("fd00::1/64\nfe80::1/64"), Health::Scripts);
    has(
        &both,
        &["version = 3", "\"fe80::1/64\", # k.conf:7\n    \"fd00::1/64\", # k.conf:6"],
        &["IPv6 is always version 3"],
    );
    let global = read(&text("fd00::1/64"), Health::Scripts);
    has(&global, &["fe80::12:7/64", "excluded-addresses = [\n    \"fd00::1/64\""], &["must be link-local"]);
    assert_eq!((both.usable, global.usable), (Usable::Yes, Usable::Yes), "{}{}", both.report, global.report);
}

const TRACKED: &str = "vrrp_script s {\n script \"/bin/true\"\n weight -20 reverse\n user root\n}\n\
    vrrp_track_process p {\n process nginx\n}\ntrack_file f {\n file /run/f\n weight 2\n}\n";

#[test]
fn what_is_tracked_keeps_its_weight_and_its_direction() {
    let text = format!(
        "{TRACKED}vrrp_instance V {{\ninterface e\nvirtual_router_id 7\nvirtual_ipaddress {{\n10.0.0.1\n}}\n\
         track_script {{\ns\nnosuch\n}}\ntrack_process {{\np weight 9\n}}\ntrack_file {{\nf\n}}\ntrack_interface {{\neth1 weight 5 reverse\n}}\n}}\n"
    );
    let imported = read(&text, Health::Scripts);
    let toml = [
        "{ script = \"s\", reverse = true }",
        "{ process = \"p\", weight = 9 }",
        "{ file = \"f\" }",
        "{ interface = \"eth1\", weight = 5, reverse = true }",
        "weight = -20 # k.conf:3",
        "weight = 2 # k.conf:11",
        "user = \"root\"",
    ];
    has(&imported, &toml, &["nosuch: is not defined"]);
    assert_eq!(imported.usable, Usable::Yes, "{}", imported.report);
    let native = read(&text, Health::Native);
    has(
        &native,
        &["health = -20 # in place of its scripts"],
        &["s: the collector's own health does what it did"],
    );
    assert!(!native.toml.contains("track-script"), "{}", native.toml);
}

/// As `keepalived --dump-conf` of 2.2.7 shows it; its manual says otherwise of scripts and processes.
#[test]
fn a_group_takes_weights_of_its_members_and_gives_them_what_it_tracks() {
    let member = |name: &str, vrid: u8| {
        format!(
            "vrrp_instance {name} {{\ninterface e\nvirtual_router_id {vrid}\nvirtual_ipaddress {{\n10.0.0.{vrid}\n}}\n\
             track_script {{\ns weight -20\n}}\ntrack_interface {{\neth1 weight 5\n}}\ntrack_process {{\np weight 3\n}}\n}}\n"
        )
    };
    let group = |more: &str| {
        let group = format!(
            "vrrp_sync_group G {{\ngroup {{\nA\nB\n}}\ntrack_interface {{\neth9 weight 7\n}}\n{more}\n}}\n"
        );
        read(&[TRACKED, &member("A", 1), &member("B", 2), &group].concat(), Health::Scripts)
    };
    let imported = group("");
    let toml = [
        "{ interface = \"eth1\", weight = 0 }",
        "{ process = \"p\", weight = 3 }",
        "{ interface = \"eth9\", weight = 7 }",
        "members = [\"A\", \"B\"]",
    ];
    has(&imported, &toml, &["s: keepalived ignores a script with a weight of a member of a vrrp_sync_group"]);
    assert!(!imported.toml.contains("script = "), "{}", imported.toml);
    assert_eq!(imported.usable, Usable::Yes, "{}", imported.report);
    has(&group("sync_group_tracking_weight"), &["{ script = \"s\", weight = -20 }"], &[]);
}

#[test]
fn a_master_without_a_priority_owns_its_addresses() {
    let imported = instance("state MASTER");
    has(&imported, &["priority = 255 # keepalived's default for state MASTER"], &["two of them fight"]);
    has(
        &instance("state MASTER\npriority 900"),
        &["priority = 100 # k.conf:8"],
        &["no number from 1 to 255"],
    );
}

#[test]
fn a_weight_or_a_second_mention_that_keepalived_ignores_is_said_and_left_out() {
    let text = format!(
        "{TRACKED}vrrp_instance V {{\ninterface e\nvirtual_router_id 7\nvirtual_ipaddress {{\n10.0.0.1\n}}\n\
         track_script {{\ns weight 300\ns weight 3\n}}\n}}\n"
    );
    let imported = read(&text, Health::Scripts);
    has(
        &imported,
        &["    { script = \"s\", reverse = true }, # k.conf:20\n]"],
        &["a weight is from -254 to 254", "s: is tracked already"],
    );
    let words = read("vrrp_script s {\nscript /bin/ls a b\n}", Health::Scripts);
    has(&words, &[], &["k.conf:2:1: script /bin/ls a b: only the first word is run"]);
}

#[test]
fn announcements_are_those_of_the_instance_the_globals_and_keepalived_in_this_order() {
    let imported = read(
        "global_defs {\nvrrp_garp_master_repeat 3\nvrrp_garp_master_delay 7\nvrrp_garp_interval 0.5\n}\n\
         vrrp_instance V {\ninterface e\nvirtual_router_id 7\nvirtual_ipaddress {\n10.0.0.1\n}\ngarp_master_delay 2\n\
         garp_lower_prio_repeat 4\n}\n",
        Health::Scripts,
    );
    let toml = [
        "repeat = 3 # k.conf:2",
        "delay = \"2s\" # k.conf:12",
        "lower-priority-repeat = 4",
        "lower-priority-delay = \"7s\" # k.conf:3",
        "interval = \"500ms\"",
    ];
    has(&imported, &toml, &[]);
    has(
        &read(
            "global_defs {\nvrrp_min_garp\n}\nvrrp_instance V {\ninterface e\nvirtual_router_id 7\nvirtual_ipaddress {\n10.0.0.1\n}\n}",
            Health::Scripts,
        ),
        &["repeat = 1 # k.conf:2", "delay = \"0s\" # k.conf:2"],
        &[],
    );
}

#[test]
fn programs_are_told_in_their_state() {
    let imported =
        instance("notify_master \"/bin/m 'a b'\" root\nnotify /bin/any\nnotify_fault \"logger x | cat\"");
    let toml = [
        "active = [\"/bin/m\", \"a b\"]",
        "any = [\"/bin/any\"]",
        "fault = [\"/bin/sh\", \"-c\", \"logger x | cat\"]",
    ];
    has(&imported, &toml, &["run as the keeper's script user", "needs a shell"]);
}

#[test]
fn an_unknown_word_is_named_at_its_place_within_unsupported_blocks_too() {
    let imported = instance("frobnicate 3");
    has(&imported, &[], &["not supported (1):\n  k.conf:7:1: frobnicate 3: unknown word"]);
    let servers = read(
        "virtual_server 10.0.0.1 80 {\n delay_loop 6\n real_server 10.0.0.2 80 {\n TCP_CHECK {\n  nonsense\n }\n }\n}\n",
        Health::Scripts,
    );
    let report = [
        "k.conf:1:1: virtual_server 10.0.0.1 80: load balancing is translated later (delay_loop, real_server, TCP_CHECK, nonsense)",
        "k.conf:5:3: nonsense: unknown word",
        "no virtual router came out of it",
    ];
    has(&servers, &[], &report);
    assert_eq!(servers.usable, Usable::No);
}

#[test]
fn what_our_check_refuses_is_not_called_usable() {
    let imported = instance("mcast_dst_ip 10.0.0.9");
    assert_eq!(imported.usable, Usable::No);
    has(&imported, &[], &["our own check refuses the translation", "no multicast group"]);
    assert_eq!(instance("authentication {").usable, Usable::No, "a brace is missing");
}

#[test]
fn a_pair_is_compared() {
    let node = |state: &str, priority: u8, vrid: u8, more: &str| {
        read(
            &format!(
                "vrrp_script s {{\nscript /bin/true\n}}\nvrrp_instance V {{\nstate {state}\ninterface e\nvirtual_router_id {vrid}\n\
                 priority {priority}\nvirtual_ipaddress {{\n10.0.0.1\n}}\ntrack_script {{\ns weight -20\n}}\n{more}\n}}\n"
            ),
            Health::Scripts,
        )
    };
    let said = |first: &Imported, second: &Imported| compare(first, second).join("\n");
    let good = said(&node("MASTER", 110, 1, ""), &node("BACKUP", 100, 1, ""));
    assert!(good.contains("s weight -20 moves the addresses (the priorities are 10 apart)"), "{good}");
    let bad = said(
        &node("MASTER", 200, 1, "advert_int 2\nunicast_src_ip 10.0.0.2\nunicast_peer {\n10.0.0.9\n}"),
        &node("MASTER", 100, 2, "unicast_src_ip 10.0.0.3\nauthentication {\nauth_type PASS\nauth_pass x\n}"),
    );
    for text in [
        "virtual_router_id 1 and 2",
        "advert_int 2s and 1s",
        "state MASTER on both",
        "the authentication differs",
        "one speaks to its peers, the other by multicast",
        "does not name the other's unicast_src_ip 10.0.0.3",
        "s weight -20 cannot move the addresses: the priorities are 100 apart",
        "k.conf:7:1 and k.conf:7:1: ",
    ] {
        assert!(bad.contains(text), "{text} is not in:\n{bad}");
    }
    let equal = said(&node("BACKUP", 100, 1, ""), &node("BACKUP", 100, 1, ""));
    assert!(equal.contains("equal priorities (100)"), "{equal}");
    assert!(said(&node("BACKUP", 1, 1, ""), &read("", Health::Scripts)).contains("has no partner"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,300}") {
        read(&text, Health::Scripts);
    }

    #[test]
    fn no_words_in_any_order_make_it_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..200)) {
        let imported = read(&words.concat(), Health::Native);
        // Whatever it is, it is TOML.
        prop_assert!(::toml::from_str::<::toml::Table>(&imported.toml).is_ok(), "{}", imported.toml);
    }
}

const WORDS: &[&str] = &[
    "vrrp_instance ",
    "V ",
    "W\n",
    "{",
    "}",
    "{\n",
    "}\n",
    "\n",
    " ",
    "\"",
    "'",
    "\\",
    "\\\n",
    "#",
    "!",
    "$A=",
    "$A ",
    "${A}",
    "@main ",
    "@^main ",
    "~SEQ(A,1,3) ",
    "~LST(A,1,2) ",
    "interface ",
    "eth0\n",
    "virtual_router_id ",
    "1\n",
    "-1\n",
    "255\n",
    "300\n",
    "priority ",
    "version ",
    "2\n",
    "3\n",
    "advert_int ",
    "0.4\n",
    "state MASTER\n",
    "state BACKUP\n",
    "nopreempt\n",
    "virtual_ipaddress {\n",
    "10.0.0.1/24\n",
    "fd00::1\n",
    "fe80::1/64\n",
    "10.0.0.2 dev e label \"l\\n\"\n",
    "unicast_peer {\n",
    "unicast_src_ip ",
    "authentication {\n",
    "auth_type PASS\n",
    "auth_pass äöüäöü\n",
    "track_script {\n",
    "s weight -5\n",
    "s reverse\n",
    "vrrp_script s {\n",
    "script \"a | b\"\n",
    "script \"/bin/x \\\"y\\\"\"\n",
    "weight ",
    "vrrp_sync_group G {\n",
    "group {\n",
    "global_defs {\n",
    "router_id \"\\1\"\n",
    "vrrp_garp_master_delay ",
    "use_vmac x\n",
    "notify \"/bin/x\"\n",
    "notify_master \"\"\n",
    "virtual_server 1 {\n",
    "track_file f {\n",
    "file /x\n",
    "include x\n",
    "include {a,b}\n",
    "vrrp_track_process p {\n",
    "process x\n",
    "garp_group {\n",
    "interfaces {\n",
    "\u{85}",
    "\0",
    "\u{feff}",
];
