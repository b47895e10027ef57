//! Stored password hashes: five families are read, one is written.
//!
//! A hash comes from a database or from an administrator and is not trusted: it is parsed in full,
//! with its cost, before anything is computed.

mod argon2id;
mod bcrypt;
mod pbkdf2;
mod sha512_crypt;

use std::{fmt, time::Duration};

use sftpgo_credential_formats::password_hash::HashFormat;

use crate::error::{Error, Result};

use self::{argon2id::Argon2id, bcrypt::Bcrypt, pbkdf2::Pbkdf2, sha512_crypt::Sha512Crypt};

/// Longer passwords are refused: SHA-512 crypt takes time in the square of the length.
pub const MAX_PASSWORD_LEN: usize = 1024;

/// The width of the `password` column of every installation.
const MAX_STORED_LEN: usize = 255;

/// What checking the dearest hash that is accepted takes on a current core, whatever its kind. Each kind has this as a
/// fixed number of its own cost.
pub const MAX_EXPECTED_TIME: Duration = Duration::from_secs(2);

/// A stored hash, parsed, with a cost this server is willing to pay.
pub struct PasswordHash(Family);

enum Family {
    Argon2id(Argon2id),
    Bcrypt(Bcrypt),
    Pbkdf2(Pbkdf2),
    Sha512Crypt(Sha512Crypt),
}

impl PasswordHash {
    /// Reads a stored hash.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) naming `password` when it is not one.
    pub fn parse(stored: &str) -> Result<Self> {
        let family = match HashFormat::of(stored) {
            Some(HashFormat::Argon2id) => Argon2id::parse(stored).map(Family::Argon2id),
            Some(HashFormat::Bcrypt) => Bcrypt::parse(stored).map(Family::Bcrypt),
            Some(HashFormat::Pbkdf2(digest)) => Pbkdf2::parse(stored, digest).map(Family::Pbkdf2),
            Some(HashFormat::Sha512Crypt) => Sha512Crypt::parse(stored).map(Family::Sha512Crypt),
            None => Err("not a known kind of password hash".to_owned()),
        };
        family
            .map(Self)
            .map_err(|reason| Error::invalid("password", reason))
    }

    /// A hash of the cost of a new one that no password matches: what is checked for a name that has none.
    pub(crate) fn of_nobody() -> Self {
        Self(Family::Argon2id(Argon2id::of_nobody()))
    }

    /// Returns what to store for a password as it was sent: argon2id of plain text; a value with a known prefix as it is.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) naming `password` when the prefix is known and the rest does not
    /// parse, or when the password is too long.
    pub fn for_storage(sent: &str) -> Result<String> {
        if HashFormat::of(sent).is_some() {
            if sent.len() > MAX_STORED_LEN {
                return Err(Error::invalid(
                    "password",
                    format_args!("a hash must not be longer than {MAX_STORED_LEN} bytes"),
                ));
            }
            return Self::parse(sent).map(|_| sent.to_owned());
        }
        Self::of_plain_text(sent.as_bytes())
    }

    /// The argon2id hash to store for a password, whatever it looks like.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) naming `password` when it is too long.
    pub fn of_plain_text(password: &[u8]) -> Result<String> {
        check_len(password)?;
        argon2id::hash(password)
    }

    /// The argon2id hash to store instead of `old` for the same password; [`PasswordHash::is_rehash`] knows it.
    ///
    /// # Errors
    /// As [`PasswordHash::of_plain_text`].
    pub fn rehash(password: &[u8], old: &str) -> Result<String> {
        check_len(password)?;
        argon2id::hash_again(password, old)
    }

    /// Did [`PasswordHash::rehash`] make `new` from `old`, so that the password is the same?
    pub fn is_rehash(new: &str, old: &str) -> bool {
        Argon2id::parse(new).is_ok_and(|new| new.is_after(old))
    }

    /// Does `password` match? Takes as long as the hash says, tens of milliseconds as a rule.
    pub fn verify(&self, password: &[u8]) -> bool {
        if password.len() > MAX_PASSWORD_LEN {
            return false;
        }
        match &self.0 {
            Family::Argon2id(hash) => hash.verify(password),
            Family::Bcrypt(hash) => hash.verify(password),
            Family::Pbkdf2(hash) => hash.verify(password),
            Family::Sha512Crypt(hash) => hash.verify(password),
        }
    }

