//! Files of names and password hashes as Apache's `htpasswd` writes them: `name:hash`, a line each. Hashes are bcrypt, and MD5
//! crypt as `$1$` and `$apr1$`, which is as old as it looks and there for files that exist.

use std::{collections::HashMap, fmt};

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use super::password::PasswordHash;
use crate::error::{Error, Result};

/// Longer passwords are refused, as everywhere.
const MAX_PASSWORD_LEN: usize = super::password::MAX_PASSWORD_LEN;
/// The bytes of a salt that MD5 crypt uses.
const SALT_LEN: usize = 8;
const ROUNDS: usize = 1000;
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The bytes of a digest that are written together, three at a time.
const GROUPS: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];

/// The names of a file, each with its hash.
#[derive(Default)]
pub struct Htpasswd(HashMap<String, HtpasswdHash>);

/// A hash of such a file.
#[derive(Clone)]
pub struct HtpasswdHash(String);

impl Htpasswd {
    /// Reads a file's text. Empty lines and those that begin with `#` mean nothing; of two with one name the last counts.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), naming the first line that cannot be used.
    pub fn parse(text: &str) -> Result<Self> {
        let mut names = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = |why: &str| Error::invalid(&format!("line {}", number + 1), why);
            let (name, hash) = line
                .split_once(':')
                .filter(|(name, hash)| !name.is_empty() && !hash.contains(':'))
                .ok_or_else(|| bad("is not a name, a colon and a hash"))?;
            let hash = HtpasswdHash::parse(hash)
                .ok_or_else(|| bad("has a hash that is neither bcrypt nor MD5 crypt"))?;
            names.insert(name.to_owned(), hash);
        }
        Ok(Self(names))
    }

    /// The hash of exactly this name.
    pub fn hash_of(&self, name: &str) -> Option<&HtpasswdHash> {
        self.0.get(name)
    }
}

impl fmt::Debug for Htpasswd {
    /// Leaves the hashes out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl HtpasswdHash {
    fn parse(text: &str) -> Option<Self> {
        let hash = Self(text.to_owned());
        (hash.md5_parts().is_some() || hash.as_bcrypt().is_some()).then_some(hash)
    }

    /// Does `password` match?
    pub fn verify(&self, password: &[u8]) -> bool {
        if password.len() > MAX_PASSWORD_LEN {
            return false;
        }
        if let Some((magic, salt, encoded)) = self.md5_parts() {
            return md5_crypt(password, magic, salt)
                .as_bytes()
                .ct_eq(encoded.as_bytes())
                .into();
        }
        self.as_bcrypt().is_some_and(|hash| hash.verify(password))
    }

    /// Other versions than today's hash differently what is not ASCII only.
    fn as_bcrypt(&self) -> Option<PasswordHash> {
        let today = ["$2$", "$2x$"]
            .iter()
            .find_map(|old| self.0.strip_prefix(old))
            .map_or_else(|| self.0.clone(), |rest| format!("$2b${rest}"));
        if !today.starts_with("$2") {
            return None;
        }
        PasswordHash::parse(&today).ok()
    }

    fn md5_parts(&self) -> Option<(&'static str, &str, &str)> {
        let (magic, rest) = ["$1$", "$apr1$"]
            .into_iter()
            .find_map(|magic| Some((magic, self.0.strip_prefix(magic)?)))?;
        let (salt, encoded) = rest.split_once('$')?;
        let is_whole = salt.len() <= SALT_LEN
            && encoded.len() == 22
            && encoded.bytes().all(|digit| DIGITS.contains(&digit));
        is_whole.then_some((magic, salt, encoded))
    }
}

/// The digits of MD5 crypt, as FreeBSD's `crypt(3)` makes them; with `$apr1$` as Apache does.
fn md5_crypt(password: &[u8], magic: &str, salt: &str) -> String {
    let salt = salt.as_bytes();
    let mut digest = digest_of(&[password, salt, password]);
    let mut first = Md5::new();
    for part in [password, magic.as_bytes(), salt] {
        first.update(part);
    }
    for part in password.chunks(digest.len()) {
        first.update(digest.get(..part.len()).unwrap_or_default());
    }
    let mut bits = password.len();
    while bits > 0 {
        first.update(if bits & 1 == 1 {
            &[0][..]
        } else {
            password.get(..1).unwrap_or_default()
        });
        bits >>= 1;
    }
    digest = first.finalize().into();
    for round in 0..ROUNDS {
        let (begin, end): (&[u8], &[u8]) = if round % 2 == 1 {
            (password, &digest)
        } else {
            (&digest, password)
        };
        let salt = if round % 3 == 0 { &[][..] } else { salt };
        let middle = if round % 7 == 0 { &[][..] } else { password };
        digest = digest_of(&[begin, salt, middle, end]);
    }
    encode(&digest)
}

fn digest_of(parts: &[&[u8]]) -> [u8; 16] {
    let mut context = Md5::new();
    for part in parts {
        context.update(part);
    }
    context.finalize().into()
}

fn encode(digest: &[u8; 16]) -> String {
    let byte = |place: usize| u32::from(digest.get(place).copied().unwrap_or_default());
    let mut text = String::with_capacity(22);
    let mut write = |mut bits: u32, digits: usize| {
        for _ in 0..digits {
            let digit = DIGITS.get((bits & 63) as usize).copied();
            text.push(char::from(digit.unwrap_or_default()));
            bits >>= 6;
        }
    };
    for [high, middle, low] in GROUPS {
        write(byte(high) << 16 | byte(middle) << 8 | byte(low), 4);
    }
    write(byte(11), 2);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `openssl passwd`.
    #[test]
    fn hashes_of_other_programs_match_their_passwords_and_no_other() {
        for (hash, password) in [
            ("$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00", "password"),
            ("$apr1$abc$BfqKdn9xFDWJPa3kcp/PH0", ""),
            ("$1$1234abcd$k941IFPqhCBpKvhOnZqRd/", "hunter2"),
            (
                "$1$abcdefgh$ITlC5l6cNKq39d80JuxL80",
                "a much longer password than sixteen bytes ü",
            ),
        ] {
            let Some(parsed) = HtpasswdHash::parse(hash) else {
                panic!("{hash}");
            };
            assert!(parsed.verify(password.as_bytes()), "{hash}");
            assert!(!parsed.verify(b"Password"), "{hash}");
        }
    }

    #[test]
    fn every_version_of_bcrypt_is_taken() {
        let made = bcrypt::hash("secret", 4).unwrap();
        for version in ["$2$", "$2a$", "$2b$", "$2x$", "$2y$"] {
            let text = made.replacen("$2b$", version, 1);
            let hash = HtpasswdHash::parse(&text).unwrap();
            assert!(hash.verify(b"secret") && !hash.verify(b"Secret"), "{text}");
        }
    }

    #[test]
    fn a_file_is_names_and_hashes_and_a_bad_line_is_named() {
        let good = "# people\n\nalice:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00\r\n";
        let names = Htpasswd::parse(good).unwrap();
        assert!(names.hash_of("alice").unwrap().verify(b"password"));
        assert!(names.hash_of("Alice").is_none());
        for bad in [
            "alice",
            ":$1$1234abcd$k941IFPqhCBpKvhOnZqRd/",
            "alice:",
            "alice:plain",
            "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
            "alice:$1$1234abcd$short",
            "alice:$1$1234abcd$k941IFPqhCBpKvhOnZqRd/:more",
        ] {
            let error = Htpasswd::parse(&format!("# x\n{bad}\n")).unwrap_err();
            assert!(error.message().starts_with("line 2: "), "{bad}: {error}");
        }
    }
}
