//! A command line to words, as a POSIX shell splits it (Shell Command Language 2.2, 2.6.5); nothing is expanded.
//!
//! Clients quote names for a shell, so quotes and backslashes have to be read as a shell reads them. What would make a
//! shell do more than one command (`;`, `&`, `|`, a newline), open files (`<`, `>`) or put in what a command prints (`` ` ``,
//! `$(`) does not exist here. Such a line means something else than a command with these words, so it is none.

/// One word of a command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    bytes: Vec<u8>,
    /// For each byte: was it quoted? Then it is no pattern and no `~`.
    quoted: Vec<bool>,
}

/// Why a line is not one command with its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotWords {
    /// A quote that is opened and not closed, or a backslash before nothing.
    Unfinished,
    /// Something that only a shell can do, as a person types it.
    Operator(&'static str),
}

impl Word {
    /// A word of bytes that mean themselves.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            quoted: vec![true; bytes.len()],
        }
    }

    /// The word without its quotes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, each with whether it was quoted.
    pub fn marked(&self) -> impl Iterator<Item = (u8, bool)> {
        self.bytes.iter().copied().zip(self.quoted.iter().copied())
    }

    /// The word behind a leading `~` that stands alone or before a `/`, which is the user's root.
    #[must_use]
    pub fn without_tilde(&self) -> Self {
        let is_home = self.marked().next() == Some((b'~', false))
            && matches!(self.bytes.get(1), None | Some(b'/'));
        if !is_home {
            return self.clone();
        }
        Self {
            bytes: self.bytes.get(1..).unwrap_or_default().to_vec(),
            quoted: self.quoted.get(1..).unwrap_or_default().to_vec(),
        }
    }

    fn push(&mut self, byte: u8, quoted: bool) {
        self.bytes.push(byte);
        self.quoted.push(quoted);
    }
}

