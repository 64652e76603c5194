//! What is wrong with the text of a template.

use crate::collector::event::TooMany;

/// Why a template cannot be compiled. `at` is the offset of a byte in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TemplateError {
    #[error("there is no macro `{name}`: did you mean `{nearest}`?")]
    UnknownMacro { at: usize, name: String, nearest: String },
    #[error("`{name}` is nothing that a message keeps here")]
    NotKept { at: usize, name: String },
    #[error("there is no template function `{name}`{}", suggestion(*.nearest))]
    UnknownFunction { at: usize, name: String, nearest: Option<&'static str> },
    #[error("`{opening}` is not closed by `{closing}`")]
    Unclosed { at: usize, opening: &'static str, closing: &'static str },
    #[error("`${{}}` names nothing")]
    Nameless { at: usize },
    #[error("`{function}`: {problem}")]
    Arguments { at: usize, function: &'static str, problem: String },
    #[error("the condition of `if`: {problem}")]
    Condition { at: usize, problem: String },
    #[error("functions lie more than {most} deep in each other")]
    TooDeep { at: usize, most: usize },
    #[error("{source}")]
    TooMany { at: usize, source: TooMany },
    #[error("the path of a file is beneath its root: it cannot {problem}")]
    Path { at: usize, problem: &'static str },
    #[error("there is no format `{name}`: \"line\", \"json\", \"rfc3164\" and \"rfc5424\" are known{}", suggestion(*.nearest))]
    UnknownFormat { name: String, nearest: Option<&'static str> },
    #[error("a destination has either `format` or `template`")]
    FormatAndTemplate,
}

fn suggestion(nearest: Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(": did you mean `{nearest}`?"))
}

impl TemplateError {
    /// Where in the text it is wrong, in bytes.
    pub(crate) const fn at(&self) -> usize {
        match self {
            Self::UnknownMacro { at, .. }
            | Self::NotKept { at, .. }
            | Self::UnknownFunction { at, .. }
            | Self::Unclosed { at, .. }
            | Self::Nameless { at }
            | Self::Arguments { at, .. }
            | Self::Condition { at, .. }
            | Self::TooDeep { at, .. }
            | Self::TooMany { at, .. }
            | Self::Path { at, .. } => *at,
            Self::UnknownFormat { .. } | Self::FormatAndTemplate => 0,
        }
    }
}
