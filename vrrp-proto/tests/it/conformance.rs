//! `docs/rfc9568.md` promises tests by name; here it is seen to that they exist.

use std::path::Path;

fn sources(directory: &Path, found: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The names of tests: what follows `fn` where the attribute before says so.
fn tests(sources: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in sources.lines().map(str::trim) {
        if line == "#[test]" {
            is_test = true;
        } else if let Some(name) = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next()) {
            if is_test {
                names.push(name);
            }
            is_test = false;
        }
    }
    names
}

#[test]
fn every_test_that_the_conformance_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    sources(&root.join("src"), &mut text);
    sources(&root.join("tests"), &mut text);
    let tests = tests(&text);
    let page = include_str!("../../docs/rfc9568.md");
    // Code spans with an underscore and without a capital are names of tests.
    let names: Vec<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.contains('_') && !name.contains(char::is_uppercase) && !name.contains("::"))
        .collect();
    assert!(names.len() > 40, "{}", names.len());
    for name in names {
        assert!(tests.contains(&name), "docs/rfc9568.md names {name}, which is no test");
    }
}
