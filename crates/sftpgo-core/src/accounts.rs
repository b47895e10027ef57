//! Managing users: what the REST API asks for, validated, stored and told to observers.

mod second_factors;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

pub use self::second_factors::NewTotp;
use crate::{
    credential::second_factor::{TotpConfig, TotpSecret},
    error::{Error, ErrorKind, Result},
    event::{Actor, Change, Event, Events, UserChange},
    provider::{PageStart, Place, Provider, UserQuery},
    quota::UsageManager,
    registry::Connections,
    storage_usage::{StorageUsage, Usage},
    sync::lock,
    user::{StoredUser, UserDraft, UserId},
    user_reconcile,
};

/// A change is made again so often when others change the user at the same time.
const TRIES: usize = 10;

/// A page of users, and how the listing goes on.
#[derive(Debug)]
pub struct UserPage {
    /// The users of the page.
    pub users: Vec<StoredUser>,
    /// The place at which the next page begins; none behind the last user.
    pub next: Option<PageStart>,
}

/// User management over one provider. Calls block: hashing a password takes tens of milliseconds.
pub struct Accounts {
    provider: Arc<dyn Provider>,
    connections: Arc<Connections>,
    quotas: Arc<UsageManager>,
    events: Events,
    manage_users: bool,
    users_base_dir: Option<PathBuf>,
    totp_configs: Vec<TotpConfig>,
    updating: Mutex<()>,
}

impl Accounts {
    /// Management of `provider`'s users; `manage_users` false refuses every change.
    pub fn new(
        provider: Arc<dyn Provider>,
        connections: Arc<Connections>,
        quotas: Arc<UsageManager>,
        events: Events,
        manage_users: bool,
        users_base_dir: Option<PathBuf>,
    ) -> Self {
        Self {
            provider,
            connections,
            quotas,
            events,
            manage_users,
            users_base_dir,
            totp_configs: vec![TotpConfig::default()],
            updating: Mutex::default(),
        }
    }

    /// A page of users. Those whom the query finds, and their order, are what is stored; the usage that they have here is the
    /// newest.
    ///
    /// # Errors
    /// Any error of the provider.
    pub fn list(&self, query: &UserQuery) -> Result<Vec<StoredUser>> {
        Ok(self.list_to(query, query.limit)?.users)
    }

    /// A page of users, as [`Accounts::list`] has it, and where the next one begins.
    ///
    /// # Errors
    /// Any error of the provider.
    pub fn page(&self, query: &UserQuery) -> Result<UserPage> {
        self.list_to(query, query.limit.saturating_add(1))
    }

    /// The page, for which so many users are read.
    fn list_to(&self, query: &UserQuery, read: u32) -> Result<UserPage> {
        // Before the ledger, see there.
        let write_behind = self.quotas.write_behind_usage();
        let mut users = self.provider.list_users(&UserQuery {
            limit: read,
            ..query.clone()
        })?;
        let limit = query.limit as usize;
        let has_more = users.len() > limit;
        users.truncate(limit);
        // The place is made of what is stored, for that is what the store sorts by.
        let next = has_more.then(|| match users.last() {
            Some(last) => PageStart::After(Place::of(last, query.sort_by)),
            None => query.start.clone(),
        });
        for user in &mut users {
            user.usage = shown(user, &write_behind);
        }
        Ok(UserPage { users, next })
    }

    /// How many users there are. A database may have to look through an index of all of them.
    ///
    /// # Errors
    /// Any error of the provider.
    pub fn count(&self) -> Result<u64> {
        self.provider.count_users()
    }

    /// The directory for homes of users who have none of their own.
    pub fn users_base_dir(&self) -> Option<&Path> {
        self.users_base_dir.as_deref()
    }

    /// One user.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound).
    pub fn by_id(&self, id: UserId) -> Result<StoredUser> {
        self.one(|provider| provider.user_by_id(id))
    }

    /// One user by name.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound).
    pub fn by_name(&self, username: &str) -> Result<StoredUser> {
        self.one(|provider| provider.user_by_name(username))
    }

    /// Validates and stores a new user, for `by`.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), [`AlreadyExists`](ErrorKind::AlreadyExists), or
    /// [`Unsupported`](ErrorKind::Unsupported) when management is off.
    pub fn add(&self, by: &Actor, draft: UserDraft) -> Result<StoredUser> {
        self.check_managed()?;
        self.check_totp(totp_of(&draft), None)?;
        let user = self
            .provider
            .add_user(&draft.validate(self.users_base_dir.as_deref())?)?;
        self.tell(UserChange::Add, &user, by);
        Ok(user)
    }

