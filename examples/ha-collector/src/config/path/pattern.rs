//! What is looked for in a value: `type(pcre|string|glob)` and `flags(...)`, compiled.

use regex::bytes::{Regex, RegexBuilder};

/// How a pattern is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Type {
    /// A regular expression, looked for anywhere.
    #[default]
    Regex,
    /// The text itself, all of the value if no flag says otherwise.
    Text,
    /// `*` is any text and `?` any character, all of the value.
    Glob,
}

impl Type {
    pub(super) const NAMES: [&'static str; 4] = ["pcre", "regex", "string", "glob"];

    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "pcre" | "regex" => Self::Regex,
            "string" => Self::Text,
            "glob" => Self::Glob,
            _ => return None,
        })
    }
}

/// How a pattern is looked for. None of these, and it is as its [`Type`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    IgnoreCase,
    /// Of a text: the value begins with it.
    Prefix,
    /// Of a text: it is somewhere in the value.
    Substring,
    /// Of a regular expression: `.` is a character and not a byte.
    Unicode,
    /// Of a regular expression: a carriage return ends a line, too.
    Newline,
}

impl Flag {
    pub(super) const NAMES: [&'static str; 6] =
        ["ignore-case", "prefix", "substring", "unicode", "utf8", "newline"];

    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name.replace('_', "-").as_str() {
            "ignore-case" => Self::IgnoreCase,
            "prefix" => Self::Prefix,
            "substring" => Self::Substring,
            "unicode" | "utf8" => Self::Unicode,
            "newline" => Self::Newline,
            _ => return None,
        })
    }
}

/// A pattern that values can be held against.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// All of it.
    Is(Vec<u8>),
    StartsWith(Vec<u8>),
    Matches(Regex),
}

impl Pattern {
    /// Compiles one. The error says in one line what is wrong.
    pub(crate) fn new(text: &str, is: Type, flags: &[Flag]) -> Result<Self, String> {
        let has = |flag| flags.contains(&flag);
        let misplaced = match is {
            Type::Regex => [Flag::Prefix, Flag::Substring],
            Type::Text | Type::Glob => [Flag::Unicode, Flag::Newline],
        };
        if misplaced.into_iter().any(has) || is == Type::Glob && (has(Flag::Prefix) || has(Flag::Substring)) {
            let whose = match is {
                Type::Regex => "`prefix` and `substring` are for type(string)",
                Type::Text => "`unicode` and `newline` are for type(pcre)",
                Type::Glob => "type(glob) has no flag but `ignore-case`",
            };
            return Err(whose.to_owned());
        }
        let literal = regex::escape(text);
        match is {
            Type::Regex => regex(text, flags),
            Type::Glob => regex(&glob(text), flags),
            Type::Text if has(Flag::Substring) => regex(&literal, flags),
            Type::Text if has(Flag::IgnoreCase) && has(Flag::Prefix) => {
                regex(&format!(r"\A(?:{literal})"), flags)
            }
            Type::Text if has(Flag::IgnoreCase) => regex(&format!(r"\A(?:{literal})\z"), flags),
            Type::Text if has(Flag::Prefix) => return Ok(Self::StartsWith(text.into())),
            Type::Text => return Ok(Self::Is(text.into())),
        }
        .map(Self::Matches)
    }

    /// Whether a value is such a one.
    #[inline]
    pub(crate) fn matches(&self, value: &[u8]) -> bool {
        match self {
            Self::Is(text) => value == text,
            Self::StartsWith(text) => value.starts_with(text),
            Self::Matches(regex) => regex.is_match(value),
        }
    }
}

/// What of a value is to be replaced.
pub(crate) fn replaceable(text: &str, is: Type, flags: &[Flag]) -> Result<Regex, String> {
    match is {
        Type::Regex => regex(text, flags),
        Type::Text => regex(&regex::escape(text), flags),
        Type::Glob => Err("a glob is all of a value; to replace it is `set`".to_owned()),
    }
}

