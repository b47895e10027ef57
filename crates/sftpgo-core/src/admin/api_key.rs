//! Keys by which programs act for an admin. The store keeps a hash: a key has 128 random bits, so that one hash is enough.

use std::fmt;

use ring::digest;
use subtle::ConstantTimeEq;

use crate::{
    error::{Error, Result},
    hex::hex,
    random,
};

use super::draft::check_text;

/// The longest name of a key, in characters.
const LONGEST: usize = 255;

/// A stored key. Times are Unix milliseconds.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Public, and the first part of the key.
    pub id: String,
    /// A name for people, which says what the key is for.
    pub name: String,
    /// SHA-256 of the secret part, in hexadecimal.
    pub hash: String,
    /// May be empty.
    pub description: String,
    /// The admin for whom it may be used; any who allows it, if empty.
    pub admin: String,
    /// When it was made.
    pub created_at: i64,
    /// Changed then.
    pub updated_at: i64,
    /// When it was last used, to the minute; 0 is never.
    pub last_use_at: i64,
    /// Until when it passes; 0 is for ever.
    pub expires_at: i64,
}

/// A key as somebody asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiKeyDraft {
    /// A name for people, which says what the key is for.
    pub name: String,
    /// May be empty.
    pub description: String,
    /// The admin for whom it may be used; any who allows it, if empty.
    pub admin: String,
    /// Unix milliseconds; 0 is for ever.
    pub expires_at: i64,
}

/// A new key, whose secret part is shown once.
pub struct NewApiKey {
    /// The key as it is stored, with the hash of its secret.
    pub stored: ApiKey,
    /// The key as its user sends it, which is shown once.
    pub text: String,
}

impl ApiKeyDraft {
    /// The key that this describes.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), naming the first field that is not acceptable.
    pub fn generate(&self, now: i64) -> Result<NewApiKey> {
        self.check()?;
        let (id, secret) = (random::hex_id(), random::hex_id());
        let text = format!("{id}.{secret}");
        let stored = ApiKey {
            hash: hash(&secret),
            id,
            name: self.name.clone(),
            description: self.description.clone(),
            admin: self.admin.clone(),
            created_at: now,
            updated_at: now,
            last_use_at: 0,
            expires_at: self.expires_at,
        };
        Ok(NewApiKey { stored, text })
    }

    /// Returns what `stored` becomes by this draft.
    ///
    /// # Errors
    /// As [`ApiKeyDraft::generate`].
    pub fn change(&self, stored: &ApiKey, now: i64) -> Result<ApiKey> {
        self.check()?;
        Ok(ApiKey {
            name: self.name.clone(),
            description: self.description.clone(),
            admin: self.admin.clone(),
            expires_at: self.expires_at,
            updated_at: now,
            ..stored.clone()
        })
    }

    /// Looks at the fields.
    ///
    /// # Errors
    /// As [`ApiKeyDraft::generate`].
    pub fn check(&self) -> Result<()> {
        if self.name.is_empty() {
            return Err(Error::invalid("name", "must not be empty"));
        }
        if self.name.chars().count() > LONGEST {
            return Err(Error::invalid(
                "name",
                format_args!("must not be longer than {LONGEST} characters"),
            ));
        }
        check_text("name", &self.name)?;
        check_text("description", &self.description)?;
        if self.expires_at < 0 {
            return Err(Error::invalid("expires_at", "must not be negative"));
        }
        Ok(())
    }
}

impl ApiKey {
    /// Is this its secret part, and does it pass still?
    pub(super) fn passes(&self, secret: &str, now: i64) -> bool {
        let is_its: bool = hash(secret).as_bytes().ct_eq(self.hash.as_bytes()).into();
        is_its && (self.expires_at == 0 || now < self.expires_at)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("id", &self.id)
            .field("admin", &self.admin)
            .finish_non_exhaustive()
    }
}

fn hash(secret: &str) -> String {
    let digest = digest::digest(&digest::SHA256, secret.as_bytes());
    hex(digest.as_ref())
}

/// A key as it is sent: `id.secret`, and behind another dot the admin, whose name may have dots.
#[derive(Clone, Copy)]
pub(super) struct SentKey<'a> {
    pub(super) id: &'a str,
    pub(super) secret: &'a str,
    pub(super) admin: &'a str,
}

impl<'a> SentKey<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        Some(Self {
            id: parts.next().filter(|id| !id.is_empty())?,
            secret: parts.next().filter(|secret| !secret.is_empty())?,
            admin: parts.next().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_passes_until_it_expires_and_its_secret_is_not_stored() {
        let draft = ApiKeyDraft {
            name: "backup".to_owned(),
            expires_at: 100,
            ..ApiKeyDraft::default()
        };
        let key = draft.generate(1).unwrap();
        let sent = SentKey::parse(&key.text).unwrap();
        assert_eq!((sent.id, sent.admin), (key.stored.id.as_str(), ""));
        assert!(key.stored.passes(sent.secret, 99));
        assert!(!key.stored.passes(sent.secret, 100));
        assert!(!key.stored.passes(&key.stored.hash, 99));
        assert!(!key.stored.hash.contains(sent.secret));
    }

    #[test]
    fn the_admin_is_behind_the_second_dot() {
        let sent = SentKey::parse("a.b.c.d").unwrap();
        assert_eq!((sent.id, sent.secret, sent.admin), ("a", "b", "c.d"));
        for text in ["", ".", "a", "a.", ".b"] {
            assert!(SentKey::parse(text).is_none(), "{text:?}");
        }
    }
}
