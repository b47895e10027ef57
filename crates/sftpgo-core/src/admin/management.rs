//! Managing admins and API keys: what is asked for, validated and stored.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{
    AddWhere, Admin, AdminDraft, AdminPermissions, AdminStore, ApiKey, ApiKeyDraft, GeneratedTotp,
    NewApiKey, RecoveryCode, TotpConfig, TotpSecret,
    draft::{check_email, check_text, hash_new_password},
    second_factor,
};
use crate::{
    credential::password::PasswordHash,
    error::{Error, ErrorKind, Result},
    random,
    user::now_ms,
};

/// A change is made again so often when others change the admin at the same time.
const TRIES: usize = 10;

/// Admins over one store. Calls block: hashing a password takes tens of milliseconds.
pub struct Admins {
    store: Arc<dyn AdminStore>,
    totp_configs: Vec<TotpConfig>,
    /// There is an admin. It stays so.
    is_set_up: AtomicBool,
}

impl Admins {
    /// The admins in `store`, with these kinds of second factors.
    pub fn new(store: Arc<dyn AdminStore>, totp_configs: Vec<TotpConfig>) -> Self {
        Self {
            store,
            totp_configs,
            is_set_up: AtomicBool::new(false),
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

    /// Stores the first admin, who may do everything.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), or [`Conflict`](ErrorKind::Conflict) when there is one by now.
    pub fn add_first(&self, draft: AdminDraft) -> Result<Admin> {
        let draft = AdminDraft {
            status: 1,
            permissions: vec!["*".to_owned()],
            ..draft
        };
        self.store_new(&draft, AddWhere::NoneIs)
    }

    /// Stores a new admin.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), [`AlreadyExists`](ErrorKind::AlreadyExists).
    pub fn add(&self, draft: &AdminDraft) -> Result<Admin> {
        self.store_new(draft, AddWhere::Any)
    }

    fn store_new(&self, draft: &AdminDraft, when: AddWhere) -> Result<Admin> {
        let added = self.store.add_admin(&draft.validate(now_ms())?, when)?;
        self.is_set_up.store(true, Ordering::Relaxed);
        Ok(added)
    }

    /// Replaces an admin's settings by the whole draft, for `actor`. Who replaces itself stays enabled with its
    /// permissions.
    ///
    /// # Errors
    /// As [`Admins::add`], [`NotFound`](ErrorKind::NotFound), and [`Conflict`](ErrorKind::Conflict) when nobody could do
    /// everything any more.
    pub fn replace(&self, actor: &str, username: &str, draft: &AdminDraft) -> Result<Admin> {
        self.replace_seen(actor, username, draft, |_| Ok(()))
    }

    /// The same, if the admin is still the one that somebody saw, as `check` decides.
    ///
    /// # Errors
    /// As [`Admins::replace`], or that of `check`.
    pub fn replace_seen(
        &self,
        actor: &str,
        username: &str,
        draft: &AdminDraft,
        check: impl Fn(&Admin) -> Result<()>,
    ) -> Result<Admin> {
        self.change(username, |stored| {
            check(stored)?;
            let changed = draft.validate_change_of(stored, now_ms())?;
            if actor == username
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
        })
    }

    /// Forgets an admin and the keys for it, for `actor`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`Invalid`](ErrorKind::Invalid) for oneself, [`Conflict`](ErrorKind::Conflict)
    /// when nobody could do everything any more.
    pub fn delete(&self, actor: &str, username: &str) -> Result<()> {
        if actor == username {
            return Err(Error::invalid("username", "nobody can delete themselves"));
        }
        self.store.delete_admin(username)
    }

    /// Changes an admin's own password. Whoever logged in before has to log in again.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) when the current one is wrong, or the new one is not acceptable.
    pub fn change_password(&self, username: &str, current: &str, new: &str) -> Result<Admin> {
        let stored = self.by_name(username)?;
        if !PasswordHash::parse(&stored.password)?.verify(current.as_bytes()) {
            return Err(Error::invalid("current_password", "is wrong"));
        }
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
        self.change(username, |now| {
            if now.password != stored.password {
                return Err(changed_meanwhile());
            }
            Ok(ended_sessions(Admin {
                password: hash.clone(),
                require_password_change: false,
                ..now.clone()
            }))
        })
    }

    /// Changes what an admin says about itself, and nothing else.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid).
    pub fn change_profile(
        &self,
        username: &str,
        email: &str,
        description: &str,
        allow_api_key_auth: bool,
    ) -> Result<Admin> {
        check_email(email)?;
        check_text("description", description)?;
        self.change(username, |stored| {
            Ok(Admin {
                email: email.to_owned(),
                description: description.to_owned(),
                allow_api_key_auth,
                updated_at: now_ms().max(stored.updated_at + 1),
                ..stored.clone()
            })
        })
    }

    /// For who is locked out: enables the admin, gives it a new password and everything to do, lets it come from anywhere,
    /// and switches its second factor off. Returns the password.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound).
    pub fn reset(&self, username: &str) -> Result<String> {
        let password: String = random::hex_id();
        let hash = hash_new_password(&password)?;
        self.change(username, |stored| {
            Ok(ended_sessions(without_second_factor(Admin {
                enabled: true,
                password: hash.clone(),
                permissions: AdminPermissions::ANYTHING,
                allow_list: Vec::new(),
                require_two_factor: false,
                ..stored.clone()
            })))
        })?;
        Ok(password)
    }

    /// The kinds of second factors that there are.
    pub fn totp_configs(&self) -> &[TotpConfig] {
        &self.totp_configs
    }

    /// A new secret for an admin, which is not its second factor yet.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid): there is no such kind.
    pub fn generate_totp(&self, username: &str, config_name: &str) -> Result<GeneratedTotp> {
        self.totp_config(config_name)?.generate(username)
    }

    /// A secret that an admin is being given, once more.
    ///
    /// # Errors
    /// As [`Admins::generate_totp`], or it is no secret.
    pub fn show_totp(&self, username: &str, totp: &TotpSecret) -> Result<GeneratedTotp> {
        let config = self.totp_config(&totp.config_name)?;
        config.show_again(&totp.secret, username)
    }

    /// Is this the code of that secret? It is used up by this.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if not.
    pub fn validate_totp(&self, username: &str, totp: &TotpSecret, code: &str) -> Result<()> {
        let config = self.totp_config(&totp.config_name)?;
        let step = config.step_of(&totp.secret, code, now_ms())?;
        self.change(username, |stored| {
            let spent_steps = second_factor::spend(stored.spent_steps, step)
                .ok_or_else(|| Error::invalid("passcode", "was used before"))?;
            Ok(Admin {
                spent_steps,
                ..stored.clone()
            })
        })
        .map(drop)
    }

    /// Sets an admin's own second factor, or switches it off.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid): there is no such kind, the secret is none, or a second factor is required.
    pub fn save_totp(&self, username: &str, totp: Option<&TotpSecret>) -> Result<Admin> {
        if let Some(totp) = totp {
            self.totp_config(&totp.config_name)?
                .check_secret(&totp.secret)?;
        }
        self.change(username, |stored| {
            if totp.is_none() && stored.require_two_factor {
                return Err(Error::invalid("enabled", "a second factor is required"));
            }
            let recovery_codes = if totp.is_none() {
                Vec::new()
            } else if stored.recovery_codes.is_empty() {
                second_factor::recovery_codes()
            } else {
                stored.recovery_codes.clone()
            };
            Ok(Admin {
                totp: totp.cloned(),
                recovery_codes,
                updated_at: now_ms().max(stored.updated_at + 1),
                ..stored.clone()
            })
        })
    }

    /// An admin's own recovery codes.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) without a second factor.
    pub fn recovery_codes(&self, username: &str) -> Result<Vec<RecoveryCode>> {
        let admin = self.by_name(username)?;
        check_has_second_factor(&admin)?;
        Ok(admin.recovery_codes)
    }

    /// New recovery codes in the place of the old ones.
    ///
    /// # Errors
    /// As [`Admins::recovery_codes`].
    pub fn make_recovery_codes(&self, username: &str) -> Result<Vec<RecoveryCode>> {
        let codes = second_factor::recovery_codes();
        self.change(username, |stored| {
            check_has_second_factor(stored)?;
            Ok(Admin {
                recovery_codes: codes.clone(),
                ..stored.clone()
            })
        })?;
        Ok(codes)
    }

    /// Switches off the second factor of an admin who lost it. Whoever logged in as this admin has to log in again.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), or [`Invalid`](ErrorKind::Invalid) when there is none.
    pub fn disable_second_factor(&self, username: &str) -> Result<Admin> {
        self.change(username, |stored| {
            if stored.totp.is_none() {
                return Err(Error::invalid("username", "has no second factor"));
            }
            Ok(ended_sessions(without_second_factor(stored.clone())))
        })
    }

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

    /// Makes a key.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), also when there is no such admin.
    pub fn add_api_key(&self, draft: &ApiKeyDraft) -> Result<NewApiKey> {
        let key = draft.generate(now_ms())?;
        self.store
            .add_api_key(&key.stored)
            .map_err(|error| not_found_is_invalid(error, &draft.admin))?;
        Ok(key)
    }

    /// Changes all of a key but the secret.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), or as [`Admins::add_api_key`].
    pub fn replace_api_key(&self, id: &str, draft: &ApiKeyDraft) -> Result<()> {
        let changed = draft.change(&self.api_key(id)?, now_ms())?;
        self.store
            .replace_api_key(&changed)
            .map_err(|error| not_found_is_invalid(error, &draft.admin))
    }

    /// Forgets a key.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound).
    pub fn delete_api_key(&self, id: &str) -> Result<()> {
        self.store.delete_api_key(id)
    }

    pub(super) fn store(&self) -> &dyn AdminStore {
        self.store.as_ref()
    }

    /// Uses up a code of the second factor or a recovery code; does it pass?
    pub(super) fn pass_second_factor(&self, username: &str, code: &str) -> Result<Option<Admin>> {
        let passed = self.change(username, |stored| {
            stored
                .totp
                .as_ref()
                .and_then(|totp| {
                    second_factor::pass(stored, totp, &self.totp_configs, code, now_ms())
                })
                .ok_or_else(|| Error::denied("wrong code"))
        });
        match passed {
            Ok(admin) => Ok(Some(admin)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn totp_config(&self, name: &str) -> Result<&TotpConfig> {
        let mut configs = self.totp_configs.iter();
        configs
            .find(|config| config.name == name)
            .ok_or_else(|| Error::invalid("config_name", format_args!("there is no {name:?}")))
    }

    /// Replaces an admin by what `change` makes of it, which is called again when it is another by then.
    fn change(&self, username: &str, change: impl Fn(&Admin) -> Result<Admin>) -> Result<Admin> {
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

fn ended_sessions(admin: Admin) -> Admin {
    let now = now_ms().max(admin.updated_at + 1);
    Admin {
        updated_at: now,
        sessions_since: now,
        ..admin
    }
}

fn without_second_factor(admin: Admin) -> Admin {
    Admin {
        totp: None,
        recovery_codes: Vec::new(),
        ..admin
    }
}

fn check_has_second_factor(admin: &Admin) -> Result<()> {
    if admin.totp.is_none() {
        return Err(Error::denied("there is no second factor"));
    }
    Ok(())
}

/// The key is there, so it is its admin that is not.
fn not_found_is_invalid(error: Error, admin: &str) -> Error {
    if error.kind() == ErrorKind::NotFound && !admin.is_empty() {
        return Error::invalid("admin", format_args!("there is no admin {admin:?}"));
    }
    error
}

fn no_such_admin() -> Error {
    Error::not_found("no such admin")
}

fn no_such_key() -> Error {
    Error::not_found("no such API key")
}

fn changed_meanwhile() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "the admin was changed by somebody else meanwhile",
    )
}
