//! The stamps that devices write where RFC 3164 §4.1.2 asks for `Mmm dd hh:mm:ss`: a grammar.
//!
//! Each rule hands back what is behind, what it read, and what it tolerated, as values: an alternative that fails leaves
//! nothing behind. What is usual is read in `bsd` and `iso`.

use super::{bsd, digits, iso, zones};
use crate::scan::is_blank;
use crate::{Deviation, Deviations, Stamp, UtcOffset, Weekday};
use nom::branch::alt;
use nom::bytes::complete::{tag, take};
use nom::combinator::{cond, eof, not, opt, peek, recognize, value, verify};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser as _};

/// What a rule makes of its octets.
pub(super) type Read<'a, T> = IResult<&'a [u8], T, ()>;

/// `stamp = [ weekday [ "," ] blanks ] date clock`
///
/// There need not be such a date.
#[inline(always)]
pub(super) fn stamp(octets: &[u8]) -> Read<'_, (Stamp, Deviations)> {
    let (rest, (weekday, date, clock)) = (opt(weekday), date, clock).parse(octets)?;
    let mut remarks = date.remarks.union(clock.remarks);
    if weekday.is_some() {
        remarks.insert(Deviation::Weekday);
    }
    let Date { year, month, day, .. } = date;
    let Clock { hour, minute, second, .. } = clock;
    Ok((rest, (Stamp { weekday, year, month, day, hour, minute, second, ..Stamp::NOTHING }, remarks)))
}

/// `date = month-and-day / year blanks month-and-day / year-first / year-last`, told by the digits that begin it
fn date(octets: &[u8]) -> Read<'_, Date> {
    match octets.iter().take(5).position(|octet| !octet.is_ascii_digit()) {
        Some(0) => month_and_day(octets),
        Some(1 | 2) => year_last(octets),
        Some(4) if octets.get(4).is_some_and(|&octet| is_blank(octet)) => year_and_month(octets),
        Some(4) => year_first(octets),
        _ => no(),
    }
}

struct Date {
    year: Option<u16>,
    month: u8,
    day: u8,
    remarks: Deviations,
}

/// `Nov 20 `, `Nov 20 2026 `, `Nov 20, 2026 `
///
/// `month-and-day = month blanks 1*2DIGIT [ "," ] blanks [ year blanks ]`
fn month_and_day(octets: &[u8]) -> Read<'_, Date> {
    let year = opt(terminated(year, blanks));
    let (rest, ((month, spelling), padding, day, comma, _, year)) =
        (month, blanks, digits_of_number, opt(comma), blanks, year).parse(octets)?;
    let mut remarks = spelling;
    if comma.is_some() {
        remarks.insert(Deviation::StampSpelling);
    }
    if (padding.len() == 1 && day.len() == 1) || day.starts_with(b"0") {
        remarks.insert(Deviation::UnpaddedDay);
    }
    if year.is_some() {
        remarks.insert(Deviation::BsdYear);
    }
    Ok((rest, Date { year, month, day: value_of(day), remarks }))
}

/// `2026 Nov 20 `
fn year_and_month(octets: &[u8]) -> Read<'_, Date> {
    let (rest, (year, _, mut date)) = (year, blanks, month_and_day).parse(octets)?;
    date.year = Some(year);
    date.remarks.insert(Deviation::BsdYear);
    Ok((rest, date))
}

/// Sophos' `2026:11:20-`, `2026/11/20 `, `2026-Nov-20 `
///
/// `year-first = 4DIGIT sep part sep 1*2DIGIT end-of-date`
fn year_first(octets: &[u8]) -> Read<'_, Date> {
    (four_digits, separator, part, separator, number, end_of_date)
        .map_opt(|(year, first, month, second, day, _)| {
            let (Part::Number(month) | Part::Month(month)) = month;
            (first == second).then(|| separated(year, (month, day)))
        })
        .parse(octets)
}

