mod hostile;

use super::*;
use crate::import::report::Usable;

/// What comes of a text without its first line, which is `@version`.
fn read(text: &str) -> Imported {
    whole(&format!("@version: 3.38\n{text}"))
}

fn whole(text: &str) -> Imported {
    let (mut files, mut report) = (Files::default(), Report::default());
    let path = Path::new("/nowhere/s.conf");
    let expanded = Expander::new(&mut files, &mut report).read_text(path, text);
    translated(path, &expanded, &files, report)
}

/// A path from a source to a destination, with more in it and before it.
fn path(before: &str, within: &str) -> Imported {
    read(&format!(
        "source s {{ udp(); }}; destination d {{ file(\"/var/log/x/y\"); }};\n{before}\nlog {{ source(s); {within} destination(d); }};\n"
    ))
}

#[track_caller]
fn has(imported: &Imported, toml: &[&str], report: &[&str]) {
    for line in toml {
        assert!(imported.toml.contains(line), "{line} is not in:\n{}\n{}", imported.toml, imported.report);
    }
    for line in report {
        assert!(imported.report.contains(line), "{line} is not in:\n{}", imported.report);
    }
    imported.toml.parse::<::toml::Table>().unwrap();
}

#[test]
fn options_end_in_one_of_three_lists_and_old_names_mean_the_new_ones() {
    for (option, toml, report) in [
        ("long_hostnames(on)", "chain-hostnames = true", "translated (3)"),
        ("chain-hostnames(no)", "chain-hostnames = false", ""),
        ("use_dns(persist_only)", "use-dns = \"hosts-file\"", "never asked for while a message waits"),
        ("sync(10)", "flush-lines = 10", "sync(10): waits"),
        ("flush_timeout(2500)", "flush-timeout = \"2500ms\"", ""),
        ("log_msg_size(64Ki)", "max-message = \"64KiB\"", "longer messages are cut"),
        ("log_msg_size(64K)", "max-message = \"64kB\"", ""),
        ("frac_digits(3)", "frac-digits = 3", ""),
        ("frac_digits(10)", "frac-digits = 0 # syslog-ng's default", "this is no number from 0 to 9"),
        ("time_reopen(10)", "time-reopen = \"10s\"", "the longest pause"),
        ("use_time_recvd(yes)", "keep-timestamp = false", "not only for macros"),
        ("recv_time_zone(\"Europe/Budapest\")", "time-zone = \"Europe/Budapest\"", ""),
        ("dns_cache_size(5); dns-cache-expire(60)", "dns-cache = { size = 5, expire = \"60s\" }", ""),
        ("stats_freq(600)", "", "not supported (1):\n  /nowhere/s.conf:2:11: stats_freq(600): counts"),
        ("mark_freq(1200)", "", "no marks are written"),
        ("log_fifo_size(5)", "", "log_fifo_size(5): there is one buffer"),
        ("gc_busy_threshold(10)", "", "gc_busy_threshold(10): about how"),
        ("frobnicate(yes)", "", "not supported (1):\n  /nowhere/s.conf:2:11: frobnicate(yes): unknown word"),
        (
            "keep_hostname(perhaps)",
            "",
            "wrong (1):\n  /nowhere/s.conf:2:11: keep_hostname(perhaps): yes or no",
        ),
        ("stats(freq(600))", "", "this file says @version: 3.38"),
    ] {
        has(&read(&format!("options {{ {option}; }};")), &[toml], &[report]);
    }
}

#[test]
fn a_missing_semicolon_is_said_where_it_is_missing_and_reading_goes_on() {
    let imported = read(
        "source src { unix-stream(\"/dev/log\"); internal( ) };\nfilter f { level(err) }\nsource t { udp() tcp(); };\n",
    );
    let report = [
        "s.conf:2:50: internal(): `;` is missing after this",
        "s.conf:3:24: filter f {…}: `;` is missing after this",
        "s.conf:4:17: udp(): `;` is missing after this",
    ];
    has(&imported, &["f = \"level(err)\""], &report);
    assert_eq!(imported.usable, Usable::No);
    assert!(imported.report.contains("wrong (3)"), "{}", imported.report);
}

