//! Reading the cases, and saying what a message is in the words of the cases.

use serde_json::{Map, Value, json};
use syslog_parse::{Civil, FixedOffset, Message, Resolved, Rfc3339, Timestamp, Zone, ZoneSource, resolve_in};

/// The cases of a file, in order.
pub(crate) fn cases(file: &str) -> Vec<Value> {
    let path = format!("{dir}/tests/data/{file}", dir = env!("CARGO_MANIFEST_DIR"));
    parse_cases(&std::fs::read_to_string(path).unwrap())
}

/// The cases in a text, one a line.
pub(crate) fn parse_cases(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The octets of a base64 string (RFC 4648 §4).
pub(crate) fn octets(base64: &Value) -> Vec<u8> {
    let value = |digit: u8| {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        u32::try_from(digits.iter().position(|&d| d == digit).unwrap()).unwrap()
    };
    let digits: Vec<u8> = base64.as_str().unwrap().bytes().filter(|&octet| octet != b'=').collect();
    let mut octets = Vec::new();
    for group in digits.chunks(4) {
        let bits = group.iter().fold(0, |bits, &digit| bits << 6 | value(digit)) << (6 * (4 - group.len()));
        octets.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    octets
}

/// An instant in RFC 3339, as the cases write it.
pub(crate) fn instant(text: &str) -> Timestamp {
    let number = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap();
    let small = |from: usize, to: usize| u8::try_from(number(from, to)).unwrap();
    let civil = Civil {
        year: i32::try_from(number(0, 4)).unwrap(),
        month: small(5, 7),
        day: small(8, 10),
        hour: small(11, 13),
        minute: small(14, 16),
        second: small(17, 19),
    };
    let (clock, zone) = text[19..].split_at(text[19..].find(['Z', '+', '-']).unwrap());
    let nanos = format!("{digits:0<9}", digits = clock.trim_start_matches('.')).parse().unwrap();
    Timestamp::new(civil.local_seconds() - i64::from(offset(zone)), nanos)
}

/// `Z` or `±hh:mm`, in seconds.
pub(crate) fn offset(text: &str) -> i32 {
    if text == "Z" {
        return 0;
    }
    let (hours, minutes): (i32, i32) = (text[1..3].parse().unwrap(), text[4..6].parse().unwrap());
    (hours * 3600 + minutes * 60) * if text.starts_with('-') { -1 } else { 1 }
}

/// The zone of a case's table for a name, if the table has it.
pub(crate) fn named_zone(case: &Value, name: Option<&[u8]>) -> Option<FixedOffset> {
    let name = std::str::from_utf8(name?).ok()?;
    FixedOffset::from_seconds(offset(case["zone_table"].get(name)?.as_str().unwrap()))
}

/// The instant of a message, by the table of the case or in `zone`.
pub(crate) fn resolved(message: &Message<'_>, case: &Value, zone: &impl Zone) -> Option<Resolved> {
    let reference = instant(case["now"].as_str().unwrap());
    let stamp = message.stamp()?;
    match named_zone(case, message.zone_name()) {
        Some(named) => resolve_in(&stamp, &named, ZoneSource::Name, reference),
        None => resolve_in(&stamp, zone, ZoneSource::Configured, reference),
    }
}

/// All that the cases may ask of a message.
pub(crate) fn answer(message: &Message<'_>, resolved: Option<Resolved>) -> Map<String, Value> {
    let text = |octets: Option<&[u8]>| octets.map(|octets| String::from_utf8_lossy(octets).into_owned());
    let structured_data: Vec<Value> = message
        .structured_data()
        .map(|element| {
            let params: Vec<Value> = element
                .params()
                .map(|(name, value)| {
                    let mut unescaped = Vec::new();
                    value.unescape_into(&mut unescaped);
                    json!([text(Some(name)), text(Some(&unescaped))])
                })
                .collect();
            json!({"id": text(Some(element.id())), "params": params})
        })
        .collect();
    let timestamp = resolved.map(|resolved| {
        let digits = message.stamp().map_or(0, |stamp| stamp.fraction_digits);
        Rfc3339::new(resolved.instant, resolved.offset, digits).to_string()
    });
    let answer = json!({
        "format": message.format().as_str(),
        "pri": message.pri().map(|pri| pri.number()),
        "facility": message.facility().map(|facility| facility.as_str()),
        "severity": message.severity().map(|severity| severity.as_str()),
        "timestamp": timestamp,
        "host": text(message.host()),
        "app": text(message.app()),
        "procid": text(message.procid()),
        "msgid": text(message.msgid()),
        "structured_data": structured_data,
        "message": text(Some(message.message())),
        "sequence": message.sequence(),
        "deviations": message.deviations().iter().map(|deviation| deviation.as_str()).collect::<Vec<_>>(),
    });
    let Value::Object(answer) = answer else { unreachable!() };
    answer
}

/// The keys in which an answer differs from what is expected, with what was asked and what came.
pub(crate) fn differences(expect: &Value, answer: &Map<String, Value>, message: &Message<'_>) -> Vec<String> {
    let empty = |value: &Value| value.is_null() || *value == json!("") || *value == json!([]);
    let mut differences = Vec::new();
    for (key, asked) in expect.as_object().unwrap() {
        let got = answer.get(key).unwrap_or(&Value::Null);
        let same = match key.as_str() {
            "deviations_include" => {
                let got = answer["deviations"].as_array().unwrap();
                asked.as_array().unwrap().iter().all(|name| got.contains(name))
            }
            "message_base64" => octets(asked) == message.message(),
            "message" if expect.get("message_base64").is_some() => true,
            "timestamp" => match (asked, got) {
                (Value::String(asked), Value::String(got)) => utc_in_full(asked) == utc_in_full(got),
                _ => asked == got,
            },
            _ => asked == got || empty(asked) && empty(got),
        };
        if !same {
            let got = if key == "deviations_include" { &answer["deviations"] } else { got };
            differences.push(format!("{key}: asked {asked}, got {got}"));
        }
    }
    differences
}

/// `Z`, `+00:00` and `-00:00` are one offset.
fn utc_in_full(timestamp: &str) -> String {
    timestamp.replace('Z', "+00:00").replace("-00:00", "+00:00")
}
