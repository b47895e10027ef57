//! Kinds of password hashes, by their beginnings.

/// A kind of password hash that the server verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashFormat {
    /// Argon2id, which the server makes itself.
    Argon2id,
    /// bcrypt in any of its three versions.
    Bcrypt,
    /// PBKDF2, with the hash function that it repeats.
    Pbkdf2(Pbkdf2Digest),
    /// SHA-512 crypt of Linux.
    Sha512Crypt,
}

/// The hash function that PBKDF2 repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pbkdf2Digest {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// The beginnings by which a hash is told from a password where either may be sent: REST API v1.2.0 stores a value that
/// begins so as it is, and anything else as a password in plain text.
pub const PREFIXES: [(&str, HashFormat); 8] = [
    ("$argon2id$", HashFormat::Argon2id),
    ("$2a$", HashFormat::Bcrypt),
    ("$2b$", HashFormat::Bcrypt),
    ("$2y$", HashFormat::Bcrypt),
    ("$pbkdf2-sha1$", HashFormat::Pbkdf2(Pbkdf2Digest::Sha1)),
    ("$pbkdf2-sha256$", HashFormat::Pbkdf2(Pbkdf2Digest::Sha256)),
    ("$pbkdf2-sha512$", HashFormat::Pbkdf2(Pbkdf2Digest::Sha512)),
    ("$6$", HashFormat::Sha512Crypt),
];

impl HashFormat {
    /// Returns the kind of a stored hash by its beginning, whatever stands behind it; none for what is no hash that the
    /// server verifies.
    pub fn of(stored: &str) -> Option<Self> {
        PREFIXES
            .iter()
            .find(|(prefix, _)| stored.starts_with(prefix))
            .map(|(_, format)| *format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_known_by_its_beginning_alone() {
        for (prefix, format) in PREFIXES {
            for stored in [prefix.to_owned(), format!("{prefix}é$")] {
                assert_eq!(HashFormat::of(&stored), Some(format), "{stored}");
            }
            for other in [&prefix[..prefix.len() - 1], &format!(" {prefix}")] {
                assert_eq!(HashFormat::of(other), None, "{other}");
            }
        }
    }

    #[test]
    fn other_kinds_are_none() {
        for stored in [
            "",
            "plain",
            "$1$salt$hash",
            "$5$salt$hash",
            "$2$10$hash",
            "$2x$10$hash",
            "$y$j9T$salt$hash",
            "$argon2i$v=19$m=8,t=1,p=1$salt$hash",
            "$pbkdf2-md5$1$salt$key",
            "$pbkdf2-b64salt-sha256$1$salt$key",
            "{SSHA}hash",
        ] {
            assert_eq!(HashFormat::of(stored), None, "{stored}");
        }
    }
}