#[test]
fn drivers_of_sources_become_sources_of_ours() {
    for (driver, toml, report) in [
        ("udp()", "type = \"udp\"\nlisten = \"0.0.0.0:514\"", ""),
        ("udp6(port(1514))", "listen = \"[::]:1514\"", ""),
        (
            "tcp(ip(10.0.0.1) port(5140) max-connections(300))",
            "listen = \"10.0.0.1:5140\" # s.conf:2\nmax-connections = 300",
            "are understood, too",
        ),
        (
            "tcp(so_keepalive(yes) tcp-keepalive-time(90))",
            "keepalive = { time = \"90s\", interval = \"10s\", probes = 6 }",
            "devices send RFC 5424",
        ),
        ("network(transport(\"udp\") ip(\"::1\") port(514))", "type = \"udp\"\nlisten = \"[::1]:514\"", ""),
        ("network(transport(tls) port(6514) tls(key-file(a)))", "", "there is no TLS"),
        ("syslog()", "listen = \"0.0.0.0:601\" # s.conf:2\nframing = \"octet-counting\"", ""),
        ("syslog(transport(udp))", "type = \"udp\"\nlisten = \"0.0.0.0:514\"", ""),
        (
            "unix-dgram(\"/dev/log\" perm(0622) owner(root))",
            "path = \"/dev/log\" # s.conf:2\nmode = \"0622\" # s.conf:2\nowner = \"root\"",
            "journald holds /dev/log",
        ),
        (
            "file(\"/var/log/app.log\" follow-freq(1) default-facility(local0) default-level(info))",
            "default-priority = \"local0.info\"",
            "follow-freq(1): files are watched",
        ),
        ("file(\"/proc/kmsg\")", "", "the kernel's messages are not read"),
        (
            "wildcard-file(base-dir(\"/var/log/app\") filename-pattern(\"*.log\") recursive(no))",
            "path = \"/var/log/app/*.log\"",
            "",
        ),
        ("pipe(\"/run/p\")", "type = \"pipe\"\npath = \"/run/p\"", ""),
        ("internal()", "type = \"internal\"", ""),
        ("system()", "type = \"unix-dgram\"\npath = \"/dev/log\"", "the kernel's own messages are not read"),
        ("default-network-drivers(udp-port(1514))", "listen = \"0.0.0.0:1514\"", "no TLS on 6514"),
        ("udp(time-zone(\"UTC\") keep-hostname(no) tags(\"a\", \"b\"))", "tags = [\"a\", \"b\"]", ""),
        ("program(\"/bin/x\")", "", "no program is read"),
        ("frob()", "", "frob(): unknown driver"),
        ("udp(port(99999))", "", "this is no port"),
        ("udp(localhost)", "", "a source has its address in ip()"),
    ] {
        let text = format!(
            "source s {{ {driver}; }}; destination d {{ usertty(\"*\"); }}; log {{ source(s); destination(d); }};"
        );
        has(&read(&text), &[toml], &[report]);
    }
}

#[test]
fn several_drivers_are_several_sources_and_a_path_names_them_all() {
    let imported = read(
        "source s { udp(); udp(port(1514)); internal(); }; destination d { usertty(root); }; log { source(s); destination(d); };",
    );
    has(&imported, &["sources = [\"s-udp\", \"s-udp-2\", \"s-internal\"]"], &[]);
    let overridden = read(
        "source s { udp(program-override(\"fw\")); }; destination d { usertty(root); }; log { source(s); destination(d); };",
    );
    let step = "{ if = [{ when = \"tags('.source.s')\", steps = [{ set = \"PROGRAM\", to = \"fw\" }] }] }";
    has(&overridden, &[step], &["set in each log path"]);
}

#[test]
fn the_name_of_a_template_that_we_cannot_say_does_not_become_a_text() {
    let text = "template t { template(\"$SEQNUM $MSG\\n\"); }; source s { udp(); }; \
                destination d { file(\"/var/log/x/y\" template(t)); }; log { source(s); destination(d); };";
    let said = ["there is no $SEQNUM", "template(t): this template could not be translated"];
    has(&read(text), &["template = \"bsd-line\""], &said);
}

