//! Every keyword of keepalived.conf(5) that is not translated, by the block it stands in, and why it is not. What is in
//! neither this table nor the translation is an unknown word.

/// Where a keyword stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Top,
    Global,
    Script,
    Process,
    File,
    Group,
    Instance,
    Authentication,
    GarpGroup,
    Bfd,
    VirtualServer,
    RealServer,
    Checker,
    Url,
    Ssl,
}

const MAIL: &str = "no mail is sent; `ha-collector events` tells of every change, for a program that does";
const LVS: &str = "load balancing is translated later";
const SNMP: &str = "there is no SNMP; `ha-collector status --json` has the same";
const DBUS: &str = "there is no D-Bus; `ha-collector events` tells of every change";
const FIFO: &str = "there is no fifo; `ha-collector events` tells of every change, numbered without a gap";
const BFD: &str = "there is no BFD; advertisements can come every 10 ms instead (version 3)";
const BUFFERS: &str = "socket buffers are chosen by the program";
const RELOAD: &str = "a configuration is read anew as a whole";
const SCHEDULING: &str = "only the thread that advertises has a priority: `realtime-priority` of [keeper]";
const ROUTES: &str = "routes and rules do not move; only addresses do";
const STATIC: &str =
    "addresses, routes and rules that do not move are the business of the system's network configuration";
const FIREWALL: &str = "no firewall is touched";
const PROCESS: &str = "the processes have the names and places that they have";
const LINK: &str = "links are watched by netlink alone, without a delay";
const MAC: &str = "a virtual MAC is that of the RFC, on an interface of its own";
const STRICT: &str =
    "the RFC's rules hold where they protect somebody, and cannot be switched off or tightened";
const PEERS: &str = "what is checked of an advertisement cannot be chosen";
const GARP_EXTRA: &str = "addresses are announced on the interface that holds them, not on others";
const SCRIPTS: &str = "a service manager runs programs before and after";

/// Why a known keyword is not translated; `None`: it is not known here.
pub(super) fn why(block: Block, keyword: &str) -> Option<&'static str> {
    let table: &[(&str, &[&str])] = match block {
        Block::Top => TOP,
        Block::Global => GLOBAL,
        Block::Script => &[],
        Block::Process => &[
            ("processes are counted by name or executable alone", &["param_match", "full_command"]),
            ("a process may run as often as it likes", &["quorum_max"]),
            (
                "a change counts at once; `interval` is between two looks",
                &["fork_delay", "terminate_delay", "delay"],
            ),
        ],
        Block::File => &[("files are read, never written", &["init_file"])],
        Block::Group => GROUP,
        Block::Instance => INSTANCE,
        Block::Authentication => &[],
        Block::GarpGroup => &[],
        Block::Bfd => &[(
            BFD,
            &[
                "neighbor_ip",
                "source_ip",
                "min_rx",
                "min_tx",
                "idle_tx",
                "multiplier",
                "passive",
                "ttl",
                "hoplimit",
                "max_hops",
                "weight",
                "vrrp",
                "checker",
            ],
        )],
        Block::VirtualServer => VIRTUAL_SERVER,
        Block::RealServer => REAL_SERVER,
        Block::Checker => CHECKER,
        Block::Url => URL,
        Block::Ssl => &[(LVS, &["password", "ca", "certificate", "key"])],
    };
    table.iter().find(|(_, words)| words.contains(&keyword)).map(|(why, _)| *why)
}

/// What a block of this keyword holds: other keywords, or only data.
pub(super) fn within(keyword: &str) -> Option<Block> {
    Some(match keyword {
        "bfd_instance" => Block::Bfd,
        "virtual_server" => Block::VirtualServer,
        "real_server" => Block::RealServer,
        "HTTP_GET" | "SSL_GET" | "TCP_CHECK" | "SMTP_CHECK" | "DNS_CHECK" | "MISC_CHECK" | "BFD_CHECK"
        | "PING_CHECK" | "UDP_CHECK" | "FILE_CHECK" | "host" => Block::Checker,
        "url" => Block::Url,
        "SSL" => Block::Ssl,
        _ => return None,
    })
}

const TOP: &[(&str, &[&str])] = &[
    (LVS, &["virtual_server", "virtual_server_group", "SSL"]),
    (BFD, &["bfd_instance"]),
    (STATIC, &["static_ipaddress", "static_addresses", "static_routes", "static_rules", "track_group"]),
    (LINK, &["linkbeat_use_polling", "linkbeat_interfaces", "interface_up_down_delays"]),
    (
        "`ip netns exec` runs a program in a namespace",
        &["net_namespace", "net_namespace_ipvs", "namespace_with_ipsets"],
    ),
    (PROCESS, &["instance", "use_pid_dir", "child_wait_time"]),
];

