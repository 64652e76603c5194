//! Functions in templates: `$(name argument …)`. Each argument is a template.

mod text;

use super::clock::Clock;
use super::macros::{self, Macro};
use super::pairs::Pairs;
use super::parse::{Argument, Compiler};
use super::{Piece, Predicate, Template, TemplateError, Values};
use crate::collector::event::Event;
use crate::config::nearest;

/// A call.
#[derive(Debug)]
pub(super) enum Function {
    If {
        condition: Box<dyn Predicate>,
        then: Template,
        otherwise: Template,
    },
    /// The arguments with a blank between.
    Echo(Vec<Template>),
    /// The first argument that is not empty.
    Or(Vec<Template>),
    /// What is made of each argument, with a blank between, or a slash between what is sanitized.
    Make {
        what: Make,
        of: Vec<Template>,
    },
    IndentMultiLine(Vec<Template>),
    Json(Pairs),
    Welf(Pairs),
}

/// What a text becomes.
#[derive(Debug)]
pub(super) enum Make {
    Lowercase,
    Uppercase,
    /// From an offset, with so many bytes; what is negative counts from the end.
    Substr {
        start: i64,
        len: Option<i64>,
    },
    /// Every byte of `bad`, and control characters where told, is replaced.
    Sanitize {
        bad: Box<[u8]>,
        controls: Controls,
        with: Box<[u8]>,
    },
    /// Quotation marks and backslashes get a backslash, control characters become `\ooo`.
    Escape,
    /// Its bytes are counted.
    Length,
    ReplaceDelimiter {
        any_of: Box<[u8]>,
        by: Box<[u8]>,
    },
    /// So wide, by filling its left side.
    Padding {
        width: usize,
        with: Box<[u8]>,
    },
    Strip,
    Base64,
    UrlEncode,
    BaseName,
    DirName,
}

/// What becomes of control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Controls {
    Replaced,
    Kept,
}

/// The widest `padding`.
const WIDEST: usize = 1024;

const NAMES: &[&str] = &[
    "base64-encode",
    "basename",
    "dirname",
    "echo",
    "escape",
    "format-json",
    "format-welf",
    "if",
    "indent-multi-line",
    "length",
    "lowercase",
    "or",
    "padding",
    "replace-delimiter",
    "sanitize",
    "strip",
    "substr",
    "uppercase",
    "url-encode",
];