#[test]
fn drivers_of_destinations_become_destinations_of_ours() {
    for (driver, toml, report) in [
        (
            "file(\"/var/log/remote/$HOST/${YEAR}.log\" template(\"$MSG\\n\"))",
            "root = \"/var/log/remote\" # s.conf:2\npath = \"${HOST}/${YEAR}.log\" # s.conf:2\ntemplate = \"$MSG\\n\"",
            "`/`, `.` and `..` encoded",
        ),
        ("file(\"/dev/tty10\")", "type = \"console\"\npath = \"/dev/tty10\"", ""),
        ("file(\"messages\")", "", "a path that begins at `/`"),
        (
            "file(\"/var/log/x/y\" perm(0640) fsync(yes) create-dirs(yes) dir-perm(0750))",
            "mode = \"0640\" # s.conf:2\ndir-mode = \"0750\" # s.conf:2\ncreate-dirs = true",
            "not after each",
        ),
        ("file(\"/var/log/x/y\" frac-digits(6))", "frac-digits = 6 # s.conf:2", ""),
        ("file(\"/var/log/x/y\" ts-format(iso))", "format = \"line\" # ts-format(iso)", ""),
        ("file(\"/var/log/$SEQNUM\")", "", "there is no $SEQNUM"),
        ("udp(\"10.0.0.1\")", "type = \"udp\"\nto = [\"10.0.0.1:514\"] # s.conf:2\nformat = \"rfc3164\"", ""),
        (
            "tcp(\"loghost\" port(5140) so-keepalive(no))",
            "to = [\"loghost:5140\"] # s.conf:2\nkeepalive = false # s.conf:2\nframing = \"lf\"",
            "",
        ),
        (
            "syslog(\"2001:db8::1\")",
            "to = [\"[2001:db8::1]:601\"] # s.conf:2\nframing = \"octet-counting\" # as this driver does\nformat = \"rfc5424\"",
            "",
        ),
        (
            "network(\"a\" flags(syslog-protocol) failover(servers(\"b\", \"c\")))",
            "to = [\"a:514\", \"b:514\", \"c:514\"] # s.conf:2\nstrategy = \"failover\"",
            "",
        ),
        ("network(\"a\" transport(\"tls\"))", "", "there is no TLS"),
        ("unix-stream(\"/run/x\")", "type = \"unix-stream\"\nto = [\"/run/x\"]", ""),
        ("pipe(\"/dev/xconsole\")", "type = \"pipe\"\npath = \"/dev/xconsole\"", ""),
        ("program(\"/bin/alert --all\")", "command = [\"/bin/alert\", \"--all\"]", "run without a shell"),
        ("program(\"grep x > /tmp/y\")", "command = [\"/bin/sh\", \"-c\", \"grep x > /tmp/y\"]", ""),
        ("usertty(\"root\")", "users = [\"root\"]", ""),
        ("mongodb()", "", "destinations are files"),
        (
            "file(\"/var/log/x/y\" disk-buffer(disk-buf-size(100M) reliable(no) mem-buf-length(5) frob(1)))",
            "max-size = \"256MiB\"",
            "frob(1): unknown word",
        ),
        (
            "file(\"/var/log/x/y\" disk-buffer(capacity-bytes(4Gi) reliable(yes)))",
            "max-size = \"4GiB\"",
            "this name is known from 4.3 on",
        ),
        (
            "file(\"/var/log/x/y\" logrotate(enable(yes) size(1MiB) rotations(5)))",
            "rotate = { size = \"1MiB\", keep = 5 }",
            "",
        ),
    ] {
        let text = format!(
            "source s {{ udp(); }}; destination d {{ {driver}; }}; log {{ source(s); destination(d); }};"
        );
        has(&read(&text), &[toml], &[report]);
    }
}

