//! Paths from their tables to their verdicts.

use super::*;
use crate::collector::event::{Changes, Field};
use crate::collector::record::Record;
use crate::collector::record::tests::record_of;
use crate::config::Config;

const ENDS: &str = r#"
[[source]]
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
root = "a"
[[destination]]
id = "other"
type = "file"
root = "b"
[[destination]]
id = "third"
type = "file"
root = "c"
"#;

/// The sources `net` and `local`, the destinations `files`, `other` and `third`, and this.
pub(super) fn config(paths: &str) -> Config {
    let text = format!("{ENDS}\n{paths}");
    Config::from_text(std::path::Path::new("p.toml"), text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The steps of one path, compiled.
pub(super) struct Track {
    pub(super) names: Names,
    steps: Steps,
}

impl Track {
    /// One path with these steps, a TOML list.
    pub(super) fn new(steps: &str) -> Self {
        let config = config(&format!("[[path]]\nid = \"p\"\ndestinations = [\"files\"]\nsteps = {steps}"));
        let mut names = Names::default();
        let mut compiled = Steps::compile(&config.paths[0].steps, &mut names, &mut 0).unwrap();
        compiled.know(&Arc::new(KnownNames::of(&names)));
        Self { names, steps: compiled }
    }

    /// How a message from `net` comes out, and what it is then.
    pub(super) fn run<T>(&self, raw: &[u8], look: impl FnOnce(Outcome, &Event<'_>) -> T) -> T {
        let bytes = record_from("net", raw);
        let mut changes = Changes::default();
        let mut event = Event::new(Record::read(&bytes).unwrap(), &mut changes);
        let outcome = self.steps.run(&mut event, &mut Scratch::default(), Pass::Route);
        look(outcome, &event)
    }

    /// Whether a message from `net` reaches the end, and what this field is when that is known.
    fn decides(&self, raw: &str, field: &str) -> (Outcome, Option<String>) {
        let field = self.field(field);
        let bytes = record_from("net", raw.as_bytes());
        let mut changes = Changes::default();
        let mut event = Event::new(Record::read(&bytes).unwrap(), &mut changes);
        let outcome = self.steps.decide(&mut event, &mut Scratch::default());
        (outcome, event.get(field).map(|value| String::from_utf8_lossy(value).into_owned()))
    }

    pub(super) fn field(&self, name: &str) -> Field {
        self.names.clone().field(name).unwrap()
    }

    /// What a field is in the end; `None`: it has no value.
    pub(super) fn makes(&self, raw: &str, field: &str) -> Option<String> {
        let field = self.field(field);
        self.run(raw.as_bytes(), |_, event| {
            event.get(field).map(|value| String::from_utf8_lossy(value).into_owned())
        })
    }
}

/// What a source made of a message.
pub(super) fn record_from(source: &str, raw: &[u8]) -> Vec<u8> {
    let mut bytes = record_of(raw);
    bytes[48..52].copy_from_slice(&source_key(source).to_le_bytes());
    bytes
}

/// Compiled paths and the directory of their book.
struct World {
    routes: Routes,
    names: Names,
    config: Config,
    _dir: tempfile::TempDir,
}

fn world(paths: &str) -> World {
    let dir = tempfile::tempdir().unwrap();
    let mut book = Book::open(&dir.path().join("ways"), ways::Buffer::Empty).unwrap();
    let config = config(paths);
    let mut names = Names::default();
    let routes = compile(&config, &mut book, &mut names).unwrap();
    World { routes, names, config, _dir: dir }
}

fn compile(config: &Config, book: &mut Book, names: &mut Names) -> Option<Routes> {
    let tags = ["network".to_owned()];
    let origins: Vec<_> =
        config.sources.iter().map(|source| Origin { id: &source.id, tags: &tags }).collect();
    let destinations: Vec<&str> = config.destinations.iter().map(|to| to.id.as_str()).collect();
    Routes::compile(&config.paths, &origins, &destinations, book, names).unwrap()
}

impl World {
    fn verdict(&self, source: usize, raw: &str) -> Verdict {
        let bytes = record_from(&self.config.sources[source].id, raw.as_bytes());
        let mut changes = Changes::default();
        let mut event = Event::new(Record::read(&bytes).unwrap(), &mut changes);
        self.routes.route(source, &mut event, &mut Scratch::default())
    }

    /// The paths that took it, by their ids.
    fn takers(&self, source: usize, raw: &str) -> Vec<&str> {
        let taken = self.verdict(source, raw).taken;
        let paths = self.config.paths.iter().enumerate();
        paths.filter(|(n, _)| taken & (1 << n) != 0).map(|(_, path)| path.id.as_str()).collect()
    }
}

const ERROR: &str = "<11>Nov 20 10:00:00 db7 su[77]: it failed";
const NOTICE: &str = "<13>Nov 20 10:00:00 db7 su[77]: it works";

fn path(id: &str, filter: &str, rest: &str) -> String {
    format!(
        "[[path]]\nid = {id:?}\ndestinations = [\"files\"]\nsteps = [{{ filter = '{filter}' }}]\n{rest}\n"
    )
}

#[test]
fn without_a_path_there_are_no_routes() {
    let dir = tempfile::tempdir().unwrap();
    let mut book = Book::open(&dir.path().join("ways"), ways::Buffer::Empty).unwrap();
    assert!(compile(&config(""), &mut book, &mut Names::default()).is_none());
    assert!(!dir.path().join("ways").exists());
}

#[test]
fn a_message_goes_to_every_path_until_a_final_one_has_taken_it() {
    let world = world(
        &[
            path("one", "level(err)", ""),
            path("two", "program(su)", "flags = [\"final\"]"),
            path("three", "level(emerg..debug)", ""),
        ]
        .concat(),
    );
    assert_eq!(world.takers(0, ERROR), ["one", "two"]);
    assert_eq!(world.takers(0, NOTICE), ["two"]);
    assert_eq!(world.takers(0, "<13>Nov 20 10:00:00 db7 cron: x"), ["three"]);
    let verdict = world.verdict(0, NOTICE);
    assert_eq!((verdict.offered, verdict.taken), (0b011, 0b010), "the third path was not asked");
}

#[test]
fn the_order_of_the_file_decides_what_final_means() {
    let last = world(
        &[path("all", "level(emerg..debug)", ""), path("su", "program(su)", "flags = [\"final\"]")].concat(),
    );
    assert_eq!(last.takers(0, ERROR), ["all", "su"]);
}

#[test]
fn a_fallback_gets_what_no_other_path_took_wherever_it_is_written() {
    let world = world(
        &[
            path("rest", "level(emerg..debug)", "flags = [\"fallback\"]"),
            path("su", "program(su)", ""),
            path("also", "program(cron)", "flags = [\"fallback\"]"),
        ]
        .concat(),
    );
    assert_eq!(world.takers(0, ERROR), ["su"]);
    assert_eq!(world.takers(0, "<13>Nov 20 10:00:00 db7 cron: x"), ["rest", "also"], "all fallbacks see it");
    assert_eq!(world.verdict(0, ERROR).offered, 0b010);
    let first_only = path("rest", "level(emerg..debug)", "flags = [\"fallback\", \"final\"]")
        + &path("also", "level(emerg..debug)", "flags = [\"fallback\"]");
    let config = self::world(&(path("su", "program(su)", "") + &first_only));
    assert_eq!(config.takers(0, "<13>Nov 20 10:00:00 db7 cron: x"), ["rest"], "a final fallback is the last");
}

#[test]
fn a_path_sees_its_sources_and_a_catchall_all_of_them() {
    let world = world(
        &[
            path("net", "level(emerg..debug)", "sources = [\"net\"]"),
            path("local", "level(emerg..debug)", "sources = [\"local\"]"),
            path("all", "level(emerg..debug)", "sources = [\"local\"]\nflags = [\"catchall\"]"),
            path("default", "level(emerg..debug)", ""),
        ]
        .concat(),
    );
    assert_eq!(world.takers(0, ERROR), ["net", "all", "default"]);
    assert_eq!(world.takers(1, ERROR), ["local", "all", "default"]);
}

#[test]
fn a_final_path_that_filters_a_message_out_on_the_way_has_not_taken_it() {
    // syslog-ng 3.38.1 loses such a message: the filters before the branch said yes, so nobody else sees it.
    let inner = r#"
[[path]]
id = "outer"
destinations = ["files"]
flags = ["final"]
steps = [{ filter = "program(su)" }, { if = [{ when = "level(notice)", steps = [{ filter = "message(never)" }] }] }]
[[path]]
id = "rest"
destinations = ["other"]
"#;
    let world = world(inner);
    assert_eq!(world.takers(0, ERROR), ["outer"]);
    assert_eq!(world.takers(0, NOTICE), ["rest"]);
}

#[test]
fn every_path_sees_the_message_as_it_was_received() {
    let world = world(
        r#"
[[path]]
id = "changes"
destinations = ["files"]
steps = [{ set = "PROGRAM", to = "changed" }, { set-tag = "seen" }, { set-severity = "debug" }]
[[path]]
id = "changed"
destinations = ["other"]
steps = [{ filter = "program(changed) or tags(seen) or level(debug)" }]
[[path]]
id = "unchanged"
destinations = ["third"]
steps = [{ filter = "program(su) and tags(network) and tags('.source.net') and source(net)" }]
"#,
    );
    assert_eq!(world.takers(0, ERROR), ["changes", "unchanged"]);
    assert_eq!(world.takers(1, ERROR), ["changes"], "another source has another tag");
}

#[test]
fn a_way_is_a_path_and_a_destination_and_replays_what_the_path_did() {
    let world = world(
        r#"
[[path]]
id = "mask"
destinations = ["files", "other"]
steps = [{ filter = "message(failed)" }, { subst = "failed", with = "f*" }, { filter = "message(failed)" }]
[[path]]
id = "plain"
destinations = ["files"]
steps = [{ subst = "it", with = "IT" }]
"#,
    );
    assert_eq!(
        (world.routes.ways_of(0), world.routes.ways_of(1), world.routes.ways_of(2)),
        (0b101, 0b010, 0)
    );
    assert_eq!(world.verdict(0, ERROR).ways, 0b100, "the first path filtered it out in the end");
    let bytes = record_from("net", ERROR.as_bytes());
    let texts = |destination, ways| {
        let mut changes = Changes::default();
        let mut event = Event::new(Record::read(&bytes).unwrap(), &mut changes);
        let mut texts = Vec::new();
        for delivery in world.routes.deliveries(destination, ways) {
            world.routes.replay(delivery, &mut event, &mut Scratch::default());
            texts.push(String::from_utf8(event.get(Field::Message).unwrap().to_vec()).unwrap());
            event.revert();
        }
        texts
    };
    assert_eq!(texts(0, 0b111), ["it f*", "IT failed"], "replay does not ask filters");
    assert_eq!(texts(1, 0b111), ["it f*"]);
    assert_eq!(texts(1, 0b101), [""; 0]);
    assert_eq!(texts(2, EVERY_WAY), ["it failed"], "from before there were paths: once, as received");
}

#[test]
fn a_record_whose_path_is_gone_is_delivered_as_received() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ways");
    let step = "steps = [{ set = \"PROGRAM\", to = \"x\" }]";
    let old = config(&format!("[[path]]\nid = \"old\"\ndestinations = [\"files\"]\n{step}"));
    let mut book = Book::open(&file, ways::Buffer::Empty).unwrap();
    compile(&old, &mut book, &mut Names::default()).unwrap();
    let new = config(&format!("[[path]]\nid = \"new\"\ndestinations = [\"files\"]\n{step}"));
    let mut book = Book::open(&file, ways::Buffer::HoldsRecords).unwrap();
    let mut names = Names::default();
    let routes = compile(&new, &mut book, &mut names).unwrap();
    let programs: Vec<_> = routes
        .deliveries(0, 0b11)
        .map(|delivery| {
            let bytes = record_from("net", ERROR.as_bytes());
            let mut changes = Changes::default();
            let mut event = Event::new(Record::read(&bytes).unwrap(), &mut changes);
            routes.replay(delivery, &mut event, &mut Scratch::default());
            event.get(Field::Program).unwrap().to_vec()
        })
        .collect();
    assert_eq!(programs, [b"su".to_vec(), b"x".to_vec()]);
}

#[test]
fn when_paths_are_given_up_old_records_go_where_they_were_to_go_and_new_ones_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ways");
    let mut book = Book::open(&file, ways::Buffer::Empty).unwrap();
    let old = config("[[path]]\nid = \"old\"\ndestinations = [\"other\"]");
    compile(&old, &mut book, &mut Names::default()).unwrap();
    let none = config("");
    let mut book = Book::open(&file, ways::Buffer::HoldsRecords).unwrap();
    let routes = compile(&none, &mut book, &mut Names::default()).unwrap();
    assert!(!routes.have_paths());
    assert_eq!([0, 1].map(|to| routes.deliveries(to, 1).count()), [0, 1]);
    assert_eq!([0, 1].map(|to| routes.deliveries(to, EVERY_WAY).count()), [1, 1]);
    let bytes = record_from("net", ERROR.as_bytes());
    let mut changes = Changes::default();
    let mut event = Event::new(Record::read(&bytes).unwrap(), &mut changes);
    assert_eq!(routes.route(0, &mut event, &mut Scratch::default()).ways, EVERY_WAY);
    let mut book = Book::open(&file, ways::Buffer::Empty).unwrap();
    assert!(compile(&none, &mut book, &mut Names::default()).is_none(), "nobody asks any more");
}

#[test]
fn there_are_as_many_ways_as_bits_but_one() {
    let paths = |n: usize| -> String { (0..n).map(|n| path(&n.to_string(), "level(0..7)", "")).collect() };
    assert_eq!(world(&paths(ways::MOST)).takers(0, ERROR).len(), ways::MOST);
    let dir = tempfile::tempdir().unwrap();
    let mut book = Book::open(&dir.path().join("ways"), ways::Buffer::HoldsRecords).unwrap();
    let mut compile = |text: &str| {
        let config = config(text);
        let destinations: Vec<&str> = config.destinations.iter().map(|to| to.id.as_str()).collect();
        Routes::compile(&config.paths, &[], &destinations, &mut book, &mut Names::default())
    };
    compile(&paths(ways::MOST)).unwrap();
    let refused = compile(&path("another", "level(0..7)", ""));
    assert!(refused.unwrap_err().to_string().contains("more than 63"));
}

#[test]
fn the_first_branch_that_holds_is_taken_or_else_the_last() {
    let track = Track::new(
        r#"[
        { if = [
            { when = "level(err)", steps = [{ set = "PROGRAM", to = "error" }] },
            { when = "level(emerg..notice)", steps = [
                { if = [{ when = "host(db7)", steps = [{ set = "PROGRAM", to = "notice of db7" }] }] } ] },
        ], else = [{ set = "PROGRAM", to = "else" }] } ]"#,
    );
    let program = |raw| track.makes(raw, "PROGRAM").unwrap();
    assert_eq!(program(ERROR), "error");
    assert_eq!(program(NOTICE), "notice of db7");
    assert_eq!(program("<13>Nov 20 10:00:00 db8 su: x"), "su", "without else it goes on");
    assert_eq!(program("<15>Nov 20 10:00:00 db8 su: x"), "else");
}

