mod in_one_go;

use crate::{Deviation, FixedOffset, Format, Timestamp, UtcOffset, ZoneSource, parse, resolve};

/// Format, host, app, procid and message of a line, absent ones empty.
fn fields(line: &str) -> (&str, [String; 4]) {
    let message = parse(line.as_bytes());
    let text = |octets: Option<&[u8]>| String::from_utf8_lossy(octets.unwrap_or_default()).into_owned();
    let fields =
        [text(message.host()), text(message.app()), text(message.procid()), text(Some(message.message()))];
    (message.format().as_str(), fields)
}

fn has(line: &str, deviation: Deviation) -> bool {
    parse(line.as_bytes()).deviations().contains(deviation)
}

#[track_caller]
fn assert_fields(line: &str, format: &str, expected: [&str; 4]) {
    let (found, fields) = fields(line);
    assert_eq!((found, fields.each_ref().map(String::as_str)), (format, expected), "{line}");
}

#[test]
fn the_examples_of_rfc_3164_are_read() {
    // §5.4
    assert_fields(
        "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
        "rfc3164",
        ["mymachine", "su", "", "'su root' failed for lonvick on /dev/pts/8"],
    );
    assert_fields("Use the BFG!", "unparsed", ["", "", "", "Use the BFG!"]);
    assert_fields(
        "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
        "rfc3164",
        ["10.0.0.99", "Use", "", "the BFG!"],
    );
    assert_fields(
        "<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time",
        "rfc3164",
        ["mymachine", "myproc", "10", "%% It's time"],
    );
}

#[test]
fn the_examples_of_rfc_5424_are_read_without_a_remark() {
    // §6.5
    for line in [
        "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
        "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" \
         eventSource=\"Application\" eventID=\"1011\"][examplePriority@32473 class=\"high\"]",
        "<0>1 - - - - - -",
    ] {
        let message = parse(line.as_bytes());
        assert_eq!(message.format(), Format::Rfc5424, "{line}");
        assert!(message.deviations().is_empty(), "{message:?}");
    }
    let marked = parse(b"<34>1 2003-10-11T22:14:15.003Z host su - ID47 - \xef\xbb\xbf'su root' failed");
    assert_eq!(marked.message(), b"'su root' failed");
    assert_eq!(marked.msgid(), Some(&b"ID47"[..]));
    assert_eq!(marked.deviations().iter().collect::<Vec<_>>(), [Deviation::Bom]);
}

#[test]
fn text_that_is_no_header_is_all_message() {
    assert_fields("HELLO SYSLOG", "unparsed", ["", "", "", "HELLO SYSLOG"]);
    assert_fields("<13>HELLO SYSLOG\n", "unparsed", ["", "", "", "HELLO SYSLOG"]);
    assert_fields("<13>1 - text", "unparsed", ["", "", "", "1 - text"]);
    assert_fields("<13>- an item", "unparsed", ["", "", "", "- an item"]);
    assert_fields("<13> indented", "unparsed", ["", "", "", " indented"]);
    assert_fields("<13>Oct 11 22:14:15host app: m", "unparsed", ["", "", "", "Oct 11 22:14:15host app: m"]);
    assert_fields("", "unparsed", ["", "", "", ""]);
}

#[test]
fn a_message_without_a_header_that_can_be_read_says_so() {
    for line in [
        "<134>CEF:0|a|b|1|c|d|5|x=y",
        "<13>Dez 24 10:00:00 host app: x",
        "<13>1 - text",
        "<13>",
        "<13>\n",
        "HELLO SYSLOG",
        "",
    ] {
        assert_eq!(parse(line.as_bytes()).format(), Format::Unparsed, "{line}");
        assert!(has(line, Deviation::NoHeader), "{line}");
    }
    assert!(!has("<13>app[1]: no more than a tag", Deviation::NoHeader));
    assert!(!has("<13>Oct 11 22:14:15", Deviation::NoHeader));
}

#[test]
fn a_pri_that_is_none_belongs_to_the_text() {
    for line in ["<abc>x", "<", "<1", "<12345>x", "<-1>x"] {
        let message = parse(line.as_bytes());
        assert_eq!((message.pri(), message.message()), (None, line.as_bytes()));
        assert!(has(line, Deviation::BadPri));
    }
}