#[test]
fn filters_keep_their_meaning_and_their_names() {
    for (filter, ours) in [
        ("facility(kern, local0..local5)", "facility(kern, local0..local5)"),
        ("facility(10)", "facility(authpriv)"),
        ("level(err..emerg) and not program(\"cron\")", "level(err..emerg) and not program('cron')"),
        ("severity(warn) or priority(panic)", "level(warning) or level(emerg)"),
        ("not (host(a) or host(b)) and level(err)", "not (host('a') or host('b')) and level(err)"),
        ("host(\"db*\" type(glob) flags(ignore-case))", "host('db*' type(glob) flags(ignore-case))"),
        ("match(\"x\" value(\".app.level\"))", "match('x' value('.app.level'))"),
        ("match(\"x\" template(\"${.a.b}\"))", "match('x' value('.a.b'))"),
        ("match(\"x\")", "match('x' value('MESSAGE'))"),
        (
            "netmask(10.0.0.0/255.0.0.0) or netmask6(\"2001:db8::/32\")",
            "netmask(10.0.0.0/8) or netmask(2001:db8::/32)",
        ),
        ("tags(\"a\", b)", "tags('a', 'b')"),
        ("in-list(\"/etc/hosts.list\" value(\"HOST\"))", "in-list('/etc/hosts.list' value('HOST'))"),
        ("\"$X\" == \"5\" and \"${Y}\" ne 'a'", "'$X' == '5' and '${Y}' ne 'a'"),
        (
            "message('it' flags(substring) type(string)) or message(\"it's\")",
            "message('it' flags(substring) type(string)) or message(\"it's\")",
        ),
        ("filter(g) and level(info)", "g and level(info)"),
    ] {
        let imported = path(&format!("filter f {{ {filter}; }}; filter g {{ level(err); }};"), "filter(f);");
        has(&imported, &[&format!("f = {}", crate::import::pipeline::text(ours)), "{ filter = \"f\" }"], &[]);
    }
}

#[test]
fn what_a_filter_cannot_say_leaves_its_path_out_with_the_reason() {
    for (filter, why) in [
        ("message(\"(?<!a)b\")", "`(?<!` is not looked for"),
        ("message('(a)\\1')", "`\\1` is not looked for"),
        ("facility(frob)", "there is no such name or number"),
        ("rate-limit(rate(5))", "nothing is limited by its rate"),
        ("frob(x)", "frob(x): unknown word"),
        ("filter(nobody)", "there is no filter of that name"),
    ] {
        let imported = path(&format!("filter f {{ {filter}; }};"), "filter(f);");
        has(&imported, &[], &[why, "log {…}: left out, for without this it would take too much: filter(f)"]);
        assert!(!imported.toml.contains("[[path]]"), "{}", imported.toml);
        assert_eq!(imported.usable, Usable::No);
    }
}

#[test]
fn rewrites_and_parsers_become_steps() {
    for (kind, text, ours) in [
        ("rewrite", "set(\"x $HOST\", value(\"PROGRAM\"))", "{ set = \"PROGRAM\", to = \"x $HOST\" }"),
        (
            "rewrite",
            "unset(value(\".a\") condition(level(debug)))",
            "{ unset = \".a\", when = \"level(debug)\" }",
        ),
        (
            "rewrite",
            "subst('\\d+', \"N\", value(\"MESSAGE\") flags(global, ignore-case))",
            "{ subst = '\\d+', with = \"N\", in = \"MESSAGE\", global = true, flags = [\"ignore-case\"] }",
        ),
        ("rewrite", "rename(\"a\" \"b\")", "{ rename = \"a\", to = \"b\" }"),
        ("rewrite", "set-tag(\"t\"); clear-tag(u)", "{ clear-tag = \"u\" }"),
        ("rewrite", "set-severity(\"err\"); set-facility(\"kern\")", "{ set-facility = \"kern\" }"),
        ("rewrite", "fix-time-zone(\"UTC\"); set-time-zone(\"+01:00\")", "{ set-time-zone = \"+01:00\" }"),
        (
            "parser",
            "csv-parser(columns(\"A\", \"B\") delimiters(chars(\";\")) prefix(\".c.\") flags(greedy, escape-none))",
            "{ parse = \"csv\", columns = [\"A\", \"B\"], delimiters = \";\", prefix = \".c.\", flags = [\"greedy\"] }",
        ),
        (
            "parser",
            "kv-parser(prefix(\".k.\") value-separator(\":\") template(\"${.x}\"))",
            "{ parse = \"kv\", prefix = \".k.\", value-separator = \":\", from = \".x\" }",
        ),
        (
            "parser",
            "json-parser(marker(\"@cee:\") prefix(\".j.\"))",
            "{ parse = \"json\", marker = \"@cee:\", prefix = \".j.\" }",
        ),
        ("parser", "regexp-parser(patterns('(?<a>x)'))", "{ parse = \"regexp\", pattern = [\"(?<a>x)\"] }"),
    ] {
        let imported = path(&format!("{kind} r {{ {text}; }};"), &format!("{kind}(r);"));
        has(&imported, &[ours, "{ use = \"r\" }"], &[]);
    }
    let lost = path("parser p { db-parser(file(\"x\")); };", "parser(p);");
    has(&lost, &["[[path]]"], &["parsers are csv, kv, json and regexp", "nothing is left of it"]);
    has(
        &path("", "rewrite { set(\"x\" value(\"HOST\")); };"),
        &["    { set = \"HOST\", to = \"x\" }, # s.conf:4"],
        &[],
    );
}

