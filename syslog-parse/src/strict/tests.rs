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
    assert_eq!(fault("<13>1 2026-02-30T00:00:00Z h a p m -"), (Field::Timestamp, 14, "invalid_time"));
    assert_eq!(fault("<13>1 - h\u{e9} a p m -"), (Field::Hostname, 9, "not_printable"));
    assert_eq!(fault("<13>1 -  a p m -"), (Field::Hostname, 8, "extra_space"));
    assert_eq!(fault(&format!("<13>1 - h {} p m -", "a".repeat(49))), (Field::AppName, 58, "long_field"));
    assert_eq!(fault("<13>1 - h a p m [a][a] x"), (Field::StructuredData, 20, "dup_sd_id"));
    assert_eq!(fault("<13>1 - h a p m [a b=c] x"), (Field::StructuredData, 21, "unquoted_sd"));
    assert_eq!(fault("<13>1 - h a p m [a b=\"\\n\"] x"), (Field::StructuredData, 22, "unknown_escape"));
    assert_eq!(fault("<13>1 - h a p m text"), (Field::StructuredData, 16, "no_sd"));
    assert_eq!(fault("<13>Oct  1 22:14:15.5 h a: m"), (Field::Timestamp, 19, "bsd_fraction"));
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

/// Where each deviation stands that can be the first fault, in the order of their bits.
const PLACES: &[(Deviation, &[u8], Field, usize)] = {
    use Deviation as D;
    use Field as F;
    &[
        (D::MissingPri, b"Oct 11 22:14:15 h a: m", F::Pri, 0),
        (D::EmptyPri, b"<>Oct 11 22:14:15 h a: m", F::Pri, 1),
        (D::BadPri, b"<abc>x", F::Pri, 1),
        (D::BadPri, b"<13x", F::Pri, 3),
        (D::PriOutOfRange, b"<192>1 - h a p m -", F::Pri, 1),
        (D::PriOutOfRange, b"<192>x", F::Pri, 1),
        (D::PriLeadingZero, b"<013>Oct 11 22:14:15 h a: m", F::Pri, 1),
        (D::SpaceAfterPri, b"<13> Oct 11 22:14:15 h a: m", F::Pri, 4),
        (D::SpaceAfterPri, b"<13> 1 - h a p m -", F::Pri, 4),
        (D::OctetCountInMessage, b"33 <192>Oct 11 22:14:15 h a: m", F::Pri, 0),
        (D::MissingField, b"<13>1 2003-10-11T22:14:15.003Z host app", F::ProcId, 39),
        (D::MissingField, b"<13>1 2003-10-11T22:14:15.003Z host CEF:0|a|b c", F::AppName, 36),
        (D::ExtraSpace, b"<13>1 - h  a p m -", F::AppName, 10),
        (D::ExtraSpace, b"<13>Oct 11 22:14:15  h a: m", F::Hostname, 20),
        (D::LongField, b"<13>1 - h a p 123456789012345678901234567890123 -", F::MsgId, 46),
        (D::NotPrintable, b"<13>1 - h a\xff p m -", F::AppName, 11),
        (D::NotPrintable, b"<13>Oct 11 22:14:15 h\xc3\xb4st a: m", F::Hostname, 21),
        (D::NotPrintable, b"<13>Oct 11 22:14:15 h\ta: m", F::Hostname, 21),
        (D::NotPrintable, b"<13>Oct 11 22:14:15\th a: m", F::Hostname, 19),
        (D::NotPrintable, b"<13>Oct 11 22:14:15 h \xc3\xa4pp: m", F::AppName, 22),
        (D::NotPrintable, b"<13>Oct 11 22:14:15 h a[\xff]: m", F::ProcId, 24),
        (D::NoSd, b"<13>1 - h a p m text", F::StructuredData, 16),
        (D::BadSd, b"<13>1 - h a p m [a b=\"c\"x] m", F::StructuredData, 24),
        (D::UnquotedSd, b"<13>1 - h a p m [a b=c] m", F::StructuredData, 21),
        (D::DupSdId, b"<13>1 - h a p m [a][a] m", F::StructuredData, 20),
        (D::LongName, b"<13>1 - h a p m [123456789012345678901234567890123]", F::StructuredData, 49),
        (D::UnescapedBracket, b"<13>1 - h a p m [a b=\"]\" c=d]", F::StructuredData, 22),
        (D::UnknownEscape, b"<13>1 - h a p m [a b=\"\\n\" c=d]", F::StructuredData, 22),
        (D::SpaceInSd, b"<13>1 - h a p m [a  b=c]", F::StructuredData, 19),
        (D::NoSpaceAfterSd, b"<13>1 - h a p m [a]x", F::StructuredData, 19),
        (D::BadUtf8, b"<13>1 - h a p m - \xef\xbb\xbfa\xff", F::Message, 22),
        (D::InvalidTime, b"<13>1 2026-13-30T00:00:00Z h a p m -", F::Timestamp, 11),
        (D::InvalidTime, b"<13>1 2026-01-30T00:61:00.1234567Z h a p m -", F::Timestamp, 20),
        (D::InvalidTime, b"<13>1 2026-01-30T00:00:00+25:00 h a p m -", F::Timestamp, 25),
        (D::InvalidTime, b"<13>1 2026-01-30T00:00:00-7:00 h a p m -", F::Timestamp, 27),
        (D::InvalidTime, b"<13>Feb 30 22:14:15.5 h a: m", F::Timestamp, 8),
        (D::LooseStamp, b"<13>1 2026-01-01t00:00:00.1234567Z h a p m -", F::Timestamp, 16),
        (D::LooseStamp, b"<13>1 2026-01-01T00:00:00z h a p m -", F::Timestamp, 25),
        (D::NoOffset, b"<13>1 2026-01-01T00:00:00 h a p m -", F::Timestamp, 25),
        (D::OffsetWithoutColon, b"<13>1 2026-01-01T00:00:00+0100 h a p m -", F::Timestamp, 28),
        (D::LongFraction, b"<13>1 2026-01-01T00:00:00.1234567z h a p m -", F::Timestamp, 32),
        (D::LeapSecond, b"<13>1 2026-01-01T00:00:60Z h a p m -", F::Timestamp, 23),
        (D::LeapSecond, b"<13>Oct 11 22:14:60 h a: m", F::Timestamp, 17),
        (D::Hour24, b"<13>1 2026-01-01T24:00:00Z h a p m -", F::Timestamp, 17),
        (D::Hour24, b"<13>Oct 11 24:00:00 h a: m", F::Timestamp, 11),
        (D::IsoStamp, b"<13>2026-01-01T00:00:00z h a: m", F::Timestamp, 4),
        (D::EpochStamp, b"<13>1795168800.5 h a: m", F::Timestamp, 4),
        (D::UnpaddedDay, b"<13>Oct 1 22:14:15 h a: m", F::Timestamp, 8),
        (D::UnpaddedDay, b"<13>Oct 01 22:14:15 h a: m", F::Timestamp, 8),
        (D::StampSpelling, b"<13>OCT 11 22:14:15 h a: m", F::Timestamp, 4),
        (D::StampSpelling, b"<13>Oct 11 2:14:15 h a: m", F::Timestamp, 12),
        (D::StampSpelling, b"<13>Oct  11 22:14:15 h a: m", F::Timestamp, 10),
        (D::StampSpelling, b"<13>Oct 11 10:14:15 PM h a: m", F::Timestamp, 20),
        (D::BsdFraction, b"<13>Nov 21 14:33:03.123 host a: m", F::Timestamp, 19),
        (D::BsdYear, b"<13>Oct 11 2026 22:14:15.5 h a: m", F::Timestamp, 11),
        (D::BsdYear, b"<13>Oct 11 22:14:15 2026 h a: m", F::Timestamp, 20),
        (D::BsdZone, b"<13>Oct 11 22:14:15 CET h a: m", F::Timestamp, 20),
        (D::BsdZone, b"<13>Oct 11 22:14:15+01:00 h a: m", F::Timestamp, 19),
        (D::Weekday, b"<13>Tue Oct 11 22:14:15 2022 h a: m", F::Timestamp, 4),
        (D::MissingHost, b"<13>Nov 21 14:33:03", F::Hostname, 19),
        (D::MissingHost, b"<13>Nov 21 14:33:03\n", F::Hostname, 19),
        (D::MissingHost, b"<13>Nov 21 14:33:03 app: m", F::Hostname, 20),
        (D::MissingHost, b"<13>Nov 21 14:33:03: %A-1-B: m", F::Hostname, 19),
        (D::TagTooLong, b"<13>Nov 21 14:33:03 h 123456789012345678901234567890abc: m", F::AppName, 54),
        (D::CiscoSeq, b"<189>29: *Mar  1 18:48:50.483: %A-1-B: m", F::Timestamp, 5),
        (D::ClockUnsynced, b"<189>*Mar  1 18:48:50.483: %A-1-B: m", F::Timestamp, 5),
        (D::DeviceShape, b"<13>1 Nov 20 10:00:00 h a: m", F::Timestamp, 4),
        (D::DeviceShape, b"<13>sw3: Nov 20 10:00:00.123: %A-1-B: m", F::Timestamp, 4),
        (D::DeviceShape, b"<13>Feb  5 17:32:18 node-01: node-01: x", F::Hostname, 27),
        (D::DeviceShape, b"<13>Feb  5 17:32:18 h : a: m", F::AppName, 22),
        (D::DeviceShape, b"<13>Feb  5 17:32:18 h notice a[1]: m", F::AppName, 22),
        (D::DeviceShape, b"<13>Feb  5 17:32:18 [2001:db8::7] a: m", F::Hostname, 20),
        (D::Forwarded, b"<13>Feb  5 17:32:18 Message forwarded from gate: su: m", F::Hostname, 20),
        (D::NilStamp, b"<13>- h a: m", F::Timestamp, 4),
        (D::Uptime, b"<13>00:01:01: %A-1-B: m", F::Timestamp, 4),
        (D::MissingStamp, b"<13>app[1]: m", F::Timestamp, 4),
        (D::NoHeader, b"<13>text", F::Timestamp, 4),
        (D::NoHeader, b"<13>", F::Timestamp, 4),
        (D::HostDomain, b"<13>Feb  5 17:32:18 host.example.com a: m", F::Hostname, 24),
        (D::HostDomain, b"<13>Feb  5 17:32:18 h.\xff a: m", F::Hostname, 21),
        (D::ControlInMessage, b"<13>Feb  5 17:32:18 h a:\tm", F::Message, 24),
        (D::ControlInMessage, b"<13>Feb  5 17:32:18 h a: m\nn\n", F::Message, 26),
        (D::ControlInMessage, b"<13>Feb  5 17:32:18 h \t\xc3\xa4pp: m", F::Message, 22),
        (D::ControlInMessage, b"<13>Feb  5 17:32:18 h \t: a: m", F::Message, 22),
        (D::NotPrintable, b"<13>Feb  5 17:32:18 h \xc3\xa4pp:\tm", F::AppName, 22),
    ]
};

