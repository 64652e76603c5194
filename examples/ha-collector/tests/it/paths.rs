//! What `check` says about log paths.

use crate::support::{binary, config};

#[test]
fn check_shows_mistakes_within_filters_and_warns_of_what_surprises() {
    let data = tempfile::tempdir().unwrap();
    let path = config(data.path(), "");
    let plain = std::fs::read_to_string(&path).unwrap();
    let check = |paths: &str| {
        std::fs::write(&path, format!("{plain}\n{paths}")).unwrap();
        let output = binary().args(["check", "--config"]).arg(&path).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap() + &said)
    };
    let first = "[[path]]\nid = \"first\"\ndestinations = [\"files\"]\nsteps = [{ filter = \"level(err..emerg)\" }]\n";
    let (fine, said) = check(first);
    assert!(fine && said.contains("along first"), "{said}");
    let (fine, said) = check(&first.replace("emerg", "emrg"));
    assert!(
        !fine && said.contains("there is no level `emrg`") && said.contains("did you mean `emerg`?"),
        "{said}"
    );
    assert!(said.contains("        ^^^^^^^^^"), "the caret is within the text: {said}");
    let (fine, said) = check(&(first.to_owned() + &first.replace("first", "second")));
    assert!(
        fine && said.contains("a message can come to `files` twice, along `first` and `second`"),
        "{said}"
    );
}
