//! That `usual` and the rooms of the shapes read the same.

use super::super::{Envelope, parse, read_any};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn what_is_read_in_one_go_is_what_the_rooms_of_the_shapes_read(
        line in prop::sample::select(USUAL),
        at in any::<prop::sample::Index>(),
        cut in 0_usize..3,
        with in prop_oneof![Just(String::new()), Just("\n".to_owned()), Just("é".to_owned()), "[ -~]{1,2}", "[ :\\[\\]<>\"=\\\\.-]{1,2}", "[0-9A-Z]{1,3}"],
    ) {
        let mut raw = line.as_bytes().to_vec();
        let from = at.index(raw.len());
        raw.splice(from..(from + cut).min(line.len()), with.bytes());
        prop_assert_eq!(*parse(&raw).header(), read_any(&Envelope::of(&raw)), "{}", raw.escape_ascii());
    }
}

/// Lines to the letter, with faults that `usual` reads too, and with those that it leaves to the rooms.
const USUAL: &[&str] = &[
    "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
    "<5>Feb  9 02:04:05 h a[1234567]: x",
    "<191>Feb 29 23:59:59 192.0.2.17 a.very-long.name/of/a.tag[12]: and more text",
    "<13>Jun 30 01:02:03 last b: message",
    "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
    "<13>Feb  5 17:32:18 h tagged [x] text with: a colon",
    "<13>Feb  5 17:32:18 h tagged[12] text",
    "<13>Feb  5 17:32:18 h notice tmsh[1234]: text",
    "<13>Feb  5 17:32:18 h error reading: disk",
    "<13>Feb  5 17:32:18 h key=\"value\" text: more",
    "<13>Feb  5 17:32:18 h 00076 ports: text",
    "<13>Feb 5 17:32:18 h  tagged[a1] text",
    "<13>Feb 05 17:32:18 2001:db8::7 tagged[]: text",
    "Feb  5 17:32:18 docker/web[1234]: text",
    "<013> Feb  5 17:32:18 node-01: node-01: text",
    "33 <13>Feb  5 17:32:18 Message forwarded from gate: su[1]: last message repeated 2 times",
    "<13>May  4 10:00:00 relay May  4 09:59:59 host app: m",
    "<13>May  4 10:00:00 h last message repeated 2 times",
    "<13>Feb  5 11:32:18 PM.685 UTC tag: text",
    "<13>May 31 01:02:03 Message c: d",
    "<13>Dec 31 01:02:03 CEST d: e",
    "<13>Feb  5 17:32:18 UTC+08:00 h a: b",
    "<13>Feb  5 17:32:18 GMT+08:00 h a: b",
    "<13>Feb  5 17:32:18 a=b c=d \"e\"",
    "<13>Feb  5 17:32:18 1,2026/11/20 10:00:00,x",
    "<13>Feb  5 17:32:18 h 61: AP: x",
    "<13>Feb  5 17:32:18 h <34>Feb  5 17:32:17 h a: b",
    "<13>Feb  5 17:32:18 h NOTICE  slb: text",
    "<13>Feb  5 17:32:18 NOTICE  slb: text",
    "<13>Feb  5 17:32:18 WARNING slb[1]: text",
    "<13>Feb  5 17:32:18 h daemon.info hostapd[811]: text",
    "<13>Feb  5 17:32:18 [localhost] systemd[1]: text",
    "<14>1 2026-11-20T11:00:00.123 +01:00 web1 app 811 - - ready",
    "<14>1 2026-11-20T11:00:00.123Z web1 CEF:0|a|b c=d - - x",
    "<14>1 2026-11-20T11:00:00[UTC] web1 app 811 - - ready",
    "<14>1 2026-11-20T11:00:00.123Z web1  app CEF:0|é  c",
    "<13>Aug  1 01:02:03 Z e[9]: f and a lot more of it",
    "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
    "<165>1 2004-02-29T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" \
     eventSource=\"Application\\\"\" eventID=\"1011\"][examplePriority@32473 class=\"high\"] \u{feff}An event",
    "<7>2 2026-12-31T23:59:59.123456789Z host app 1 - - \u{feff}text",
    "<0>1 - - - - - -",
    "<0>1 - - - - - [a][b c=\"d\"]",
    "<7>1 2026-12-31T23:59:59+14:00 h a p m [a x=\"1\" y=\"a value with blanks and = in it\"][a@1][c][d]",
    "<13>Oct 11 2:14:15 host app: text and more",
    "<00>Oct 1 2:14:15 alma[12]: text",
    "<192> Oct 11 22:14:15 host app[1]: text",
    "<7>1 2026-12-31t23:59:59.5z h a p m - text",
    "<7>1 2026-12-31T23:59:59Z h an-app-name-that-is-longer-than-forty-eight-octets p m - text",
    "<7>1 - host app 1 - - text",
    "<7>1 - h a p m [a x=1 y=\"2\" z=][a w=\"q\\\"b\\\\c\\]d]e\"] \u{feff}árvíztűrő tükörfúrógép",
];