#[test]
fn a_pri_out_of_range_or_with_zeros_is_kept_and_marked() {
    assert_eq!(parse(b"<192>x").pri().map(crate::Pri::number), Some(192));
    assert!(has("<192>x", Deviation::PriOutOfRange));
    assert_eq!(parse(b"<01>x").pri().map(crate::Pri::number), Some(1));
    assert!(has("<01>x", Deviation::PriLeadingZero));
    assert!(!has("<0>x", Deviation::PriLeadingZero));
    assert!(has("x", Deviation::MissingPri));
}

#[test]
fn lf_cr_lf_and_nul_at_the_end_are_not_message() {
    for end in ["\n", "\r\n", "\0", "\n\0", "\r\n\0\0"] {
        assert_fields(&format!("<13>Oct 11 22:14:15 h a: m {end}"), "rfc3164", ["h", "a", "", "m "]);
        assert_fields(&format!("<13>1 - h a - - - m {end}"), "rfc5424", ["h", "a", "", "m "]);
    }
    assert_fields("<13>Oct 11 22:14:15 h a: m\r", "rfc3164", ["h", "a", "", "m\r"]);
}

#[test]
fn a_tag_behind_the_stamp_means_that_there_is_no_host() {
    assert_fields("<13>Oct 11 22:14:15 app: m", "rfc3164", ["", "app", "", "m"]);
    assert_fields("<13>Oct 11 22:14:15 app[1]: m", "rfc3164", ["", "app", "1", "m"]);
    assert_fields("<13>Oct 11 22:14:15 word", "rfc3164", ["word", "", "", ""]);
    assert_fields("<13>Oct 11 22:14:15", "rfc3164", ["", "", "", ""]);
}

#[test]
fn ipv6_hosts_are_hosts_with_all_their_colons() {
    for host in ["2001:db8::7", "2001:db8::", "::1", "fe80::1%eth0"] {
        assert_fields(&format!("<13>Oct 11 22:14:15 {host} app: m"), "rfc3164", [host, "app", "", "m"]);
    }
    assert_fields("<13>Oct 11 22:14:15 [2001:db8::7] app: m", "rfc3164", ["2001:db8::7", "app", "", "m"]);
}

#[test]
fn brackets_that_are_no_process_stay_in_the_message() {
    assert_fields("<13>Oct 11 22:14:15 h app[1 2]: m", "rfc3164", ["h", "app", "", "[1 2]: m"]);
    assert_fields("<13>Oct 11 22:14:15 h app[1", "rfc3164", ["h", "app", "", "[1"]);
    assert_fields("<13>Oct 11 22:14:15 h app[]: m", "rfc3164", ["h", "app", "", "m"]);
    assert_fields("<13>Oct 11 22:14:15 h app[1]m", "rfc3164", ["h", "app", "1", "m"]);
}

#[test]
fn a_zone_name_is_told_from_a_host_in_capitals() {
    let message = parse(b"<13>Oct 11 22:14:15 CET HOST app: m");
    assert_eq!((message.zone_name(), message.host()), (Some(&b"CET"[..]), Some(&b"HOST"[..])));
    let message = parse(b"<13>Oct 11 22:14:15 HOST app: m");
    assert_eq!((message.zone_name(), message.host()), (None, Some(&b"HOST"[..])));
}

