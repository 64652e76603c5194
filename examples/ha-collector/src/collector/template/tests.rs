mod functions;
pub(super) mod sys;
mod times;

use super::*;
use crate::collector::event::{Changes, Field};
use crate::collector::record::tests::{record_of, record_with};
use crate::collector::record::{Extra, Record, Time, source_key};
use syslog_parse::Timestamp;

/// Another collector's answers in the tables here are those of syslog-ng 3.38 to this message.
const MESSAGE: &[u8] = br#"<165>1 2006-02-11T10:34:56.123456+01:00 mymachine evntslog 77 ID47 [exampleSDID@0 iut="3" eventSource="App \"x\""][b@1 k="v"] An application event"#;

/// 2006-02-11T10:34:56.123456+01:00
const TIME: Time = Time {
    instant: Timestamp::new(1_139_650_496, 123_456_000),
    offset: 3600,
    fraction_digits: 6,
    provenance: None,
};

/// 2026-11-21T08:12:50.429497Z
const NOW: Timestamp = Timestamp::new(1_795_248_770, 429_497_000);

/// True of a message from that host.
#[derive(Debug)]
struct FromHost(String);

impl Predicate for FromHost {
    fn holds(&self, event: &Event<'_>) -> bool {
        event.get(Field::Host) == Some(self.0.as_bytes())
    }
}

/// Filters of the form `host(name)`.
fn conditions(text: &str, _: &mut Names) -> Result<Box<dyn Predicate>, String> {
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let host = text.strip_prefix("host(").and_then(|text| text.strip_suffix(')'));
    host.map(|host| Box::new(FromHost(host.trim_matches('"').to_owned())) as Box<dyn Predicate>)
        .ok_or_else(|| format!("`{text}` is no filter"))
}

