//! Where structured data ends, and whether it is as RFC 5424 §6.3 asks.
//!
//! Taking it apart is left to `structured_data`, when somebody asks.

use crate::scan::{Interruptions, Param, at, sd_name_end, sd_value_end, value_stop};
use crate::structured_data::Elements;
use crate::{Deviation, Deviations, StructuredData};

/// Walks over the elements that begin with the `[` at `from`, and says where they end. `None`: they do not, or make no
/// sense.
#[inline(always)]
pub(super) fn end(text: &[u8], from: usize, deviations: &mut Deviations) -> Option<(usize, Elements)> {
    let mut elements = Elements::UNKNOWN;
    let mut start = from;
    let mut count = 0;
    loop {
        let id_end = name(text, start + 1, deviations)?;
        let id = text.get(start + 1..id_end)?;
        if count > 0 && is_among(id, text.get(from..start)?, elements) {
            deviations.insert(Deviation::DupSdId);
        }
        let end = params(text, id_end, deviations)?;
        elements.remember(count, end - start, id.len());
        count += 1;
        if at(text, end) != b'[' {
            return Some((end, elements));
        }
        start = end;
    }
}

/// SD-NAME = 1*32PRINTUSASCII without `=`, SP, `]` and `"`.
#[inline(always)]
fn name(text: &[u8], from: usize, deviations: &mut Deviations) -> Option<usize> {
    let mut end = sd_name_end(text, from);
    while end < text.len() && !matches!(at(text, end), b'=' | b' ' | b']' | b'"') {
        deviations.insert(Deviation::NotPrintable);
        end = sd_name_end(text, end + 1);
    }
    if end - from > 32 {
        deviations.insert(Deviation::LongName);
    }
    (end > from && end < text.len()).then_some(end)
}

/// *(SP SD-PARAM) "]"
#[inline(always)]
fn params(text: &[u8], from: usize, deviations: &mut Deviations) -> Option<usize> {
    let mut end = from;
    loop {
        if let Some(behind) = usual_param(text, end, deviations) {
            end = behind;
            continue;
        }
        match at(text, end) {
            b']' => return Some(end + 1),
            b' ' => {}
            _ => return None,
        }
        end += 1;
        if matches!(at(text, end), b' ' | b']') {
            deviations.insert(Deviation::SpaceInSd);
            continue;
        }
        end = name(text, end, deviations)?;
        if at(text, end) != b'=' {
            return None;
        }
        end = if at(text, end + 1) == b'"' {
            quoted(text, end + 2, deviations)?
        } else {
            deviations.insert(Deviation::UnquotedSd);
            unquoted(text, end + 1)?
        };
    }
}

/// SP PARAM-NAME `="` PARAM-VALUE `"`, or without quotation marks, with nothing to remark of the name; where it ends.
#[inline(always)]
fn usual_param(text: &[u8], from: usize, deviations: &mut Deviations) -> Option<usize> {
    if at(text, from) != b' ' {
        return None;
    }
    if let Some(near) = Param::near(text, from + 1)
        && let Some(name) = near.strict_name()
    {
        let stop = near.value_stop(text, name);
        return if at(text, stop) == b'"' { Some(stop + 1) } else { quoted(text, stop, deviations) };
    }
    let equals = sd_name_end(text, from + 1);
    if equals.wrapping_sub(from + 2) >= 32 {
        return None;
    }
    match *text.get(equals..)?.first_chunk()? {
        [b'=', b'"'] => {
            let close = value_stop(text, equals + 2);
            (at(text, close) == b'"').then_some(close + 1)
        }
        [b'=', _] => {
            deviations.insert(Deviation::UnquotedSd);
            unquoted(text, equals + 1)
        }
        _ => None,
    }
}

/// PARAM-VALUE up to and with its closing quotation mark.
#[inline(always)]
fn quoted(text: &[u8], from: usize, deviations: &mut Deviations) -> Option<usize> {
    let mut end = from;
    let mut stops = Interruptions::UNKNOWN;
    loop {
        end = stops.next(text, end);
        match at(text, end) {
            b'"' => return Some(end + 1),
            b']' => {
                deviations.insert(Deviation::UnescapedBracket);
                end += 1;
            }
            b'\\' => {
                if !matches!(at(text, end + 1), b'"' | b'\\' | b']') {
                    deviations.insert(Deviation::UnknownEscape);
                }
                end += 2;
            }
            _ if end < text.len() => end += 1,
            _ => return None,
        }
    }
}

/// A value without quotation marks ends at a blank or `]`.
#[inline(always)]
fn unquoted(text: &[u8], from: usize) -> Option<usize> {
    let end = sd_value_end(text, from);
    (end < text.len()).then_some(end)
}

/// Whether one of the elements has that SD-ID, of which the first ones are measured; most differ in their lengths.
#[inline(always)]
fn is_among(id: &[u8], elements: &[u8], measured: Elements) -> bool {
    let mut measured = measured;
    let mut rest = elements;
    while let Some((len, id_len)) = measured.next() {
        if id_len == id.len() && rest.get(1..=id_len) == Some(id) {
            return true;
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    !rest.is_empty() && repeats(elements, id)
}

/// Whether one of the elements has that SD-ID. Only the first 64 are asked, so that a message of nothing but elements
/// costs no more than a long one.
#[cold]
fn repeats(elements: &[u8], id: &[u8]) -> bool {
    StructuredData::new(elements).take(64).any(|element| element.id() == id)
}