#[test]
fn utc_and_gmt_are_offsets_and_stay_names() {
    for (stamp, name) in [
        ("Oct 11 14:33:03 UTC", "UTC"),
        ("Oct 11 2026 14:33:03 GMT", "GMT"),
        ("*Oct 11 14:33:03.123 UTC:", "UTC"),
        ("2026-10-11 14:33:03 UTC", "UTC"),
        ("2026-10-11T14:33:03[UTC]", "UTC"),
        ("2026-10-11T14:33:03.5[GMT]", "GMT"),
    ] {
        let line = format!("<13>{stamp} %A-1-B: m");
        let message = parse(line.as_bytes());
        let found = message.stamp().unwrap();
        assert_eq!(found.offset, Some(UtcOffset::UTC), "{line}");
        assert_eq!(message.zone_name(), Some(name.as_bytes()), "{line}");
        assert!(!has(&line, Deviation::NoOffset), "{line}");
        // Wherever the source is: no configured zone makes another hour of it.
        let berlin = FixedOffset::from_seconds(3600).unwrap();
        let found = resolve(&found, &berlin, Timestamp::new(1_791_756_856, 0)).unwrap();
        assert_eq!((found.offset, found.provenance.zone()), (0, ZoneSource::Stamp), "{line}");
        assert_eq!(found.instant.secs % 86_400, 14 * 3600 + 33 * 60 + 3, "{line}");
    }
    assert_eq!(parse(b"<13>Oct 11 22:14:15 CET h a: m").stamp().unwrap().offset, None);
    let both = parse(b"<13>2026-10-11T14:33:03+02:00[UTC] h a: m").stamp().unwrap();
    assert_eq!(both.offset.map(UtcOffset::seconds), Some(7200));
    let versioned = parse(b"<13>1 2026-10-11T14:33:03[UTC] h a - - - m");
    assert_eq!(versioned.stamp().unwrap().offset, Some(UtcOffset::UTC));
    assert!(!versioned.deviations().contains(Deviation::NoOffset));
}

#[test]
fn the_inner_message_of_a_relay_can_be_parsed_in_turn() {
    let outer = parse(b"<13>May  4 10:00:00 relay May  4 09:59:59 host app: m");
    assert!(outer.deviations().contains(Deviation::RelayHeader));
    assert_eq!(outer.host(), Some(&b"relay"[..]));
    let inner = parse(outer.message());
    assert_eq!(
        (inner.host(), inner.app(), inner.message()),
        (Some(&b"host"[..]), Some(&b"app"[..]), &b"m"[..])
    );
}

#[test]
fn structured_data_that_does_not_end_stays_in_the_message() {
    for sd in
        ["[", "[a", "[a b", "[a b=", "[a b=\"", "[a b=\"c\"", "[]", "[a b=\"c\"x]", "[ a]", "[a =\"c\"]"]
    {
        let line = format!("<13>1 - h a - - {sd}");
        assert_fields(&line, "rfc5424", ["h", "a", "", sd]);
        assert!(has(&line, Deviation::BadSd), "{line}");
    }
}

#[test]
fn liberties_with_structured_data_are_marked() {
    let sd = |sd: &str, deviation| has(&format!("<13>1 - h a - - {sd} text"), deviation);
    assert!(sd("[a x=1]", Deviation::UnquotedSd));
    assert!(sd("[a][a]", Deviation::DupSdId));
    assert!(!sd("[a][b]", Deviation::DupSdId));
    assert!(sd("[a x=\"]\"]", Deviation::UnescapedBracket));
    assert!(sd("[a x=\"\\n\"]", Deviation::UnknownEscape));
    assert!(!sd("[a x=\"\\\\\\\"\\]\"]", Deviation::UnknownEscape));
    assert!(sd("[a  x=\"\"]", Deviation::SpaceInSd));
    assert!(sd(&format!("[{}]", "a".repeat(33)), Deviation::LongName));
    assert!(!sd(&format!("[{}]", "a".repeat(32)), Deviation::LongName));
    assert!(sd("[a]x", Deviation::NoSpaceAfterSd));
}

#[test]
fn a_header_of_rfc_5424_that_ends_early_keeps_what_it_has() {
    let line = "<13>1 2003-10-11T22:14:15.003Z host app";
    assert_fields(line, "rfc5424", ["host", "app", "", ""]);
    assert!(has(line, Deviation::MissingField));
}

#[test]
fn fields_of_rfc_5424_have_their_lengths() {
    for (longest, before, after) in
        [(255, "", " a p m -"), (48, "h ", " p m -"), (128, "h a ", " m -"), (32, "h a p ", " -")]
    {
        for (len, long) in [(longest, false), (longest + 1, true)] {
            let line = format!("<13>1 - {before}{field}{after}", field = "x".repeat(len));
            assert_eq!(has(&line, Deviation::LongField), long, "{line}");
        }
    }
}

