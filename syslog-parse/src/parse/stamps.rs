//! The stamps that devices write where RFC 3164 §4.1.2 asks for `Mmm dd hh:mm:ss`: a grammar.
//!
//! Each rule hands back what is behind, what it read, and what it tolerated, as values: an alternative that fails leaves
//! nothing behind. What is usual is read in `bsd` and `iso`.

use super::{bsd, iso, zones};
use crate::scan::is_blank;
use crate::{Deviation, Deviations, Stamp, UtcOffset, Weekday};
use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while1};
use nom::character::complete::{digit1, one_of};
use nom::combinator::{cond, eof, opt, peek, recognize, value, verify};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser as _};

/// What a rule makes of its octets.
pub(super) type Read<'a, T> = IResult<&'a [u8], T, ()>;

/// stamp = [ weekday [ "," ] blanks ] date clock
///
/// There need not be such a date.
pub(super) fn stamp(octets: &[u8]) -> Read<'_, (Stamp, Deviations)> {
    let (rest, (weekday, date, clock)) =
        (opt(weekday), alt((month_and_day, separated_date)), clock).parse(octets)?;
    let remarks = date.remarks.union(clock.remarks).union(mark(weekday.is_some(), Deviation::Weekday));
    let Date { year, month, day, .. } = date;
    let Clock { hour, minute, second, .. } = clock;
    Ok((rest, (Stamp { weekday, year, month, day, hour, minute, second, ..Stamp::NOTHING }, remarks)))
}

struct Date {
    year: Option<u16>,
    month: u8,
    day: u8,
    remarks: Deviations,
}

/// `Nov 20 `, `2026 Nov 20 `, `Nov 20 2026 `
///
/// month-and-day = [ year blanks ] month blanks 1*2DIGIT blanks [ year blanks ]
fn month_and_day(octets: &[u8]) -> Read<'_, Date> {
    let (rest, (before, (month, spelling), padding, day, _, behind)) = (
        opt(terminated(year, blanks)),
        month,
        blanks,
        recognize(number),
        blanks,
        opt(terminated(year, blanks)),
    )
        .parse(octets)?;
    let unpadded = (padding.len() == 1 && day.len() == 1) || day.starts_with(b"0");
    let year = before.or(behind);
    let remarks = spelling
        .union(mark(unpadded, Deviation::UnpaddedDay))
        .union(mark(year.is_some(), Deviation::BsdYear));
    Ok((rest, Date { year, month, day: value_of(day), remarks }))
}

/// Sophos' `2026:11:20-`, `2026/11/20 `, `2026-Nov-20 `; NetScaler's `11/20/2026:`, `20-Nov-2026 `, `20 Nov 2026 `.
///
/// separated-date = ( 4DIGIT sep part sep part / part sep part sep 4DIGIT ) ( SP / ":" / "-" / "," / "T" )
fn separated_date(octets: &[u8]) -> Read<'_, Date> {
    let year_first = (four_digits, separator, part, separator, part)
        .map_opt(|(year, first, a, second, b)| Some((year, month_then_day(a, b)?, [first, second])));
    let year_last = (part, separator, part, separator, four_digits)
        .map_opt(|(a, first, b, second, year)| Some((year, either_first(a, b, first)?, [first, second])));
    let (rest, (year, (month, day), [first, second])) =
        terminated(alt((year_first, year_last)), one_of(" :-,T")).parse(octets)?;
    if first != second {
        return Err(nom::Err::Error(()));
    }
    let remarks = mark(true, Deviation::StampSpelling).union(mark(true, Deviation::BsdYear));
    Ok((rest, Date { year: Some(year), month, day, remarks }))
}

/// One or two digits, or the name of a month.
#[derive(Clone, Copy)]
enum Part {
    Number(u8),
    Month(u8),
}

fn part(octets: &[u8]) -> Read<'_, Part> {
    alt((number.map(Part::Number), month.map(|(month, _)| Part::Month(month)))).parse(octets)
}

/// What stands between the parts of a date, if anything does.
fn separator(octets: &[u8]) -> Read<'_, Option<char>> {
    opt(one_of("/-.: ")).parse(octets)
}

const fn month_then_day(first: Part, second: Part) -> Option<(u8, u8)> {
    match (first, second) {
        (Part::Number(month) | Part::Month(month), Part::Number(day)) => Some((month, day)),
        _ => None,
    }
}

