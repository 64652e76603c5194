//! How filters are written, and what is said where they are not.

use super::*;

fn read(text: &str) -> Result<Expression, Mistake> {
    let sources = ["net".to_owned()];
    let mut filter = |name: &str| match name {
        "known" => Ok(Arc::new(Expression::All(Vec::new()))),
        _ => Err(NoFilter { message: format!("there is no filter `{name}`"), help: None }),
    };
    Expression::parse(text, &mut Context { sources: &sources, filter: &mut filter })
}

/// Every mistake is shown by `^` at its first byte: "filter | what is said".
#[test]
fn a_mistake_is_shown_where_it_is() {
    let rows = [
        ("", 0, "expected a filter"),
        ("  ", 2, "expected a filter"),
        ("level(err) and", 14, "expected a filter"),
        ("level(err) or or host(x)", 14, "expected a filter"),
        ("not", 3, "expected a filter"),
        ("and host(x)", 0, "expected a filter"),
        ("level(err) host(x)", 11, "expected `and`, `or` or the end"),
        ("(level(err)", 11, "expected `)`"),
        ("level(err))", 10, "expected `and`, `or` or the end"),
        ("level(err", 9, "expected another argument or `)`"),
        ("level()", 0, "`level` of what?"),
        ("level(loud)", 6, "there is no level `loud`"),
        ("level(err..loud)", 6, "there is no level `loud`"),
        ("level(none)", 6, "there is no level `none`"),
        ("level(8)", 6, "there is no level `8`"),
        ("facility(24)", 9, "there is no facility `24`"),
        ("facility(mail, mial)", 15, "there is no facility `mial`"),
        ("lvel(err)", 0, "there is no filter function `lvel`"),
        ("host('x", 7, "expected `'` at the end of this text"),
        ("host(\"x\\\")", 10, "expected `\"` at the end of this text"),
        ("host('(')", 5, "unclosed group"),
        ("host('x' 'y')", 9, "one pattern is enough"),
        ("host('x' type(perl))", 14, "there is no type `perl`"),
        ("host('x' flags(loud))", 15, "there is no flag `loud`"),
        ("host('x' value('HOST'))", 9, "`host` has no option `value`"),
        ("match('x')", 0, "`match` needs the field that it looks at"),
        ("netmask(10.0.0.0/33)", 8, "`10.0.0.0/33` is no network"),
        ("netmask(hello)", 8, "`hello` is no network"),
        ("netmask6(10.0.0.0/8)", 9, "`10.0.0.0/8` is no network"),
        ("source(nte)", 7, "there is no source `nte`"),
        ("in-list('/no/such/list' value('HOST'))", 8, "cannot read /no/such/list"),
        ("in-list(hosts value('HOST'))", 8, "no absolute path"),
        ("in-list('/dev/null')", 0, "`in-list` needs a file and a field"),
        ("filter(unknown)", 7, "there is no filter `unknown`"),
        ("known and unknown", 10, "there is no filter `unknown`"),
        ("\"$HOST\" = \"x\"", 8, "expected `==` or another comparison"),
        ("\"$HOST\"", 7, "expected `==` or another comparison"),
        ("$ == 'x'", 1, "expected the name of a field"),
        ("\"${HOST\" == 'x'", 1, "this `${` has no `}`"),
        ("'x' == and", 7, "expected a text in quotes, a number or a `$NAME`"),
        ("é", 0, "expected a filter"),
    ];
    for (text, at, said) in rows {
        let mistake = read(text).map(|_| text).unwrap_err();
        assert!(mistake.message.contains(said), "{text}: {}", mistake.message);
        assert_eq!(mistake.at.start, at, "{text}: {}", mistake.message);
    }
}

#[test]
fn what_was_meant_is_guessed() {
    let help = |text| read(text).map(|_| text).unwrap_err().help.unwrap_or_default();
    assert_eq!(help("levle(err)"), "did you mean `level`?");
    assert_eq!(help("facility(mial)"), "did you mean `mail`?");
    assert_eq!(help("host('x' flags(ignorecase))"), "did you mean `ignore-case`?");
    assert_eq!(help("source(ne)"), "did you mean `net`?");
}

#[test]
fn blanks_commas_and_quotes_are_free() {
    for text in [
        "level(err..emerg)",
        " level ( err .. emerg ) ".replace(" .. ", "..").as_str(),
        "facility( mail,auth ,  23 )",
        "not(known)",
        "not known and(known)or known",
        "tags('a b', c)",
        "message('it''s')".replace("''", "").as_str(),
        "message(\"\\\\d \\\"x\\\"\")",
        "\"$A\"==\"b\"and 1<2",
        "'a'eq'b'",
    ] {
        assert!(read(text).is_ok(), "{text}: {:?}", read(text));
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |n: usize| "(".repeat(n) + "known" + &")".repeat(n);
    assert!(read(&nested(64)).is_ok());
    assert!(read(&nested(65)).unwrap_err().message.contains("fewer parentheses"));
    assert!(read(&nested(100_000)).unwrap_err().message.contains("fewer parentheses"));
    let calls = "a(".repeat(100_000);
    assert!(read(&calls).is_err());
    assert!(read(&("not ".repeat(100_000) + "known")).is_ok());
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_filter_or_a_mistake_within_it(text in r#"(and|or|not|level|host|match|[()'"$<>=!,.{}é 0-9a-z/-])*"#) {
        if let Err(mistake) = read(&text) {
            proptest::prop_assert!(text.get(mistake.at.clone()).is_some(), "{:?}", mistake);
        }
    }
}
