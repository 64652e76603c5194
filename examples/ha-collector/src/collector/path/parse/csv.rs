//! Values in columns, with quotes.

use super::{Findings, Key, Unreadable};
use crate::collector::event::Field;
use crate::config::path::{Csv, Escape, Rest, Whitespace};

pub(super) fn read(
    input: &[u8],
    csv: &Csv,
    columns: &[Field],
    findings: &mut Findings,
) -> Result<(), Unreadable> {
    let mut rest = Some(input);
    for (n, &column) in columns.iter().enumerate() {
        let Some(here) = rest else {
            return if csv.rest == Rest::Refused { Err(Unreadable) } else { Ok(()) };
        };
        if n + 1 == columns.len() && csv.rest == Rest::IntoLast {
            findings.field(column, stripped(here, csv.whitespace));
            return Ok(());
        }
        let start = match csv.whitespace {
            Whitespace::Stripped => {
                let blanks =
                    here.iter().take_while(|&&byte| is_blank(byte) && !csv.delimiters.contains(&byte));
                here.get(blanks.count()..).unwrap_or_default()
            }
            Whitespace::Kept => here,
        };
        rest = match start.split_first() {
            Some((quote, inner)) if csv.quotes.contains(quote) => {
                let mut behind = inner;
                findings.value(Key::Field(column), |out| {
                    let end = unquote(inner, *quote, csv.escape, out);
                    behind = inner.get(end..).unwrap_or_default();
                    // What stands between the quote and the delimiter belongs to it, too.
                    out.extend_from_slice(stripped(until_delimiter(behind, csv), csv.whitespace));
                });
                behind.get(until_delimiter(behind, csv).len() + 1..)
            }
            _ => {
                let value = until_delimiter(start, csv);
                findings.field(column, stripped(value, csv.whitespace));
                start.get(value.len() + 1..)
            }
        };
    }
    if rest.is_some() && csv.rest == Rest::Refused { Err(Unreadable) } else { Ok(()) }
}

fn until_delimiter<'i>(input: &'i [u8], csv: &Csv) -> &'i [u8] {
    let len = input.iter().position(|byte| csv.delimiters.contains(byte)).unwrap_or(input.len());
    input.get(..len).unwrap_or_default()
}

/// Writes a quoted value, and tells how long it was with the quote that ends it. One without is all that is left.
fn unquote(input: &[u8], quote: u8, escape: Escape, out: &mut Vec<u8>) -> usize {
    let mut at = 0;
    while let Some(&byte) = input.get(at) {
        let next = input.get(at + 1).copied();
        match (byte, next) {
            (b'\\', Some(next)) if escape == Escape::Backslash => {
                out.push(next);
                at += 2;
            }
            (byte, Some(next)) if byte == quote && next == quote && escape == Escape::Doubled => {
                out.push(quote);
                at += 2;
            }
            (byte, _) if byte == quote => return at + 1,
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    at
}

fn stripped(value: &[u8], whitespace: Whitespace) -> &[u8] {
    match whitespace {
        Whitespace::Stripped => value.trim_ascii(),
        Whitespace::Kept => value,
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
