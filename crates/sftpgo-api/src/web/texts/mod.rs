//! The texts that code chooses, page by page; those of events are beside `activity/`, and all others in the templates. They are
//! in no other place, so that translations find all of them: a test reads the sources.

pub(super) mod admins;
pub(super) mod answer;
pub(super) mod api_keys;
pub(super) mod attention;
pub(super) mod common;
pub(super) mod connections;
pub(super) mod dashboard;
pub(super) mod defender;
pub(super) mod events;
pub(super) mod frame;
pub(super) mod maintenance;
pub(super) mod multipart;
pub(super) mod profile;
pub(super) mod scans;
pub(super) mod second_factor;
pub(super) mod session;
pub(super) mod setup;
pub(super) mod sign_in;
pub(super) mod status;
pub(super) mod users;
pub(super) mod words;

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the test reads the sources")]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.file_stem().is_some_and(|stem| stem == "texts") {
                continue;
            }
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// The string literals of code without its tests, comments, attributes and lines of the log.
    fn literals(source: &str) -> Vec<&str> {
        let mut code = source.split("#[cfg(test)]").next().unwrap();
        let mut literals = Vec::new();
        while let Some(at) = code.find(['"', '/', '#', 'l', '\'']) {
            code = &code[at..];
            let skipped = [("//", "\n"), ("#[", "]\n"), ("log::", ");")];
            let skip = skipped.iter().find(|(start, _)| code.starts_with(start));
            if let Some((_, end)) = skip {
                code = code.split_once(end).map_or("", |(_, rest)| rest);
            } else if code.starts_with("'\"'") {
                code = &code[3..];
            } else if code.starts_with('"') {
                let end = end_of_literal(code);
                literals.push(&code[1..end]);
                code = &code[end + 1..];
            } else {
                code = &code[1..];
            }
        }
        literals
    }

    /// Where the quote is that ends the literal at the beginning.
    fn end_of_literal(code: &str) -> usize {
        let mut is_escaped = false;
        let ends = |(_, c): &(usize, char)| {
            let ends = *c == '"' && !is_escaped;
            is_escaped = *c == '\\' && !is_escaped;
            ends
        };
        code.char_indices().skip(1).find(ends).unwrap().0
    }

    /// Two words, or a capital letter before a small one: what people read, and no name, header or address.
    fn is_text(literal: &str) -> bool {
        let letters: Vec<_> = literal.chars().collect();
        let are_words = |three: &[char]| {
            three[0].is_alphabetic() && three[1] == ' ' && three[2].is_alphabetic()
        };
        letters.windows(3).any(are_words)
            || letters.len() > 1 && letters[0].is_uppercase() && letters[1].is_lowercase()
    }

    #[test]
    fn code_has_no_texts_of_its_own() {
        let mut found = Vec::new();
        for room in ["src/web", "src/activity"] {
            sources(
                &Path::new(env!("CARGO_MANIFEST_DIR")).join(room),
                &mut found,
            );
        }
        assert!(found.len() > 20);
        let mut texts = Vec::new();
        for path in found {
            let source = fs::read_to_string(&path).unwrap();
            let here = literals(&source)
                .into_iter()
                .filter(|literal| is_text(literal));
            texts.extend(here.map(|literal| format!("{}: {literal}", path.display())));
        }
        assert!(
            texts.is_empty(),
            "these belong to texts:\n{}",
            texts.join("\n")
        );
    }

    #[test]
    fn a_text_is_told_from_a_name() {
        for text in [
            "The user was added.",
            "Save",
            "is not a date",
            "{}: no such user",
        ] {
            assert!(is_text(text), "{text}");
        }
        for name in [
            "no-store",
            "text/html; charset=utf-8",
            "GET, POST",
            "%Y-%m-%d",
            "x",
            "",
        ] {
            assert!(!is_text(name), "{name}");
        }
        let code = "let a = \"A\\\"b c\"; // \"not this\"\nlog::warn!(\"nor this\");\nf('\"', \"but this\");";
        assert_eq!(literals(code), ["A\\\"b c", "but this"]);
    }
}
