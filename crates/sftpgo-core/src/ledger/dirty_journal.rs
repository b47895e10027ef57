//! What has to survive a crash while the user store does not answer.

use std::{collections::BTreeSet, sync::Mutex};

use crate::{error::Result, sync::lock, user::UserId};

/// Remembers, beside the store and durably, whose usage changed while the store could not be told: whoever is left in
/// it is rescanned at the next start. Adding or removing twice changes nothing.
pub trait DirtyJournal: Send + Sync {
    /// Adds a user, which no crash loses once this returns.
    ///
    /// # Errors
    /// The journal cannot be written.
    fn add(&self, user: UserId) -> Result<()>;

    /// Removes a user, whom the store has as dirty by now.
    ///
    /// # Errors
    /// The journal cannot be written.
    fn remove(&self, user: UserId) -> Result<()>;

    /// Returns everybody in it.
    ///
    /// # Errors
    /// The journal cannot be read.
    fn users(&self) -> Result<Vec<UserId>>;
}

/// A journal that lasts as long as the process: for a store that does so too.
#[derive(Debug, Default)]
pub struct MemoryJournal(Mutex<BTreeSet<UserId>>);

impl DirtyJournal for MemoryJournal {
    fn add(&self, user: UserId) -> Result<()> {
        self.lock().insert(user);
        Ok(())
    }

    fn remove(&self, user: UserId) -> Result<()> {
        self.lock().remove(&user);
        Ok(())
    }

    fn users(&self) -> Result<Vec<UserId>> {
        Ok(self.lock().iter().copied().collect())
    }
}

impl MemoryJournal {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<UserId>> {
        lock(&self.0)
    }
}
