//! Patterns of file names (POSIX Shell Command Language 2.13): `*`, `?` and `[…]`, over bytes.

use crate::shell_words::Word;

/// One component of a path that may be a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Component {
    /// A name as it is.
    Name(Vec<u8>),
    /// Names of a directory's listing.
    Pattern(Pattern),
}

/// A pattern of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    tokens: Vec<Token>,
    /// Bytes that a name has at least when it matches.
    least: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    AnyByte,
    AnyBytes,
    /// Any of these bytes.
    Set(Box<Bytes>),
}

/// A set of bytes, so that a long list of ranges costs no more than a short one.
type Bytes = [bool; 256];

/// A byte, and whether it was quoted.
type Marked = (u8, bool);

/// The components of a word, of which at least one is a pattern; none when the word is just a name.
pub fn components(word: &Word) -> Option<Vec<Component>> {
    let marked: Vec<Marked> = word.marked().collect();
    let components: Vec<_> = marked
        .split(|(byte, _)| *byte == b'/')
        .filter(|component| !component.is_empty())
        .map(component)
        .collect();
    components
        .iter()
        .any(|component| matches!(component, Component::Pattern(_)))
        .then_some(components)
}

fn component(marked: &[Marked]) -> Component {
    let mut tokens = Vec::new();
    let mut rest = marked;
    let mut may_end = true;
    while let Some((&(byte, quoted), behind)) = rest.split_first() {
        rest = behind;
        tokens.push(match byte {
            b'*' if !quoted && tokens.last() == Some(&Token::AnyBytes) => continue,
            b'*' if !quoted => Token::AnyBytes,
            b'?' if !quoted => Token::AnyByte,
            b'[' if !quoted && may_end => match set(behind) {
                Some((set, len)) => {
                    rest = behind.get(len..).unwrap_or_default();
                    set
                }
                // Without its end it is a bracket, and so are all that follow.
                None => {
                    may_end = false;
                    Token::Byte(b'[')
                }
            },
            plain => Token::Byte(plain),
        });
    }
    if tokens.iter().all(|token| matches!(token, Token::Byte(_))) {
        return Component::Name(marked.iter().map(|(byte, _)| *byte).collect());
    }
    let least = tokens
        .iter()
        .filter(|token| **token != Token::AnyBytes)
        .count();
    Component::Pattern(Pattern { tokens, least })
}

/// The set behind a `[`, and how many bytes it takes with its `]`.
fn set(behind: &[Marked]) -> Option<(Token, usize)> {
    let negated = matches!(behind.first(), Some((b'!' | b'^', false)));
    let first = usize::from(negated);
    // A `]` in the first place is one of the set.
    let end = behind
        .iter()
        .enumerate()
        .skip(first + 1)
        .find(|(_, marked)| **marked == (b']', false))
        .map(|(at, _)| at)?;
    let mut bytes = Box::new([negated; 256]);
    let mut add = |from: u8, to: u8| {
        for byte in from..=to {
            if let Some(member) = bytes.get_mut(usize::from(byte)) {
                *member = !negated;
            }
        }
    };
    let mut rest = behind.get(first..end)?;
    while let Some((&(from, _), behind)) = rest.split_first() {
        match behind {
            [(b'-', false), (to, _), more @ ..] => {
                add(from, *to);
                rest = more;
            }
            _ => {
                add(from, from);
                rest = behind;
            }
        }
    }
    Some((Token::Set(bytes), end + 1))
}

impl Pattern {
    /// Does the pattern match all of `name`? A leading dot is matched by a dot only.
    pub fn matches(&self, name: &[u8]) -> bool {
        let hidden = name.starts_with(b".") && self.tokens.first() != Some(&Token::Byte(b'.'));
        if hidden || name.len() < self.least {
            return false;
        }
        let (mut token, mut byte) = (0, 0);
        // Where to go on when what follows the last `*` does not match: that `*` takes one byte more.
        let mut retry = None;
        loop {
            let matched = match (self.tokens.get(token), name.get(byte)) {
                (None, None) => return true,
                (Some(Token::AnyBytes), _) => {
                    retry = Some((token + 1, byte));
                    token += 1;
                    continue;
                }
                (Some(token), Some(byte)) => token.matches(*byte),
                _ => false,
            };
            if matched {
                token += 1;
                byte += 1;
                continue;
            }
            match retry {
                Some((behind, taken)) if taken < name.len() => {
                    retry = Some((behind, taken + 1));
                    (token, byte) = (behind, taken + 1);
                }
                _ => return false,
            }
        }
    }
}

