use sftpgo_ssh::{
    scp::{
        Arguments,
        glob::{Component, components},
    },
    shell_words::{Word, split},
};

use crate::first_line;

/// A name, and behind a newline the command line of an exec request whose patterns it may match.
pub fn command_line(data: &[u8]) {
    let (name, line) = first_line(data);
    patterns_of(name);
    let Ok(words) = split(line) else {
        return;
    };
    let bytes: usize = words.iter().map(|word| word.bytes().len()).sum();
    assert!(bytes + words.len() <= line.len() + 1, "more than was sent");
    let quoted: Vec<_> = words.iter().map(|word| quoted(word.bytes())).collect();
    let again = split(&quoted.join(&b' ')).unwrap();
    assert!(
        again
            .iter()
            .map(Word::bytes)
            .eq(words.iter().map(Word::bytes))
    );
    for word in &words {
        matched(word, name);
        assert!(word.without_tilde().bytes().len() <= word.bytes().len());
    }
    if let Ok(arguments) = Arguments::parse(&words) {
        let paths = arguments.paths.len();
        assert!(paths < words.len() && paths > 0);
        assert!(arguments.from || paths == 1);
        assert_eq!(arguments.paths, words[words.len() - paths..]);
    }
}

/// A name matches itself, and what leaves out some of it.
fn patterns_of(name: &[u8]) {
    if name.is_empty() || name.contains(&b'/') {
        return;
    }
    assert_eq!(
        pattern_matches(&quoted(name), name),
        None,
        "quoted, it is no pattern"
    );
    let (first, rest) = name.split_at(1);
    let (_, last) = name.split_at(name.len() - 1);
    let hidden = first == b".";
    for (line, expected) in [
        ([quoted(name), b"*".to_vec()].concat(), true),
        ([b"*".to_vec(), quoted(name)].concat(), !hidden),
        ([b"*".to_vec(), quoted(rest)].concat(), !hidden),
        ([b"*".to_vec(), quoted(last)].concat(), !hidden),
        ([b"?".to_vec(), quoted(rest)].concat(), !hidden),
        (
            [b"[", &*quoted(first), b"]", &quoted(rest)].concat(),
            !hidden,
        ),
        (
            [quoted(first), b"***".to_vec(), quoted(rest)].concat(),
            true,
        ),
        ([quoted(name), b"?*".to_vec()].concat(), false),
    ] {
        assert_eq!(
            pattern_matches(&line, name),
            Some(expected),
            "{}",
            line.escape_ascii()
        );
    }
}

/// Does the only word of `line` match, if it is a pattern?
fn pattern_matches(line: &[u8], name: &[u8]) -> Option<bool> {
    let words = split(line).unwrap();
    assert_eq!(words.len(), 1);
    matched(&words[0], name)
}

/// Does the last component of `word` match `name`, if it is a pattern?
fn matched(word: &Word, name: &[u8]) -> Option<bool> {
    let components = components(word)?;
    assert!(components.len() <= word.bytes().len());
    match components.last()? {
        Component::Name(own) => {
            assert!(!own.contains(&b'/'));
            None
        }
        Component::Pattern(pattern) => Some(pattern.matches(name)),
    }
}

/// As one quotes for a shell.
fn quoted(word: &[u8]) -> Vec<u8> {
    let mut quoted = b"'".to_vec();
    for byte in word {
        match byte {
            b'\'' => quoted.extend(b"'\\''"),
            other => quoted.push(*other),
        }
    }
    quoted.push(b'\'');
    quoted
}