#[test]
fn a_stamp_keeps_its_fraction_as_received() {
    let stamp = |stamp: &str| parse(format!("<13>1 {stamp} h a p m -").as_bytes()).stamp().unwrap();
    let fraction = |text: &str| (stamp(text).nanos, stamp(text).fraction_digits);
    assert_eq!(fraction("2003-10-11T22:14:15.003Z"), (3_000_000, 3));
    assert_eq!(fraction("2003-10-11T22:14:15Z"), (0, 0));
    assert_eq!(fraction("2003-10-11T22:14:15.1234567891Z"), (123_456_789, 9));
    assert_eq!(stamp("2003-10-11T22:14:15-07:30").offset.unwrap().seconds(), -27_000);
    assert!(has("<13>1 2003-10-11T22:14:15.1234567Z h a p m -", Deviation::LongFraction));
    assert!(has("<13>1 2003-10-11t22:14:15z h a p m -", Deviation::LooseStamp));
    assert!(has("<13>1 2003-10-11T22:14:15 h a p m -", Deviation::NoOffset));
    assert!(has("<13>1 2003-10-11T22:14:60Z h a p m -", Deviation::LeapSecond));
}

#[test]
fn dates_of_devices_are_dates() {
    for (stamp, offset) in [
        ("2026:11:20-10:11:12", None),
        ("2026/11/20 10:11:12", None),
        ("2026-11-20,10:11:12", None),
        ("2026-Nov-20 10:11:12", None),
        ("11/20/2026:10:11:12", None),
        ("20/11/2026:10:11:12", None),
        ("20.11.2026 10:11:12", None),
        ("11-20-2026 10:11:12", None),
        ("20-Nov-2026 10:11:12", None),
        ("20/Nov/2026:10:11:12 +0100", Some(3600)),
        ("20Nov2026 10:11:12", None),
        ("Fri, 20 Nov 2026 10:11:12 Z", Some(0)),
        ("Fri Nov 20 10:11:12 2026", None),
        ("Fri Nov 20 2026 10:11:12 GMT+0100 (Central European Time)", Some(3600)),
        ("Nov 20, 2026 10:11:12 AM", None),
        ("2026-11-20_10:11:12.12345", None),
        ("2026-11-20T10:11:12+01:00[Europe/Berlin]", Some(3600)),
        ("2026-11-20T10:11:12[Europe/Berlin]", None),
        ("2026 Nov 20 10:11:12", None),
        ("Nov 20 10:11:12 AM 2026", None),
        ("Nov 20 10:11:12:250 2026", None),
        ("Nov 20 2026 10:11:12 GMT+01:00", Some(3600)),
        ("Nov 20 2026 10:11:12 UTC-5", Some(-18_000)),
        ("Nov 20 2026 10:11:12 UTC+5:30", Some(19_800)),
        ("2026-11-20 10:11:12 +0100", Some(3600)),
        ("2026-11-20T10:11:12 -03:00", Some(-10_800)),
        ("2026-11-20 10:11:12.25+00", Some(0)),
        ("2026-11-20 10:11:12 GMT", Some(0)),
    ] {
        let line = format!("<13>{stamp} host app: m");
        assert_fields(&line, "rfc3164", ["host", "app", "", "m"]);
        let found = parse(line.as_bytes()).stamp().unwrap();
        assert_eq!((found.year, found.month, found.day), (Some(2026), 11, 20), "{line}");
        assert_eq!((found.hour, found.minute, found.second), (10, 11, 12), "{line}");
        assert_eq!(found.offset.map(UtcOffset::seconds), offset, "{line}");
    }
    for text in ["20 11 2026 10:11:12 h a: m", "20/11-2026 10:11:12 h a: m", "20/11/26 10:11:12 h a: m"] {
        assert_fields(text, "unparsed", ["", "", "", text]);
    }
    let american = parse(b"<13>12/11/2026 10:11:12 h a: m").stamp().unwrap();
    let german = parse(b"<13>11.12.2026 10:11:12 h a: m").stamp().unwrap();
    assert_eq!((american.month, american.day), (12, 11));
    assert_eq!(american, german);
}