const GLOBAL: &[(&str, &[&str])] = &[
    (
        MAIL,
        &[
            "notification_email",
            "notification_email_from",
            "smtp_server",
            "smtp_helo_name",
            "smtp_connect_timeout",
            "email_faults",
            "no_email_faults",
            "smtp_alert",
            "smtp_alert_vrrp",
            "smtp_alert_checker",
            "no_checker_emails",
        ],
    ),
    (
        LVS,
        &[
            "checker_log_all_failures",
            "lvs_sync_daemon",
            "lvs_timeouts",
            "lvs_flush",
            "lvs_flush_on_stop",
            "lvs_flush_onstop",
            "rs_init_notifies",
            "nftables_ipvs",
            "nftables_ipvs_priority",
            "nftables_ipvs_start_fwmark",
            "lvs_notify_fifo",
            "lvs_notify_fifo_script",
            "lvs_netlink_cmd_rcv_bufs",
            "lvs_netlink_cmd_rcv_bufs_force",
            "lvs_netlink_monitor_rcv_bufs",
            "lvs_netlink_monitor_rcv_bufs_force",
        ],
    ),
    (
        PROCESS,
        &[
            "process_names",
            "process_name",
            "vrrp_process_name",
            "checker_process_name",
            "bfd_process_name",
            "tmp_config_directory",
            "config_save_dir",
            "data_use_instance",
            "umask",
            "random_seed",
            "child_wait_time",
            "instance",
            "use_pid_dir",
            "use_symlink_paths",
            "state_dump_file",
            "stats_dump_file",
            "json_dump_file",
        ],
    ),
    (SCRIPTS, &["startup_script", "startup_script_timeout", "shutdown_script", "shutdown_script_timeout"]),
    (
        FIREWALL,
        &[
            "nftables",
            "nftables_priority",
            "nftables_counters",
            "nftables_ifindex",
            "vrrp_iptables",
            "iptables",
            "vrrp_ipsets",
            "disable_local_igmp",
        ],
    ),
    (
        SCHEDULING,
        &[
            "min_auto_priority_delay",
            "vrrp_priority",
            "checker_priority",
            "bfd_priority",
            "checker_no_swap",
            "bfd_no_swap",
            "vrrp_cpu_affinity",
            "checker_cpu_affinity",
            "bfd_cpu_affinity",
            "checker_rt_priority",
            "bfd_rt_priority",
            "vrrp_rlimit_rttime",
            "checker_rlimit_rttime",
            "bfd_rlimit_rttime",
            "vrrp_rlimit_rtime",
            "checker_rlimit_rtime",
            "bfd_rlimit_rtime",
        ],
    ),
    (
        SNMP,
        &[
            "snmp_socket",
            "enable_snmp_keepalived",
            "enable_snmp_vrrp",
            "enable_snmp_checker",
            "enable_snmp_rfc",
            "enable_snmp_rfcv2",
            "enable_snmp_rfcv3",
            "enable_traps",
        ],
    ),
    (DBUS, &["enable_dbus", "dbus_service_name", "dbus_no_interface_name"]),
    (
        FIFO,
        &[
            "notify_fifo",
            "notify_fifo_script",
            "vrrp_notify_fifo",
            "vrrp_notify_fifo_script",
            "fifo_write_vrrp_states_on_reload",
            "vrrp_notify_priority_changes",
        ],
    ),
    (
        BUFFERS,
        &[
            "vrrp_netlink_cmd_rcv_bufs",
            "vrrp_netlink_cmd_rcv_bufs_force",
            "vrrp_netlink_monitor_rcv_bufs",
            "vrrp_netlink_monitor_rcv_bufs_force",
            "process_monitor_rcv_bufs",
            "process_monitor_rcv_bufs_force",
            "vrrp_rx_bufs_policy",
            "vrrp_rx_bufs_multiplier",
        ],
    ),
    (RELOAD, &["reload_check_config", "reload_time_file", "reload_repeat", "reload_file", "include_check"]),
    (LINK, &["linkbeat_use_polling", "dynamic_interfaces"]),
    (MAC, &["vmac_prefix", "vmac_addr_prefix"]),
    (STRICT, &["vrrp_strict", "vrrp_owner_ignore_adverts"]),
    (PEERS, &["vrrp_skip_check_adv_addr", "log_unknown_vrids", "v3_checksum_as_v2"]),
    (GARP_EXTRA, &["vrrp_garp_extra_if"]),
    (
        "`ip netns exec` runs a program in a namespace",
        &["net_namespace", "net_namespace_ipvs", "namespace_with_ipsets"],
    ),
    ("a better router is not answered before this one steps back", &["vrrp_higher_prio_send_advert"]),
    ("a worse router is answered as RFC 9568 §6.4.3 says", &["vrrp_lower_prio_no_advert"]),
    ("time from the start of the program counts, not from that of the machine", &["vrrp_delay_after_boot"]),
];

