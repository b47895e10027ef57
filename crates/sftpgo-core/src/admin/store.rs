//! What a store has to offer for admins and their keys.

use super::{Admin, ApiKey};
use crate::error::Result;

/// The condition under which an admin is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddWhere {
    /// There is no admin yet.
    NoneIs,
    /// None: there may be others.
    Any,
}

/// The stored admins and API keys. What is answered survives a power cut.
///
/// Once there is an admin who [can do everything](Admin::is_full), no change leaves none: a store checks that in the
/// transaction of the change, by [`keeps_a_full_admin`].
pub trait AdminStore: Send + Sync {
    /// Is there any admin?
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable).
    fn has_admins(&self) -> Result<bool>;

    /// All admins, in the order of the bytes of their names.
    ///
    /// # Errors
    /// As [`AdminStore::has_admins`].
    fn admins(&self) -> Result<Vec<Admin>>;

    /// The admin of exactly this name.
    ///
    /// # Errors
    /// As [`AdminStore::has_admins`].
    fn admin(&self, username: &str) -> Result<Option<Admin>>;

    /// Stores a new admin (id and version are ignored) and returns it with both.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) when the name is taken, [`Conflict`](crate::ErrorKind::Conflict)
    /// when there is one who must not be.
    fn add_admin(&self, admin: &Admin, when: AddWhere) -> Result<Admin>;

    /// Replaces the admin with `admin.id` if its version is still `admin.version`, and counts that up; false, and nothing
    /// is changed, if it is not. The time of the last login stays.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), or [`Conflict`](crate::ErrorKind::Conflict) when nobody could do
    /// everything any more.
    fn replace_admin(&self, admin: &Admin) -> Result<bool>;

    /// Forgets the admin of this name and the keys for it.
    ///
    /// # Errors
    /// As [`AdminStore::replace_admin`].
    fn delete_admin(&self, username: &str) -> Result<()>;

    /// Remembers when the admin last logged in.
    ///
    /// # Errors
    /// As [`AdminStore::has_admins`]. A name that nobody has is ignored.
    fn record_admin_login(&self, username: &str, at: i64) -> Result<()>;

    /// All keys, in the order of the bytes of their ids.
    ///
    /// # Errors
    /// As [`AdminStore::has_admins`].
    fn api_keys(&self) -> Result<Vec<ApiKey>>;

    /// The key with this id.
    ///
    /// # Errors
    /// As [`AdminStore::has_admins`].
    fn api_key(&self, id: &str) -> Result<Option<ApiKey>>;

    /// Stores a new key.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) when the id is taken, [`NotFound`](crate::ErrorKind::NotFound)
    /// when there is no admin of the name that it is for.
    fn add_api_key(&self, key: &ApiKey) -> Result<()>;

    /// Replaces the key with `key.id`; its hash, and when it was made and last used, stay.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound): there is no such key, or no admin of the name that it is for.
    fn replace_api_key(&self, key: &ApiKey) -> Result<()>;

    /// Forgets a key.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn delete_api_key(&self, id: &str) -> Result<()>;

    /// Remembers when a key was last used.
    ///
    /// # Errors
    /// As [`AdminStore::has_admins`]. An id that no key has is ignored.
    fn record_api_key_use(&self, id: &str, at: i64) -> Result<()>;
}

/// Is there somebody who can do everything once `id` is replaced by `by`, or deleted? Who had nobody before loses nobody.
pub fn keeps_a_full_admin(admins: &[Admin], id: i32, by: Option<&Admin>) -> bool {
    let others = admins.iter().filter(|admin| admin.id != id);
    !admins.iter().any(Admin::is_full) || others.chain(by).any(Admin::is_full)
}
