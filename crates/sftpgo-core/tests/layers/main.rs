//! Rooms import only what is below them: the tables under "Layers" in `docs/architecture.md` are the order, and this test
//! reads the imports of every crate that has a table there.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod imports;
mod table;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use imports::{Source, re_exports};
use table::Table;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn tables() -> Vec<Table> {
    let document = workspace().join("docs/architecture.md");
    Table::all_in(&fs::read_to_string(document).unwrap())
}

/// Every source file of a crate that is not for its own tests, in a stable order.
fn sources(root: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                sources.push(Source::new(name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    sources.retain(|source| !source.is_of_tests());
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

/// What stands against the table.
fn violations(table: &Table, sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let root = sources.iter().find(|source| source.module.is_empty());
    let re_exports = root.map(re_exports).unwrap_or_default();
    for source in sources.iter().filter(|source| !source.module.is_empty()) {
        let name = &source.name;
        let Some(from) = table.room_of(&source.module) else {
            found.push(format!("{name}: its room is not in the table"));
            continue;
        };
        for import in source.imports() {
            let written = import.path.join("::");
            let path = match re_exports.get(&import.path[0]) {
                Some(room) => vec![room.clone()],
                None => import.path,
            };
            match table.room_of(&path) {
                None if import.is_relative => {}
                None => found.push(format!("{name}: the table has no {written}")),
                Some(to) if to.name == from.name || to.layer < from.layer => {}
                Some(_) => found.push(format!("{name}: imports {written}")),
            }
        }
    }
    found
}

#[test]
fn rooms_import_only_what_is_below_them() {
    for table in tables() {
        let sources = sources(&workspace().join(&table.root));
        assert!(sources.len() > 2, "{}: no sources", table.root);
        let violations = violations(&table, &sources);
        let list = violations.join("\n");
        assert!(violations.is_empty(), "{}:\n{list}", table.root);
    }
}

#[test]
fn every_room_of_a_table_is_there() {
    for table in tables() {
        let sources = sources(&workspace().join(&table.root));
        let rooms: BTreeSet<&str> = sources
            .iter()
            .filter_map(|source| table.room_of(&source.module))
            .map(|room| room.name.as_str())
            .collect();
        for room in &table.rooms {
            let name = room.name.as_str();
            assert!(rooms.contains(name), "{}: there is no {name}", table.root);
        }
    }
}

#[test]
fn every_crate_that_is_shipped_has_a_table() {
    let documented: BTreeSet<String> = tables().into_iter().map(|table| table.root).collect();
    let mut there = BTreeSet::new();
    for group in ["crates", "bins"] {
        for entry in fs::read_dir(workspace().join(group)).unwrap() {
            let entry = entry.unwrap();
            if entry.path().join("Cargo.toml").exists() {
                let name = entry.file_name().into_string().unwrap();
                there.insert(format!("{group}/{name}/src"));
            }
        }
    }
    assert_eq!(documented, there);
}

const TABLE: &str = "\
## Layers
### `made/up/src`
| rooms | what for |
|---|---|
| `low`, `side` | `high` is not named here |
| `middle`, `middle/upper` | x |
| `high` | x |
## Another chapter
| `no_room` | x |
";

fn violations_of(name: &str, text: &str) -> Vec<String> {
    let tables = Table::all_in(TABLE);
    assert_eq!(tables.len(), 1);
    let root = Source::new(
        "lib.rs",
        "mod low; mod high; pub use high::{Handle, deep::Other as Known}; use low::Thing;",
    );
    violations(&tables[0], &[root, Source::new(name, text)])
}

#[test]
fn an_import_against_the_order_is_found_however_it_is_written() {
    for text in [
        "use crate::high;",
        "use crate::{low::{self, A}, high::B};",
        "use crate::{\n    low::A, // crate::low\n    high::B,\n};",
        "fn f() { crate::high::g::<u8>() }",
        "pub(crate) fn f(x: &crate::high::T) {}",
        "use crate::Handle;",
        "use crate::Known;",
        "use super::high;",
        "use super::{high::T, low};",
        "use crate::middle::upper::T;",
        "use crate::unknown::T;",
        "#[cfg(test)] mod tests { fn f() {} } use crate::high;",
        "fn f() -> char { '\"' } use crate::high::T; const QUOTE: char = '\"';",
    ] {
        assert_eq!(violations_of("middle.rs", text).len(), 1, "{text}");
    }
    for text in ["use super::super::y;", "use super::super::{self, y};"] {
        let found = violations_of("middle/upper/x.rs", text);
        assert!(!found.is_empty(), "a room of the same row: {text}");
    }
    let of_side = violations_of("side.rs", "use crate::low::T;");
    assert_eq!(
        of_side.len(),
        1,
        "rooms of one row do not import each other"
    );
    assert_eq!(violations_of("new.rs", "").len(), 1, "a room without a row");
}

#[test]
fn an_import_that_follows_the_order_is_none() {
    for (name, text) in [
        ("middle.rs", "use crate::{low::A, side, middle::x, Thing};"),
        (
            "middle/upper/x.rs",
            "use super::super::super::low; use super::z; pub(in super::super) fn f() {}",
        ),
        ("middle/upper.rs", "use crate::low; // use crate::high"),
        (
            "middle/a.rs",
            "/* crate::high */ const A: &str = \"crate::high\";",
        ),
        ("low.rs", "mod tests { use super::*; use super::{A, b}; }"),
        (
            "low.rs",
            "#[cfg(test)] mod tests { use crate::high; const A: &str = r#\"{\"}\"#; fn f() {} }",
        ),
        ("low.rs", "#[cfg(test)] mod tests; use crate::Thing;"),
        (
            "high/mod.rs",
            "use crate::middle::{upper::T, U}; use super::low;",
        ),
    ] {
        let found = violations_of(name, text);
        assert!(found.is_empty(), "{name} {text} {found:?}");
    }
}