/// A regular expression on bytes: what a message holds need not be text.
pub(crate) fn regex(text: &str, flags: &[Flag]) -> Result<Regex, String> {
    let build = |unicode| {
        RegexBuilder::new(text)
            .unicode(unicode)
            .case_insensitive(flags.contains(&Flag::IgnoreCase))
            .crlf(flags.contains(&Flag::Newline))
            .build()
    };
    // Classes such as `[é]` mean characters; there is no other way to read them.
    let built =
        if flags.contains(&Flag::Unicode) { build(true) } else { build(false).or_else(|_| build(true)) };
    built.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        let said = last.trim_start_matches("error: ");
        if said.contains("look-around") || said.contains("backreferences") {
            format!(
                "{said} (every match takes time linear in the length of the message, which these would not)"
            )
        } else {
            said.to_owned()
        }
    })
}

/// `*` and `?` as a regular expression. A character is one of UTF-8, or a byte that is none.
fn glob(text: &str) -> String {
    const CHARACTER: &str = r"(?:[\x00-\x7F]|[\xC2-\xDF][\x80-\xBF]|[\xE0-\xEF][\x80-\xBF]{2}|[\xF0-\xF4][\x80-\xBF]{3}|[\x80-\xFF])";
    let mut regex = String::from(r"(?s)\A");
    let mut buffer = [0; 4];
    for c in text.chars() {
        match c {
            '*' => regex += ".*",
            '?' => regex += CHARACTER,
            c => regex += &regex::escape(c.encode_utf8(&mut buffer)),
        }
    }
    regex + r"\z"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(text: &str, is: Type, flags: &[Flag], value: &str) -> bool {
        Pattern::new(text, is, flags).unwrap().matches(value.as_bytes())
    }

    #[test]
    fn each_type_and_flag_has_its_meaning() {
        use Flag::{IgnoreCase, Prefix, Substring};
        use Type::{Glob, Regex, Text};
        let rows: &[(&str, Type, &[Flag], &str, bool)] = &[
            ("b", Regex, &[], "abc", true),
            ("^b", Regex, &[], "abc", false),
            ("B", Regex, &[], "abc", false),
            ("B", Regex, &[IgnoreCase], "abc", true),
            ("a.c", Text, &[], "abc", false),
            ("abc", Text, &[], "abc", true),
            ("abc", Text, &[], "abcd", false),
            ("ab", Text, &[Prefix], "abc", true),
            ("bc", Text, &[Prefix], "abc", false),
            ("b", Text, &[Substring], "abc", true),
            ("ABC", Text, &[IgnoreCase], "abc", true),
            ("ABC", Text, &[IgnoreCase], "abcd", false),
            ("AB", Text, &[IgnoreCase, Prefix], "abc", true),
            ("A.", Text, &[IgnoreCase, Prefix], "abc", false),
            ("db*", Glob, &[], "db17", true),
            ("db*", Glob, &[], "adb17", false),
            ("db?", Glob, &[], "db17", false),
            ("d?.*", Glob, &[], "dé.x", true),
            ("d*7", Glob, &[], "d\n7", true),
            ("DB*", Glob, &[IgnoreCase], "db", true),
        ];
        for (text, is, flags, value, expected) in rows {
            assert_eq!(matches(text, *is, flags, value), *expected, "{text} {is:?} {flags:?} {value}");
        }
    }

    #[test]
    fn a_pattern_meets_bytes_that_are_no_text() {
        let pattern = Pattern::new("a.c", Type::Regex, &[]).unwrap();
        assert!(pattern.matches(b"a\xFFc"), "a byte is a byte");
        assert!(!Pattern::new("a.c", Type::Regex, &[Flag::Unicode]).unwrap().matches(b"a\xFFc"));
        assert!(Pattern::new("^[éá]$", Type::Regex, &[]).unwrap().matches("é".as_bytes()));
        assert!(Pattern::new("a?c", Type::Glob, &[]).unwrap().matches(b"a\xFFc"));
    }

    #[test]
    fn what_cannot_be_is_said_in_a_line() {
        let said = |text, is, flags: &[Flag]| Pattern::new(text, is, flags).unwrap_err();
        assert!(said("(", Type::Regex, &[]).contains("unclosed group"));
        assert!(said("(?=x)", Type::Regex, &[]).contains("linear"));
        assert!(said("x", Type::Regex, &[Flag::Prefix]).contains("type(string)"));
        assert!(said("x", Type::Glob, &[Flag::Substring]).contains("glob"));
        assert!(replaceable("*", Type::Glob, &[]).unwrap_err().contains("set"));
    }
}
