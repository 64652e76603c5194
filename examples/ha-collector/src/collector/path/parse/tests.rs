//! What parsers find in texts, and that they survive what are none.

use proptest::prelude::*;

use super::*;
use crate::collector::path::tests::Track;
use crate::collector::record::tests::record_of;

/// A message whose text is this.
fn message(text: &[u8]) -> Vec<u8> {
    [b"<13>Nov 20 10:00:00 db7 su: ", text].concat()
}

type Found = Vec<(String, String)>;

/// What a parser finds in a text, the fields that the configuration names first; `None`: the message left the path.
fn parse(parser: &str, text: &str) -> Option<Found> {
    found(&Track::new(&format!("[{{ {parser} }}]")), text.as_bytes())
}

fn found(track: &Track, text: &[u8]) -> Option<Found> {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    track.run(&message(text), |outcome, event| {
        let named =
            event.all_named().map(|(n, value)| (track.names.field_name(n).unwrap().to_owned(), lossy(value)));
        let others = event.all_found().map(|(name, value)| (lossy(name), lossy(value)));
        (outcome == Outcome::ReachedTheEnd).then(|| named.chain(others).collect())
    })
}

fn pairs(pairs: &[(&str, &str)]) -> Option<Found> {
    Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn columns_become_fields() {
    let csv = |keys: &str, text| parse(&format!("parse = 'csv', columns = ['.a', '.b', '.c']{keys}"), text);
    assert_eq!(csv("", "1,2,3"), pairs(&[(".a", "1"), (".b", "2"), (".c", "3")]));
    assert_eq!(
        csv("", "1,,3,4"),
        pairs(&[(".a", "1"), (".b", ""), (".c", "3")]),
        "the rest is not looked at"
    );
    assert_eq!(csv("", " 1 , 2"), pairs(&[(".a", "1"), (".b", "2")]));
    assert_eq!(csv(", flags = []", " 1 , 2"), pairs(&[(".a", " 1 "), (".b", " 2")]));
    assert_eq!(csv(", flags = []", "\"a\" , b"), pairs(&[(".a", "a "), (".b", " b")]));
    assert_eq!(csv("", ""), pairs(&[(".a", "")]));
    assert_eq!(csv("", "'a,b',\"c'd\",e"), pairs(&[(".a", "a,b"), (".b", "c'd"), (".c", "e")]));
    assert_eq!(csv("", "\"open,1"), pairs(&[(".a", "open,1")]), "a quote that nobody closes");
    assert_eq!(csv("", "\"a\"b,c"), pairs(&[(".a", "ab"), (".b", "c")]));
    assert_eq!(csv(", delimiters = ' ;'", "1 2;3"), pairs(&[(".a", "1"), (".b", "2"), (".c", "3")]));
    assert_eq!(csv(", quotes = ''", "\"1\",2"), pairs(&[(".a", "\"1\""), (".b", "2")]));
    assert_eq!(csv(", prefix = '.p'", "1"), pairs(&[(".p.a", "1")]));
}

#[test]
fn each_flag_of_columns_has_its_meaning() {
    let csv =
        |flags: &str, text| parse(&format!("parse = 'csv', columns = ['.a', '.b'], flags = [{flags}]"), text);
    assert_eq!(csv("'greedy'", "1,2,'3'"), pairs(&[(".a", "1"), (".b", "2,'3'")]));
    assert_eq!(csv("'strip-whitespace'", " 1 ,  ' 2 '"), pairs(&[(".a", "1"), (".b", " 2 ")]));
    assert_eq!(csv("'strip_whitespace', 'greedy'", "1, 2 , 3 "), pairs(&[(".a", "1"), (".b", "2 , 3")]));
    assert_eq!(csv("'drop-invalid'", "1,2"), pairs(&[(".a", "1"), (".b", "2")]));
    assert_eq!(csv("'drop-invalid'", "1,2,3"), None);
    assert_eq!(csv("'drop-invalid'", "1"), None);
    assert_eq!(csv("'escape-backslash'", r#""a\"b",2"#), pairs(&[(".a", "a\"b"), (".b", "2")]));
    assert_eq!(csv("'escape-double-char'", r#""a""b",2"#), pairs(&[(".a", "a\"b"), (".b", "2")]));
    assert_eq!(
        csv("", r#""a""b",2"#),
        pairs(&[(".a", "a\"b\""), (".b", "2")]),
        "without it, the quote ends it"
    );
}

/// Every row but the last three is what syslog-ng 3.38.1 makes of it, with `prefix(".k.")` and nothing else.
#[test]
fn pairs_are_found_between_what_is_none() {
    let kv = |keys: &str, text| parse(&format!("parse = 'kv', prefix = '.k.'{keys}"), text);
    let rows: &[(&str, &[(&str, &str)])] = &[
        ("a=1, b=two c=3", &[("a", "1"), ("b", "two"), ("c", "3")]),
        ("user bob said a=\"x y, z\" and left", &[("a", "x y, z")]),
        (r#"a='it\'s' b="q\n\d""#, &[("a", "it's"), ("b", "q\n\\d")]),
        (r#"a="x\\y\"z" b="\x41""#, &[("a", "x\\y\"z"), ("b", "\\x41")]),
        ("a= b=1", &[("a", ""), ("b", "1")]),
        ("a=b=c", &[("a", "b=c")]),
        ("= =\"x\" (=) d.e-f_g@h=1", &[("h", "1")]),
        ("nothing here", &[]),
        ("a=1,b=2", &[("a", "1,b=2")]),
        ("a=1,, b=2", &[("a", "1,"), ("b", "2")]),
        ("a=1 ; b=2", &[("a", "1 ;"), ("b", "2")]),
        ("key = value other", &[("key", "value other")]),
        ("a=x y b = 2", &[("a", "x y"), ("b", "2")]),
        ("a=x b c=d e f=g", &[("a", "x b"), ("c", "d e"), ("f", "g")]),
        ("a=\"x\" junk b=2", &[("a", "x"), ("b", "2")]),
        ("a=x, junk b=2", &[("a", "x"), ("b", "2")]),
        ("a=x  , b=2", &[("a", "x"), ("b", "2")]),
        ("a =  x", &[("a", "x")]),
        ("a=x \"q\" b=2", &[("a", "x \"q\""), ("b", "2")]),
        ("a='x \"y\"' b=\"it's\"", &[("a", "x \"y\""), ("b", "it's")]),
        ("x a-b.c=1 @d=2 é=3", &[("a-b.c", "1 @d=2 é=3")]),
        ("a= \"x\"", &[("a", "x")]),
        ("a=", &[("a", "")]),
        ("a=1 =2 b=3", &[("a", "1 =2"), ("b", "3")]),
        (" a=1\tb=2", &[("a", "1\tb=2")]),
        ("a=\"unterminated", &[("a", "\"unterminated")]),
        // There: `"x b=2`, and b all the same.
        ("a=\"x b=2", &[("a", "\"x"), ("b", "2")]),
        // There: with the blank.
        ("a=\"x\"junk b=2", &[("a", "\"x\"junk"), ("b", "2")]),
        ("a=\"x\", b=2", &[("a", "x"), ("b", "2")]),
    ];
    for (text, expected) in rows {
        let expected = expected.iter().map(|(key, value)| (format!(".k.{key}"), (*value).to_owned()));
        assert_eq!(kv("", text), Some(expected.collect()), "{text}");
    }
    assert_eq!(kv(", value-separator = ':'", "a:1 b: \"2\""), pairs(&[(".k.a", "1"), (".k.b", "2")]));
    assert_eq!(kv(", pair-separator = ';'", "a=1;b=2, 3"), pairs(&[(".k.a", "1"), (".k.b", "2, 3")]));
    assert_eq!(kv(", quotes = ''", "a=\"1"), pairs(&[(".k.a", "\"1")]));
}

#[test]
fn json_is_flattened_with_numbers_as_they_are_written() {
    let json = |text| parse("parse = 'json', prefix = '.j.'", text);
    let text =
        r#" {"a": {"b": [1.10, {"c": true}, []], "d": null}, "e": "x\"\u00e9\ud83d\ude00\n", "f": {} } "#;
    assert_eq!(json(text), pairs(&[(".j.a.b[0]", "1.10"), (".j.a.b[1].c", "true"), (".j.e", "x\"é😀\n")]));
    assert_eq!(json("{}"), pairs(&[]));
    assert_eq!(json("{\"a\":1} and more"), pairs(&[(".j.a", "1")]), "what stands behind it is not looked at");
    assert_eq!(json("@cee: {\"a\": -1e5}"), pairs(&[(".j.a", "-1e5")]));
    assert_eq!(
        json(r#"{"a": "\ud83d x", "b": "\ude00"}"#),
        pairs(&[(".j.a", "\u{FFFD} x"), (".j.b", "\u{FFFD}")])
    );
    let marked = |text| parse("parse = 'json', marker = '@json:'", text);
    assert_eq!(marked("@json:{\"a\": 1}"), pairs(&[("a", "1")]));
    assert_eq!(marked("{\"a\": 1}"), None);
}

#[test]
fn what_is_no_json_leaves_the_path_unchanged_or_stays_when_it_may() {
    let deep = |n: usize| "{\"a\":".repeat(n) + "1" + &"}".repeat(n);
    let rows = [
        "",
        "x",
        "1",
        "[1]",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":1e}",
        "{\"a\":-}",
        "{\"a\":tru}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"",
        "{\"a\":[1}",
        "{\"a\":\"\t\"}",
        "{\"ok\":1,\"a\":+1}",
    ];
    let rows = rows.map(str::to_owned).into_iter().chain([deep(66)]);
    for text in rows {
        assert_eq!(parse("parse = 'json'", &text), None, "{text}");
        assert_eq!(parse("parse = 'json', optional = true", &text), pairs(&[]), "{text}");
    }
    assert!(parse("parse = 'json'", &deep(64)).is_some());
}

#[test]
fn strange_names_and_too_many_are_passed_over_and_the_others_stay() {
    let long = |n: usize| format!("{{\"a\":1,\"{}\":2,\"\":3}}", "n".repeat(n));
    assert_eq!(parse("parse = 'json'", &long(256)), pairs(&[("a", "1")]));
    assert_eq!(parse("parse = 'json'", &long(255)).unwrap().len(), 2);
    let many: String = (0..5000).map(|n| format!("\"{n}\":1,")).collect();
    assert_eq!(parse("parse = 'json'", &format!("{{{many}\"x\":1}}")).unwrap().len(), MOST);
    let many: String = (0..5000).map(|n| format!("{n}=1 ")).collect();
    assert_eq!(parse("parse = 'kv'", &many).unwrap().len(), MOST);
}

#[test]
fn the_first_pattern_that_matches_gives_its_named_groups() {
    let one = |text| parse("parse = 'regexp', pattern = '(?<user>\\w+)@(?<host>\\w+)', prefix = '.r.'", text);
    assert_eq!(one("from bob@db7."), pairs(&[(".r.user", "bob"), (".r.host", "db7")]));
    assert_eq!(one("from bob"), None);
    let more = |text| {
        parse("parse = 'regexp', pattern = ['(?P<a>x)|(?<b>y)', 'Z(?<c>.)'], flags = ['ignore-case']", text)
    };
    assert_eq!(more("Y"), pairs(&[("b", "Y")]));
    assert_eq!(more("zé"), pairs(&[("c", "\u{FFFD}")]), "a byte is a byte");
    assert_eq!(more("q"), None);
}

#[test]
fn a_parser_reads_any_field_and_only_what_it_is_for() {
    assert_eq!(parse("parse = 'kv', from = 'HOST', optional = true", "a=1"), pairs(&[]));
    assert_eq!(parse("parse = 'json', when = 'program(cron)'", "no JSON"), pairs(&[]));
    let track = Track::new("[{ parse = 'regexp', pattern = '(?<PROGRAM>x)' }]");
    let program = track.run(&message(b"x"), |_, event| event.get(Field::Program).map(<[u8]>::to_vec));
    assert_eq!(program, Some(b"x".to_vec()), "a group can be a field that every message has");
}

#[test]
fn names_that_the_configuration_knows_are_fields_and_others_are_kept() {
    let track =
        Track::new("[{ parse = 'json', prefix = '.app.' }, { filter = '\"${.app.level}\" == \"debug\"' }]");
    let debug = found(&track, br#"{"user": "bob", "level": "debug"}"#);
    assert_eq!(debug, pairs(&[(".app.level", "debug"), (".app.user", "bob")]));
    assert_eq!(found(&track, br#"{"level": "info"}"#), None);
}

const PARSERS: [&str; 6] = [
    "parse = 'csv', columns = ['a', 'b', 'c'], flags = ['strip-whitespace', 'escape-backslash']",
    "parse = 'csv', columns = ['a'], flags = ['greedy', 'escape-double-char']",
    "parse = 'kv'",
    "parse = 'kv', pair-separator = '', value-separator = ' '",
    "parse = 'json'",
    "parse = 'regexp', pattern = ['(?<a>.*)=(?<b>.*)', '(?<c>)']",
];

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(parser in 0..PARSERS.len(), text in any::<Vec<u8>>()) {
        found(&Track::new(&format!("[{{ {} }}]", PARSERS[parser])), &text);
    }

    #[test]
    fn whatever_looks_nearly_right_is_read_or_refused(
        parser in 0..PARSERS.len(),
        text in r#"([{}\[\]:,"'\\= ]|\\u[0-9a-fD]{0,4}|null|-?[0-9.e]{1,4}|[a-zé]|"[a-z]{0,3}":)*"#,
    ) {
        found(&Track::new(&format!("[{{ {} }}]", PARSERS[parser])), text.as_bytes());
    }

    #[test]
    fn json_that_another_library_reads_is_read(text in r#"\{("[a-z]{1,3}":(-?[1-9][0-9]{0,3}(\.[0-9]{1,2})?|"[a-zé ]*"|true|\[1, ?2\]|\{"x" ?: ?null\}),?){0,4}\}"#) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        prop_assert_eq!(parse("parse = 'json'", &text).is_some(), theirs);
    }
}

#[test]
fn a_record_cut_anywhere_is_parsed_or_refused() {
    let track = Track::new("[{ parse = 'json', optional = true }, { parse = 'kv', optional = true }]");
    let whole = record_of(br#"<13>Nov 20 10:00:00 db7 su: {"a": "b=c", "d": [1, {"e": "\u00e9"}]}"#);
    for end in 128..whole.len() {
        track.run(&whole[128..end], |_, _| ());
    }
}