/// NetScaler's `11/20/2026:`, `20-Nov-2026 `, `20 Nov 2026 `
///
/// `year-last = 1*2DIGIT sep part sep 4DIGIT end-of-date`
fn year_last(octets: &[u8]) -> Read<'_, Date> {
    (number, separator, part, separator, four_digits, end_of_date)
        .map_opt(|(a, first, b, second, year, _)| {
            either_first(a, b, first).filter(|_| first == second).map(|date| separated(year, date))
        })
        .parse(octets)
}

/// A date whose parts stand between separators, which are the same.
fn separated(year: u16, (month, day): (u8, u8)) -> Date {
    let remarks = only(Deviation::StampSpelling).union(only(Deviation::BsdYear));
    Date { year: Some(year), month, day, remarks }
}

/// The second of two parts: one or two digits, or the name of a month.
#[derive(Clone, Copy)]
enum Part {
    Number(u8),
    Month(u8),
}

fn part(octets: &[u8]) -> Read<'_, Part> {
    alt((number.map(Part::Number), month.map(|(month, _)| Part::Month(month)))).parse(octets)
}

/// Month and day. Between slashes the month is first, else the day; unless there is no such month.
const fn either_first(first: u8, second: Part, separator: Option<u8>) -> Option<(u8, u8)> {
    match (second, separator) {
        (Part::Month(month), _) => Some((month, first)),
        (Part::Number(_), None | Some(b' ' | b':')) => None,
        (Part::Number(second), Some(b'/')) if first <= 12 => Some((first, second)),
        (Part::Number(second), _) if second <= 12 => Some((second, first)),
        (Part::Number(second), _) => Some((first, second)),
    }
}

fn end_of_date(octets: &[u8]) -> Read<'_, u8> {
    one(|octet| matches!(octet, b' ' | b':' | b'-' | b',' | b'T'))(octets)
}

/// What stands between the parts of a date, if anything does.
fn separator(octets: &[u8]) -> Read<'_, Option<u8>> {
    opt(one(|octet| matches!(octet, b'/' | b'-' | b'.' | b':' | b' '))).parse(octets)
}

struct Clock {
    hour: u8,
    minute: u8,
    second: u8,
    remarks: Deviations,
}

/// `clock = 1*2DIGIT ":" 2DIGIT ":" 2DIGIT`
fn clock(octets: &[u8]) -> Read<'_, Clock> {
    terminated(alt((clock_of_two, clock_of_one)), not(one(|octet| octet.is_ascii_digit()))).parse(octets)
}

fn clock_of_two(octets: &[u8]) -> Read<'_, Clock> {
    let Some((eight, rest)) = octets.split_first_chunk() else { return no() };
    let Some((hour, minute, second)) = digits::clock(*eight) else { return no() };
    Ok((rest, Clock { hour, minute, second, remarks: Deviations::NONE }))
}

/// `9:46:57`
fn clock_of_one(octets: &[u8]) -> Read<'_, Clock> {
    let Some((&[h, a, b, c, d, e, f], rest)) = octets.split_first_chunk() else { return no() };
    let Some((hour, minute, second)) = digits::clock([b'0', h, a, b, c, d, e, f]) else { return no() };
    Ok((rest, Clock { hour, minute, second, remarks: only(Deviation::StampSpelling) }))
}

/// A stamp with what stood behind its seconds.
pub(super) struct Tail<'a> {
    pub(super) stamp: Stamp,
    /// The name of its zone; what it means, the caller's table says, save for UTC and GMT.
    pub(super) zone: Option<&'a [u8]>,
    pub(super) remarks: Deviations,
}

