//! A message as JSON, for `parse` and whoever else shows one.
//!
//! Unknown is null. Bytes that are not UTF-8 come as U+FFFD; where that is so in the message proper, `message_base64`
//! has the exact bytes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use syslog_parse::{Message, Resolved, Rfc3339};

type Text<'a> = Cow<'a, str>;

/// One message; the order of the keys is the order in the output.
#[derive(Debug, Serialize)]
pub(crate) struct MessageJson<'a> {
    format: &'static str,
    pri: Option<u16>,
    facility: Option<&'static str>,
    severity: Option<&'static str>,
    timestamp: Option<String>,
    host: Option<Text<'a>>,
    app: Option<Text<'a>>,
    procid: Option<Text<'a>>,
    msgid: Option<Text<'a>>,
    structured_data: Option<Vec<Element<'a>>>,
    message: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_base64: Option<String>,
    deviations: Vec<&'static str>,
    time: Option<Time>,
    sequence: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Element<'a> {
    id: Text<'a>,
    params: Vec<(Text<'a>, String)>,
}

/// How the time stamp was understood.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the keys of the JSON, not parameters")]
struct Time {
    zone: &'static str,
    year_inferred: bool,
    gap: bool,
    fold: bool,
}

impl<'a> MessageJson<'a> {
    pub(crate) fn new(message: &Message<'a>, sent: Option<Resolved>) -> Self {
        let text = String::from_utf8_lossy(message.message());
        let exact = matches!(text, Cow::Borrowed(_));
        let elements: Vec<Element<'a>> = message
            .structured_data()
            .map(|element| Element {
                id: String::from_utf8_lossy(element.id()),
                params: element
                    .params()
                    .map(|(name, value)| (String::from_utf8_lossy(name), unescaped(value)))
                    .collect(),
            })
            .collect();
        let digits = message.stamp().map_or(0, |stamp| stamp.fraction_digits);
        Self {
            format: message.format().as_str(),
            pri: message.pri().map(|pri| pri.number()),
            facility: message.facility().map(|facility| facility.as_str()),
            severity: message.severity().map(|severity| severity.as_str()),
            timestamp: sent.map(|sent| Rfc3339::new(sent.instant, sent.offset, digits).to_string()),
            host: message.host().map(String::from_utf8_lossy),
            app: message.app().map(String::from_utf8_lossy),
            procid: message.procid().map(String::from_utf8_lossy),
            msgid: message.msgid().map(String::from_utf8_lossy),
            structured_data: (!elements.is_empty()).then_some(elements),
            message_base64: (!exact).then(|| STANDARD.encode(message.message())),
            message: text,
            deviations: message.deviations().iter().map(|deviation| deviation.as_str()).collect(),
            time: sent.map(|sent| Time {
                zone: sent.provenance.zone().as_str(),
                year_inferred: sent.provenance.year_inferred(),
                gap: sent.provenance.gap(),
                fold: sent.provenance.fold(),
            }),
            sequence: message.sequence(),
        }
    }
}

fn unescaped(value: syslog_parse::SdValue<'_>) -> String {
    let mut bytes = Vec::new();
    value.unescape_into(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