impl Token {
    fn matches(&self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => *own == byte,
            Self::AnyByte | Self::AnyBytes => true,
            Self::Set(bytes) => bytes.get(usize::from(byte)).is_some_and(|member| *member),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::shell_words::split;

    fn matches(word: &str, name: &[u8]) -> bool {
        match components(&split(word.as_bytes()).unwrap()[0]).as_deref() {
            Some([Component::Pattern(pattern)]) => pattern.matches(name),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, yes, no) in [
            ("*", &["a", "ab", "a b"][..], &[".a", "."][..]),
            (".*", &[".a", "."], &["a"]),
            ("a*c", &["ac", "abc", "acbc"], &["ab", "acb", "xac"]),
            ("*a*b*", &["ab", "xaxbx", "aab"], &["ba", "a"]),
            ("?", &["a", "?"], &["", "ab", "."]),
            ("a?", &["ab", "a."], &["a"]),
            ("[a-cx]", &["a", "b", "c", "x"], &["d", "-", "ab"]),
            ("[!a-c]", &["d", "-"], &["a", ".", ""]),
            ("[^a]b", &["bb"], &["ab"]),
            ("[]a]", &["]", "a"], &["b"]),
            ("[!]]", &["a"], &["]"]),
            ("[a-]", &["a", "-"], &["b"]),
            ("[-a]", &["a", "-"], &["b"]),
            ("[z-a]*", &[], &["a", "z", "m"]),
            ("[.]a*", &[], &[".a"]),
            ("[a'-'z]", &["a", "-", "z"], &["m"]),
            ("[a*", &["[a", "[ab"], &["a"]),
            ("'*'*", &["*", "*a"], &["a"]),
            ("\\[*]", &["[]", "[a]"], &["a"]),
        ] {
            for name in yes {
                assert!(matches(pattern, name.as_bytes()), "{pattern} {name}");
            }
            for name in no {
                assert!(!matches(pattern, name.as_bytes()), "{pattern} {name}");
            }
        }
        assert!(matches("?*", b"\xff") && matches("*", b"\xff\xfe"));
    }

    #[test]
    fn only_unquoted_patterns_are_patterns() {
        for word in ["a", "a/b", "'*'", "\\?", "a\\[b]", "[", "[a", "a]", ""] {
            let words = split(word.as_bytes()).unwrap();
            let word = words.first().cloned().unwrap_or_default();
            assert_eq!(components(&word), None, "{word:?}");
        }
        let found = components(&split(b"/a\\ b/*//'c*'").unwrap()[0]).unwrap();
        assert_eq!(found[0], Component::Name(b"a b".to_vec()));
        assert!(matches!(found[1], Component::Pattern(_)));
        assert_eq!(found[2], Component::Name(b"c*".to_vec()));
    }

    #[test]
    fn many_stars_take_no_longer() {
        let pattern = "*a".repeat(60) + "b";
        assert!(!matches(&pattern, &[b'a'; 255]));
    }

    #[test]
    fn words_made_to_cost_much_cost_little() {
        let long = |part: &str, times: usize| {
            let text = format!("{}*", part.repeat(times));
            components(&split(text.as_bytes()).unwrap()[0]).unwrap()
        };
        for parts in [
            long("[", 250_000),
            long("*", 250_000),
            long("*a", 100_000),
            long("[a-z]", 50_000),
        ] {
            let Component::Pattern(pattern) = &parts[0] else {
                panic!("{parts:?}");
            };
            for _ in 0..1000 {
                assert_eq!(pattern.matches(&[b'a'; 255]), pattern.least == 0);
            }
        }
        let set = format!("[{}]", "a-z".repeat(60_000));
        let parts = components(&split(set.as_bytes()).unwrap()[0]).unwrap();
        let Component::Pattern(pattern) = &parts[0] else {
            panic!("{parts:?}");
        };
        assert!(pattern.matches(b"q") && !pattern.matches(b"Q"));
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_with_stars_between(name in prop::collection::vec(1_u8.., 1..30), other in prop::collection::vec(any::<u8>(), 0..30)) {
            prop_assume!(!name.contains(&b'/'));
            let mut tokens = vec![Token::AnyBytes];
            for byte in &name {
                tokens.extend([Token::Byte(*byte), Token::AnyBytes]);
            }
            let pattern = Pattern { tokens, least: name.len() };
            prop_assert_eq!(pattern.matches(&name), name[0] != b'.');
            let is_subsequence = { let mut rest = other.iter(); name.iter().all(|byte| rest.any(|found| found == byte)) };
            prop_assert_eq!(pattern.matches(&other), is_subsequence && other[0] != b'.');
        }
    }
}