#[test]
fn templates_are_named_or_written_out_and_what_they_lack_is_said() {
    let imported = read(
        "template t { template(\"${ISODATE} $(lowercase $HOST) ${PID:--}\\n\"); template_escape(no); }; source s { udp(); }; destination d { file(\"/a/b\" template(t)); }; log { source(s); destination(d); };",
    );
    has(&imported, &["t = \"${ISODATE} $(lowercase $HOST) ${PID:--}\\n\"", "template = \"t\""], &[]);
    for (text, why) in [
        ("$(python x)", "there is no function $(python)"),
        ("$1", "groups of a regular expression have names"),
        ("${X}@1 ${X@2}", "correlation"),
    ] {
        has(&read(&format!("template t \"{text}\";")), &[], &["not supported (1)", why]);
    }
}

#[test]
fn paths_keep_the_order_of_what_is_in_them_and_their_flags() {
    let imported = path(
        "destination e { usertty(\"*\"); };",
        "destination(e); filter { level(err); }; flags(final, flow-control);",
    );
    // The first destination sees all of it, the second what the filter lets through, and then it is final.
    let toml = [
        "id = \"log-1\"\nsources = [\"s\"]\ndestinations = [\"e\"]\nflags = [\"flow-control\"]",
        "destinations = [\"d\"]\nflags = [\"flow-control\"]",
        "destinations = []\nflags = [\"final\"]",
    ];
    has(&imported, &toml, &[]);
    has(&path("", "flags(final);"), &["destinations = [\"d\"]\nflags = [\"final\"]"], &[]);
    has(
        &path("", "flags(fallback, catchall);"),
        &["id = \"log-1\"\ndestinations = [\"d\"]\nflags = [\"fallback\", \"catchall\"]"],
        &[],
    );
    has(
        &path("", "flags(drop-unmatched, frob);"),
        &[],
        &["drop-unmatched: what a filter", "frob: unknown flag"],
    );
    let drop = read(
        "source s { udp(); }; filter f { program(noise); }; log { source(s); filter(f); flags(final); };",
    );
    has(&drop, &["destinations = []\nflags = [\"final\"]"], &[]);
}

#[test]
fn branches_become_if_and_branches_with_destinations_paths_of_their_own() {
    let steps = path(
        "",
        "if (level(err)) { rewrite { set-tag(\"a\"); }; } elif (level(info)) { rewrite { set-tag(\"b\"); }; } else { rewrite { set-tag(\"c\"); }; };",
    );
    let ours = "{ if = [{ when = \"level(err)\", steps = [{ set-tag = \"a\" }] }, { when = \"level(info)\", steps = [{ set-tag = \"b\" }] }], else = [{ set-tag = \"c\" }] }";
    has(&steps, &[ours], &[]);
    let ways = path(
        "",
        "if (level(err)) { destination { usertty(root); }; } else { destination { usertty(\"*\"); }; };",
    );
    has(
        &ways,
        &["{ filter = \"level(err)\" }", "{ filter = \"not level(err)\" }", "destinations = [\"inline-2\"]"],
        &[],
    );
    let junction = path(
        "",
        "junction { channel { filter { level(err); }; rewrite { set-tag(\"a\"); }; flags(final); }; channel { filter { level(info); }; flags(final); }; };",
    );
    let ours = "{ if = [{ when = \"level(err)\", steps = [{ set-tag = \"a\" }] }, { when = \"level(info)\", steps = [] }], else = [{ filter = \"not level(debug..emerg)\" }] }";
    has(&junction, &[ours], &[]);
    let inner = path(
        "destination e { usertty(\"*\"); };",
        "filter { level(err); }; log { filter { facility(kern); }; destination(e); };",
    );
    has(
        &inner,
        &[
            "    { filter = \"level(err)\" }, # s.conf:4\n    { filter = \"facility(kern)\" }, # s.conf:4\n]\ndestinations = [\"e\"]",
        ],
        &[],
    );
}