#[test]
fn no_offset_has_a_hundred_minutes() {
    for zone in ["GMT+5:99", "GMT+05:99", "UTC-5:60"] {
        let line = format!("<13>Nov 20 2026 10:11:12 {zone} host app: m");
        assert_fields(&line, "rfc3164", ["host", "app", "", "m"]);
        assert!(has(&line, Deviation::InvalidTime), "{line}");
    }
    assert!(!has("<13>Nov 20 2026 10:11:12 GMT+5:59 host app: m", Deviation::InvalidTime));
}

#[test]
fn milliseconds_behind_a_fraction_do_not_replace_it() {
    let found = parse(b"<13>Nov 20 10:11:12.5:250 host app: m");
    let stamp = found.stamp().unwrap();
    assert_eq!((stamp.nanos, stamp.fraction_digits), (500_000_000, 1));
    assert_eq!(found.message(), b"250 host app: m");
}

#[test]
fn text_in_the_place_of_a_host_or_a_tag_stays_text() {
    let bsd =
        |text: &str, expected| assert_fields(&format!("<13>Oct 11 22:14:15 {text}"), "rfc3164", expected);
    bsd("a=1 b=2", ["", "", "", "a=1 b=2"]);
    bsd("1,2026/11/20 10:00:00,x", ["", "", "", "1,2026/11/20 10:00:00,x"]);
    bsd("h 10:00:00 up", ["h", "", "", "10:00:00 up"]);
    bsd("h <info> up", ["h", "", "", "<info> up"]);
    bsd("- app: m", ["", "app", "", "m"]);
    bsd("[error] app: m", ["", "", "", "[error] app: m"]);
    bsd("[12.5] app[1]: m", ["", "", "", "[12.5] app[1]: m"]);
    bsd("[localhost] app[1]: m", ["localhost", "app", "1", "m"]);
    let ietf = |text: &str, expected| {
        assert_fields(&format!("<13>1 2026-11-20T10:00:00Z {text}"), "rfc5424", expected);
    };
    ietf("h CEF:0|a|b c", ["h", "", "", "CEF:0|a|b c"]);
    ietf("h {\"a\": 1}", ["h", "", "", "{\"a\": 1}"]);
    ietf("h app a=1 b=2 c=3 d", ["h", "app", "", "a=1 b=2 c=3 d"]);
    assert!(has("<13>1 2026-11-20T10:00:00Z h CEF:0|a|b c", Deviation::MissingField));
}

#[test]
fn what_is_text_is_not_remarked_as_fields() {
    const OF_FIELDS: [Deviation; 3] = [Deviation::LongField, Deviation::NotPrintable, Deviation::ExtraSpace];
    let remarked = |text: &str| {
        let line = format!("<13>1 2026-11-20T10:00:00Z {text}");
        assert!(has(&line, Deviation::MissingField), "{line}");
        OF_FIELDS.map(|deviation| has(&line, deviation))
    };
    let long = "x".repeat(49);
    assert_eq!(remarked(&format!("h CEF:0|{long} b c")), [false, false, false]);
    assert_eq!(remarked("h CEF:0|\u{e9} b c"), [false, false, false]);
    assert_eq!(remarked("h CEF:0|a b  c"), [false, false, false]);
    // Of the fields that stay, all is.
    assert_eq!(remarked(&format!("h {long} CEF:0|\u{e9}  b c")), [true, false, false]);
    assert_eq!(remarked(&format!("h\u{e9} CEF:0|{long} b c")), [false, true, false]);
    assert_eq!(remarked(&format!("h  a CEF:0|{long} b c")), [false, false, true]);
    assert_eq!(remarked("h  CEF:0|a b c"), [false, false, true]);
}

#[test]
fn a_pri_behind_a_host_is_of_a_message_that_a_relay_wrapped() {
    let line = "<13>Oct 11 22:14:15 relay <34>Oct 11 22:14:14 h a: m";
    assert_fields(line, "rfc3164", ["relay", "", "", "<34>Oct 11 22:14:14 h a: m"]);
    assert!(has(line, Deviation::RelayHeader));
    assert!(!has("<13>Oct 11 22:14:15 h <info> up", Deviation::RelayHeader));
}