const GROUP: &[(&str, &[&str])] = &[
    ("there is no BFD", &["track_bfd"]),
    (
        "programs are told of virtual routers, not of groups: the members' [vrrp.notify], or `ha-collector events`",
        &[
            "notify_master",
            "notify_backup",
            "notify_fault",
            "notify_stop",
            "notify",
            "notify_deleted",
            "notify_priority_changes",
        ],
    ),
    (MAIL, &["smtp_alert"]),
];

const INSTANCE: &[(&str, &[&str])] = &[
    ("adverts are sent from the interface named; a VRF's interface can be named", &["vrf"]),
    (MAC, &["use_vmac_addr", "use_ipvlan"]),
    ("the own link is always watched", &["dont_track_primary"]),
    ("there is no BFD", &["track_bfd"]),
    ("an address that is not there is no fault by itself", &["track_src_ip"]),
    ("without peers there is multicast", &["unicast_fault_no_peer"]),
    ("adverts are sent with 255", &["unicast_ttl"]),
    (GARP_EXTRA, &["garp_extra_if", "garp_extra_if_vmac"]),
    ("a worse router is answered as RFC 9568 §6.4.3 says", &["lower_prio_no_advert"]),
    ("a better router is not answered before this one steps back", &["higher_prio_send_advert"]),
    (ROUTES, &["virtual_routes", "virtual_rules"]),
    ("a sysctl of the interface is not changed", &["promote_secondaries"]),
    ("packets to the addresses are always accepted", &["no_accept"]),
    (STRICT, &["strict_mode", "owner_ignore_adverts"]),
    (PEERS, &["skip_check_adv_addr", "v3_checksum_as_v2"]),
    ("a stall is seen by the keeper itself", &["timer_expired_backup", "thread_timer_expired"]),
    ("there are levels of the log: RUST_LOG", &["debug"]),
    (FIFO, &["notify_master_rx_lower_pri", "notify_priority_changes", "notify_deleted"]),
    (MAIL, &["smtp_alert"]),
    (BUFFERS, &["kernel_rx_buf_size"]),
    (LINK, &["linkbeat_use_polling"]),
    ("there is no HMAC; PASS and AH are understood", &["auth_hmac"]),
    (LVS, &["lvs_sync_daemon_interface"]),
];

const COMMON_CHECK: &[&str] =
    &["alpha", "connect_timeout", "retry", "delay_before_retry", "warmup", "delay_loop"];

const VIRTUAL_SERVER: &[(&str, &[&str])] = &[
    (LVS, COMMON_CHECK),
    (
        LVS,
        &[
            "lvs_sched",
            "lb_algo",
            "lvs_method",
            "lb_kind",
            "flag-1",
            "flag-2",
            "flag-3",
            "hashed",
            "sh-port",
            "sh-fallback",
            "mh-port",
            "mh-fallback",
            "ops",
            "persistence_engine",
            "persistence_timeout",
            "persistence_granularity",
            "protocol",
            "ha_suspend",
            "smtp_alert",
            "virtualhost",
            "snmp_name",
            "omega",
            "quorum",
            "hysteresis",
            "quorum_up",
            "quorum_down",
            "ip_family",
            "sorry_server",
            "sorry_server_inhibit",
            "sorry_server_lvs_method",
            "inhibit_on_failure",
            "real_server",
            "nb_get_retry",
            "nat_mask",
        ],
    ),
];

const REAL_SERVER: &[(&str, &[&str])] = &[
    (LVS, COMMON_CHECK),
    (
        LVS,
        &[
            "weight",
            "lvs_method",
            "notify_up",
            "notify_down",
            "uthreshold",
            "lthreshold",
            "smtp_alert",
            "virtualhost",
            "snmp_name",
            "inhibit_on_failure",
            "HTTP_GET",
            "SSL_GET",
            "TCP_CHECK",
            "SMTP_CHECK",
            "DNS_CHECK",
            "MISC_CHECK",
            "BFD_CHECK",
            "PING_CHECK",
            "UDP_CHECK",
            "FILE_CHECK",
        ],
    ),
];

const CHECKER: &[(&str, &[&str])] = &[
    (LVS, COMMON_CHECK),
    (
        LVS,
        &[
            "connect_ip",
            "connect_port",
            "bindto",
            "bind_if",
            "bind_port",
            "fwmark",
            "log_all_failures",
            "http_protocol",
            "fast_recovery",
            "url",
            "enable_sni",
            "helo_name",
            "host",
            "type",
            "name",
            "misc_path",
            "misc_timeout",
            "misc_dynamic",
            "user",
            "payload",
            "require_reply",
            "min_reply_length",
            "max_reply_length",
            "track_file",
            "dynamic",
            "weight",
            "virtualhost",
            "nb_get_retry",
        ],
    ),
];

const URL: &[(&str, &[&str])] = &[(
    LVS,
    &[
        "path",
        "digest",
        "status_code",
        "virtualhost",
        "regex",
        "regex_no_match",
        "regex_options",
        "regex_stack",
        "regex_min_offset",
        "regex_max_offset",
        "tls_compliant",
    ],
)];