/// What may stand behind the seconds of `stamp` and their fraction; it may be nothing.
///
/// `tail = [ milliseconds ] [ half-of-day [ fraction ] ] [ place [ comment ] ] [ SP year ]`
#[inline(always)]
pub(super) fn tail(stamp: Stamp, octets: &[u8]) -> Read<'_, Tail<'_>> {
    let mut tail = Tail { stamp, zone: None, remarks: Deviations::NONE };
    let (octets, fraction) =
        cond(stamp.fraction_digits == 0, opt(milliseconds)).map(Option::flatten).parse(octets)?;
    let twelve_hours = (1..=12).contains(&stamp.hour) && matches!(octets, [b' ', b'A' | b'P', b'M', ..]);
    let half = cond(twelve_hours, opt((half_of_day, opt(fraction_of_second))));
    let (octets, half) = half.map(Option::flatten).parse(octets)?;
    if let Some((noon, _)) = half {
        tail.stamp.hour = stamp.hour % 12 + noon;
        tail.remarks.insert(Deviation::StampSpelling);
    }
    if let Some(fraction) = half.and_then(|(_, fraction)| fraction).or(fraction) {
        (tail.stamp.nanos, tail.stamp.fraction_digits) = (fraction.nanos, fraction.digits);
        tail.remarks = tail.remarks.union(fraction.remarks);
        tail.remarks.insert(Deviation::BsdFraction);
    }
    let (mut octets, place) = opt(place).parse(octets)?;
    match place {
        Some(Place::Offset(offset, remarks)) => {
            tail.stamp.offset = Some(offset);
            tail.remarks = tail.remarks.union(remarks);
            tail.remarks.insert(Deviation::BsdZone);
            if let [b' ', b'(', ..] = octets {
                octets = opt(comment).parse(octets)?.0;
            }
        }
        Some(Place::Zone(name)) => {
            tail.zone = Some(name);
            // The two names that mean the same to everybody.
            if matches!(name, b"UTC" | b"GMT") {
                tail.stamp.offset = Some(UtcOffset::UTC);
            }
            tail.remarks.insert(Deviation::BsdZone);
        }
        None => {}
    }
    let year_follows = stamp.year.is_none() && matches!(octets, [b' ', b'1' | b'2', ..]);
    let (octets, year) = cond(year_follows, opt(preceded(blank, year))).parse(octets)?;
    if let Some(year) = year.flatten() {
        tail.stamp.year = Some(year);
        tail.remarks.insert(Deviation::BsdYear);
    }
    Ok((octets, tail))
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Offset(UtcOffset, Deviations),
    Zone(&'a [u8]),
}

#[derive(Clone, Copy)]
pub(super) struct Fraction {
    pub(super) nanos: u32,
    pub(super) digits: u8,
    pub(super) remarks: Deviations,
}

impl Fraction {
    pub(super) const NONE: Self = Self { nanos: 0, digits: 0, remarks: Deviations::NONE };
}

/// `fraction = ( "." / "," ) 1*DIGIT`
pub(super) fn fraction_of_second(octets: &[u8]) -> Read<'_, Fraction> {
    preceded(peek(one(|octet| matches!(octet, b'.' | b','))), marked_digits).parse(octets)
}

/// `milliseconds = ":" 3DIGIT`; Comware's, and the last of the clock.
fn milliseconds(octets: &[u8]) -> Read<'_, Fraction> {
    let three = verify(run_of_digits, |digits: &[u8]| digits.len() == 3);
    preceded(peek((colon, three, end_of_stamp)), marked_digits).parse(octets)
}

/// The mark, whatever it is, and the digits behind it.
fn marked_digits(octets: &[u8]) -> Read<'_, Fraction> {
    let mut stamp = Stamp::NOTHING;
    let mut remarks = Deviations::NONE;
    let end = iso::fraction(octets, 0, &mut stamp, &mut remarks);
    let Stamp { nanos, fraction_digits: digits, .. } = stamp;
    match octets.get(end..) {
        Some(rest) if digits > 0 => Ok((rest, Fraction { nanos, digits, remarks })),
        _ => no(),
    }
}

/// ` AM` or ` PM`: how many hours to add.
fn half_of_day(octets: &[u8]) -> Read<'_, u8> {
    let half = alt((value(0, one(|octet| octet == b'A')), value(12, one(|octet| octet == b'P'))));
    let end = alt((end_of_stamp, peek(value((), one(|octet| matches!(octet, b'.' | b',' | 0))))));
    delimited(blank, half, (one(|octet| octet == b'M'), end)).parse(octets)
}

