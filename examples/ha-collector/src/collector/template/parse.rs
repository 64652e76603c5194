//! From the text of a template to its pieces.

use super::function::Function;
use super::macros::Macro;
use super::{Conditions, Piece, Predicate, Template, TemplateError};
use crate::collector::event::Names;

/// Functions in functions in functions: enough for people, and no stack is overrun.
const MOST_DEEP: usize = 16;

/// Reads templates.
pub(super) struct Compiler<'c> {
    pub(super) names: &'c mut Names,
    conditions: &'c Conditions<'c>,
    depth: usize,
}

/// One argument of a function, without its quotation marks.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) text: String,
    /// Where it begins in the text of the template.
    pub(super) at: usize,
}

impl<'c> Compiler<'c> {
    pub(super) fn new(names: &'c mut Names, conditions: &'c Conditions<'c>) -> Self {
        Self { names, conditions, depth: 0 }
    }

    /// Reads a text that begins `base` bytes into the whole.
    pub(super) fn template(&mut self, text: &str, base: usize) -> Result<Template, TemplateError> {
        let mut pieces = Pieces::default();
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(|rest| rest.find('$')) {
            let dollar = at + found;
            pieces.literal(text.get(at..dollar).unwrap_or_default());
            let behind = text.get(dollar + 1..).unwrap_or_default();
            at = dollar
                + 1
                + match behind.bytes().next() {
                    Some(b'$') => {
                        pieces.literal("$");
                        1
                    }
                    Some(b'{') => self.braced(behind, base + dollar, &mut pieces)?,
                    Some(b'(') => self.call(behind, base + dollar, &mut pieces)?,
                    _ => {
                        let len = behind.bytes().take_while(|byte| is_name(*byte)).count();
                        match behind.get(..len).filter(|name| !name.is_empty()) {
                            Some(name) => pieces.field(Macro::find(name, base + dollar + 1, self.names)?, ""),
                            None => pieces.literal("$"),
                        }
                        len
                    }
                };
        }
        pieces.literal(text.get(at..).unwrap_or_default());
        Ok(Template { pieces: pieces.0 })
    }

    /// `{NAME}` or `{NAME:-default}`; answers its length.
    fn braced(&mut self, text: &str, at: usize, pieces: &mut Pieces) -> Result<usize, TemplateError> {
        let end = text.find('}').ok_or(TemplateError::Unclosed { at, opening: "${", closing: "}" })?;
        let inner = text.get(1..end).unwrap_or_default();
        let (name, default) = inner.split_once(":-").unwrap_or((inner, ""));
        if name.is_empty() {
            return Err(TemplateError::Nameless { at });
        }
        pieces.field(Macro::find(name, at + 2, self.names)?, default);
        Ok(end + 1)
    }

    /// `(function argument …)`; answers its length.
    fn call(&mut self, text: &str, at: usize, pieces: &mut Pieces) -> Result<usize, TemplateError> {
        let unclosed = TemplateError::Unclosed { at, opening: "$(", closing: ")" };
        let (words, len) = arguments(text.get(1..).unwrap_or_default(), at + 2).ok_or(unclosed)?;
        if self.depth == MOST_DEEP {
            return Err(TemplateError::TooDeep { at, most: MOST_DEEP });
        }
        self.depth += 1;
        let mut words = words.into_iter();
        let name = words.next().unwrap_or(Argument { text: String::new(), at: at + 2 });
        let function = Function::find(&name, words.collect(), self)?;
        self.depth -= 1;
        pieces.0.push(Piece::Call(Box::new(function)));
        Ok(1 + len)
    }

    /// An argument as a template of its own.
    pub(super) fn argument(&mut self, argument: &Argument) -> Result<Template, TemplateError> {
        self.template(&argument.text, argument.at)
    }

    /// Reads a condition.
    pub(super) fn condition(&mut self, argument: &Argument) -> Result<Box<dyn Predicate>, TemplateError> {
        (self.conditions)(&argument.text, self.names)
            .map_err(|problem| TemplateError::Condition { at: argument.at, problem })
    }
}

/// Pieces, with neighbouring literals as one.
#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn literal(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let joined = match self.0.last_mut() {
            Some(Piece::Literal(before)) => {
                *before = [before, text.as_bytes()].concat().into();
                return;
            }
            _ => text.as_bytes().into(),
        };
        self.0.push(Piece::Literal(joined));
    }

    fn field(&mut self, what: Macro, default: &str) {
        self.0.push(Piece::Macro { what, default: default.as_bytes().into() });
    }
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Splits up to the `)` that closes the call, at blanks; answers how many bytes that is, with the `)`. Quotation marks,
/// double and single, keep blanks; parentheses keep everything as it is, quotation marks too. A backslash makes quotation
/// marks and backslashes ordinary.
fn arguments(text: &str, base: usize) -> Option<(Vec<Argument>, usize)> {
    let mut found = Vec::new();
    let mut current: Option<Argument> = None;
    let mut depth = 0_usize;
    let mut quote = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let blank = char.is_ascii_whitespace() && depth == 0 && quote.is_none();
        if blank || (char == ')' && depth == 0 && quote.is_none()) {
            found.extend(current.take());
            if !blank {
                return Some((found, at + 1));
            }
            continue;
        }
        let opened = usize::from(matches!(char, '"' | '\''));
        let argument =
            current.get_or_insert_with(|| Argument { text: String::new(), at: base + at + opened });
        match (char, quote) {
            ('\\', _) if chars.peek().is_some_and(|(_, next)| matches!(next, '"' | '\'' | '\\')) => {
                if depth > 0 {
                    argument.text.push(char);
                }
                argument.text.extend(chars.next().map(|(_, escaped)| escaped));
            }
            (_, Some(open)) => {
                if char == open {
                    quote = None;
                }
                if char != open || depth > 0 {
                    argument.text.push(char);
                }
            }
            ('"' | '\'', None) => {
                quote = Some(char);
                if depth > 0 {
                    argument.text.push(char);
                }
            }
            _ => {
                match char {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                argument.text.push(char);
            }
        }
    }
    None
}