/// Between slashes the month is first, else the day; unless there is no such month.
const fn either_first(first: Part, second: Part, separator: Option<char>) -> Option<(u8, u8)> {
    match (first, second, separator) {
        (Part::Month(month), Part::Number(day), _) | (Part::Number(day), Part::Month(month), _) => {
            Some((month, day))
        }
        (Part::Number(_), Part::Number(_), None | Some(' ' | ':')) => None,
        (Part::Number(first), Part::Number(second), Some('/')) if first <= 12 => Some((first, second)),
        (Part::Number(first), Part::Number(second), _) if second <= 12 => Some((second, first)),
        (Part::Number(first), Part::Number(second), _) => Some((first, second)),
        _ => None,
    }
}

struct Clock {
    hour: u8,
    minute: u8,
    second: u8,
    remarks: Deviations,
}

/// clock = 1*2DIGIT ":" 2DIGIT ":" 2DIGIT
fn clock(octets: &[u8]) -> Read<'_, Clock> {
    let (rest, (hour, _, minute, _, second)) =
        (recognize(number), tag(":"), two_digits, tag(":"), two_digits).parse(octets)?;
    let remarks = mark(hour.len() == 1, Deviation::StampSpelling);
    Ok((rest, Clock { hour: value_of(hour), minute, second, remarks }))
}

/// A stamp with what stood behind its seconds.
pub(super) struct Tail<'a> {
    pub(super) stamp: Stamp,
    /// The name of its zone; what it means, the caller's table says.
    pub(super) zone: Option<&'a [u8]>,
    pub(super) remarks: Deviations,
}

/// What may stand behind the seconds of `stamp`; it may be nothing.
///
/// tail = [ fraction ] [ half-of-day [ fraction ] ] [ offset / zone ] [ SP year ]
pub(super) fn tail(stamp: Stamp, octets: &[u8]) -> Read<'_, Tail<'_>> {
    let (rest, (before, half, place, year)) = (
        opt(fraction),
        cond((1..=12).contains(&stamp.hour), opt((half_of_day, opt(fraction)))).map(Option::flatten),
        opt(alt((offset.map(Place::Offset), zone.map(Place::Zone)))),
        cond(stamp.year.is_none(), opt(preceded(tag(" "), year))).map(Option::flatten),
    )
        .parse(octets)?;
    let mut tail = Tail { stamp, zone: None, remarks: Deviations::NONE };
    let behind = half.and_then(|(_, fraction)| fraction);
    if let Some(fraction) = behind.or(before) {
        (tail.stamp.nanos, tail.stamp.fraction_digits) = (fraction.nanos, fraction.digits);
        tail.remarks = fraction.remarks;
    }
    if let Some((noon, _)) = half {
        tail.stamp.hour = stamp.hour % 12 + noon;
        tail.remarks.insert(Deviation::StampSpelling);
    }
    match place {
        Some(Place::Offset((offset, remarks))) => {
            tail.stamp.offset = Some(offset);
            tail.remarks = tail.remarks.union(remarks);
        }
        Some(Place::Zone(name)) => tail.zone = Some(name),
        None => {}
    }
    tail.remarks = tail.remarks.union(mark(place.is_some(), Deviation::BsdZone));
    if year.is_some() {
        tail.stamp.year = year;
        tail.remarks.insert(Deviation::BsdYear);
    }
    Ok((rest, tail))
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Offset((UtcOffset, Deviations)),
    Zone(&'a [u8]),
}

#[derive(Clone, Copy)]
struct Fraction {
    nanos: u32,
    digits: u8,
    remarks: Deviations,
}

/// fraction = ( "." / "," ) 1*DIGIT / ":" 3DIGIT; the latter is Comware's, and ends the stamp.
fn fraction(octets: &[u8]) -> Read<'_, Fraction> {
    let of_comware = (tag(":"), verify(digit1, |digits: &[u8]| digits.len() == 3), end_of_stamp);
    preceded(peek(alt((recognize(one_of(".,")), recognize(of_comware)))), digits_of_fraction).parse(octets)
}

/// The mark, whatever it is, and the digits behind it.
fn digits_of_fraction(octets: &[u8]) -> Read<'_, Fraction> {
    let mut stamp = Stamp::NOTHING;
    let mut remarks = mark(true, Deviation::BsdFraction);
    let end = iso::fraction(octets, 0, &mut stamp, &mut remarks);
    let Stamp { nanos, fraction_digits: digits, .. } = stamp;
    match octets.get(end..) {
        Some(rest) if digits > 0 => Ok((rest, Fraction { nanos, digits, remarks })),
        _ => Err(nom::Err::Error(())),
    }
}

/// ` AM` or ` PM`: how many hours to add.
fn half_of_day(octets: &[u8]) -> Read<'_, u8> {
    terminated(
        preceded(tag(" "), alt((value(0, tag("AM")), value(12, tag("PM"))))),
        peek(alt((eof, recognize(one_of(" .,:\0"))))),
    )
    .parse(octets)
}

