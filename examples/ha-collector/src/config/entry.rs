//! `[[source]]` and `[[destination]]`: tables whose keys depend on their `type`. They are taken out of a file before the
//! rest is read, told apart by their type, and each read with the keys of its own type, so that a mistake is shown with
//! the keys that are possible there.

use std::ops::Range;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IntoDeserializer as _};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::diagnostic::{Diagnostic, Text};

/// One such table.
#[derive(Debug)]
pub(super) struct Entry<'t> {
    pub(super) text: Arc<Text>,
    pub(super) span: Range<usize>,
    pub(super) id: Spanned<String>,
    pub(super) kind: Spanned<String>,
    name: &'static str,
    table: DeTable<'t>,
}

impl<'t> Entry<'t> {
    /// The entries of that name, taken out of the file. What has no `id` or `type` is said and left out.
    pub(super) fn take_all(
        name: &'static str,
        file: &mut DeTable<'t>,
        text: &Arc<Text>,
        errors: &mut Vec<Diagnostic>,
    ) -> Vec<Self> {
        let Some(given) = remove(file, name) else {
            return Vec::new();
        };
        let span = given.span();
        let DeValue::Array(items) = given.into_inner() else {
            let message = format!("`{name}` is a list of tables: write [[{name}]]");
            errors.push(Diagnostic::new(message).at(text, span));
            return Vec::new();
        };
        let entries = items
            .into_iter()
            .filter_map(|item| Self::new(item, name, text).map_err(|error| errors.push(error)).ok());
        entries.collect()
    }

    fn new(item: Spanned<DeValue<'t>>, name: &'static str, text: &Arc<Text>) -> Result<Self, Diagnostic> {
        let span = item.span();
        let DeValue::Table(mut table) = item.into_inner() else {
            let message = format!("`{name}` is a list of tables: write [[{name}]]");
            return Err(Diagnostic::new(message).at(text, span));
        };
        let mut word = |key: &str, help: &str| {
            let value = remove(&mut table, key).ok_or_else(|| {
                Diagnostic::new(format!("this [[{name}]] has no `{key}`")).at(text, span.clone()).help(help)
            })?;
            read::<Spanned<String>>(value, text)
        };
        let id = word("id", "its name in the log and the ledger")?;
        let kind = word("type", "what kind it is of")?;
        Ok(Self { text: Arc::clone(text), span, id, kind, name, table })
    }

    /// Reads those keys that all types share, leaving the others.
    pub(super) fn shared<T: DeserializeOwned>(&mut self, keys: &[&str]) -> Result<T, Diagnostic> {
        let mut shared = DeTable::new();
        for key in keys {
            if let Some((key, value)) = self.table.remove_entry(*key) {
                shared.insert(key, value);
            }
        }
        read(Spanned::new(self.span.clone(), DeValue::Table(shared)), &self.text)
    }

    /// Reads the keys that are left: those of its type.
    pub(super) fn own<T: DeserializeOwned>(&mut self) -> Result<T, Diagnostic> {
        let table = std::mem::take(&mut self.table);
        let kind = self.kind.get_ref();
        // "an internal source", but "a udp source", "a unix-dgram source".
        let article = if kind.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
        let whose = format!("{article} {kind} {}", self.name);
        read(Spanned::new(self.span.clone(), DeValue::Table(table)), &self.text)
            .map_err(|error: Diagnostic| error.with_owner(&whose))
    }

    /// There is no such type.
    pub(super) fn unknown_type(&self, known: &[&str]) -> Diagnostic {
        Diagnostic::unknown(self.kind.get_ref(), known).at(&self.text, self.kind.span())
    }
}

fn remove<'t>(table: &mut DeTable<'t>, key: &str) -> Option<Spanned<DeValue<'t>>> {
    table.remove(key)
}

/// Reads a value of a file.
pub(super) fn read<T: DeserializeOwned>(
    value: Spanned<DeValue<'_>>,
    text: &Arc<Text>,
) -> Result<T, Diagnostic> {
    T::deserialize(ValueDeserializer::from(value).into_deserializer())
        .map_err(|error| Diagnostic::from_toml(&error, text))
}
