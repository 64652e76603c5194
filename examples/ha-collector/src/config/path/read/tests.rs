//! Mistakes in paths, and what people are told.

use crate::config::Config;

const ENDS: &str = r#"[[source]]
id = "net"
type = "udp"
listen = "127.0.0.1:0"
[[source]]
id = "local"
type = "udp"
listen = "127.0.0.1:0"
[[destination]]
id = "files"
type = "file"
"#;

fn load(text: &str) -> Result<Config, String> {
    let text = format!("{text}\n{ENDS}");
    Config::from_text(std::path::Path::new("p.toml"), text).map_err(|errors| errors.to_string())
}

fn refused(text: &str) -> String {
    load(text).map(|config| config.paths).unwrap_err()
}

fn warnings(text: &str) -> String {
    load(text).unwrap().warnings.to_string()
}

fn path(id: &str, rest: &str) -> String {
    format!("[[path]]\nid = \"{id}\"\ndestinations = [\"files\"]\n{rest}\n")
}

fn step(step: &str) -> String {
    path("p", &format!("steps = [{step}]"))
}

#[test]
fn a_name_that_leads_nowhere_is_shown_with_what_was_meant() {
    let said = refused("[[path]]\nid = \"p\"\nsources = [\"nte\"]\ndestinations = [\"flies\"]\n");
    assert!(said.contains("p.toml:3:12") && said.contains("there is no source `nte`"), "{said}");
    assert!(said.contains("p.toml:4:17") && said.contains("did you mean `files`?"), "{said}");
    assert!(refused("[[path]]\nid = \"p\"\n").contains("leads nowhere"));
    assert!(refused(&path("p", "sources = []")).contains("begins nowhere"));
    assert!(refused(&path("p", "sources = [\"net\", \"net\"]")).contains("named twice"));
    assert!(refused(&path("p", "flags = [\"finial\"]")).contains("did you mean `final`?"));
    assert!(refused(&path("p", "source = [\"net\"]")).contains("a path has no `source`"));
    assert!(refused(&(path("p", "") + &path("p", ""))).contains("used twice"));
    assert!(refused(&path("a\\tb", "")).contains("cannot be the id"));
    assert!(refused("path = 3\n").contains("[[path]]"));
    assert!(refused("filter = 3\n").contains("[filter]"));
}

#[test]
fn a_mistake_within_an_expression_is_shown_there() {
    let said = refused("[filter]\nerrors = \"level(err..loud)\"\n");
    assert!(said.contains("p.toml:2:17") && said.contains("there is no level `loud`"), "{said}");
    let said = refused(&step("{ filter = 'host(db7) nad level(err)' }"));
    assert!(said.contains("p.toml:4:32") && said.contains("expected `and`, `or` or the end"), "{said}");
    let said = refused(&step("{ filter = \"host(\\\"x\\\") nad x\" }"));
    assert!(said.contains("p.toml:4:34"), "{said}");
    let said = refused(&step("{ set = 'HOST', to = 'a${' }"));
    assert!(said.contains("p.toml:4:33") && said.contains("has no `}`"), "{said}");
}

#[test]
fn names_that_need_themselves_are_refused_by_their_circle() {
    let said = refused("[filter]\na = 'b'\nb = 'not filter(c)'\nc = 'a'\n");
    assert!(said.contains("the filter `a` needs itself: a → b → c → a"), "{said}");
    assert_eq!(said.matches("error:").count(), 1, "{said}");
    let said = refused(
        "[steps]\na = [{ use = 'b' }]\nb = [{ if = [{ when = 'host(x)', steps = [{ use = 'a' }] }] }]\n",
    );
    assert!(said.contains("the steps `a` use themselves: a → b → a"), "{said}");
    assert!(refused(&step("{ filter = 'nosie' }")).contains("there is no filter `nosie`"));
    let said = refused(&format!("[filter]\nnoise = 'host(x)'\n{}", step("{ filter = 'nosie' }")));
    assert!(said.contains("did you mean `noise`?"), "{said}");
    assert!(refused(&step("{ use = 'x' }")).contains("there are no steps `x`"));
}

#[test]
fn names_that_need_each_other_are_bounded() {
    let chain = |n: usize| {
        (0..n).fold("[filter]\n".to_owned(), |text, at| format!("{text}f{at:03} = 'f{:03}'\n", at + 1))
    };
    let chain = |n| chain(n) + &format!("f{n:03} = 'host(x)'\n");
    assert!(load(&chain(15)).is_ok());
    assert!(refused(&chain(200)).contains("more than 16 names"));
}