impl Function {
    /// The function of a name, with its arguments read.
    pub(super) fn find(
        name: &Argument,
        arguments: Vec<Argument>,
        compiler: &mut Compiler<'_>,
    ) -> Result<Self, TemplateError> {
        let wrong = |function: &'static str, problem: &str| TemplateError::Arguments {
            at: name.at,
            function,
            problem: problem.to_owned(),
        };
        let all = |arguments: &[Argument], compiler: &mut Compiler<'_>| {
            arguments.iter().map(|argument| compiler.argument(argument)).collect::<Result<Vec<_>, _>>()
        };
        let what = match name.text.as_str() {
            "if" => {
                let [condition, then, otherwise] = &arguments[..] else {
                    return Err(wrong("if", "needs a condition, and what stands for yes and for no"));
                };
                return Ok(Self::If {
                    condition: compiler.condition(condition)?,
                    then: compiler.argument(then)?,
                    otherwise: compiler.argument(otherwise)?,
                });
            }
            "echo" => return Ok(Self::Echo(all(&arguments, compiler)?)),
            "or" => return Ok(Self::Or(all(&arguments, compiler)?)),
            "indent-multi-line" => return Ok(Self::IndentMultiLine(all(&arguments, compiler)?)),
            "format-json" => return Pairs::read("format-json", name.at, arguments, compiler).map(Self::Json),
            "format-welf" => return Pairs::read("format-welf", name.at, arguments, compiler).map(Self::Welf),
            "lowercase" => Make::Lowercase,
            "uppercase" => Make::Uppercase,
            "escape" => Make::Escape,
            "length" => Make::Length,
            "strip" => Make::Strip,
            "base64-encode" => Make::Base64,
            "url-encode" => Make::UrlEncode,
            "basename" => Make::BaseName,
            "dirname" => Make::DirName,
            "substr" => {
                let number = |argument: &Argument| {
                    argument
                        .text
                        .parse::<i64>()
                        .map_err(|_| wrong("substr", "its offset and length are numbers"))
                };
                let (of, start, len) = match &arguments[..] {
                    [of, start] => (of, number(start)?, None),
                    [of, start, len] => (of, number(start)?, Some(number(len)?)),
                    _ => return Err(wrong("substr", "needs a text, an offset and perhaps a length")),
                };
                let of = vec![compiler.argument(of)?];
                return Ok(Self::Make { what: Make::Substr { start, len }, of });
            }
            "replace-delimiter" => {
                let [any_of, by, of] = &arguments[..] else {
                    return Err(wrong(
                        "replace-delimiter",
                        "needs characters, what replaces them, and a text",
                    ));
                };
                let what = Make::ReplaceDelimiter {
                    any_of: any_of.text.as_bytes().into(),
                    by: by.text.as_bytes().into(),
                };
                return Ok(Self::Make { what, of: vec![compiler.argument(of)?] });
            }
            "padding" => {
                let (of, width, with) = match &arguments[..] {
                    [of, width] => (of, width, " "),
                    [of, width, with] if !with.text.is_empty() => (of, width, with.text.as_str()),
                    _ => return Err(wrong("padding", "needs a text, a width and perhaps what fills it")),
                };
                let width = width.text.parse().ok().filter(|width| *width <= WIDEST);
                let width = width.ok_or_else(|| wrong("padding", "its width is a number up to 1024"))?;
                let what = Make::Padding { width, with: with.as_bytes().into() };
                return Ok(Self::Make { what, of: vec![compiler.argument(of)?] });
            }
            "sanitize" => {
                let (what, of) = sanitize(&arguments).ok_or_else(|| {
                    wrong(
                        "sanitize",
                        "takes --ctrl-chars, --no-ctrl-chars, --invalid-chars, --replacement, and texts",
                    )
                })?;
                return Ok(Self::Make { what, of: all(of, compiler)? });
            }
            unknown => {
                let nearest = nearest(unknown, NAMES);
                return Err(TemplateError::UnknownFunction {
                    at: name.at,
                    name: unknown.to_owned(),
                    nearest,
                });
            }
        };
        Ok(Self::Make { what, of: all(&arguments, compiler)? })
    }

    /// Appends the result.
    pub(super) fn write(&self, values: Values, event: &Event<'_>, clock: &mut Clock, out: &mut Vec<u8>) {
        let start = out.len();
        match self {
            Self::If { condition, then, otherwise } => {
                let chosen = if condition.holds(event) { then } else { otherwise };
                return chosen.render_as(values, event, clock, out);
            }
            Self::Echo(of) => return joined(of, b' ', values, event, clock, out),
            Self::Or(of) => {
                for text in of {
                    text.render_as(values, event, clock, out);
                    if out.len() > start {
                        return;
                    }
                }
                return;
            }
            Self::IndentMultiLine(of) => {
                let mut text = clock.borrow_buffer();
                joined(of, b' ', Values::AsTheyAre, event, clock, &mut text);
                for (n, line) in text.split(|byte| *byte == b'\n').enumerate() {
                    if n > 0 {
                        out.extend_from_slice(b"\n\t");
                    }
                    let start = out.len();
                    out.extend_from_slice(line);
                    if values == Values::Escaped {
                        clock.escape_from(start, out);
                    }
                }
                clock.give_back(text);
                return;
            }
            Self::Json(pairs) => pairs.write_json(event, clock, out),
            Self::Welf(pairs) => pairs.write_welf(event, clock, out),
            Self::Make { what, of } => {
                let between = if matches!(what, Make::Sanitize { .. }) { b'/' } else { b' ' };
                let mut text = clock.borrow_buffer();
                for (n, one) in of.iter().enumerate() {
                    if n > 0 {
                        out.push(between);
                    }
                    text.clear();
                    one.render(event, clock, &mut text);
                    what.of(&text, out);
                }
                clock.give_back(text);
            }
        }
        if values == Values::Escaped {
            clock.escape_from(start, out);
        }
    }

    /// Shows all macros that the result depends on; `None`: it depends on more.
    pub(super) fn macros(&self, see: &mut dyn FnMut(Option<&Macro>)) {
        match self {
            Self::If { .. } | Self::Json(_) | Self::Welf(_) => see(None),
            Self::Echo(of) | Self::Or(of) | Self::IndentMultiLine(of) | Self::Make { of, .. } => {
                of.iter().for_each(|template| template.macros(see));
            }
        }
    }
}