#[test]
fn every_deviation_is_told_where_it_stands() {
    let wrong: Vec<_> = PLACES
        .iter()
        .map(|&(deviation, line, field, offset)| {
            (line, NotStrict { deviation, field, offset }, parse(line).strict())
        })
        .filter(|(_, expected, found)| *found != Err(*expected))
        .map(|(line, expected, found)| format!("{}: asked {expected:?}, got {found:?}", line.escape_ascii()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let long = format!("<13>Feb  5 17:32:18 h a: {}", "x".repeat(1000));
    assert_eq!(fault(&long), (Field::Message, 1024, "long_message"));
    assert_eq!(parse(&long.as_bytes()[..1024]).strict(), Ok(()));
    let both = long.replace("a: x", "a: \t");
    assert_eq!(fault(&both), (Field::Message, 25, "control_in_message"));
    let tested = |one| one == Deviation::LongMessage || PLACES.iter().any(|place| place.0 == one);
    let allowed = ALLOWED_IN_3164.union(ALLOWED_IN_5424);
    let forgotten: Vec<_> =
        Deviation::ALL.iter().filter(|&&one| !tested(one) && !allowed.contains(one)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

#[test]
fn what_rfc_3164_leaves_free_is_not_refused() {
    for line in [
        "<13>Feb  5 17:32:18 192.0.2.1 docker/web[1]: gr\u{fc}n",
        "<13>Feb  5 17:32:18 2001:db8::7 %ASA-6-302015: m",
        "<13>Feb  5 17:32:18 h  two blanks",
        "<13>Feb  5 17:32:18 h a: m\n",
        "<13>Feb  5 17:32:18 h",
        "<13>Feb  5 17:32:18 h May  4 09:59:59 inner a: m",
        "<13>Feb  5 17:32:18 h last message repeated 2 times",
    ] {
        assert_eq!(parse(line.as_bytes()).strict(), Ok(()), "{line}");
    }
}

#[test]
fn what_only_strict_looks_for_is_no_remark_and_not_forbidden() {
    let message = parse(b"<13>Feb  5 17:32:18 host.example.com a: m");
    assert!(message.deviations().is_empty() && message.forbidden().is_empty());
    assert!(message.strict().is_err());
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
        if rfc5424::first_fault(&message).is_some() {
            prop_assert!(message.format() != Format::Rfc5424 || message.strict().is_err(), "{:?}", message);
        } else {
            prop_assert_eq!(message.format(), Format::Rfc5424);
            prop_assert_eq!(message.strict(), Ok(()), "{:?}", message);
        }
    }
}
