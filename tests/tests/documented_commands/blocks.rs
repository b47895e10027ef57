//! What the documents have between fences, and commands in their sentences.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The languages of blocks of commands; of `console` the lines behind `$ ` are.
const LANGUAGES: [&str; 2] = ["sh", "console"];

/// With what commands begin that a reader may be told to type.
const COMMANDS: [&str; 3] = ["sftpgo-server ", "sftpgo-cli ", "curl "];

/// A block of commands.
pub(crate) struct Block {
    pub(crate) text: String,
}

/// One command of a block that shows what commands print.
pub(crate) struct Shown {
    pub(crate) command: String,
    pub(crate) output: String,
}

pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The documents, by name.
fn documents() -> Vec<(String, String)> {
    let root = workspace();
    let in_docs = fs::read_dir(root.join("docs")).unwrap();
    let in_docs = in_docs.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = in_docs
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .chain(["README.md", "CONTRIBUTING.md"].map(|name| root.join(name)))
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// All blocks of commands with the names of their documents.
pub(crate) fn all_blocks() -> Vec<(String, Block)> {
    let mut blocks = Vec::new();
    for (name, text) in documents() {
        for (language, text) in fenced(&text) {
            if LANGUAGES.contains(&language.as_str()) {
                blocks.push((name.clone(), Block { text }));
            } else {
                let is_command = |line: &str| COMMANDS.iter().any(|word| line.starts_with(word));
                let command = text.lines().find(|line| is_command(line.trim_start()));
                assert_eq!(command, None, "{name}: the block is not called `sh`");
            }
        }
    }
    assert!(blocks.len() > 20);
    blocks
}

/// Language and text of what is between fences; of an indented block the text is not.
fn fenced(document: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let inner = lines
            .by_ref()
            .take_while(|line| line.trim_start() != "```")
            .map(|line| format!("{}\n", line.get(indent..).unwrap_or_default()));
        blocks.push((language.to_owned(), inner.collect()));
    }
    blocks
}

/// What sentences say of our programs between backticks: `sftpgo-cli quota list`.
pub(crate) fn commands_in_sentences() -> BTreeSet<String> {
    let is_ours = |text: &&str| COMMANDS[..2].iter().any(|word| text.starts_with(word));
    let mut commands = BTreeSet::new();
    for (_, text) in documents() {
        // Every other part is between fences.
        for sentences in text.split("```").step_by(2) {
            for paragraph in sentences.split("\n\n") {
                let paragraph = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
                let quoted = paragraph.split('`').skip(1).step_by(2);
                commands.extend(quoted.filter(is_ours).map(str::to_owned));
            }
        }
    }
    commands
}

impl Block {
    pub(crate) fn begins_with(&self, start: &str) -> bool {
        self.text.starts_with(start)
    }

    /// The text with each of these replaced, all of which have to be there.
    pub(crate) fn with(&self, replacements: &[(&str, &str)]) -> String {
        replacements
            .iter()
            .fold(self.text.clone(), |text, (old, new)| {
                assert!(text.contains(old), "{old} in {text}");
                text.replace(old, new)
            })
    }

    /// Commands with what they print.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        let commands = self.text.split("$ ").skip(1).map(|part| {
            let (command, output) = part.split_once('\n').unwrap();
            Shown {
                command: command.to_owned(),
                output: output.to_owned(),
            }
        });
        commands.collect()
    }
}
