//! Users that live as long as the process: portable mode, tests, and services that bring their own users.

mod admins;
mod defender_hosts;
mod ip_lists;
mod listing;
mod sharing;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use sftpgo_core::{
    Error, ErrorKind, Result, StoredUser, UserId,
    provider::{ClusterStore, Health, QuotaLedger, UserQuery, Users},
    storage_usage::Usage,
    sync::lock,
};

use crate::column_limits;

/// A provider in memory.
#[derive(Debug, Default)]
pub struct MemoryProvider {
    stored: Mutex<Stored>,
    admins: Mutex<admins::Stored>,
    ip_lists: Mutex<ip_lists::Stored>,
    defender_hosts: Mutex<defender_hosts::Stored>,
    is_shared: AtomicBool,
}

#[derive(Debug, Default)]
struct Stored {
    last_id: i32,
    by_name: BTreeMap<String, StoredUser>,
    dirty: BTreeSet<UserId>,
    cluster: sharing::ClusterState,
}

impl MemoryProvider {
    /// A provider without users.
    pub fn new() -> Self {
        Self::default()
    }

    /// A provider without users for several servers in this process.
    pub fn shared() -> Self {
        Self {
            is_shared: AtomicBool::new(true),
            ..Self::default()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stored> {
        lock(&self.stored)
    }

    fn change<T>(&self, id: UserId, change: impl FnOnce(&mut StoredUser) -> T) -> Result<T> {
        self.lock().with_id_mut(id).map(change)
    }
}

impl Users for MemoryProvider {
    fn user_by_name(&self, username: &str) -> Result<Option<StoredUser>> {
        Ok(self.lock().by_name.get(username).cloned())
    }

    fn user_by_id(&self, id: UserId) -> Result<Option<StoredUser>> {
        Ok(self.lock().with_id(id).cloned())
    }

    fn list_users(&self, query: &UserQuery) -> Result<Vec<StoredUser>> {
        Ok(listing::page(&self.lock().by_name, query))
    }

    fn count_users(&self) -> Result<u64> {
        Ok(self.lock().by_name.len() as u64)
    }

    fn for_each_user(&self, see: &mut dyn FnMut(StoredUser) -> ControlFlow<()>) -> Result<()> {
        let all: Vec<StoredUser> = self.lock().by_name.values().cloned().collect();
        let _ = all.into_iter().try_for_each(see);
        Ok(())
    }

    fn add_user(&self, user: &StoredUser) -> Result<StoredUser> {
        column_limits::check(user, None)?;
        let mut stored = self.lock();
        if stored.by_name.contains_key(&user.username) {
            return Err(name_is_taken());
        }
        let id = stored.last_id.checked_add(1).ok_or_else(|| {
            Error::new(ErrorKind::LimitReached, "every user id has been given out")
        })?;
        stored.last_id = id;
        let added = StoredUser {
            id: UserId(id),
            spent_steps: 0,
            usage: Usage::default(),
            last_login: 0,
            ..user.clone()
        };
        stored.by_name.insert(added.username.clone(), added.clone());
        Ok(added)
    }

    fn change_user(&self, before: &StoredUser, user: &StoredUser) -> Result<bool> {
        column_limits::check(user, Some(before))?;
        let mut stored = self.lock();
        let old = stored.with_id(user.id).ok_or_else(no_such_user)?;
        if !old.has_settings_of(before) {
            return Ok(false);
        }
        let old_name = old.username.clone();
        let updated = StoredUser {
            spent_steps: old.spent_steps,
            usage: old.usage,
            last_login: old.last_login,
            ..user.clone()
        };
        if old_name != user.username {
            if stored.by_name.contains_key(&user.username) {
                return Err(name_is_taken());
            }
            stored.by_name.remove(&old_name);
        }
        stored.by_name.insert(updated.username.clone(), updated);
        Ok(true)
    }

    fn replace_password_hash(&self, id: UserId, old: &str, new: &str) -> Result<bool> {
        let mut stored = self.lock();
        let found = stored
            .by_name
            .values_mut()
            .find(|user| user.id == id && user.password.as_deref() == Some(old));
        Ok(found
            .map(|user| user.password = Some(new.to_owned()))
            .is_some())
    }

    fn replace_spent_steps(&self, id: UserId, before: i64, after: i64) -> Result<bool> {
        let mut stored = self.lock();
        let mut users = stored.by_name.values_mut();
        let found = users.find(|user| user.id == id && user.spent_steps == before);
        Ok(found.map(|user| user.spent_steps = after).is_some())
    }

    fn delete_user(&self, id: UserId) -> Result<()> {
        let mut stored = self.lock();
        let name = stored
            .with_id(id)
            .ok_or_else(no_such_user)?
            .username
            .clone();
        stored.by_name.remove(&name);
        stored.dirty.remove(&id);
        stored.cluster.forget(id);
        Ok(())
    }

    fn record_login(&self, id: UserId, at: i64) -> Result<()> {
        self.change(id, |user| user.last_login = at)
    }
}

impl QuotaLedger for MemoryProvider {
    fn usage(&self, id: UserId) -> Result<Usage> {
        self.change(id, |user| user.usage)
    }

    fn set_usage(&self, id: UserId, usage: Usage) -> Result<()> {
        self.change(id, |user| user.usage = usage)
    }

    fn set_dirty(&self, id: UserId, dirty: bool) -> Result<()> {
        let mut stored = self.lock();
        if !dirty {
            stored.dirty.remove(&id);
        } else if stored.with_id(id).is_some() {
            stored.dirty.insert(id);
        }
        Ok(())
    }

    fn dirty_users(&self) -> Result<Vec<UserId>> {
        Ok(self.lock().dirty.iter().copied().collect())
    }

    fn shared(self: Arc<Self>) -> Option<Arc<dyn ClusterStore>> {
        let is_shared = self.is_shared.load(Ordering::Acquire);
        is_shared.then_some(self as Arc<dyn ClusterStore>)
    }

    fn begin_sharing(self: Arc<Self>) -> Option<Arc<dyn ClusterStore>> {
        self.is_shared.store(true, Ordering::Release);
        self.shared()
    }
}

impl Health for MemoryProvider {
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Stored {
    fn with_id_mut(&mut self, id: UserId) -> Result<&mut StoredUser> {
        self.by_name
            .values_mut()
            .find(|user| user.id == id)
            .ok_or_else(no_such_user)
    }

    fn with_id(&self, id: UserId) -> Option<&StoredUser> {
        self.by_name.values().find(|user| user.id == id)
    }
}

fn no_such_user() -> Error {
    Error::not_found("no such user")
}

fn name_is_taken() -> Error {
    Error::new(ErrorKind::AlreadyExists, "username: is already taken")
}