#[test]
fn a_level_before_the_tag_is_neither_host_nor_tag() {
    for level in ["notice", "NOTICE", "daemon.info", "authpriv.warning"] {
        assert_fields(&format!("<13>Oct 11 22:14:15 h {level} a[1]: m"), "rfc3164", ["h", "a", "1", "m"]);
    }
    assert_fields("Fri Oct 11 22:14:15 2026 daemon.info a: m", "rfc3164", ["", "a", "", "m"]);
    assert_fields("<13>Oct 11 22:14:15 mail.info a: m", "rfc3164", ["mail.info", "a", "", "m"]);
    for level in ["INFO", "ERROR", "NOTICE", "WARNING"] {
        assert_fields(&format!("<13>Oct 11 22:14:15 {level}  a[1]: m"), "rfc3164", ["", "a", "1", "m"]);
    }
    assert_fields("<13>Oct 11 22:14:15 h info on a", "rfc3164", ["h", "info", "", "on a"]);
}

#[test]
fn a_level_that_is_in_no_field_is_remarked() {
    for line in [
        "<13>Oct 11 22:14:15 h notice a[1]: m",
        "<13>Oct 11 22:14:15 h NOTICE  a: m",
        "<13>Oct 11 22:14:15 h daemon.info a: m",
        "<13>Oct 11 22:14:15 INFO a[1]: m",
        "Fri Oct 11 22:14:15 2026 daemon.info a: m",
    ] {
        assert!(has(line, Deviation::DeviceShape), "{line}");
    }
    assert!(!has("<13>Oct 11 22:14:15 h info on a", Deviation::DeviceShape));
}

#[test]
fn a_word_of_english_that_is_also_a_level_stays() {
    for word in ["error", "warning", "info", "Error"] {
        let line = format!("<13>Oct 11 22:14:15 h {word} reading: disk");
        assert_fields(&line, "rfc3164", ["h", word, "", "reading: disk"]);
    }
    let line = "Fri Oct 11 22:14:15 2026 error reading: disk";
    assert_fields(line, "rfc3164", ["error", "reading", "", "disk"]);
}

#[test]
fn seconds_since_1970_need_a_host_and_a_tag_behind_them() {
    assert_fields("<13>1795168800.5 h a: m", "rfc3164", ["h", "a", "", "m"]);
    for text in
        ["1795168800 octets were read", "1795168800.123    12 192.0.2.7 TCP_MISS/200", "17951688 h a: m"]
    {
        assert_fields(text, "unparsed", ["", "", "", text]);
    }
}

#[test]
fn words_before_a_stamp_are_of_cisco_if_a_colon_ends_the_stamp() {
    assert_fields("<13>sw3: Nov 20 10:00:00: %A-1-B: m", "rfc3164", ["sw3", "%A-1-B", "", "m"]);
    assert_fields(
        "<13>31: 2001:db8::7: Nov 20 10:00:00 : %A-1-B: m",
        "rfc3164",
        ["2001:db8::7", "%A-1-B", "", "m"],
    );
    assert_fields("<13>*task: Nov 20 10:00:00: %A-1-B: m", "rfc3164", ["", "%A-1-B", "", "m"]);
    let text = "error: 2026-11-20 10:00:00 not found";
    assert_fields(text, "unparsed", ["", "", "", text]);
}

#[test]
fn an_uptime_of_any_length_is_one() {
    for uptime in ["2d", "12d", "1w2d", "52w3d", "00:01:01"] {
        let line = format!("<189>{uptime}: %SYS-5-X: text");
        assert_fields(&line, "rfc3164", ["", "%SYS-5-X", "", "text"]);
        assert!(has(&line, Deviation::Uptime), "{line}");
    }
}

#[test]
fn counters_of_cisco_are_the_sequence() {
    let sequence = |line: &str| parse(line.as_bytes()).sequence();
    assert_eq!(sequence("<189>643: *Jan  8 19:46:03.295: %SYS-5-X: x"), Some(643));
    assert_eq!(sequence("<189>237: 000485: router1: *Jan 8 19:46:03.295: %SYS-5-X: x"), Some(485));
    assert_eq!(sequence("<189>99999999999: *Jan  8 19:46:03.295: %SYS-5-X: x"), None);
}