#[test]
fn each_mistake_in_a_step_is_told() {
    let rows = [
        ("{ stet = 'HOST', to = 'x' }", "did you mean `set`?"),
        ("{}", "this step says nothing"),
        ("{ set = 'HOST', unset = 'PID' }", "`set` and `unset` are two steps"),
        ("{ set = 'HOST' }", "missing field `to`"),
        ("{ set = 'HOST', too = 'x' }", "a step `set` has no `too`"),
        ("{ set = '$HOST', to = 'x' }", "the name alone"),
        ("{ set = 'FACILITY', to = 'x' }", "`set-facility` changes it"),
        ("{ set-severity = 'loud' }", "`set-severity` does not know `loud`"),
        ("{ set-pri = 'local0' }", "such as \"local0.err\""),
        ("{ set-tag = '' }", "a tag has a name"),
        ("{ set-tag = 'x', whne = 'y' }", "did you mean `when`?"),
        ("{ fix-time-zone = 'Europe/Buda' }", "there is no time zone `Europe/Buda`"),
        ("{ subst = '(', with = 'x' }", "unclosed group"),
        ("{ subst = 'a', with = 'x', type = 'glob' }", "`set`"),
        ("{ subst = 'a', with = 'x', flags = ['loud'] }", "there is no flag `loud`"),
        ("{ parse = 'jsn' }", "did you mean `json`?"),
        ("{ parse = 'json', markr = 'x' }", "parse = \"json\"` has no `markr`"),
        ("{ parse = 'csv' }", "missing field `columns`"),
        ("{ parse = 'csv', columns = [] }", "there are no columns"),
        ("{ parse = 'csv', columns = ['a'], flags = ['greed'] }", "did you mean `greedy`?"),
        ("{ parse = 'kv', value-separator = ':=' }", "one ASCII character"),
        ("{ parse = 'regexp' }", "has no `pattern`"),
        ("{ parse = 'regexp', pattern = '(?<a' }", "p.toml:4:"),
        ("{ filter = 3 }", "invalid type"),
        ("3", "a step is a table"),
        ("{ if = 3 }", "branches are a list"),
        ("{ if = [{ steps = [] }] }", "missing field `when`"),
        ("{ if = [{ when = 'host(x)', stpes = [] }] }", "did you mean"),
        ("{ if = [], elif = [] }", "has no `elif`"),
    ];
    for (given, expected) in rows {
        let said = refused(&step(given));
        assert!(said.contains(expected), "{given}: {said}");
        assert!(said.contains("p.toml:4:"), "{given}: {said}");
    }
    let mut deep = "{ set-tag = 'x' }".to_owned();
    for _ in 0..20 {
        deep = format!("{{ if = [], else = [{deep}] }}");
    }
    assert!(refused(&step(&deep)).contains("more than 16 branches"));
}

#[test]
fn what_is_never_used_is_warned_of() {
    let said = warnings("[filter]\na = 'host(x)'\nb = 'a'\n[steps]\nc = []\n");
    assert!(
        said.contains("the filter `b` is never used") && said.contains("the steps `c` are never used"),
        "{said}"
    );
    let used = format!("[filter]\na = 'host(x)'\n{}", step("{ filter = 'a' }"));
    assert_eq!(warnings(&used), "");
    assert!(
        refused("[filter]\na = 'levl(err)'\n").contains("p.toml:2:6"),
        "its mistakes are told all the same"
    );
    let said = warnings(&path("p", "sources = [\"net\"]\nflags = [\"catchall\"]"));
    assert!(said.contains("`sources` is not looked at"), "{said}");
}

fn filtered(id: &str, filter: &str, rest: &str) -> String {
    path(id, &format!("steps = [{{ filter = '{filter}' }}]\n{rest}"))
}

#[test]
fn a_path_that_never_sees_a_message_is_warned_of() {
    let hidden = |text: &str| warnings(text).matches("no message comes to the path").count();
    let all_final = path("first", "flags = [\"final\"]");
    assert_eq!(hidden(&(all_final.clone() + &path("second", ""))), 1);
    assert_eq!(hidden(&(path("second", "") + &all_final)), 0, "the order counts");
    let halves = filtered("err", "level(0..3)", "flags = [\"final\"]") + &path("rest", "");
    assert_eq!(hidden(&halves), 0);
    let by_level = filtered("first", "level(0..3) or not level(err..emerg)", "flags = [\"final\"]");
    assert_eq!(hidden(&(by_level + &path("second", ""))), 1, "that is all of them");
    let one_source = path("first", "sources = [\"net\"]\nflags = [\"final\"]");
    assert_eq!(hidden(&(one_source.clone() + &path("second", ""))), 0);
    assert_eq!(hidden(&(one_source + &path("second", "sources = [\"net\"]"))), 1);
    let fallback = path("first", "") + &path("second", "flags = [\"fallback\"]");
    assert_eq!(hidden(&fallback), 1, "nothing is left to fall back");
    let may_fail = path("first", "steps = [{ parse = 'json' }]\nflags = [\"final\"]");
    assert_eq!(hidden(&(may_fail + &path("second", ""))), 0);
    let cannot = path("first", "steps = [{ parse = 'json', optional = true }]\nflags = [\"final\"]");
    assert_eq!(hidden(&(cannot + &path("second", ""))), 1);
}

