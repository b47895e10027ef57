//! Lines of `authorized_keys`: the types of keys, and what a line may say besides a key.

use std::{error::Error, fmt};

/// The types of keys that the server accepts, by their names in such a line.
pub const KEY_TYPES: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// Room in bytes for the largest accepted key and a comment.
const MAX_LINE_LEN: usize = 8192;

/// What a line asks of signatures by a security key (sshd(8), AUTHORIZED_KEYS FILE FORMAT). Other keys sign as they do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyOptions {
    /// A signature that nobody touched the security key for counts too.
    pub no_touch_required: bool,
    /// Only a signature counts for which the security key has verified its user, by a PIN for example.
    pub verify_required: bool,
}

impl KeyOptions {
    /// The options of a word such as `no-touch-required,verify-required`; none where there are others in it.
    fn parse(word: &str) -> Option<Self> {
        let mut options = Self::default();
        for name in word.split(',') {
            match name.to_ascii_lowercase().as_str() {
                "no-touch-required" => options.no_touch_required = true,
                "verify-required" => options.verify_required = true,
                _ => return None,
            }
        }
        Some(options)
    }
}

/// The words of a line that is a public key as far as they tell: the key itself is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLine<'a> {
    /// What the line asks of signatures.
    pub options: KeyOptions,
    /// One of [`KEY_TYPES`].
    pub key_type: &'a str,
    /// The key as it is on the wire, in base64 if the line is right.
    pub key: &'a str,
}

impl<'a> KeyLine<'a> {
    /// Reads a line: options of [`KeyOptions`], key type, key, and a comment; options and comment may be missing.
    ///
    /// A line with other options is refused: `from=` or `command=` restrict a key, and the server cannot enforce them.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn parse(line: &'a str) -> Result<Self, KeyLineFault> {
        let line = line.trim();
        if line.len() > MAX_LINE_LEN {
            return Err(KeyLineFault::TooLong);
        }
        if line.contains(|c: char| c.is_control() && c != '\t') {
            return Err(KeyLineFault::ControlCharacter);
        }
        let mut words = line.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        let options = KeyOptions::parse(first);
        let key_type = match options {
            Some(_) => words.next().unwrap_or_default(),
            None => first,
        };
        if !KEY_TYPES.contains(&key_type) {
            return Err(KeyLineFault::of_type(key_type, line));
        }
        Ok(Self {
            options: options.unwrap_or_default(),
            key_type,
            key: words.next().ok_or(KeyLineFault::NoKey)?,
        })
    }
}

/// Why a line is not taken as a public key. Its words repeat nothing of the line, which may hold anything at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyLineFault {
    /// The line has more bytes than any key that is accepted.
    TooLong,
    /// The line is several, or has another control character than a tab.
    ControlCharacter,
    /// There is no word where the type of a key is expected.
    Empty,
    /// The key is a DSA key.
    Dsa,
    /// The key is a certificate.
    Certificate,
    /// The line has options that the server does not enforce.
    Options,
    /// It is a private key.
    PrivateKey,
    /// It is nothing of all this.
    UnknownType,
    /// Nothing stands behind the type of the key.
    NoKey,
}

impl KeyLineFault {
    /// What is wrong with a line that has `key_type` where one of [`KEY_TYPES`] is expected.
    fn of_type(key_type: &str, line: &str) -> Self {
        let is_key_type =
            |word: &str| KEY_TYPES.contains(&word) || word == "ssh-dss" || is_certificate(word);
        match key_type {
            "" => Self::Empty,
            "ssh-dss" => Self::Dsa,
            _ if is_certificate(key_type) => Self::Certificate,
            // The type comes second where options come first; they may hold spaces within quotes.
            _ if line.split_ascii_whitespace().any(is_key_type) => Self::Options,
            _ if line.contains("PRIVATE KEY") || key_type.contains("PRIVATE") => Self::PrivateKey,
            _ => Self::UnknownType,
        }
    }
}

fn is_certificate(word: &str) -> bool {
    word.contains("-cert-v0")
}

