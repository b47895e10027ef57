//! Managing admins: what is asked for, validated and stored.

mod api_keys;
mod second_factors;

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::{
    AddWhere, Admin, AdminDraft, AdminPermissions, AdminStore, TotpConfig,
    draft::{check_email, check_text, hash_new_password},
};
use crate::{
    credential::password::PasswordHash,
    error::{Error, ErrorKind, Result},
    event::{Actor, Change, Event, Events},
    network::Networks,
    random,
    user::now_ms,
};

/// A change is made again so often when others change the admin at the same time.
const TRIES: usize = 10;

/// Admins over one store. Calls block: hashing a password takes tens of milliseconds.
pub struct Admins {
    store: Arc<dyn AdminStore>,
    totp_configs: Vec<TotpConfig>,
    events: Events,
    /// There is an admin. Once it is so it stays so.
    is_set_up: AtomicBool,
    changes: AtomicU64,
}

impl Admins {
    /// The admins in `store`, with these kinds of second factors. Changes are told to `events`.
    pub fn new(store: Arc<dyn AdminStore>, totp_configs: Vec<TotpConfig>, events: Events) -> Self {
        Self {
            store,
            totp_configs,
            events,
            is_set_up: AtomicBool::new(false),
            changes: AtomicU64::new(0),
        }
    }

    /// Is there any admin, as far as was seen so far? It asks nobody, so that what needs no store goes on without it.
    pub fn is_known_to_be_set_up(&self) -> bool {
        self.is_set_up.load(Ordering::Relaxed)
    }

    /// Is there any admin? Asked of the store until there is.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable).
    pub fn is_set_up(&self) -> Result<bool> {
        if self.is_known_to_be_set_up() {
            return Ok(true);
        }
        let is_set_up = self.store.has_admins()?;
        self.is_set_up.fetch_or(is_set_up, Ordering::Relaxed);
        Ok(is_set_up)
    }

    /// All admins, by name.
    ///
    /// # Errors
    /// Any error of the store.
    pub fn list(&self) -> Result<Vec<Admin>> {
        self.store.admins()
    }

    /// One admin.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound).
    pub fn by_name(&self, username: &str) -> Result<Admin> {
        self.store.admin(username)?.ok_or_else(no_such_admin)
    }

    /// Stores the first admin, who may do everything, for `by`.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), or [`Conflict`](ErrorKind::Conflict) when there is one by now.
    pub fn add_first(&self, by: &Actor, draft: AdminDraft) -> Result<Admin> {
        let draft = AdminDraft {
            status: 1,
            permissions: vec!["*".to_owned()],
            ..draft
        };
        self.store_new(by, &draft, AddWhere::NoneIs)
    }

    /// Stores a new admin, for `by`.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), [`AlreadyExists`](ErrorKind::AlreadyExists).
    pub fn add(&self, by: &Actor, draft: &AdminDraft) -> Result<Admin> {
        self.store_new(by, draft, AddWhere::Any)
    }

    fn store_new(&self, by: &Actor, draft: &AdminDraft, when: AddWhere) -> Result<Admin> {
        let added = self.store.add_admin(&draft.validate(now_ms())?, when)?;
        self.is_set_up.store(true, Ordering::Relaxed);
        self.tell(by, Change::AdminAdded, &added.username);
        Ok(added)
    }

    /// Replaces an admin's settings by the whole draft, for `by`. Who replaces itself stays enabled with its permissions.
    ///
    /// # Errors
    /// As [`Admins::add`], [`NotFound`](ErrorKind::NotFound), and [`Conflict`](ErrorKind::Conflict) when nobody could do
    /// everything any more.
    pub fn replace(&self, by: &Actor, username: &str, draft: &AdminDraft) -> Result<Admin> {
        self.replace_seen(by, username, draft, |_| Ok(()))
    }

    /// Replaces an admin as [`Admins::replace`] does, if it is still the one that somebody saw, as `check` decides.
    ///
    /// # Errors
    /// As [`Admins::replace`], or that of `check`.
    pub fn replace_seen(
        &self,
        by: &Actor,
        username: &str,
        draft: &AdminDraft,
        check: impl Fn(&Admin) -> Result<()>,
    ) -> Result<Admin> {
        let replaced = self.change(username, |stored| {
            check(stored)?;
            let changed = draft.validate_change_of(stored, now_ms())?;
            if by.admin_name() == username
                && (changed.enabled, changed.permissions) != (stored.enabled, stored.permissions)
            {
                return Err(Error::invalid(
                    if changed.enabled {
                        "permissions"
                    } else {
                        "status"
                    },
                    "nobody can change their own",
                ));
            }
            Ok(changed)
        })?;
        self.tell(by, Change::AdminUpdated, username);
        if !draft.password.is_empty() {
            self.tell(by, Change::PasswordChanged, username);
        }
        Ok(replaced)
    }