/// Splits a command line.
///
/// # Errors
/// [`NotWords`].
pub fn split(line: &[u8]) -> Result<Vec<Word>, NotWords> {
    let mut words = Vec::new();
    // None between words: `''` is a word of nothing.
    let mut word: Option<Word> = None;
    let mut rest = line.iter();
    while let Some(&byte) = rest.next() {
        if let Some(name) = operator(byte, rest.as_slice()) {
            return Err(NotWords::Operator(name));
        }
        match byte {
            b' ' | b'\t' => words.extend(word.take()),
            b'\'' => single_quoted(word.get_or_insert_default(), &mut rest)?,
            b'"' => double_quoted(word.get_or_insert_default(), &mut rest)?,
            b'\\' => match rest.next() {
                Some(b'\n') => {}
                Some(&escaped) => word.get_or_insert_default().push(escaped, true),
                None => return Err(NotWords::Unfinished),
            },
            plain => word.get_or_insert_default().push(plain, false),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Returns the operator of a shell that `byte` begins, unquoted and before `behind`.
fn operator(byte: u8, behind: &[u8]) -> Option<&'static str> {
    match byte {
        b';' => Some(";"),
        b'&' => Some("&"),
        b'|' => Some("|"),
        b'<' => Some("<"),
        b'>' => Some(">"),
        b'`' => Some("`"),
        b'\n' => Some("a newline"),
        b'$' if behind.first() == Some(&b'(') => Some("$("),
        _ => None,
    }
}

fn single_quoted(word: &mut Word, rest: &mut std::slice::Iter<'_, u8>) -> Result<(), NotWords> {
    loop {
        match rest.next() {
            Some(b'\'') => return Ok(()),
            Some(&byte) => word.push(byte, true),
            None => return Err(NotWords::Unfinished),
        }
    }
}

fn double_quoted(word: &mut Word, rest: &mut std::slice::Iter<'_, u8>) -> Result<(), NotWords> {
    loop {
        match rest.next() {
            Some(b'"') => return Ok(()),
            Some(b'\\') => match rest.next() {
                Some(b'\n') => {}
                Some(&escaped @ (b'$' | b'`' | b'"' | b'\\')) => word.push(escaped, true),
                Some(&other) => {
                    word.push(b'\\', true);
                    word.push(other, true);
                }
                None => return Err(NotWords::Unfinished),
            },
            Some(&byte) => word.push(byte, true),
            None => return Err(NotWords::Unfinished),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes_of(line: &[u8]) -> Vec<Vec<u8>> {
        split(line)
            .unwrap()
            .iter()
            .map(|word| word.bytes().to_vec())
            .collect()
    }

    #[test]
    fn lines_are_split_as_a_shell_does() {
        for (line, expected) in [
            (&b""[..], &[][..]),
            (b"  \t", &[]),
            (b"scp -t  a b", &[&b"scp"[..], b"-t", b"a", b"b"]),
            (b"'a b' \"c d\" e\\ f", &[b"a b", b"c d", b"e f"]),
            (b"a'b'\"c\"d", &[b"abcd"]),
            (b"'' \"\"", &[b"", b""]),
            (b"'a\\'", &[b"a\\"]),
            (
                b"\"\\$ \\` \\\" \\\\ \\a '\"",
                &[&b"$ ` \" \\ \\a '"[..]][..],
            ),
            (b"a\\\nb \"c\\\nd\" 'e\nf'", &[b"ab", b"cd", b"e\nf"]),
            (
                b"$HOME ';&|<>`$(' \";&|<>\n\" \\;\\&\\|\\<\\>\\`\\$\\(",
                &[b"$HOME", b";&|<>`$(", b";&|<>\n", b";&|<>`$("],
            ),
            (
                b"a(1) {b} *?[c] #d !e ~f",
                &[b"a(1)", b"{b}", b"*?[c]", b"#d", b"!e", b"~f"],
            ),
            (b"\xff\\\xfe", &[b"\xff\xfe"]),
        ] {
            assert_eq!(bytes_of(line), expected, "{line:?}");
        }
    }

    #[test]
    fn what_is_not_finished_is_refused() {
        for line in [&b"a'b"[..], b"\"a", b"a\\", b"\"a\\", b"'a\\'b'"] {
            assert_eq!(split(line), Err(NotWords::Unfinished), "{line:?}");
        }
    }

    #[test]
    fn what_only_a_shell_can_do_is_no_word() {
        for (line, name) in [
            (&b"cd / && touch x"[..], "&"),
            (b"pwd;id", ";"),
            (b"a | b", "|"),
            (b"a > b", ">"),
            (b"a<b", "<"),
            (b"a `b`", "`"),
            (b"a x$(b)", "$("),
            (b"a\nb", "a newline"),
            (b"a\n", "a newline"),
            (b"'a' \"b\" \\c;", ";"),
        ] {
            assert_eq!(split(line), Err(NotWords::Operator(name)), "{line:?}");
        }
    }

    #[test]
    fn quoted_bytes_are_known() {
        let words = split(b"*'*'\\*\"*\"").unwrap();
        let marks: Vec<_> = words[0].marked().map(|(_, quoted)| quoted).collect();
        assert_eq!(marks, [false, true, true, true]);
    }

    #[test]
    fn a_tilde_is_the_root_unless_quoted_or_part_of_a_name() {
        for (line, expected) in [
            (&b"~"[..], &b""[..]),
            (b"~/a", b"/a"),
            (b"~a/b", b"~a/b"),
            (b"a~", b"a~"),
            (b"'~'/a", b"~/a"),
            (b"\\~", b"~"),
        ] {
            assert_eq!(split(line).unwrap()[0].without_tilde().bytes(), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_for_a_shell_comes_back(words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..5)) {
            let single = words.iter().map(|word| {
                let inner: Vec<u8> = word.iter().flat_map(|byte| match byte {
                    b'\'' => b"'\\''".to_vec(),
                    other => vec![*other],
                }).collect();
                [b"'".as_slice(), &inner, b"'"].concat()
            });
            let line = single.collect::<Vec<_>>().join(&b' ');
            prop_assert_eq!(bytes_of(&line), words);
        }

        #[test]
        fn no_line_makes_more_than_it_has(line in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(words) = split(&line) {
                prop_assert!(words.iter().map(|word| word.bytes().len()).sum::<usize>() <= line.len());
            }
        }
    }
}
