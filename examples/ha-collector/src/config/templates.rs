//! `[template]`: texts with a name, put where their names stand; and what is wrong with any text of a template.

use std::collections::BTreeMap;

use super::destination::Placed;
use super::diagnostic::{Diagnostic, suggestion};
use super::{Destination, DestinationKind, FileDestination, FilePath, Layout};
use crate::collector::{Subject, template_mistake};

/// Gives every destination the text of its template, and says what is wrong.
pub(super) fn resolve(
    templates: &BTreeMap<String, Placed>,
    destinations: &mut [Destination],
) -> Vec<Diagnostic> {
    let named = templates.values().filter_map(|template| mistake(template, Subject::Text));
    let mut mistakes: Vec<Diagnostic> = named.collect();
    for to in destinations {
        if let Layout::Template(template) = &mut to.deliver.layout {
            match templates.get(&template.value) {
                Some(named) => *template = named.clone(),
                // A name, with a slip in it: every line would be that.
                None if is_name(&template.value) => {
                    let known: Vec<&str> = templates.keys().map(String::as_str).collect();
                    let none = format!("there is no template `{}`", template.value);
                    mistakes.push(template.wrong_at(0, none).help(suggestion(&template.value, &known)));
                }
                None => mistakes.extend(mistake(template, Subject::Text)),
            }
        }
        if let DestinationKind::File(FileDestination { path: FilePath::Template(path), .. }) = &to.kind {
            mistakes.extend(mistake(path, Subject::Path));
        }
    }
    mistakes
}

/// Whether a text can only have been meant as a name.
fn is_name(text: &str) -> bool {
    let in_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.chars().all(in_a_name)
}

/// What is wrong with a template.
fn mistake(template: &Placed, subject: Subject) -> Option<Diagnostic> {
    let error = template_mistake(&template.value, subject)?;
    Some(template.wrong_at(error.at(), error.to_string()))
}
