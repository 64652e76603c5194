//! What functions answer. Where syslog-ng has the function, the answer is its.

use super::*;

#[test]
fn every_function_answers() {
    for (template, expected) in [
        ("$(echo a b  \"c d\" 'e f')", "a b c d e f"),
        ("$(echo \"a\\\"b\\\\c\" 'it\\'s')", "a\"b\\c it's"),
        ("$(lowercase $HOST ABC)", "mymachine abc"),
        ("$(uppercase \"abc $HOST\" grüße)", "ABC MYMACHINE GRÜSSE"),
        ("$(substr \"abcdef\" 1 3)|$(substr abcdef -2)|$(substr abcdef 2)", "bcd|ef|cdef"),
        ("$(substr abcdef 1 -2)|$(substr abcdef 9)|$(substr abcdef 0 99)", "bcd||abcdef"),
        ("$(substr abc -5)|$(substr abc 1 -5)|$(substr abc 3)", "||"),
        ("$(sanitize \"a/b c.d/../x\")|$(sanitize a/b c/d)", "a_b c.d_.._x|a_b/c_d"),
        ("$(sanitize \"a\tb\")|$(sanitize --no-ctrl-chars \"a\tb\")", "a_b|a\tb"),
        ("$(sanitize -i . -r x \"a/b.c\")|$(sanitize --invalid-chars=ab c-a-b)", "a/bxc|c-_-_"),
        ("$(length abc \"de f\")|$(length)", "3 4|"),
        ("$(replace-delimiter \" ,;\" \"-\" \"a,b c;d\")", "a-b-c-d"),
        ("$(indent-multi-line \"a\nb\")", "a\n\tb"),
        ("$(or \"\" $NOPE z)|$(or)|$(or a b)", "z||a"),
        ("$(padding $PID 10)|$(padding $PID 10 0)|$(padding abc 2)", "        77|0000000077|abc"),
        ("$(strip \"  a b \")|$(strip \" a \" \" b \")", "a b|a b"),
        ("$(dirname /a/b/c)|$(basename /a/b/c)|$(dirname a)|$(basename a)", "/a/b|c|.|a"),
        ("$(dirname /a)|$(basename /a/)", "/|a"),
        ("$(url-encode \"a b/c~é\")|$(base64-encode abc)", "a%20b%2Fc~%C3%A9|YWJj"),
        ("$(escape \"a\\\"b'c\td\")", "a\\\"b\\'c\\011d"),
        ("$(if (host(mymachine)) yes no)|$(if (host(\"x y\")) yes \"no $PID\")", "yes|no 77"),
        ("$(if host(mymachine) $(if (host(x)) a b) c)", "b"),
        ("$(uppercase $(substr $(echo $HOST) 0 2))", "MY"),
    ] {
        assert_eq!(text(template), expected, "{template}");
    }
}