    /// Returns everything for which [`Accounts::add`] would refuse this draft, or [`Accounts::update`] a change of `stored`
    /// to it. See [`UserDraft::faults`].
    pub fn faults(&self, draft: &UserDraft, stored: Option<&StoredUser>) -> Vec<Error> {
        let mut faults = draft.faults(stored, self.users_base_dir.as_deref());
        faults.extend(self.check_totp(totp_of(draft), stored).err());
        faults
    }

    /// Replaces a user's settings by what `change` makes of them, which is called again when they are others by then, for
    /// `by`.
    ///
    /// # Errors
    /// As [`Accounts::add`], [`NotFound`](ErrorKind::NotFound), and [`Conflict`](ErrorKind::Conflict) when other servers
    /// change the user all the time.
    pub fn update(
        &self,
        by: &Actor,
        id: UserId,
        change: impl Fn(&mut UserDraft) -> Result<()>,
    ) -> Result<StoredUser> {
        self.replace(by, id, |stored| {
            let mut draft = UserDraft::from(stored);
            change(&mut draft)?;
            self.check_totp(totp_of(&draft), Some(stored))?;
            draft.validate_change_of(stored, self.users_base_dir.as_deref())
        })
    }

    /// Replaces a user by what `change` makes of it, as [`Accounts::update`] does.
    fn replace(
        &self,
        by: &Actor,
        id: UserId,
        change: impl Fn(&StoredUser) -> Result<StoredUser>,
    ) -> Result<StoredUser> {
        self.check_managed()?;
        // Two changes of one user, each made of what it read, would undo each other.
        let _one_at_a_time = lock(&self.updating);
        let user = self.change(id, change)?;
        user_reconcile::apply(&user, &self.connections, &self.quotas);
        self.tell(UserChange::Update, &user, by);
        Ok(user)
    }

    fn change(
        &self,
        id: UserId,
        change: impl Fn(&StoredUser) -> Result<StoredUser>,
    ) -> Result<StoredUser> {
        for _ in 0..TRIES {
            let stored = self.by_id(id)?;
            let user = change(&stored)?;
            // Another server may have changed the user since.
            if self.provider.change_user(&stored, &user)? {
                return Ok(user);
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "the user is being changed by others",
        ))
    }

    /// Forgets a user and ends the user's sessions, for `by`; files stay.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), or [`Unsupported`](ErrorKind::Unsupported) when management is off.
    pub fn delete(&self, by: &Actor, id: UserId) -> Result<()> {
        self.check_managed()?;
        let user = self.by_id(id)?;
        self.provider.delete_user(id)?;
        self.connections.close_user(id);
        self.tell(UserChange::Delete, &user, by);
        Ok(())
    }

    fn tell(&self, change: UserChange, user: &StoredUser, by: &Actor) {
        self.events.emit(&Event::User { change, user });
        self.events.emit(&Event::Change {
            change: match change {
                UserChange::Add => Change::UserAdded,
                UserChange::Update => Change::UserUpdated,
                UserChange::Delete => Change::UserDeleted,
            },
            username: &user.username,
            id: &user.id.to_string(),
            by,
        });
    }

    fn one(
        &self,
        find: impl FnOnce(&dyn Provider) -> Result<Option<StoredUser>>,
    ) -> Result<StoredUser> {
        let write_behind = self.quotas.write_behind_usage();
        let mut user =
            find(self.provider.as_ref())?.ok_or_else(|| Error::not_found("no such user"))?;
        user.usage = shown(&user, &write_behind);
        Ok(user)
    }

    fn check_managed(&self) -> Result<()> {
        if self.manage_users {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unsupported,
            "user management is switched off (data_provider.manage_users is 0)",
        ))
    }
}

fn totp_of(draft: &UserDraft) -> Option<&TotpSecret> {
    draft.filters.totp.as_ref().map(|totp| &totp.secret)
}

/// A user's usage with what the ledger does not have yet; what servers that share it report may be below zero for a moment.
fn shown(user: &StoredUser, write_behind: &HashMap<UserId, Usage>) -> Usage {
    let usage = write_behind.get(&user.id).copied().unwrap_or(user.usage);
    StorageUsage::of(usage).as_usage_at(usage.updated_at)
}
