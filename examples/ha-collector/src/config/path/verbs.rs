//! The keys of each step, as they are written.

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

/// What it says no to leaves the path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    pub(super) filter: Spanned<String>,
}

/// The steps of that name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Use {
    #[serde(rename = "use")]
    pub(super) name: Spanned<String>,
}

/// Beside `if` and `else`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// One of `if`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Branch {
    pub(super) when: Spanned<String>,
    /// Read before the others; here to be known.
    #[serde(rename = "steps")]
    _steps: Option<IgnoredAny>,
}

/// Keys of all parsers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parse {
    pub(super) parse: Spanned<String>,
    /// The field that is read. Default `MESSAGE`.
    pub(super) from: Option<Spanned<String>>,
    /// What stands before the names of what is found. Default: nothing.
    #[serde(default)]
    pub(super) prefix: String,
    /// Whether a message that cannot be read stays on the path. Default `false`.
    #[serde(default)]
    pub(super) optional: Optional,
    /// Only messages for which this filter says yes are read.
    pub(super) when: Option<Spanned<String>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Optional(pub(super) bool);

/// Keys of `csv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Csv {
    /// The fields, in their order.
    pub(super) columns: Vec<Spanned<String>>,
    /// Each of these is between two values. Default `,`.
    pub(super) delimiters: Option<String>,
    /// Each of these begins a quoted value, and ends it. Default `"'`.
    pub(super) quotes: Option<String>,
    /// `greedy`: the last column is all that is left. `strip-whitespace`: that around values is none of them.
    /// `drop-invalid`: with more or fewer values than columns, it cannot be read. `escape-backslash`,
    /// `escape-double-char`: how a quote is written within quotes. Default `strip-whitespace`.
    pub(super) flags: Option<Vec<Spanned<String>>>,
}

/// Keys of `kv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct KeyValue {
    /// One character. Default `=`.
    pub(super) value_separator: Option<Spanned<String>>,
    /// Ends a value that has no quotes, as white space does. Default `, `.
    pub(super) pair_separator: Option<String>,
    /// As those of `csv`.
    pub(super) quotes: Option<String>,
}

/// Keys of `json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Json {
    /// What must stand before it. Default: `@cee:` may.
    pub(super) marker: Option<String>,
}

/// Keys of `regexp`, beside its `pattern`: one or a list, of which the first that matches counts. Groups with a name are
/// fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Regexp {
    #[serde(default)]
    pub(super) flags: Vec<Spanned<String>>,
}

/// A field becomes a value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Set {
    pub(super) set: Spanned<String>,
    pub(super) to: Spanned<String>,
    pub(super) when: Option<Spanned<String>>,
}

/// A field becomes empty.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unset {
    pub(super) unset: Spanned<String>,
    pub(super) when: Option<Spanned<String>>,
}

/// What matches becomes something else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subst {
    pub(super) subst: Spanned<String>,
    /// `$1` and `${name}` are the groups of the pattern.
    pub(super) with: Spanned<String>,
    /// The field. Default `MESSAGE`.
    #[serde(rename = "in")]
    pub(super) field: Option<Spanned<String>>,
    /// Whether all matches are replaced. Default `false`: the first.
    #[serde(default)]
    pub(super) global: Global,
    /// `pcre` or `string`. Default `pcre`.
    #[serde(rename = "type")]
    pub(super) kind: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) flags: Vec<Spanned<String>>,
    pub(super) when: Option<Spanned<String>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Global(pub(super) bool);

/// A field gets another name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rename {
    pub(super) rename: Spanned<String>,
    pub(super) to: Spanned<String>,
    pub(super) when: Option<Spanned<String>>,
}

/// Beside a verb that says it all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnlyWhen {
    pub(super) when: Option<Spanned<String>>,
}