#[test]
fn format_json_chooses_and_nests_as_syslog_ng_does() {
    for (arguments, expected) in [
        (
            "HOST=$HOST \"a.b=1\" a.c=2 .d.e=3 --pair z=$PID",
            r#"{"HOST":"mymachine","_d":{"e":"3"},"a":{"b":"1","c":"2"},"z":"77"}"#,
        ),
        ("--key HOST --key PROGRAM", r#"{"HOST":"mymachine","PROGRAM":"evntslog"}"#),
        (
            "--scope rfc3164",
            r#"{"DATE":"Feb 11 10:34:56","FACILITY":"local4","HOST":"mymachine","MESSAGE":"An application event","PID":"77","PRIORITY":"notice","PROGRAM":"evntslog"}"#,
        ),
        (
            "--scope rfc5424",
            r#"{"DATE":"Feb 11 10:34:56","FACILITY":"local4","HOST":"mymachine","MESSAGE":"An application event","MSGID":"ID47","PID":"77","PRIORITY":"notice","PROGRAM":"evntslog","_SDATA":{"b@1":{"k":"v"},"exampleSDID@0":{"eventSource":"App \"x\"","iut":"3"}}}"#,
        ),
        (
            "--scope=selected-macros --exclude D* --exclude MESSAGE",
            r#"{"FACILITY":"local4","HOST":"mymachine","PID":"77","PRIORITY":"notice","PROGRAM":"evntslog","SEQNUM":"1","SOURCEIP":"192.0.2.7"}"#,
        ),
        (
            "--scope nv-pairs",
            r#"{"HOST":"mymachine","HOST_FROM":"192.0.2.7","MESSAGE":"An application event","MSGID":"ID47","PID":"77","PROGRAM":"evntslog","SOURCE":"net","plain":"p"}"#,
        ),
        (
            "--scope dot-nv-pairs",
            r#"{"_SDATA":{"b@1":{"k":"v"},"exampleSDID@0":{"eventSource":"App \"x\"","iut":"3"}},"_app":{"user":"eve"}}"#,
        ),
        ("--key .SDATA.b*,.app.*", r#"{"_SDATA":{"b@1":{"k":"v"}},"_app":{"user":"eve"}}"#),
        ("--scope none", "{}"),
        ("x=\"\"", r#"{"x":""}"#),
        ("--omit-empty-values x=\"\" y=1", r#"{"y":"1"}"#),
        ("x=int($PID) y=boolean(true) z=literal(12)", r#"{"x":77,"y":true,"z":12}"#),
        // What is not of its kind is a string: no value breaks the object.
        (
            "x=int($HOST) y=boolean(1) z=literal(\"1},{\") \"j=json([1,{}])\"",
            r#"{"j":[1,{}],"x":"mymachine","y":"1","z":"1},{"}"#,
        ),
        (".x.y=1 --leave-initial-dot", r#"{".x":{"y":"1"}}"#),
        // Nothing is lost where a name has a value and goes on, and the last of a name counts.
        ("a=1 a.b=2 a.c=3 a-b=4", r#"{"a":"1","a.":{"b":"2","c":"3"},"a-b":"4"}"#),
        ("a=1 a=2 --key PID PID=x", r#"{"PID":"x","a":"2"}"#),
        ("a.b.c=1 a.b.d.e=2 a.f=3 g=4", r#"{"a":{"b":{"c":"1","d":{"e":"2"}},"f":"3"},"g":"4"}"#),
        ("_d=1 .d.e=2", r#"{"_d":"1","_d.":{"e":"2"}}"#),
    ] {
        let template = format!("$(format-json {arguments})");
        let change = |event: &mut Event<'_>, names: &mut Names| {
            event.set(names.field(".app.user").unwrap(), b"eve");
            event.set(names.field("plain").unwrap(), b"p");
        };
        let text =
            text_of(&template, &record_of(MESSAGE), &TimeSetting::default(), Values::AsTheyAre, change);
        assert_eq!(text, expected, "{arguments}");
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }
}

#[test]
fn everything_is_an_object_with_every_macro() {
    let text = text("$(format-json --scope everything)");
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (key, value) in [
        ("S_UNIXTIME", "1139650496"),
        ("C_YEAR", "2026"),
        ("FACILITY_NUM", "20"),
        ("MSGHDR", "evntslog[77]: "),
    ] {
        assert_eq!(object[key], value);
    }
    assert_eq!(object.get("RAWMSG"), None);
}

#[test]
fn format_welf_keeps_pairs_apart() {
    for (arguments, expected) in [
        (
            "--key HOST --pair \"X=a b\" Z=c,d W=c=d E= --key PROGRAM",
            "E= HOST=mymachine PROGRAM=evntslog W=c=d X=\"a b\" Z=c,d",
        ),
        ("Q=a\\\"b", "Q=\"a\\\"b\""),
        ("\"T=a\tb\nc\"", "T=\"a\\tb\\nc\""),
        ("\"a b=1\"", "a_b=1"),
    ] {
        assert_eq!(text(&format!("$(format-welf {arguments})")), expected, "{arguments}");
    }
}

#[test]
fn hostile_names_and_values_stay_one_object_on_one_line() {
    let deep = "a.".repeat(5000);
    let long = vec![b'x'; 64 << 10];
    let values: [(&[u8], &[u8]); 8] = [
        (b"nul\0key", b"\0"),
        (b"quote\"}", b"\"},{\"a\":1"),
        (deep.as_bytes(), b"deep"),
        (b"line\nend", b"a\r\nb\xc2\x85c\x7f"),
        (b"latin", b"\xe9t\xe9"),
        (b"long", &long),
        (b"", b"nameless"),
        (b"...", b"dots"),
    ];
    let change = |event: &mut Event<'_>, _: &mut Names| {
        for (name, value) in values {
            event.found(name, value);
        }
    };
    let text = text_of(
        "$(format-json --scope all-nv-pairs)",
        &record_of(MESSAGE),
        &TimeSetting::default(),
        Values::Escaped,
        change,
    );
    assert!(!text.chars().any(char::is_control));
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["nul\0key"], "\0");
    assert_eq!(object["quote\"}"], "\"},{\"a\":1");
    assert_eq!(object["line\nend"], "a\r\nb\u{85}c\u{7f}");
    assert_eq!((&object["latin"], &object["latin_base64"]), (&"\u{fffd}t\u{fffd}".into(), &"6XTp".into()));
    assert_eq!(object["long"].as_str().map(str::len), Some(64 << 10));
    assert_eq!(object[""], "nameless");
}