#[test]
fn a_message_that_comes_twice_to_one_destination_is_warned_of() {
    let twice = |text: &str| warnings(text).matches("can come to `files` twice").count();
    // auth.err is *.err and auth.notice: the classic of a syslog.conf taken over line by line.
    let classic = filtered("a", "level(emerg..err)", "")
        + &filtered("b", "facility(auth) and level(emerg..notice)", "");
    assert_eq!(twice(&classic), 1);
    let said = warnings(&classic);
    assert!(
        said.contains("along `a` and `b`") && said.contains("`dedupe = true` on `files`, or `final` on `a`"),
        "{said}"
    );
    assert_eq!(twice(&(filtered("a", "level(0..3)", "") + &filtered("b", "level(4..7)", ""))), 0);
    assert_eq!(twice(&(filtered("a", "level(0..3)", "flags = [\"final\"]") + &path("b", ""))), 0);
    assert_eq!(twice(&(filtered("a", "level(0..3)", "") + &path("b", "flags = [\"fallback\"]"))), 0);
    assert_eq!(twice(&(path("a", "sources = [\"net\"]") + &path("b", "sources = [\"local\"]"))), 0);
    let named =
        |b: &str| format!("[filter]\nx = 'host(x)'\n{}{}", filtered("a", "x", ""), filtered("b", b, ""));
    assert_eq!(twice(&named("not x")), 0);
    assert_eq!(twice(&named("not x and level(err)")), 0);
    assert_eq!(twice(&named("x")), 1);
    assert_eq!(twice(&named("host(y)")), 1, "who knows");
}

#[test]
fn names_are_known_in_all_files() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("1.toml"), step("{ filter = 'later' }, { use = 'after' }")).unwrap();
    std::fs::write(
        dir.path().join("2.toml"),
        format!("[filter]\nlater = 'host(x)'\n[steps]\nafter = []\n{ENDS}"),
    )
    .unwrap();
    let config = Config::load(&[dir.path().to_path_buf()], None).unwrap();
    assert_eq!((config.paths.len(), config.warnings.0.len()), (1, 0));
    std::fs::write(dir.path().join("3.toml"), "[filter]\nlater = 'host(y)'\n").unwrap();
    let said = Config::load(&[dir.path().to_path_buf()], None).unwrap_err().to_string();
    assert!(said.contains("the filter `later` is given twice") && said.contains("3.toml:2:1"), "{said}");
}

/// The part of the reference that is about paths.
#[test]
fn the_reference_is_a_path_as_it_says() {
    let reference = include_str!("../../../../pipeline.toml");
    let part = |from: &str, to: &str| {
        let start = reference.find(from).unwrap();
        let end = start + reference[start..].find(to).unwrap();
        &reference[start..end]
    };
    let tables = part("[filter]", "# Templates with a name").to_owned()
        + part("[[path]]\nid", "# How messages are delivered");
    let second = ENDS.replace("id = \"files\"", "id = \"relay\"\nroot = \"b\"").replace("\"net\"", "\"a\"");
    let second = second.split_once("[[destination]]").unwrap().1;
    let config = load(&format!("{tables}\n[[destination]]{second}")).unwrap();
    let path = &config.paths[0];
    assert_eq!((path.steps.len(), path.sources.len(), path.destinations.len()), (6, 2, 2));
    assert_eq!(path.when_full, crate::config::path::WhenFull::SendersWait);
    assert_eq!(config.warnings.to_string().matches("never used").count(), 1, "`from-lab` is only shown");
}

#[test]
fn many_paths_to_one_destination_are_warned_of_once_and_too_many_are_refused() {
    let all = |count: usize| (0..count).map(|n| path(&format!("p{n}"), "")).collect::<String>();
    assert_eq!(warnings(&all(63)).matches("twice").count(), 1);
    assert!(refused(&all(64)).contains("64 pairs of a path and a destination"));
}