#[test]
fn named_filters_and_steps_are_used_by_their_names() {
    let paths = r#"
[filter]
errors = "level(err..emerg)"
noise = "program(cron) and not errors"
[steps]
mark = [{ set-tag = "marked" }, { use = "name" }]
name = [{ set = ".name", to = "$HOST" }]
[[path]]
id = "p"
destinations = ["files"]
steps = [{ filter = "not noise and filter(errors)" }, { use = "mark" }]
"#;
    let world = world(paths);
    assert_eq!(world.takers(0, ERROR), ["p"]);
    assert_eq!(world.takers(0, NOTICE), [""; 0]);
    let (tag, field) = {
        let mut names = world.names.clone();
        (names.tag("marked").unwrap(), names.field(".name").unwrap())
    };
    let bytes = record_from("net", ERROR.as_bytes());
    let mut changes = Changes::default();
    let mut event = Event::new(Record::read(&bytes).unwrap(), &mut changes);
    let all = world.routes.deliveries(0, 1).next().unwrap();
    world.routes.replay(all, &mut event, &mut Scratch::default());
    assert!(event.has_tag(tag));
    assert_eq!(event.get(field), Some(&b"db7"[..]));
}

#[test]
fn where_a_message_goes_is_known_before_what_only_changes_it_is_done() {
    let set = |to: &str| format!("{{ set = \".x\", to = \"{to}\" }}");
    let (first, last) = (set("first"), set("last"));
    let filter = |text: &str| format!("{{ filter = \"{text}\" }}");
    let asks = filter("'${.x}' == 'first'");
    for (steps, came, known) in [
        (format!("[{first}]"), Outcome::ReachedTheEnd, None),
        (format!("[{first}, {asks}, {last}]"), Outcome::ReachedTheEnd, Some("first")),
        (format!("[{asks}, {last}]"), Outcome::Left, None),
        // A filter in a branch decides, and sees what was changed in a branch before it.
        (
            format!(
                "[{{ if = [{{ when = \"level(debug..emerg)\", steps = [{first}] }}] }}, {{ if = [], else = [{asks}] }}, {last}]"
            ),
            Outcome::ReachedTheEnd,
            Some("first"),
        ),
        (format!("[{first}, {{ parse = \"json\", optional = true }}]"), Outcome::ReachedTheEnd, None),
        (format!("[{first}, {{ parse = \"json\" }}, {last}]"), Outcome::Left, Some("first")),
    ] {
        let (outcome, value) = Track::new(&steps).decides("<13>1 2025-01-01T00:00:00Z h a - - - text", ".x");
        assert_eq!((outcome, value.as_deref()), (came, known), "{steps}");
    }
}