fn compile(text: &str, names: &mut Names) -> Template {
    Template::compile_with(text, names, &conditions).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The text for a message that something is done to first.
fn text_of(
    template: &str,
    record: &[u8],
    setting: &TimeSetting,
    values: Values,
    change: impl FnOnce(&mut Event<'_>, &mut Names),
) -> String {
    let mut names = Names::default();
    let template = compile(template, &mut names);
    let mut changes = Changes::default();
    let mut event = Event::new(Record::read(record).unwrap(), &mut changes);
    event.set_time(TIME);
    change(&mut event, &mut names);
    let mut clock = Clock::stopped(setting, Surroundings::fake(names).into(), NOW);
    clock.next_message();
    let mut out = Vec::new();
    template.render_as(values, &event, &mut clock, &mut out);
    let once = out.clone();
    out.clear();
    template.render_as(values, &event, &mut clock, &mut out);
    assert_eq!(out, once, "what a clock keeps changes nothing");
    String::from_utf8_lossy(&out).into_owned()
}

fn text(template: &str) -> String {
    text_of(template, &record_of(MESSAGE), &TimeSetting::default(), Values::AsTheyAre, |_, _| {})
}

#[test]
fn every_macro_has_its_value() {
    for (template, expected) in [
        ("$HOST|${HOST}x|$FULLHOST", "mymachine|mymachinex|mymachine"),
        ("$HOST_FROM|$FULLHOST_FROM|$SOURCEIP|$PEERIP", "192.0.2.7|192.0.2.7|192.0.2.7|192.0.2.7"),
        ("$PEERPORT|$SOURCEPORT|$IP_PROTO", "4711|4711|4"),
        ("$SOURCE|$LOGHOST|$FILE_NAME", "net|collector|"),
        ("$PROGRAM|$PID|$MSGHDR|$MSGID", "evntslog|77|evntslog[77]: |ID47"),
        ("$MSG|$MESSAGE|$MSGONLY", "An application event|An application event|An application event"),
        ("$PRI|$TAG|$SEQNUM", "165|a5|1"),
        ("$PRIORITY|$LEVEL|$SEVERITY", "notice|notice|notice"),
        ("$PRIORITY_NUM|$LEVEL_NUM|$SEVERITY_NUM", "5|5|5"),
        ("$FACILITY|$FACILITY_NUM", "local4|20"),
        ("$SDATA", r#"[exampleSDID@0 iut="3" eventSource="App \"x\""][b@1 k="v"]"#),
        ("$STRUCTURED_DATA", r#"[exampleSDID@0 iut="3" eventSource="App \"x\""][b@1 k="v"]"#),
        ("${.SDATA.exampleSDID@0.iut}|${.SDATA.exampleSDID@0.eventSource}", r#"3|App "x""#),
        ("${.SDATA.b@1.k}|${.SDATA.b@1}|${.SDATA.nope.k:-none}", "v||none"),
        ("$RAWMSG", std::str::from_utf8(MESSAGE).unwrap()),
        // What is not a name is text.
        ("$$|100% $ x|$-x$", "$|100% $ x|$-x$"),
        ("$HOSTabc|$HOST_x|$1", "||"),
        ("${NOPE}|${NOPE:-dflt}|${NOPE:-}|${PID:-none}|${HOST:-a}b}", "|dflt||77|mymachineb}"),
    ] {
        assert_eq!(text(template), expected, "{template}");
    }
}

#[test]
fn a_message_that_says_little_has_little() {
    let record = record_of(b"it is hot");
    for (template, expected) in [
        ("$HOST", "192.0.2.7"),
        ("$PROGRAM|$PID|$MSGHDR|$MSGID|$SDATA|${.SDATA.a.b}", "|||||"),
        ("$PRI|$FACILITY.$LEVEL|$MESSAGE", "13|user.notice|it is hot"),
        ("${.unix.pid}|$FILE_NAME|$TAGS", "||"),
    ] {
        let text = text_of(template, &record, &TimeSetting::default(), Values::AsTheyAre, |_, _| {});
        assert_eq!(text, expected, "{template}");
    }
}

#[test]
fn every_facility_and_every_level_has_name_and_number() {
    for priority in 0..1000_u16 {
        let text = text_of(
            "$FACILITY $FACILITY_NUM $LEVEL $LEVEL_NUM $PRI",
            &record_of(MESSAGE),
            &TimeSetting::default(),
            Values::AsTheyAre,
            |event, _| event.set_priority(priority),
        );
        let (facility, level) = (priority >> 3, priority & 7);
        let level_name =
            ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"][usize::from(level)];
        let facility_name = match facility {
            0 => "kern",
            4 => "auth",
            12 => "ntp",
            15 => "solaris-cron",
            23 => "local7",
            // Beyond 23 there are no names.
            24.. => &facility.to_string(),
            _ => text.split(' ').next().unwrap(),
        };
        assert_eq!(text, format!("{facility_name} {facility} {level_name} {level} {priority}"));
    }
}

#[test]
fn what_came_with_a_message_and_what_steps_made_of_it_has_names() {
    let record = record_with(
        b"<13>Oct 11 22:14:15 stated app: m",
        &[
            (Extra::Host, b"given"),
            (Extra::Credentials, b"pid=7 uid=0 gid=12"),
            (Extra::FileName, b"/var/a.log"),
        ],
    );
    let text = text_of(
        "$HOST ${.unix.pid}/${.unix.uid}/${.unix.gid} $FILE_NAME [$TAGS] ${.app.user} $user ${.SDATA.x.y}",
        &record,
        &TimeSetting::default(),
        Values::AsTheyAre,
        |event, names| {
            for tag in [".source.net", "late"] {
                event.set_tag(names.tag(tag).unwrap());
            }
            for (field, value) in
                [(".app.user", "eve"), ("user", "bob"), (".SDATA.x.y", "set"), (".unix.pid", "9")]
            {
                event.set(names.field(field).unwrap(), value.as_bytes());
            }
        },
    );
    assert_eq!(text, "given 9/0/12 /var/a.log [.source.net,late] eve bob set");
}

#[test]
fn a_message_that_counts_itself_has_that_number() {
    let of = |raw: &[u8]| {
        text_of("$SEQNUM", &record_of(raw), &TimeSetting::default(), Values::AsTheyAre, |_, _| {})
    };
    assert_eq!(of(b"<34>1 2003-10-11T22:14:15Z h a - - [meta sequenceId=\"29\"] m"), "29");
    assert_eq!(of(b"<189>42: Oct 11 22:14:15: %SYS-5-CONFIG_I: m"), "42");
}

#[test]
fn a_source_has_its_id_and_one_that_is_gone_has_none() {
    let around = Surroundings::new(Names::default(), ["net", "local"]);
    assert_eq!(around.source(source_key("local")), "local");
    assert_eq!(around.source(source_key("gone")), "");
    assert!(!around.host.is_empty());
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_a_way_out() {
    for (template, at, message) in [
        ("a $HOTS", 3, "there is no macro `HOTS`: did you mean `HOST`?"),
        ("${MESAGE}", 2, "there is no macro `MESAGE`: did you mean `MESSAGE`?"),
        ("$S_YAER", 1, "there is no macro `S_YAER`: did you mean `S_YEAR`?"),
        ("$R_ISODAT", 1, "there is no macro `R_ISODAT`: did you mean `R_ISODATE`?"),
        ("$DESTIP", 1, "`DESTIP` is nothing that a message keeps here"),
        ("x ${HOST", 2, "`${` is not closed by `}`"),
        ("x $(echo (a)", 2, "`$(` is not closed by `)`"),
        ("${}", 0, "`${}` names nothing"),
        ("${:-x}", 0, "`${}` names nothing"),
        ("$(lowercas x)", 2, "there is no template function `lowercas`: did you mean `lowercase`?"),
        ("$()", 2, "there is no template function ``"),
        ("$(echo $(grep x))", 9, "there is no template function `grep`"),
        ("$(if a b)", 2, "`if`: needs a condition, and what stands for yes and for no"),
        ("$(if (level(err)) a b)", 5, "the condition of `if`: `level(err)` is no filter"),
        ("$(substr a b)", 2, "`substr`: its offset and length are numbers"),
        ("$(echo \"$(echo ${PORGRAM})\")", 17, "there is no macro `PORGRAM`: did you mean `PROGRAM`?"),
        (
            "$(format-json --scop x)",
            14,
            "`format-json`: takes --scope, --key, --pair, --exclude, --omit-empty-values and --leave-initial-dot, not `--scop`",
        ),
        ("$(format-json --pair HOST)", 21, "`format-json`: `HOST` is no name=value"),
        ("$(format-json --key HOTS)", 20, "there is no macro `HOTS`: did you mean `HOST`?"),
        ("$(format-json a=$HOTS)", 17, "there is no macro `HOTS`: did you mean `HOST`?"),
        ("$(padding a 9999999999)", 2, "`padding`: its width is a number up to 1024"),
    ] {
        let error = Template::compile_with(template, &mut Names::default(), &conditions).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.at()), (message, at), "{template}");
    }
    let deep = format!("{}x{}", "$(echo ".repeat(20), ")".repeat(20));
    let error = Template::compile(&deep, &mut Names::default()).unwrap_err();
    assert_eq!(error.to_string(), "functions lie more than 16 deep in each other");
    let error = Template::compile("$(if (host(a)) a b)", &mut Names::default()).unwrap_err();
    assert_eq!(error.to_string(), "the condition of `if`: there are no filters here");
}

#[test]
fn a_field_that_some_step_knows_is_no_slip() {
    let mut names = Names::default();
    names.field("HOTS").unwrap();
    for template in ["$HOTS", "$USER", "$DURATION", "$host", "${.app.level}", "$C_USER"] {
        Template::compile(template, &mut names).unwrap();
    }
}

#[test]
fn no_text_makes_the_compiler_panic() {
    let pieces = [
        "$",
        "{",
        "}",
        "(",
        ")",
        "\"",
        "'",
        "\\",
        " ",
        "HOST",
        ":-",
        "é",
        "echo",
        "format-json",
        "--key",
        "=",
        "a",
    ];
    // Every text of four of them, and long ones at random.
    let mut state = 1_u64;
    for n in 0..200_000_usize {
        let mut text = String::new();
        let mut rest = n;
        for _ in 0..4 {
            text.push_str(pieces[rest % pieces.len()]);
            rest /= pieces.len();
        }
        if n % 8 == 0 {
            for _ in 0..20 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push_str(pieces[(state >> 40) as usize % pieces.len()]);
            }
        }
        if let Err(error) = Template::compile_with(&text, &mut Names::default(), &conditions) {
            assert!(error.at() <= text.len(), "{text}: {error}");
        }
    }
}

#[test]
fn values_are_escaped_for_a_line_and_the_template_itself_is_not() {
    let record = record_of(b"<13>1 - h a - - [x k=\"1\n2\"] evil\nOct 11 root su: ok\x1b[2J");
    let line = |template| text_of(template, &record, &TimeSetting::default(), Values::Escaped, |_, _| {});
    for (template, expected) in [
        ("$MESSAGE\n", "evil\\nOct 11 root su: ok\\x1b[2J\n"),
        ("a\n$PROGRAM\t${.SDATA.x.k}\n", "a\na\t1\\n2\n"),
        ("$(if (host(h)) \"y\n$MESSAGE\" n)", "y\nevil\\nOct 11 root su: ok\\x1b[2J"),
        ("$(echo \"a\nb\" $MESSAGE)", "a\nb evil\\nOct 11 root su: ok\\x1b[2J"),
        ("$(lowercase $MESSAGE)", "evil\\noct 11 root su: ok\\x1b[2j"),
        ("$(indent-multi-line $MESSAGE)", "evil\n\tOct 11 root su: ok\\x1b[2J"),
        ("$(format-json m=$MESSAGE)", "{\"m\":\"evil\\nOct 11 root su: ok\\u001b[2J\"}"),
        ("${NOPE:-a\nb}", "a\nb"),
    ] {
        assert_eq!(line(template), expected, "{template}");
    }
}

#[test]
fn rendering_allocates_nothing_once_its_buffers_have_grown() {
    let mut names = Names::default();
    let template = compile(
        "$ISODATE $DATE $R_UNIXTIME $HOST ${.SDATA.b@1.k} $SOURCEIP $(lowercase $(substr $MESSAGE 2 5)) \
         $(sanitize $PROGRAM $HOST) $(if (host(mymachine)) $(padding $PID 9) n) $TAGS $(uppercase straße) \
         $(format-json --scope everything --key .app.* x=int($PID)) $(format-welf --scope nv-pairs)",
        &mut names,
    );
    let level = names.field(".app.level").unwrap();
    let record = record_of(MESSAGE);
    let zone = syslog_parse::IanaZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let setting = TimeSetting { zone: Some(zone), ..TimeSetting::default() };
    let mut clock = Clock::new(&setting, Surroundings::fake(names).into());
    let mut changes = Changes::default();
    let mut out = Vec::new();
    let mut render = |clock: &mut Clock, changes: &mut Changes, second: i64| {
        let mut event = Event::new(Record::read(&record).unwrap(), changes);
        event.set(level, b"7\n");
        event.found(b"other", b"x");
        event.set_time(Time { instant: Timestamp::new(1_700_000_000 + second, 5), ..TIME });
        out.clear();
        template.render_as(Values::Escaped, &event, clock, &mut out);
        assert!(out.len() > 1000);
    };
    (0..3).for_each(|second| render(&mut clock, &mut changes, second));
    let count = sys::allocations(|| (3..100).for_each(|second| render(&mut clock, &mut changes, second)));
    assert_eq!(count, 0);
}