    /// Returns how long [`PasswordHash::verify`] takes on a current core, by the cost that the hash names.
    pub fn expected_time(&self) -> Duration {
        match &self.0 {
            Family::Argon2id(hash) => hash.expected_time(),
            Family::Bcrypt(hash) => hash.expected_time(),
            Family::Pbkdf2(hash) => hash.expected_time(),
            Family::Sha512Crypt(hash) => hash.expected_time(),
        }
    }

    /// Is this anything but argon2id?
    pub fn is_legacy(&self) -> bool {
        !matches!(self.0, Family::Argon2id(_))
    }
}

impl fmt::Debug for PasswordHash {
    /// The family only: a hash must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Family::Argon2id(_) => "PasswordHash(argon2id)",
            Family::Bcrypt(_) => "PasswordHash(bcrypt)",
            Family::Pbkdf2(_) => "PasswordHash(pbkdf2)",
            Family::Sha512Crypt(_) => "PasswordHash(sha512-crypt)",
        })
    }
}

fn check_len(password: &[u8]) -> Result<()> {
    if password.len() > MAX_PASSWORD_LEN {
        return Err(Error::invalid(
            "password",
            format_args!("must not be longer than {MAX_PASSWORD_LEN} bytes"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sftpgo_credential_formats::password_hash::PREFIXES;

    use super::*;
    use crate::ErrorKind;

    /// `password` and `secret`, as the contract publishes them.
    const PBKDF2_OF_PASSWORD: &str =
        "$pbkdf2-sha256$150000$E86a9YMX3zC7$R5J62hsSq+pYw00hLLPKBbcGXmq7fj5+/M0IFoYtZbo=";
    const BCRYPT_OF_SECRET: &str = "$2a$14$ajq8Q7fbtFRQvXpdCq7Jcuy.Rx1h/L4J60Otx.gyNLbAYctGMJ9tK";

    #[test]
    fn the_published_hashes_verify_their_passwords_only() {
        for (hash, password) in [
            (PBKDF2_OF_PASSWORD, "password"),
            (BCRYPT_OF_SECRET, "secret"),
        ] {
            let hash = PasswordHash::parse(hash).unwrap();
            assert!(hash.verify(password.as_bytes()), "{hash:?}");
            assert!(!hash.verify(b"Password"), "{hash:?}");
            assert!(!hash.verify(b""), "{hash:?}");
            assert!(hash.is_legacy(), "{hash:?}");
        }
    }

    #[test]
    fn plain_text_is_stored_as_argon2id_with_a_salt_of_its_own() {
        let stored = PasswordHash::for_storage("pässword").unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert_ne!(stored, PasswordHash::for_storage("pässword").unwrap());
        let hash = PasswordHash::parse(&stored).unwrap();
        assert!(hash.verify("pässword".as_bytes()));
        assert!(!hash.verify(b"password"));
        assert!(!hash.is_legacy());
    }

    #[test]
    fn a_rehash_is_known_by_what_it_replaced_and_any_other_hash_is_not() {
        let rehash = PasswordHash::rehash(b"secret", BCRYPT_OF_SECRET).unwrap();
        assert!(PasswordHash::parse(&rehash).unwrap().verify(b"secret"));
        assert!(PasswordHash::is_rehash(&rehash, BCRYPT_OF_SECRET));
        assert!(!PasswordHash::is_rehash(&rehash, PBKDF2_OF_PASSWORD));
        let new = PasswordHash::of_plain_text(b"secret").unwrap();
        for other in [&new, BCRYPT_OF_SECRET, "", "$argon2id$"] {
            assert!(!PasswordHash::is_rehash(other, BCRYPT_OF_SECRET), "{other}");
        }
    }

    #[test]
    fn a_hash_is_stored_as_sent() {
        let argon2id = PasswordHash::for_storage("x").unwrap();
        for sent in [PBKDF2_OF_PASSWORD, BCRYPT_OF_SECRET, &argon2id] {
            assert_eq!(PasswordHash::for_storage(sent).unwrap(), sent);
        }
    }

    #[test]
    fn a_known_prefix_with_a_broken_rest_is_refused_and_names_the_field() {
        for (prefix, _) in PREFIXES {
            for rest in ["", "x", "$", "$$$$", "1$2$3$4", "é", "99999999999$a$b"] {
                let error = PasswordHash::for_storage(&format!("{prefix}{rest}")).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Invalid, "{prefix}{rest}");
                assert!(error.message().starts_with("password: "), "{error}");
            }
        }
    }

    #[test]
    fn the_dearest_of_each_kind_takes_about_two_seconds() {
        let salt_and_hash = "c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q";
        let key = "A".repeat(27) + "=";
        for dearest in [
            "$2b$15$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW".to_owned(),
            format!("$argon2id$v=19$m=524288,t=3,p=1${salt_and_hash}"),
            format!("$pbkdf2-sha1$5000000$salt${key}"),
            format!("$6$rounds=5000000$salt${}", "A".repeat(86)),
        ] {
            let expected = PasswordHash::parse(&dearest).unwrap().expected_time();
            let about = MAX_EXPECTED_TIME * 9 / 10..=MAX_EXPECTED_TIME;
            assert!(about.contains(&expected), "{dearest}: {expected:?}");
        }
    }

    #[test]
    fn a_hash_that_no_column_holds_is_refused() {
        let key = "A".repeat(27) + "=";
        let fits = format!("$pbkdf2-sha1$1000${}${key}", "s".repeat(207));
        let too_long = format!("$pbkdf2-sha1$1000${}${key}", "s".repeat(209));
        assert_eq!(PasswordHash::for_storage(&fits).unwrap(), fits);
        assert!(PasswordHash::for_storage(&too_long).is_err());
    }

    #[test]
    fn a_password_too_long_is_refused_and_never_matches() {
        let longest = "x".repeat(MAX_PASSWORD_LEN);
        let stored = PasswordHash::for_storage(&longest).unwrap();
        assert!(
            PasswordHash::parse(&stored)
                .unwrap()
                .verify(longest.as_bytes())
        );
        let too_long = longest + "x";
        let error = PasswordHash::for_storage(&too_long).unwrap_err();
        assert!(error.message().contains("1024"), "{error}");
        // bcrypt itself looks at 72 bytes only, so without the limit this would match.
        let of_72 = PasswordHash::parse(&::bcrypt::hash("x".repeat(72), 4).unwrap()).unwrap();
        assert!(of_72.verify("x".repeat(100).as_bytes()));
        assert!(!of_72.verify(too_long.as_bytes()));
    }

    #[test]
    fn what_is_not_a_hash_is_neither_parsed_nor_matched() {
        for stored in [
            "",
            "plain",
            "*",
            "!",
            "$1$abc$def",
            "$5$salt$hash",
            "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA",
            "$2x$04$aaaa",
        ] {
            let error = PasswordHash::parse(stored).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{stored}");
            assert!(error.message().starts_with("password: "), "{error}");
        }
    }

    #[test]
    fn debug_tells_the_family_and_nothing_of_the_hash() {
        let hash = PasswordHash::parse(PBKDF2_OF_PASSWORD).unwrap();
        assert_eq!(format!("{hash:?}"), "PasswordHash(pbkdf2)");
    }

    #[test]
    fn checking_nobody_costs_what_a_new_hash_costs() {
        let stored = PasswordHash::for_storage("x").unwrap();
        let PasswordHash(Family::Argon2id(new)) = PasswordHash::parse(&stored).unwrap() else {
            panic!("{stored}");
        };
        assert_eq!(Argon2id::of_nobody().shape(), new.shape());
    }

    proptest::proptest! {
        #[test]
        fn no_stored_value_makes_parsing_panic(stored in r"(\$(argon2id|2[aby]|pbkdf2-sha(1|256|512)|6)\$)?[ -~é$=,]{0,80}") {
            let _ = PasswordHash::parse(&stored);
        }
    }
}