    /// Forgets an admin and the keys for it, for `by`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`Invalid`](ErrorKind::Invalid) for oneself, [`Conflict`](ErrorKind::Conflict)
    /// when nobody could do everything any more.
    pub fn delete(&self, by: &Actor, username: &str) -> Result<()> {
        if by.admin_name() == username {
            return Err(Error::invalid("username", "nobody can delete themselves"));
        }
        self.store.delete_admin(username)?;
        self.tell(by, Change::AdminDeleted, username);
        Ok(())
    }

    /// The admin of this name, if this is its password.
    pub(super) fn with_password(&self, username: &str, password: &str) -> Result<Option<Admin>> {
        let stored = self.by_name(username)?;
        let is_right = PasswordHash::parse(&stored.password)?.verify(password.as_bytes());
        Ok(is_right.then_some(stored))
    }

    /// Gives the admin who asks, who is `stored` with the password `current`, a new password.
    pub(super) fn replace_password(
        &self,
        by: &Actor,
        stored: &Admin,
        current: &str,
        new: &str,
    ) -> Result<Admin> {
        if current == new {
            return Err(Error::invalid(
                "new_password",
                "must differ from the current one",
            ));
        }
        let hash = hash_new_password(new).map_err(|error| {
            Error::new(
                error.kind(),
                error.message().replacen("password", "new_password", 1),
            )
        })?;
        let changed = self.change(&stored.username, |now| {
            if now.password != stored.password {
                return Err(changed_meanwhile());
            }
            Ok(ended_sessions(Admin {
                password: hash.clone(),
                require_password_change: false,
                ..now.clone()
            }))
        })?;
        self.tell(by, Change::PasswordChanged, &stored.username);
        Ok(changed)
    }

    /// Changes what the admin who asks says about itself, and nothing else.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid).
    pub fn change_profile(
        &self,
        by: &Actor,
        email: &str,
        description: &str,
        allow_api_key_auth: bool,
    ) -> Result<Admin> {
        check_email(email)?;
        check_text("description", description)?;
        let username = by.admin_name();
        let changed = self.change(username, |stored| {
            Ok(Admin {
                email: email.to_owned(),
                description: description.to_owned(),
                allow_api_key_auth,
                updated_at: changed_at(stored),
                ..stored.clone()
            })
        })?;
        self.tell(by, Change::AdminUpdated, username);
        Ok(changed)
    }

    /// Lets an admin in again who is locked out: enables the admin, gives it a new password and everything to do, lets it
    /// come from anywhere, and switches its second factor off. Returns the password.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound).
    pub fn reset(&self, username: &str) -> Result<String> {
        let password: String = random::hex_id();
        let hash = hash_new_password(&password)?;
        let had_second_factor = Cell::new(false);
        self.change(username, |stored| {
            had_second_factor.set(stored.totp.is_some());
            Ok(ended_sessions(without_second_factor(Admin {
                enabled: true,
                password: hash.clone(),
                permissions: AdminPermissions::ANYTHING,
                allow_list: Networks::default(),
                require_two_factor: false,
                ..stored.clone()
            })))
        })?;
        let by = Actor::program();
        self.tell(&by, Change::AdminUpdated, username);
        self.tell(&by, Change::PasswordChanged, username);
        if had_second_factor.get() {
            self.tell(&by, Change::SecondFactorRemoved, username);
        }
        Ok(password)
    }

    /// How many changes of admins and keys this program has made: what is known of any of them is older if there are more
    /// by now.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub(super) fn tell(&self, by: &Actor, change: Change, username: &str) {
        self.tell_of(by, change, username, "");
    }

    pub(super) fn tell_of(&self, by: &Actor, change: Change, username: &str, id: &str) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.events.emit(&Event::Change {
            change,
            username,
            id,
            by,
        });
    }

    pub(super) fn store(&self) -> &dyn AdminStore {
        self.store.as_ref()
    }

    /// Replaces an admin by what `change` makes of it, which is called again when it is another by then.
    pub(super) fn change(
        &self,
        username: &str,
        change: impl Fn(&Admin) -> Result<Admin>,
    ) -> Result<Admin> {
        for _ in 0..TRIES {
            let stored = self.by_name(username)?;
            let changed = change(&stored)?;
            if self.store.replace_admin(&changed)? {
                return Ok(changed);
            }
        }
        Err(changed_meanwhile())
    }
}

/// Returns the time to be stored for a change that is made now: later than the last one, whatever the clock says.
pub(super) fn changed_at(admin: &Admin) -> i64 {
    now_ms().max(admin.updated_at + 1)
}

/// Ends the admin's sessions: whoever logged in before has to log in again.
pub(super) fn ended_sessions(admin: Admin) -> Admin {
    let now = changed_at(&admin);
    Admin {
        updated_at: now,
        sessions_since: now,
        ..admin
    }
}

pub(super) fn without_second_factor(admin: Admin) -> Admin {
    Admin {
        totp: None,
        recovery_codes: Vec::new(),
        ..admin
    }
}

fn no_such_admin() -> Error {
    Error::not_found("no such admin")
}

fn changed_meanwhile() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "the admin was changed by somebody else meanwhile",
    )
}
