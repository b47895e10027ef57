//! What a source file imports from the rest of its crate, whether in a `use` or by a path in the code.

use std::collections::HashMap;

/// A path that begins at the crate's root.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    /// It was written with `super`, in a module inside a file perhaps: then it may be an item of that file.
    pub(crate) is_relative: bool,
}

/// One source file.
pub(crate) struct Source {
    /// From the crate's `src`.
    pub(crate) name: String,
    /// The modules that lead to it; none for the crate's root.
    pub(crate) module: Vec<String>,
    tokens: Vec<String>,
}

impl Source {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let mut module: Vec<String> = name
            .trim_end_matches(".rs")
            .split('/')
            .map(str::to_owned)
            .collect();
        if module
            .last()
            .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
        {
            module.pop();
        }
        Self {
            name: name.to_owned(),
            module,
            tokens: without_tests(tokens(text)),
        }
    }

    /// Is all of it for the crate's own tests?
    pub(crate) fn is_of_tests(&self) -> bool {
        let names = ["tests", "test_support"];
        self.module
            .iter()
            .any(|name| names.contains(&name.as_str()))
    }

    /// The paths that it names from the crate's root on, whole or up to a `*`.
    pub(crate) fn imports(&self) -> Vec<Import> {
        let mut imports = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let begins = at == 0 || self.tokens[at - 1] != "::";
            let mut supers = 0;
            while begins && self.tokens[at..].starts_with(&["super".into(), "::".into()]) {
                supers += 1;
                at += 2;
            }
            if begins && self.tokens[at..].starts_with(&["crate".into(), "::".into()]) {
                at += 2;
                imports.extend(self.import(&mut at, &[], false));
            } else if supers > 0 && self.tokens[at] != "super" {
                let from = self.module.len().saturating_sub(supers);
                imports.extend(self.import(&mut at, &self.module[..from], true));
            } else {
                at += 1;
            }
        }
        imports
    }

    /// The paths that begin here, which is in the module `from`.
    fn import(&self, at: &mut usize, from: &[String], is_relative: bool) -> Vec<Import> {
        let mut found = Vec::new();
        self.tree(at, from.to_vec(), &mut found);
        found.retain(|path| path.first().is_some_and(|first| first != "*"));
        found
            .into_iter()
            .map(|path| Import { path, is_relative })
            .collect()
    }

    /// Reads a path, or several in braces, and goes on behind it.
    fn tree(&self, at: &mut usize, mut before: Vec<String>, found: &mut Vec<Vec<String>>) {
        loop {
            match self.tokens.get(*at).map(String::as_str) {
                Some("{") => {
                    *at += 1;
                    while self.tokens.get(*at).is_some_and(|token| token != "}") {
                        let begun = *at;
                        self.tree(at, before.clone(), found);
                        // An alias, a comma.
                        if *at == begun || self.tokens.get(*at).is_some_and(|token| token == ",") {
                            *at += 1;
                        }
                    }
                    *at += 1;
                    return;
                }
                Some(token) if token == "*" || is_name(token) => {
                    if token != "self" {
                        before.push(token.to_owned());
                    }
                    *at += 1;
                    let goes_on = self.tokens.get(*at).is_some_and(|token| token == "::");
                    if !goes_on {
                        if self.tokens.get(*at).is_some_and(|token| token == "as") {
                            *at += 2;
                        }
                        found.push(before);
                        return;
                    }
                    *at += 1;
                }
                // Behind `::` of generic arguments.
                _ => {
                    if !before.is_empty() {
                        found.push(before);
                    }
                    return;
                }
            }
        }
    }
}

/// The names that the crate's root re-exports, and the module of each.
pub(crate) fn re_exports(root: &Source) -> HashMap<String, String> {
    let mut exported = HashMap::new();
    for at in 0..root.tokens.len() {
        if root.tokens[at] != "use" {
            continue;
        }
        let mut paths = Vec::new();
        root.tree(&mut (at + 1), Vec::new(), &mut paths);
        for path in paths.into_iter().filter(|path| path.len() > 1) {
            exported.insert(path[path.len() - 1].clone(), path[0].clone());
        }
        // An alias stands behind the name that it is for.
        for alias in at..root.tokens.len() {
            match root.tokens[alias].as_str() {
                ";" => break,
                "as" => {
                    if let Some(room) = exported.get(&root.tokens[alias - 1]).cloned() {
                        exported.insert(root.tokens[alias + 1].clone(), room);
                    }
                }
                _ => {}
            }
        }
    }
    exported
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Names and signs, without comments and without what stands in quotes.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(len) = raw(rest) {
            len
        } else if first == '"' {
            quoted(rest)
        } else if let Some(len) = character(rest) {
            len
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else if first.is_alphanumeric() || first == '_' {
            let is_part = |c: char| c.is_alphanumeric() || c == '_';
            let len = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            tokens.push(rest[..len].to_owned());
            len
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[len..];
    }
    tokens
}

/// What is left without items that only tests have (`#[cfg(test)]`).
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let marker = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut left = Vec::new();
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        left.push(token);
        if !left.ends_with(&marker.map(str::to_owned)) {
            continue;
        }
        left.truncate(left.len() - marker.len());
        let mut depth = 0;
        for token in tokens.by_ref() {
            depth += i32::from(token == "{") - i32::from(token == "}");
            if depth == 0 && (token == "}" || token == ";") {
                break;
            }
        }
    }
    left
}

/// How long a raw string is that begins here.
fn raw(text: &str) -> Option<usize> {
    let hashes: String = text
        .strip_prefix('r')?
        .chars()
        .take_while(|c| *c == '#')
        .collect();
    let begin = 1 + hashes.len();
    let inside = text[begin..].strip_prefix('"')?;
    let end = inside.find(&format!("\"{hashes}"))?;
    Some(begin + 1 + end + 1 + hashes.len())
}

/// How long a string is that begins here.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// How long a character literal is that begins here; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    if inner.starts_with('\\') {
        return inner[2..].find('\'').map(|end| end + 4);
    }
    let first = inner.chars().next()?;
    let behind = inner[first.len_utf8()..].starts_with('\'');
    behind.then(|| first.len_utf8() + 2)
}
