//! How messages are delivered, whatever to: the keys of `[deliver]`, which every `[[destination]]` may set for itself.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use syslog_parse::IanaZone;
use toml::Spanned;

use crate::config::check::Check;
use crate::config::diagnostic::{Diagnostic, Text};
use crate::config::path::Mistake;
use crate::config::units::Span;

const DEFAULT_FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
const DEFAULT_TIME_REOPEN: Duration = Duration::from_secs(10);
/// More is written at once only when it is there already.
const MOST_FLUSH_LINES: u32 = 65_536;

/// How messages are delivered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delivery {
    /// Times are written in this zone; `None`: as received.
    pub(crate) time_zone: Option<IanaZone>,
    /// Messages to wait for before writing; 0: none.
    pub(crate) flush_lines: u32,
    /// But not longer than this.
    pub(crate) flush_timeout: Duration,
    /// The longest pause before trying again.
    pub(crate) time_reopen: Duration,
    pub(crate) dedupe: Dedupe,
    pub(crate) layout: Layout,
    /// Digits of the second's fraction; `None`: in RFC 3339 as received, elsewhere none.
    pub(crate) frac_digits: Option<u8>,
    /// What `$STAMP` and the stamp of `format = "line"` look like; `None`: RFC 3164 there, RFC 3339 here.
    pub(crate) stamp: Option<Stamp>,
}

/// The shape of a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stamp {
    Rfc3164,
    Rfc3339,
    Full,
    Unix,
}

/// What becomes of a message that comes along two paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dedupe {
    WritesEach,
    WritesOne,
}

/// What a message looks like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Layout {
    /// What this kind of destination does if not told otherwise.
    Usual,
    Format(Format),
    /// A template's name or text, not yet compiled.
    Template(Placed),
}

/// A layout with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    Line,
    Json,
    Rfc3164,
    Rfc5424,
}

impl Format {
    /// Its name in a configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Json => "json",
            Self::Rfc3164 => "rfc3164",
            Self::Rfc5424 => "rfc5424",
        }
    }
}

/// A text of the configuration that is understood later, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) value: String,
    text: Arc<Text>,
    span: Range<usize>,
}

impl PartialEq for Placed {
    /// Where it stands is no difference.
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Placed {
    pub(in crate::config) fn new(value: Spanned<String>, text: &Arc<Text>) -> Self {
        let span = value.span();
        Self { value: value.into_inner(), text: Arc::clone(text), span }
    }

    /// A mistake in it, so many bytes from its beginning.
    pub(in crate::config) fn wrong_at(&self, at: usize, message: String) -> Diagnostic {
        let value = Spanned::new(self.span.clone(), self.value.clone());
        let at = at.min(self.value.len());
        Mistake::new(at..at + 1, message).within(&value, &self.text)
    }

    /// A mistake in it.
    pub(in crate::config) fn wrong(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(message).at(&self.text, self.span.clone())
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            time_zone: None,
            flush_lines: 0,
            flush_timeout: DEFAULT_FLUSH_TIMEOUT,
            time_reopen: DEFAULT_TIME_REOPEN,
            dedupe: Dedupe::WritesEach,
            layout: Layout::Usual,
            frac_digits: None,
            stamp: None,
        }
    }
}

/// The keys as they are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Keys {
    /// Times are written in this zone. Default: as received.
    time_zone: Option<Spanned<String>>,
    /// Wait for so many messages before writing. Default 0: write what there is.
    flush_lines: Option<Spanned<u32>>,
    /// But not longer than this. Default 1 s.
    flush_timeout: Option<Spanned<Span>>,
    /// The longest pause before trying again. Default 10 s.
    time_reopen: Option<Spanned<Span>>,
    /// Whether a message that comes along two paths is written once. Default false.
    dedupe: Option<bool>,
    /// What a message looks like.
    format: Option<Spanned<Format>>,
    /// Or a template for that: its name, or its text.
    template: Option<Spanned<String>>,
    /// Digits of the second's fraction in all times, 0 to 9. Default: in RFC 3339 as received, elsewhere none.
    frac_digits: Option<Spanned<u8>>,
    /// What `$STAMP` and the stamp of `format = "line"` look like.
    ts_format: Option<Stamp>,
}

impl Keys {
    /// Their names.
    pub(in crate::config) const NAMES: [&str; 9] = [
        "time-zone",
        "flush-lines",
        "flush-timeout",
        "time-reopen",
        "dedupe",
        "format",
        "template",
        "frac-digits",
        "ts-format",
    ];

    /// `from`, with what was set here.
    pub(in crate::config) fn over(
        self,
        from: &Delivery,
        text: &Arc<Text>,
        check: &mut Check<'_>,
    ) -> Delivery {
        let mut delivery = from.clone();
        if let Some(zone) = self.time_zone {
            match IanaZone::named_or_posix(zone.get_ref()) {
                Ok(found) => delivery.time_zone = Some(found),
                Err(error) => check.errors.push(
                    Diagnostic::new(error.to_string())
                        .at(text, zone.span())
                        .help("a name such as \"Europe/Budapest\" or \"UTC\""),
                ),
            }
        }
        if let Some(lines) = self.flush_lines {
            delivery.flush_lines = *lines.get_ref();
            if delivery.flush_lines > MOST_FLUSH_LINES {
                let message = format!("{} messages are too many to wait for", lines.get_ref());
                let most = format!("at most {MOST_FLUSH_LINES}; what is there is written at once anyway");
                check.errors.push(Diagnostic::new(message).at(text, lines.span()).help(most));
            }
        }
        let mut span = |given: Option<Spanned<Span>>, slot: &mut Duration| {
            let Some(given) = given else { return };
            *slot = given.get_ref().0;
            if slot.is_zero() {
                let message = "this has to be longer than nothing";
                check.errors.push(Diagnostic::new(message).at(text, given.span()));
            }
        };
        span(self.flush_timeout, &mut delivery.flush_timeout);
        span(self.time_reopen, &mut delivery.time_reopen);
        match self.dedupe {
            Some(true) => delivery.dedupe = Dedupe::WritesOne,
            Some(false) => delivery.dedupe = Dedupe::WritesEach,
            None => {}
        }
        if let Some(digits) = self.frac_digits {
            if *digits.get_ref() > 9 {
                check
                    .errors
                    .push(Diagnostic::new("a second has no more than 9 digits here").at(text, digits.span()));
            }
            delivery.frac_digits = Some(digits.into_inner());
        }
        delivery.stamp = self.ts_format.or(delivery.stamp);
        match (self.format, self.template) {
            (Some(_), Some(template)) => check
                .errors
                .push(Diagnostic::new("a format or a template, not both").at(text, template.span())),
            (Some(format), None) => delivery.layout = Layout::Format(format.into_inner()),
            (None, Some(template)) => delivery.layout = Layout::Template(Placed::new(template, text)),
            (None, None) => {}
        }
        delivery
    }
}