/// `place = [ SP ] offset / [ SP ] sign 2DIGIT / SP ( "GMT" / "UTC" ) ( offset / hours ) / SP zone / [ SP ] "Z"`, told by
/// the octet behind the blank; `offset = "Z" / sign 2DIGIT [ ":" ] 2DIGIT`
fn place(octets: &[u8]) -> Read<'_, Place<'_>> {
    let (rest, padding) = opt(blank).parse(octets)?;
    match (padding, rest.first()) {
        (_, Some(b'+' | b'-')) | (None, Some(b'Z')) => {
            terminated(alt((hours_and_minutes, two_digits_of_hours)), end_of_stamp).parse(rest)
        }
        (Some(_), Some(b'A'..=b'Z')) => match rest {
            [b'G', b'M', b'T', b'+' | b'-', ..] | [b'U', b'T', b'C', b'+' | b'-', ..] => {
                delimited(take(3_usize), alt((hours_and_minutes, hours)), end_of_stamp).parse(rest)
            }
            [b'Z', ..] => terminated(hours_and_minutes, end_of_stamp).parse(rest),
            _ => zone.map(Place::Zone).parse(rest),
        },
        _ => no(),
    }
}

/// ` (CET)`, ` (Central European Time)`, as RFC 5322 §4.3 and JavaScript have it behind an offset.
fn comment(octets: &[u8]) -> Read<'_, &[u8]> {
    let name = |octets| while_1(octets, |octet| octet.is_ascii_alphabetic() || octet == b' ');
    let open = (blank, one(|octet| octet == b'('));
    delimited(open, name, (one(|octet| octet == b')'), end_of_stamp)).parse(octets)
}

/// `[Europe/Berlin]` behind an ISO stamp (RFC 9557 §3.1).
pub(super) fn suffix(octets: &[u8]) -> Read<'_, &[u8]> {
    let may_have =
        |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'/' | b'_' | b'-' | b'+' | b':');
    delimited(tag("["), |octets| while_1(octets, may_have), (tag("]"), end_of_stamp)).parse(octets)
}

/// `Z`, `+01:00`, `+0100`
fn hours_and_minutes(octets: &[u8]) -> Read<'_, Place<'_>> {
    let mut remarks = Deviations::NONE;
    let found =
        iso::offset(octets, 0, &mut remarks).and_then(|(offset, end)| Some((octets.get(end..)?, offset)));
    match found {
        Some((rest, offset)) if !octets.starts_with(b"z") => Ok((rest, Place::Offset(offset, remarks))),
        _ => no(),
    }
}

/// `+08`, as PostgreSQL writes it.
#[cold]
fn two_digits_of_hours(octets: &[u8]) -> Read<'_, Place<'_>> {
    preceded(peek((sign, two_digits)), hours).parse(octets)
}

/// `+8`, `-08`, `+5:30`
fn hours(octets: &[u8]) -> Read<'_, Place<'_>> {
    (sign, number, opt(preceded(colon, two_digits)))
        .map_opt(|(sign, hours, minutes)| {
            let minutes = minutes.unwrap_or(0);
            let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
            let offset = UtcOffset::from_seconds(if sign == b'-' { -seconds } else { seconds })?;
            // As in `+05:99`, which is no other time either.
            let offset = if minutes < 60 { offset } else { UtcOffset::IMPOSSIBLE };
            Some(Place::Offset(offset, only(Deviation::OffsetWithoutColon)))
        })
        .parse(octets)
}

/// `zone = known / "TZ" sign 1*2DIGIT`; known are the names of `zones`
fn zone(octets: &[u8]) -> Read<'_, &[u8]> {
    let known = verify(capitals, zones::is_known);
    let posix = recognize((tag("TZ"), sign, number));
    terminated(alt((known, posix)), end_of_stamp).parse(octets)
}

fn capitals(octets: &[u8]) -> Read<'_, &[u8]> {
    while_1(octets, |octet| octet.is_ascii_uppercase())
}

/// `Fri `, `Fri, `
fn weekday(octets: &[u8]) -> Read<'_, Weekday> {
    terminated(three_letters.map_opt(bsd::weekday), (opt(comma), blanks)).parse(octets)
}