/// offset = [ SP ] ( "Z" / sign 2DIGIT [ ":" ] 2DIGIT ) / SP ( "GMT" / "UTC" ) sign 1*2DIGIT [ [ ":" ] 2DIGIT ]
fn offset(octets: &[u8]) -> Read<'_, (UtcOffset, Deviations)> {
    let of_utc = preceded(alt((tag(" GMT"), tag(" UTC"))), alt((hours_and_minutes, hours)));
    terminated(alt((preceded(opt(tag(" ")), hours_and_minutes), of_utc)), end_of_stamp).parse(octets)
}

/// `Z`, `+01:00`, `+0100`
fn hours_and_minutes(octets: &[u8]) -> Read<'_, (UtcOffset, Deviations)> {
    let mut remarks = Deviations::NONE;
    let found =
        iso::offset(octets, 0, &mut remarks).and_then(|(offset, end)| Some((octets.get(end..)?, offset)));
    match found {
        Some((rest, offset)) if !octets.starts_with(b"z") => Ok((rest, (offset, remarks))),
        _ => Err(nom::Err::Error(())),
    }
}

/// `+8`, `-08`, `+5:30`
fn hours(octets: &[u8]) -> Read<'_, (UtcOffset, Deviations)> {
    (one_of("+-"), number, opt(preceded(tag(":"), two_digits)))
        .map_opt(|(sign, hours, minutes)| {
            let seconds = i32::from(hours) * 3600 + i32::from(minutes.unwrap_or(0)) * 60;
            let offset = UtcOffset::from_seconds(if sign == '-' { -seconds } else { seconds })?;
            Some((offset, mark(true, Deviation::OffsetWithoutColon)))
        })
        .parse(octets)
}

/// zone = SP ( a name that is known for one / "TZ" sign 1*2DIGIT )
fn zone(octets: &[u8]) -> Read<'_, &[u8]> {
    let known = verify(take_while1(|octet: u8| octet.is_ascii_uppercase()), zones::is_known);
    let posix = recognize((tag("TZ"), one_of("+-"), number));
    let ends = peek(alt((eof, tag(" "), tag(":"))));
    terminated(preceded(tag(" "), alt((known, posix))), ends).parse(octets)
}

/// `Fri `, `Fri, `
fn weekday(octets: &[u8]) -> Read<'_, Weekday> {
    terminated(three_letters.map_opt(bsd::weekday), (opt(tag(",")), blanks)).parse(octets)
}

/// The month, and whether it is not written `Mmm`.
fn month(octets: &[u8]) -> Read<'_, (u8, Deviations)> {
    three_letters
        .map_opt(|letters| {
            let [first, second, third] = letters.map(|letter| letter & 0x20 == 0);
            Some((bsd::month(letters)?, mark(!first || second || third, Deviation::StampSpelling)))
        })
        .parse(octets)
}

fn three_letters(octets: &[u8]) -> Read<'_, [u8; 3]> {
    take(3_usize).map_opt(|letters: &[u8]| letters.first_chunk().copied()).parse(octets)
}

/// Four digits between 1970 and 2099, and a blank or a colon and a blank behind them. `2001:db8::7` is a host.
fn year(octets: &[u8]) -> Read<'_, u16> {
    let behind = (opt(tag(":")), alt((eof, recognize(one_of(" \t")))));
    terminated(four_digits, peek(behind)).parse(octets)
}

fn four_digits(octets: &[u8]) -> Read<'_, u16> {
    digit1.map_opt(|digits: &[u8]| bsd::year_of(digits.try_into().ok()?)).parse(octets)
}

/// 1*2DIGIT
fn number(octets: &[u8]) -> Read<'_, u8> {
    verify(digit1, |digits: &[u8]| digits.len() <= 2).map(value_of).parse(octets)
}

/// 2DIGIT
fn two_digits(octets: &[u8]) -> Read<'_, u8> {
    verify(digit1, |digits: &[u8]| digits.len() == 2).map(value_of).parse(octets)
}

fn value_of(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |value: u8, digit| value.wrapping_mul(10).wrapping_add(digit.wrapping_sub(b'0')))
}

fn blanks(octets: &[u8]) -> Read<'_, &[u8]> {
    take_while1(is_blank).parse(octets)
}

fn end_of_stamp(octets: &[u8]) -> Read<'_, &[u8]> {
    peek(alt((eof, recognize(one_of(" \t:"))))).parse(octets)
}

/// The deviation, if there is one.
fn mark(tolerated: bool, deviation: Deviation) -> Deviations {
    let mut set = Deviations::NONE;
    if tolerated {
        set.insert(deviation);
    }
    set
}