impl Template {
    /// Shows all macros that the text depends on; `None`: it depends on more.
    pub(super) fn macros(&self, see: &mut dyn FnMut(Option<&Macro>)) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(_) => {}
                Piece::Macro { what, .. } => see(Some(what)),
                Piece::Call(function) => function.macros(see),
            }
        }
    }
}

fn joined(
    texts: &[Template],
    between: u8,
    values: Values,
    event: &Event<'_>,
    clock: &mut Clock,
    out: &mut Vec<u8>,
) {
    for (n, text) in texts.iter().enumerate() {
        if n > 0 {
            out.push(between);
        }
        text.render_as(values, event, clock, out);
    }
}

/// Reads the options of `sanitize`; what follows them is its texts.
fn sanitize(arguments: &[Argument]) -> Option<(Make, &[Argument])> {
    let (mut bad, mut controls, mut with) = ("/", Controls::Replaced, "_");
    let mut rest = arguments;
    while let Some((option, behind)) = rest.split_first().filter(|(first, _)| first.text.starts_with('-')) {
        let (option, inline) = match option.text.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (option.text.as_str(), None),
        };
        rest = behind;
        let mut value = || match inline {
            Some(value) => Some(value),
            None => {
                let (value, behind) = rest.split_first()?;
                rest = behind;
                Some(value.text.as_str())
            }
        };
        match option {
            "--ctrl-chars" | "-c" => controls = Controls::Replaced,
            "--no-ctrl-chars" | "-C" => controls = Controls::Kept,
            "--invalid-chars" | "-i" => bad = value()?,
            "--replacement" | "-r" => with = value()?,
            _ => return None,
        }
    }
    let what = Make::Sanitize { bad: bad.as_bytes().into(), controls, with: with.as_bytes().into() };
    Some((what, rest))
}

impl Make {
    /// Appends what the text becomes.
    fn of(&self, text: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Lowercase => text::map_case(text, char::to_lowercase, out),
            Self::Uppercase => text::map_case(text, char::to_uppercase, out),
            Self::Substr { start, len } => out.extend_from_slice(text::substr(text, *start, *len)),
            Self::Sanitize { bad, controls, with } => {
                let replaced = |byte: u8| {
                    bad.contains(&byte) || (*controls == Controls::Replaced && byte.is_ascii_control())
                };
                text::replace(text, replaced, with, out);
            }
            Self::Escape => text::escape(text, out),
            Self::Length => macros::number(text.len() as u64, out),
            Self::ReplaceDelimiter { any_of, by } => {
                text::replace(text, |byte| any_of.contains(&byte), by, out)
            }
            Self::Padding { width, with } => {
                let missing = width.saturating_sub(text.len());
                out.extend(with.iter().cycle().take(missing));
                out.extend_from_slice(text);
            }
            Self::Strip => out.extend_from_slice(text.trim_ascii()),
            Self::Base64 => crate::json::push_base64(text, out),
            Self::UrlEncode => text::url_encode(text, out),
            Self::BaseName => out.extend_from_slice(text::base_name(text)),
            Self::DirName => out.extend_from_slice(text::dir_name(text)),
        }
    }
}
