//! What the documents say of the tests is so.

use std::{fs, path::Path};

/// Whether the file has a test of this name, or several that begin so where a macro makes them.
fn has_test(root: &Path, file: &str, name: &str) -> bool {
    let text = fs::read_to_string(root.join(file)).unwrap_or_default();
    text.split("#[").any(|part| {
        part.split_once("fn ").is_some_and(|(before, after)| {
            let is_test = before.contains("test]") || before.contains("test(");
            is_test && after.starts_with(name)
        })
    })
}

#[test]
fn every_test_that_shows_a_defence_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let document = include_str!("../../docs/security-tests.md");
    let named: Vec<_> = document
        .split('`')
        .filter_map(|code| code.split_once("::"))
        .filter(|(file, _)| Path::new(file).extension().is_some_and(|e| e == "rs"))
        .collect();
    assert!(named.len() > 80, "{}", named.len());
    for (file, name) in named {
        assert!(has_test(&root, file, name), "{file}::{name} is no test");
    }
}
