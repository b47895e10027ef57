//! The traits of a user store. Calls may block; async callers run them on a blocking pool.

mod listing;
mod sharing;

use std::{ops::ControlFlow, sync::Arc};

pub use self::{
    listing::{
        NEVER_EXPIRES, NameFilter, Order, PageStart, Place, SortBy, UserCondition, UserQuery, cases,
    },
    sharing::{ClusterStore, NodeId, Report, RescanStart, Share, StoredShare},
};
use crate::{
    error::{Error, Result},
    storage_usage::Usage,
    user::{StoredUser, UserId},
};

/// The stored users.
pub trait Users: Send + Sync {
    /// The user of exactly this name, case-sensitive.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) when the store does not answer; an unknown name is `Ok(None)`.
    fn user_by_name(&self, username: &str) -> Result<Option<StoredUser>>;

    /// The user with this id.
    ///
    /// # Errors
    /// As [`Users::user_by_name`].
    fn user_by_id(&self, id: UserId) -> Result<Option<StoredUser>>;

    /// Returns those of these users that there are, in no promised order.
    ///
    /// # Errors
    /// As [`Users::user_by_name`].
    fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<StoredUser>> {
        let found = ids.iter().map(|id| self.user_by_id(*id));
        found.filter_map(Result::transpose).collect()
    }

    /// A page of users, as the query says. One with fewer than the limit is the last.
    ///
    /// # Errors
    /// As [`Users::user_by_name`].
    fn list_users(&self, query: &UserQuery) -> Result<Vec<StoredUser>>;

    /// How many users there are.
    ///
    /// # Errors
    /// As [`Users::user_by_name`].
    fn count_users(&self) -> Result<u64>;

    /// Shows every user to `see` once, until it says to stop, in no promised order. Who comes, goes or gets another
    /// name meanwhile hides nobody else. No part of the store is held while `see` works, and one on a disk is read a
    /// page at a time.
    ///
    /// # Errors
    /// As [`Users::user_by_name`].
    fn for_each_user(&self, see: &mut dyn FnMut(StoredUser) -> ControlFlow<()>) -> Result<()>;

    /// Stores a new user (its id is ignored) and returns it with its id.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) when the name is taken.
    fn add_user(&self, user: &StoredUser) -> Result<StoredUser>;

    /// Replaces all settings of the user with `user.id`, usage, last login and used codes stay as they are; false, and nothing is
    /// changed, when they are not those of `before` any more.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), or [`AlreadyExists`](crate::ErrorKind::AlreadyExists) when the new name is taken.
    fn change_user(&self, before: &StoredUser, user: &StoredUser) -> Result<bool>;

    /// Changes a user as [`Users::change_user`] does, whatever its fields are now.
    ///
    /// # Errors
    /// As [`Users::change_user`].
    fn update_user(&self, user: &StoredUser) -> Result<()> {
        loop {
            let before = self.user_by_id(user.id)?;
            let before = before.ok_or_else(|| Error::not_found("no such user"))?;
            if self.change_user(&before, user)? {
                return Ok(());
            }
        }
    }

    /// Replaces the password hash `old` by `new`, and nothing else; false when the user has another hash by now,
    /// or is gone.
    ///
    /// # Errors
    /// As [`Users::user_by_name`].
    fn replace_password_hash(&self, id: UserId, old: &str, new: &str) -> Result<bool>;

    /// Replaces what is remembered of used codes, `before` by `after`, and nothing else; false when it is not `before` any
    /// more, or the user is gone. What is answered survives a power cut.
    ///
    /// # Errors
    /// As [`Users::user_by_name`].
    fn replace_spent_steps(&self, id: UserId, before: i64, after: i64) -> Result<bool>;

    /// Forgets the user.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn delete_user(&self, id: UserId) -> Result<()>;

    /// Remembers when the user last logged in (Unix milliseconds).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn record_login(&self, id: UserId, at: i64) -> Result<()>;
}

/// The stored usage of every user.
pub trait QuotaLedger: Send + Sync {
    /// The usage as stored.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn usage(&self, id: UserId) -> Result<Usage>;

    /// Replaces both figures, as a quota scan found them.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn set_usage(&self, id: UserId, usage: Usage) -> Result<()>;

    /// Remembers durably whether the user's files may differ from the figures: set before files change, taken
    /// back when all is written. Whoever is left set after a crash is counted again. An id nobody has is ignored.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable).
    fn set_dirty(&self, id: UserId, dirty: bool) -> Result<()>;

    /// The users of whom that is remembered.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable).
    fn dirty_users(&self) -> Result<Vec<UserId>>;

    /// The ledger of a store that several servers use at a time; none when this server is alone. With it the calls that
    /// change the figures above are not used.
    fn shared(self: Arc<Self>) -> Option<Arc<dyn ClusterStore>> {
        None
    }

    /// From here on other servers use the store too, because one is about to follow this one: what
    /// [`QuotaLedger::shared`] returns from then on. None for a store that only one server can use.
    fn begin_sharing(self: Arc<Self>) -> Option<Arc<dyn ClusterStore>> {
        self.shared()
    }
}

/// Is the store there?
pub trait Health: Send + Sync {
    /// Asks the store for the cheapest answer it has.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) with what the store said.
    fn check(&self) -> Result<()>;

    /// Logs which of the stored users cannot log in because their entries cannot be used. It may read all of them.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) with what the store said.
    fn report_flaws(&self) -> Result<()> {
        Ok(())
    }
}

/// A whole user store.
pub trait Provider: Users + QuotaLedger + Health {}

impl<T: Users + QuotaLedger + Health> Provider for T {}