impl fmt::Display for KeyLineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the line is too long for a public key",
            Self::ControlCharacter => "more than one line, or a control character",
            Self::Empty => "the line is empty",
            Self::Dsa => "DSA keys are not secure any more and are not accepted",
            Self::Certificate => "certificates are not accepted, only plain public keys",
            Self::Options => {
                "options such as from= or command= cannot be enforced here, so no-touch-required and verify-required are the only ones accepted"
            }
            Self::PrivateKey => "this is a private key; the public one is needed",
            Self::UnknownType => {
                return write!(f, "the line does not start with one of {}", KEY_TYPES.join(", "));
            }
            Self::NoKey => "the key is missing after its type",
        })
    }
}

impl Error for KeyLineFault {}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: &str) -> KeyLineFault {
        KeyLine::parse(line).unwrap_err()
    }

    #[test]
    fn every_type_is_read_whatever_the_comment() {
        for key_type in KEY_TYPES {
            for line in [
                format!("{key_type} AAAA"),
                format!("  {key_type} \t AAAA\t a comment with  spaces, é and \"quotes\" \n"),
                format!("{key_type} AAAA from=home"),
            ] {
                let read = KeyLine {
                    options: KeyOptions::default(),
                    key_type,
                    key: "AAAA",
                };
                assert_eq!(KeyLine::parse(&line), Ok(read), "{line}");
            }
        }
    }

    #[test]
    fn what_a_security_key_has_to_do_is_read_from_the_options() {
        for (words, no_touch_required, verify_required) in [
            ("", false, false),
            ("no-touch-required ", true, false),
            ("verify-required\t", false, true),
            ("No-Touch-Required,verify-required ", true, true),
        ] {
            for key_type in ["sk-ssh-ed25519@openssh.com", "ssh-ed25519"] {
                let line = format!("{words}{key_type} AAAA bob");
                let read = KeyLine {
                    options: KeyOptions {
                        no_touch_required,
                        verify_required,
                    },
                    key_type,
                    key: "AAAA",
                };
                assert_eq!(KeyLine::parse(&line), Ok(read), "{line}");
            }
        }
        assert_eq!(fault("verify-required"), KeyLineFault::Empty);
    }

    #[test]
    fn options_are_refused_since_nobody_would_enforce_them() {
        for options in [
            "no-pty",
            "from=\"10.0.0.1\"",
            "command=\"echo hi there\",restrict",
            "cert-authority",
            "verify-required,from=\"10.0.0.1\"",
            "verify-required,",
            "verify-required=1",
            "verify-required no-touch-required",
        ] {
            for key_type in ["ssh-ed25519", "ssh-dss", "ssh-rsa-cert-v01@openssh.com"] {
                let line = format!("{options} {key_type} AAAA bob");
                assert_eq!(fault(&line), KeyLineFault::Options, "{line}");
            }
        }
    }

    #[test]
    fn other_text_is_refused_for_what_it_is() {
        for (line, expected) in [
            ("", KeyLineFault::Empty),
            ("ssh-rsa", KeyLineFault::NoKey),
            ("ssh-dss AAAA", KeyLineFault::Dsa),
            (
                "ssh-rsa-cert-v01@openssh.com AAAA",
                KeyLineFault::Certificate,
            ),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----",
                KeyLineFault::PrivateKey,
            ),
            ("root:$6$secret", KeyLineFault::UnknownType),
            ("# a comment", KeyLineFault::UnknownType),
            ("ssh-rsa AAAA\nssh-rsa BBBB", KeyLineFault::ControlCharacter),
        ] {
            assert_eq!(fault(line), expected, "{line:?}");
        }
        let long = format!("ssh-rsa AAAA {}", "c".repeat(MAX_LINE_LEN));
        assert_eq!(fault(&long), KeyLineFault::TooLong);
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_reading_panic_and_no_fault_repeats_it(line in "\\PC{0,80}|[a-z,=-]{0,20} ssh-rsa .{0,20}") {
            if let Err(fault) = KeyLine::parse(&format!("{line} SECRET")) {
                proptest::prop_assert!(!fault.to_string().contains("SECRET"));
            }
        }
    }
}
