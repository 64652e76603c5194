use proptest::prelude::*;

use super::*;
use crate::import::report::Usable;

fn read(text: &str) -> Imported {
    translated(Path::new("/nowhere/s.conf"), &(text.to_owned(), true))
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
fn a_line_is_one_path_however_many_terms_it_has() {
    let imported = read("*.info;mail.none;authpriv.none\t-/var/log/messages\n");
    let toml = [
        "filter = \"not facility(mail, authpriv) and level(info..emerg)\"",
        "root = \"/var/log\"",
        "path = \"messages\"",
        "destinations = [\"messages\"]",
        "path = \"/dev/log\"",
    ];
    has(&imported, &toml, &["translated (1):\n  /nowhere/s.conf:1:1: *.info;mail.none"]);
    assert_eq!((imported.usable, imported.toml.matches("[[path]]").count()), (Usable::Yes, 1));
}

#[test]
fn actions_become_destinations_and_the_same_action_is_one() {
    for (line, toml) in [
        ("*.* @loghost", "type = \"udp\"\nto = [\"loghost:514\"]"),
        (
            "*.* @@loghost:10514",
            "type = \"tcp\"\nto = [\"loghost:10514\"] # s.conf:1\nformat = \"rfc3164\" # as syslogd sends\nframing = \"lf\"",
        ),
        ("*.* @[2001:db8::1]", "to = [\"[2001:db8::1]:514\"]"),
        ("*.* |/dev/xconsole", "type = \"pipe\"\npath = \"/dev/xconsole\""),
        (
            "*.* |exec /usr/bin/alert now",
            "command = [\"/usr/bin/env\", \"exec\", \"/usr/bin/alert\", \"now\"]",
        ),
        ("*.emerg *", "type = \"usertty\"\nusers = [\"*\"]"),
        ("*.alert root,operator", "users = [\"root\", \"operator\"]"),
        ("*.err /dev/console", "type = \"console\"\npath = \"/dev/console\""),
        ("*.debug ~", "destinations = []\nflags = [\"final\"]"),
        ("mail.info;\\\n  mail.!err /var/log/mail", "filter = \"facility(mail) and level(info..warning)\""),
        ("mail.*\t/var/log/mail # why", "path = \"mail\""),
    ] {
        has(&read(line), &[toml], &[]);
    }
    let same = read("mail.* /var/log/x\nnews.* /var/log/x\nnews.err /var/log/x\n");
    assert_eq!(same.toml.matches("[[destination]]").count(), 1, "{}", same.toml);
    has(&same, &[], &["`x` is also written to by line 2: a message of news.emerg is written twice"]);
    has(
        &read("mail.* /var/log/m\n& @loghost\n"),
        &["id = \"line-2\"\nsteps = [\n    { filter = \"facility(mail)\" }"],
        &[],
    );
}

#[test]
fn blocks_of_freebsd_hold_for_the_lines_that_follow() {
    let imported = read(
        "!ppp,pppd\n*.* /var/log/ppp\n!*\n*.* /var/log/all\n+fw1\n*.* /var/log/fw\n+*\n!-cron\n*.* /var/log/rest\n",
    );
    let toml = [
        "filter = \"program('ppp' type(string)) or program('pppd' type(string))\"",
        "id = \"line-4\"\ndestinations",
        "filter = \"host('fw1' type(string))\"",
        "filter = \"not program('cron' type(string))\"",
    ];
    has(&imported, &toml, &["s.conf:1:1: !ppp,pppd"]);
    has(&read("#!ppp\n*.* /var/log/ppp\n"), &["program('ppp' type(string))"], &[]);
    has(&read("+@\n*.* /var/log/x\n"), &["[[path]]"], &["is the name of this host"]);
}

#[test]
fn what_is_rsyslogs_own_is_said_with_its_line() {
    let text = "module(load=\"imudp\")\n$ModLoad imtcp\n:msg, contains, \"x\" ~\nif $programname == 'x' then {\n  action(type=\"omfile\"\n    file=\"/x\")\n}\n*.* ?Dynamic\ninclude(file=\"/etc/rsyslog.d/*.conf\")\n*.info /var/log/messages;RSYSLOG_TraditionalFileFormat\n";
    let imported = read(text);
    let report = [
        "s.conf:1:1: module",
        "s.conf:2:1: $ModLoad",
        "s.conf:3:1: :msg",
        "s.conf:4:1: if",
        "s.conf:5:3: action",
        "s.conf:7:1: }",
        "s.conf:8:1: *.* ?",
        "s.conf:9:1: include",
    ];
    has(&imported, &["path = \"messages\""], &report);
    assert!(imported.report.contains("not supported (9)"), "{}", imported.report);
    assert_eq!(imported.usable, Usable::Yes);
}

#[test]
fn mistakes_are_said_where_they_are() {
    for (line, why) in [
        (
            "mail.info;mial.info /x/y",
            "wrong (1):\n  /nowhere/s.conf:1:11: mial.info: there is no such facility",
        ),
        ("mail.inof /x/y", "s.conf:1:1: mail.inof: there is no such level"),
        ("mail.info", "a selector and an action"),
        ("& /x/y", "belongs to a line that is not translated"),
        ("mail.none /x/y", "nothing is left that it takes"),
        ("", "no log path came out of it"),
        ("*.* /messages/../x", "a path that begins at `/`"),
    ] {
        let imported = read(line);
        has(&imported, &[], &[why]);
        assert_eq!(imported.usable, Usable::No);
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("*"),
        Just("."),
        Just(";"),
        Just(","),
        Just("mail"),
        Just("kern"),
        Just("info"),
        Just("none"),
        Just("="),
        Just("!"),
        Just(" "),
        Just("\t"),
        Just("\n"),
        Just("/var/log/x"),
        Just("@"),
        Just("|"),
        Just("-"),
        Just("+"),
        Just("&"),
        Just("#"),
        Just("{"),
        Just("}"),
        Just("if "),
        Just("$X"),
        Just("\\\n"),
        Just(":"),
        Just("["),
        Just("]"),
        Just("("),
        Just("é"),
        Just("\""),
        Just("'"),
        Just("*.* "),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nothing_that_looks_like_a_configuration_does_harm(text in pieces()) {
        let imported = read(&text);
        prop_assert!(::toml::from_str::<::toml::Table>(&imported.toml).is_ok(), "{}\n{}", text, imported.toml);
    }

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let imported = read(&String::from_utf8_lossy(&bytes));
        prop_assert!(::toml::from_str::<::toml::Table>(&imported.toml).is_ok(), "{}", imported.toml);
    }
}