/// The month, and whether it is not written `Mmm`.
fn month(octets: &[u8]) -> Read<'_, (u8, Deviations)> {
    three_letters
        .map_opt(|letters| {
            let usual = bsd::usual_month(letters).is_some();
            let spelling = if usual { Deviations::NONE } else { only(Deviation::StampSpelling) };
            Some((bsd::month(letters)?, spelling))
        })
        .parse(octets)
}

fn three_letters(octets: &[u8]) -> Read<'_, [u8; 3]> {
    octets.split_first_chunk().map(|(letters, rest)| (rest, *letters)).map_or_else(no, Ok)
}

/// Four digits between 1970 and 2099, and a blank or a colon and a blank behind them. `2001:db8::7` is a host.
fn year(octets: &[u8]) -> Read<'_, u16> {
    let blank_or_end = alt((value((), one(is_blank)), value((), eof)));
    terminated(four_digits, peek((opt(colon), blank_or_end))).parse(octets)
}

fn four_digits(octets: &[u8]) -> Read<'_, u16> {
    let Some((four, rest)) = octets.split_first_chunk() else { return no() };
    bsd::year_of(*four).map_or_else(no, |year| Ok((rest, year)))
}

/// 1*2DIGIT
fn number(octets: &[u8]) -> Read<'_, u8> {
    digits_of_number.map(value_of).parse(octets)
}

fn digits_of_number(octets: &[u8]) -> Read<'_, &[u8]> {
    verify(run_of_digits, |digits: &[u8]| digits.len() <= 2).parse(octets)
}

/// 2DIGIT
pub(super) fn two_digits(octets: &[u8]) -> Read<'_, u8> {
    verify(run_of_digits, |digits: &[u8]| digits.len() == 2).map(value_of).parse(octets)
}

fn value_of(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |value: u8, digit| value.wrapping_mul(10).wrapping_add(digit.wrapping_sub(b'0')))
}

pub(super) fn blanks(octets: &[u8]) -> Read<'_, &[u8]> {
    while_1(octets, is_blank)
}

/// 1*DIGIT
pub(super) fn run_of_digits(octets: &[u8]) -> Read<'_, &[u8]> {
    while_1(octets, |octet| octet.is_ascii_digit())
}

/// As many octets as are wanted, one at least.
#[inline(always)]
pub(super) fn while_1(octets: &[u8], wanted: impl Fn(u8) -> bool) -> Read<'_, &[u8]> {
    match octets.iter().position(|&octet| !wanted(octet)).unwrap_or(octets.len()) {
        0 => no(),
        end => octets.split_at_checked(end).map(|(found, rest)| (rest, found)).map_or_else(no, Ok),
    }
}

/// One octet that is wanted.
#[inline(always)]
pub(super) fn one(wanted: impl Fn(u8) -> bool) -> impl Fn(&[u8]) -> Read<'_, u8> {
    move |octets| match octets {
        [first, rest @ ..] if wanted(*first) => Ok((rest, *first)),
        _ => no(),
    }
}

pub(super) fn blank(octets: &[u8]) -> Read<'_, u8> {
    one(|octet| octet == b' ')(octets)
}

pub(super) fn colon(octets: &[u8]) -> Read<'_, u8> {
    one(|octet| octet == b':')(octets)
}

fn comma(octets: &[u8]) -> Read<'_, u8> {
    one(|octet| octet == b',')(octets)
}

fn sign(octets: &[u8]) -> Read<'_, u8> {
    one(|octet| matches!(octet, b'+' | b'-'))(octets)
}

/// Nothing, at a blank, a colon or the end.
fn end_of_stamp(octets: &[u8]) -> Read<'_, ()> {
    match octets.first() {
        None | Some(b' ' | b'\t' | b':') => Ok((octets, ())),
        _ => no(),
    }
}

/// The rule does not fit.
pub(super) const fn no<'a, T>() -> Read<'a, T> {
    Err(nom::Err::Error(()))
}

/// The one, and no other.
fn only(deviation: Deviation) -> Deviations {
    [deviation].into_iter().collect()
}
