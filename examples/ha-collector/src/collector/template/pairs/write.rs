//! Names and values as JSON, where dots in names make objects, and as WELF.

use super::{InitialDot, Kind, Pairs};
use crate::collector::event::Event;
use crate::collector::template::clock::Clock;
use crate::json;

/// Objects in objects, at most; the rest of a name is one key, dots and all.
const MOST_DEEP: usize = 24;

impl Pairs {
    /// Appends an object, its keys in order. Of the same name given twice the last counts.
    pub(in super::super) fn write_json(&self, event: &Event<'_>, clock: &mut Clock, out: &mut Vec<u8>) {
        let mut space = clock.borrow_pairs();
        self.gather(event, clock, &mut space);
        if self.initial_dot == InitialDot::Underscore {
            space.underscore();
        }
        space.sort();
        out.push(b'{');
        let mut last: &[u8] = b"";
        let mut open = 0;
        let mut any = false;
        for (name, value, kind) in space.iter() {
            let shared = if any { shared(last, name) } else { 0 };
            for _ in shared..open {
                out.push(b'}');
            }
            let mut segments = segments(name).enumerate().skip(shared).peekable();
            open = shared;
            while let Some((n, segment)) = segments.next() {
                if any && out.last() != Some(&b'{') {
                    out.push(b',');
                }
                if segments.peek().is_none() {
                    leaf(segment, value, kind, out);
                    break;
                }
                // `a` has a value, and now there comes `a.b`: both stay, under different keys.
                let taken = any && n == shared && is_value_before(last, name, n);
                key(segment, if taken { b"." } else { b"" }, out);
                out.push(b'{');
                open += 1;
            }
            any = true;
            last = name;
        }
        for _ in 0..=open {
            out.push(b'}');
        }
        clock.give_pairs_back(space);
    }

    /// Appends `name=value`, blanks between, values in quotation marks where they would not be told apart.
    pub(in super::super) fn write_welf(&self, event: &Event<'_>, clock: &mut Clock, out: &mut Vec<u8>) {
        let mut space = clock.borrow_pairs();
        self.gather(event, clock, &mut space);
        space.sort();
        for (n, (name, value, _)) in space.iter().enumerate() {
            if n > 0 {
                out.push(b' ');
            }
            let plain =
                |byte: u8| if byte <= b' ' || matches!(byte, b'=' | b'"' | 0x7F) { b'_' } else { byte };
            out.extend(name.iter().map(|byte| plain(*byte)));
            out.push(b'=');
            let quoted = value.iter().any(|byte| *byte <= b' ' || matches!(byte, b'"' | b'\\'));
            if !quoted {
                out.extend_from_slice(value);
                continue;
            }
            out.push(b'"');
            for &byte in value {
                match byte {
                    b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                    b'\n' => out.extend_from_slice(b"\\n"),
                    b'\r' => out.extend_from_slice(b"\\r"),
                    b'\t' => out.extend_from_slice(b"\\t"),
                    _ => out.push(byte),
                }
            }
            out.push(b'"');
        }
        clock.give_pairs_back(space);
    }
}

fn leaf(segment: &[u8], value: &[u8], kind: Kind, out: &mut Vec<u8>) {
    key(segment, b"", out);
    let bare = match kind {
        Kind::String => false,
        Kind::Number => json::is_number(value),
        Kind::Boolean => value == b"true" || value == b"false",
        Kind::Json => json::is_value(value),
    };
    if bare {
        out.extend_from_slice(value);
    } else if json::push_string(value, out) == json::Text::Mended {
        out.push(b',');
        key(segment, b"_base64", out);
        out.push(b'"');
        json::push_base64(value, out);
        out.push(b'"');
    }
}

/// `"key":`
fn key(segment: &[u8], suffix: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    json::push_escaped(segment, out);
    out.extend_from_slice(suffix);
    out.extend_from_slice(b"\":");
}

/// A name at its dots; the dot that it begins with belongs to the first part.
fn segments(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lead = usize::from(name.starts_with(b"."));
    let mut from = Some(0);
    let mut n = 0;
    std::iter::from_fn(move || {
        let start = from?;
        n += 1;
        let rest = name.get(start..)?;
        let skip = if start == 0 { lead } else { 0 };
        let dot = rest.get(skip..)?.iter().position(|byte| *byte == b'.').filter(|_| n < MOST_DEEP);
        from = dot.map(|dot| start + skip + dot + 1);
        match dot {
            Some(dot) => rest.get(..skip + dot),
            None => Some(rest),
        }
    })
}

/// How many objects of the name before this one is in too.
fn shared(last: &[u8], name: &[u8]) -> usize {
    let (depth_of_last, depth) = (segments(last).count() - 1, segments(name).count() - 1);
    let same = segments(last).zip(segments(name)).take_while(|(a, b)| a == b).count();
    same.min(depth_of_last).min(depth)
}

/// Whether the name before is this one up to its part `n`.
fn is_value_before(last: &[u8], name: &[u8], n: usize) -> bool {
    segments(last).count() == n + 1 && segments(last).zip(segments(name)).all(|(a, b)| a == b)
}
