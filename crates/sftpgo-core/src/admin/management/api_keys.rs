//! Managing API keys.

use super::Admins;
use crate::{
    admin::{ApiKey, ApiKeyDraft, NewApiKey},
    error::{Error, ErrorKind, Result},
    event::{Actor, Change},
    user::now_ms,
};

impl Admins {
    /// All keys, by id.
    ///
    /// # Errors
    /// Any error of the store.
    pub fn api_keys(&self) -> Result<Vec<ApiKey>> {
        self.store.api_keys()
    }

    /// One key.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound).
    pub fn api_key(&self, id: &str) -> Result<ApiKey> {
        self.store.api_key(id)?.ok_or_else(no_such_key)
    }

    /// Makes a key, for `by`.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), also when there is no such admin.
    pub fn add_api_key(&self, by: &Actor, draft: &ApiKeyDraft) -> Result<NewApiKey> {
        let key = draft.generate(now_ms())?;
        self.store
            .add_api_key(&key.stored)
            .map_err(|error| not_found_is_invalid(error, &draft.admin))?;
        self.tell_of_key(by, Change::ApiKeyAdded, &key.stored);
        Ok(key)
    }

    /// Changes all of a key but the secret, for `by`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), or as [`Admins::add_api_key`].
    pub fn replace_api_key(&self, by: &Actor, id: &str, draft: &ApiKeyDraft) -> Result<()> {
        let changed = draft.change(&self.api_key(id)?, now_ms())?;
        self.store
            .replace_api_key(&changed)
            .map_err(|error| not_found_is_invalid(error, &draft.admin))?;
        self.tell_of_key(by, Change::ApiKeyUpdated, &changed);
        Ok(())
    }

    /// Forgets a key, for `by`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound).
    pub fn delete_api_key(&self, by: &Actor, id: &str) -> Result<()> {
        let key = self.api_key(id)?;
        self.store.delete_api_key(id)?;
        self.tell_of_key(by, Change::ApiKeyRevoked, &key);
        Ok(())
    }

    fn tell_of_key(&self, by: &Actor, change: Change, key: &ApiKey) {
        self.tell_of(by, change, &key.admin, &key.id);
    }
}

/// Names the admin as what is wrong: the key is there, so it is its admin that is not found.
fn not_found_is_invalid(error: Error, admin: &str) -> Error {
    if error.kind() == ErrorKind::NotFound && !admin.is_empty() {
        return Error::invalid("admin", format_args!("there is no admin {admin:?}"));
    }
    error
}

fn no_such_key() -> Error {
    Error::not_found("no such API key")
}