#[test]
fn definitions_blocks_and_comments_are_replaced_where_they_stand() {
    let imported = read(
        "@define port 5140 # why\n@define dir \"/var/log/x y\"\nsource s { udp(port(`port`)); }; # udp\ndestination d { file(\"`dir`/z\"); };\nlog { source(s); destination(d); };",
    );
    has(&imported, &["listen = \"0.0.0.0:5140\"", "root = \"/var/log/x y\""], &["@define port 5140\n"]);
    let block = "block source both(port(514) ...) { udp(port(`port`) `__VARARGS__`); tcp(port(`port`)); };\nsource s { both(port(99) time-zone(\"UTC\")); };\ndestination d { usertty(\"*\"); };\nlog { source(s); destination(d); };";
    has(
        &read(block),
        &[
            "type = \"udp\"\nlisten = \"0.0.0.0:99\"",
            "type = \"tcp\"\nlisten = \"0.0.0.0:99\"",
            "time-zone = \"UTC\"",
        ],
        &["block source both"],
    );
    has(
        &read("source s { udp(port(`nobody_defines_this`)); };"),
        &[],
        &["`nobody_defines_this`: is defined neither here"],
    );
    has(&read("block source x() { x(); };\nsource s { x(); };"), &[], &["blocks that grow without an end"]);
    has(
        &read("@module mod-java\n@include \"scl.conf\"\n@include \"no-such-file.conf\"\n"),
        &[],
        &["there are no modules", "not read: what it defines", "there is no such file"],
    );
    has(&whole("log { };"), &[], &["there is no @version"]);
}

#[test]
fn names_are_the_same_with_either_dash_and_those_that_are_none_are_said() {
    let imported = read(
        "source s-a { udp(); }; destination d_b { usertty(\"*\"); }; log { source(s_a); destination(d-b); };",
    );
    has(&imported, &["sources = [\"s-a\"]\ndestinations = [\"d_b\"]"], &[]);
    let report = [
        "there is no source of that name",
        "there is no destination of that name",
        "no source leads into this path",
    ];
    has(&read("log { source(x); destination(y); };"), &[], &report);
}

#[test]
fn two_paths_that_write_the_same_message_twice_are_said_unless_they_cannot_meet() {
    let two = |first: &str, second: &str| {
        read(&format!(
            "source s {{ internal(); }}; destination d {{ usertty(\"*\"); }}; log {{ source(s); {first} destination(d); }};\nlog {{ source(s); {second} destination(d); }};"
        ))
    };
    let twice = "is also written to by the path of line 2: a message of auth.err is written twice";
    has(&two("filter { level(err); };", "filter { facility(auth); };"), &[], &[twice]);
    has(&two("filter { host(a); };", "filter { facility(auth); };"), &[], &["may be written twice"]);
    for (first, second) in [
        ("filter { level(err); };", "filter { level(info); };"),
        ("flags(final);", ""),
        ("", "flags(fallback);"),
        ("filter { not facility(auth); };", "filter { facility(auth); };"),
    ] {
        let imported = two(first, second);
        assert!(!imported.report.contains("written twice"), "{first} {second}: {}", imported.report);
    }
}

#[test]
fn a_path_over_tcp_without_flow_control_is_said() {
    let log = |flags: &str| {
        read(&format!(
            "source s {{ tcp(); }}; destination d {{ usertty(\"*\"); }}; log {{ source(s); destination(d); {flags} }};"
        ))
    };
    has(&log(""), &[], &["without flow-control"]);
    assert!(!log("flags(flow-control);").report.contains("without flow-control"));
}

#[test]
fn of_two_filters_of_one_name_the_last_is_meant_and_written_once() {
    let imported = read("filter f { level(err); };\nfilter f { level(info); };");
    has(&imported, &["f = \"level(info)\""], &["s.conf:3:1: filter f {…}: there are two of this name"]);
    assert_eq!(imported.toml.matches("f = ").count(), 1, "{}", imported.toml);
}
