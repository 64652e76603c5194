use super::*;
use crate::parse;
use proptest::prelude::*;

#[track_caller]
fn fault(line: &str) -> (Field, usize, &'static str) {
    let found = parse(line.as_bytes()).strict().unwrap_err();
    (found.field, found.offset, found.deviation.as_str())
}

#[test]
fn the_first_octet_that_is_wrong_is_named() {
    assert_eq!(fault("<192>1 - h a p m -"), (Field::Pri, 1, "pri_out_of_range"));
    assert_eq!(fault("1 - h a p m -"), (Field::Pri, 0, "missing_pri"));
    assert_eq!(fault("<13>1 2026-01-01t00:00:00Z h a p m -"), (Field::Timestamp, 16, "loose_stamp"));
    assert_eq!(fault("<13>1 2026-02-30T00:00:00Z h a p m -"), (Field::Timestamp, 6, "invalid_time"));
    assert_eq!(fault("<13>1 - h\u{e9} a p m -"), (Field::Hostname, 9, "not_printable"));
    assert_eq!(fault("<13>1 -  a p m -"), (Field::Hostname, 8, "extra_space"));
    assert_eq!(fault(&format!("<13>1 - h {} p m -", "a".repeat(49))), (Field::AppName, 58, "long_field"));
    assert_eq!(fault("<13>1 - h a p m [a][a] x"), (Field::StructuredData, 20, "dup_sd_id"));
    assert_eq!(fault("<13>1 - h a p m [a b=c] x"), (Field::StructuredData, 21, "unquoted_sd"));
    assert_eq!(fault("<13>1 - h a p m [a b=\"\\n\"] x"), (Field::StructuredData, 22, "unknown_escape"));
    assert_eq!(fault("<13>1 - h a p m text"), (Field::StructuredData, 16, "no_sd"));
    assert_eq!(fault("<13>Oct  1 22:14:15.5 h a: m"), (Field::Timestamp, 4, "bsd_fraction"));
    assert_eq!(fault("<13>text"), (Field::Timestamp, 4, "no_header"));
}

#[test]
fn what_is_to_the_letter_passes() {
    for line in [
        "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time",
        "<0>1 - - - - - -",
        "<0>1 - - - - - [a@1 x=\"\\]\"] \u{feff}m\n",
        "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
        "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
    ] {
        assert_eq!(parse(line.as_bytes()).strict(), Ok(()), "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Strict is within lenient: whatever the grammar accepts is RFC 5424 to `parse`, and without a forbidden remark;
    /// and what has one is somewhere not as the grammar asks.
    #[test]
    fn the_remarks_and_the_grammar_agree(
        line in prop::sample::select(vec![
            "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
            "<0>1 - - - - - -",
            "<7>1 2024-02-29T23:59:59Z h a p m [a x=\"1\" y=\"a \\\" b\"][a@1][c][d] \u{feff}text",
        ]),
        at in any::<prop::sample::Index>(),
        cut in 0_usize..4,
        with in "[ -~]{0,2}|[0-9]{1,2}|\\PC|[\\[\\] \"\\\\=-]{1,3}",
    ) {
        let mut raw = line.as_bytes().to_vec();
        let from = at.index(raw.len());
        raw.splice(from..(from + cut).min(line.len()), with.bytes());
        let message = parse(&raw);
        if locate::in_rfc5424(&raw).is_some() {
            prop_assert!(message.format() != Format::Rfc5424 || message.strict().is_err(), "{:?}", message);
        } else {
            prop_assert_eq!(message.format(), Format::Rfc5424);
            prop_assert_eq!(message.strict(), Ok(()), "{:?}", message);
        }
    }
}
