//! The order of a login, and what each failure leaves behind.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use sftpgo_core::{
    Error, ErrorKind, Provider, Result, StoredUser, UserDraft, UserId,
    accounts::Accounts,
    auth::{Authenticator, Claim, LoggedIn, LoginFailure, StoredCredentials, refusal::RefusalTime},
    credential::password::PasswordHash,
    event::Events,
    provider::{Health, QuotaLedger, UserQuery, Users},
    quota::{Tracking, UsageManager},
    registry::Connections,
    storage_usage::Usage,
};

use crate::common::{ARGON2ID, BCRYPT, Hooked, KEY, OTHER_KEY, add, blob, empty};

struct Gate {
    provider: Arc<dyn Provider>,
    connections: Arc<Connections>,
    authenticator: Authenticator,
}

impl Gate {
    fn new(provider: Arc<dyn Provider>, homes: Hooked, rehash: bool) -> Self {
        let connections = Connections::new(Events::default());
        let quotas = UsageManager::new(Arc::clone(&provider), Tracking::All);
        Self {
            authenticator: Authenticator::new(
                Arc::new(StoredCredentials::new(Arc::clone(&provider), rehash)),
                Arc::new(homes),
                Arc::clone(&connections),
                quotas,
            ),
            provider,
            connections,
        }
    }

    /// Lets in `bob`, as `change` makes him.
    fn of_bob(change: impl FnOnce(&mut UserDraft)) -> Self {
        let gate = Self::new(empty(), Hooked::new(|| Ok(())), false);
        add(gate.provider.as_ref(), "bob", change);
        gate
    }

    fn bob(&self) -> StoredUser {
        self.provider.user_by_name("bob").unwrap().unwrap()
    }

    fn store_hash(&self, hash: &str) {
        let changed = StoredUser {
            password: Some(hash.to_owned()),
            ..self.bob()
        };
        self.provider.update_user(&changed).unwrap();
    }

    fn password(&self, username: &str, password: &str) -> Result<LoggedIn, LoginFailure> {
        self.authenticator
            .with_password(username, password.as_bytes())
    }

    fn accepts_key(&self, username: &str, blob: &[u8]) -> Result<(), LoginFailure> {
        let claim = Claim {
            username,
            remote: None,
        };
        self.authenticator.accepts_key(&claim, blob).map(drop)
    }

    /// Why the password login of `bob` fails, which must leave no session behind.
    fn refusal(&self, password: &str) -> String {
        let failure = self.password("bob", password).err().unwrap();
        assert_eq!(self.connections.login_count(), 0, "{failure}");
        failure.to_string()
    }
}

#[test]
fn the_right_password_lets_in_and_is_remembered() {
    let gate = Gate::of_bob(|_| ());
    let before = sftpgo_core::user::now_ms();
    let logged_in = gate.password("bob", "secret").unwrap();
    assert_eq!(logged_in.user.username, "bob");
    assert_eq!(gate.connections.login_count(), 1);
    assert!(gate.bob().last_login >= before);
    drop(logged_in);
    assert_eq!(gate.connections.login_count(), 0);
}

#[test]
fn any_other_password_or_name_is_refused() {
    let gate = Gate::of_bob(|_| ());
    for wrong in ["", "Secret", "secret ", "secret\0", ARGON2ID] {
        assert_eq!(gate.refusal(wrong), "wrong password");
    }
    for unknown in ["", "Bob", "bob ", "eve"] {
        let failure = gate.password(unknown, "secret").err().unwrap();
        assert_eq!(failure.to_string(), "no such user");
    }
    assert_eq!(gate.bob().last_login, 0);
}

#[test]
fn a_user_without_a_password_has_none_that_fits() {
    let gate = Gate::of_bob(|draft| draft.password = None);
    for password in ["", "secret"] {
        assert_eq!(gate.refusal(password), "wrong password");
    }
}

#[test]
fn status_comes_before_expiry_and_both_before_the_credential() {
    let gate = Gate::of_bob(|draft| {
        draft.status = 0;
        draft.expiration_date = 1;
    });
    for password in ["secret", "wrong"] {
        assert_eq!(gate.refusal(password), "the user is disabled");
    }
    let gate = Gate::of_bob(|draft| draft.expiration_date = 1);
    for password in ["secret", "wrong"] {
        assert_eq!(gate.refusal(password), "the user has expired");
    }
    let key = gate.authenticator.with_public_key("bob", &blob(KEY));
    assert_eq!(key.err().unwrap().to_string(), "the user has expired");
}

#[test]
fn a_hash_that_cannot_be_read_lets_nobody_in() {
    for stored in ["", "*", "secret", "$1$salt$hash", "$2a$99$x", "$argon2id$"] {
        let gate = Gate::of_bob(|_| ());
        gate.store_hash(stored);
        for password in ["", "secret", stored] {
            let reason = gate.refusal(password);
            assert!(reason.contains("stored hash"), "{reason}");
        }
    }
}

#[test]
fn only_a_key_of_the_user_fits() {
    let gate = Gate::of_bob(|draft| draft.public_keys = vec![format!("{KEY} a comment")]);
    let authenticator = &gate.authenticator;
    assert!(gate.accepts_key("bob", &blob(KEY)).is_ok());
    assert_eq!(gate.connections.login_count(), 0);
    assert!(authenticator.with_public_key("bob", &blob(KEY)).is_ok());
    let mut longer = blob(KEY);
    longer.push(0);
    for wrong in [blob(OTHER_KEY), Vec::new(), longer] {
        for failure in [
            gate.accepts_key("bob", &wrong).unwrap_err(),
            authenticator.with_public_key("bob", &wrong).err().unwrap(),
        ] {
            assert_eq!(failure.to_string(), "unknown public key");
        }
    }
    let unknown = gate.accepts_key("eve", &blob(KEY)).unwrap_err();
    assert_eq!(unknown.to_string(), "no such user");
}

#[test]
fn a_stored_line_that_is_refused_today_does_not_hide_the_others() {
    let gate = Gate::of_bob(|_| ());
    let bob = StoredUser {
        public_keys: vec![
            "garbage".to_owned(),
            format!("command=\"ls\" {OTHER_KEY}"),
            KEY.to_owned(),
        ],
        ..gate.bob()
    };
    gate.provider.update_user(&bob).unwrap();
    assert!(gate.accepts_key("bob", &blob(KEY)).is_ok());
    let restricted = gate.accepts_key("bob", &blob(OTHER_KEY));
    assert!(restricted.is_err());
}

#[test]
fn a_home_that_cannot_be_had_takes_no_session() {
    let broken = Hooked::new(|| Err(Error::new(ErrorKind::Internal, "the disk is gone")));
    let gate = Gate::new(empty(), broken, false);
    add(gate.provider.as_ref(), "bob", |_| ());
    let reason = gate.refusal("secret");
    assert!(reason.contains("home directory"), "{reason}");
    assert!(reason.contains("the disk is gone"), "{reason}");
    assert_eq!(gate.bob().last_login, 0);
}

#[test]
fn racing_for_the_last_session_one_wins() {
    let gate = Gate::of_bob(|draft| draft.max_sessions = 2);
    let _first = gate.password("bob", "secret").unwrap();
    let won = AtomicUsize::new(0);
    let barrier = std::sync::Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let outcome = gate.password("bob", "secret");
                if outcome.is_ok() {
                    won.fetch_add(1, Ordering::Relaxed);
                }
                // Nobody leaves before all have tried.
                barrier.wait();
                if let Err(failure) = outcome {
                    assert!(failure.to_string().contains("too many open sessions"));
                }
            });
        }
    });
    assert_eq!(won.into_inner(), 1);
    assert_eq!(gate.connections.login_count(), 1);
    gate.password("bob", "secret").unwrap();
}

#[test]
fn who_is_changed_or_deleted_during_the_login_does_not_get_in() {
    type Change = fn(&dyn Provider, &StoredUser);
    let changes: [(Change, &str); 6] = [
        (
            |provider, bob| {
                let disabled = StoredUser {
                    enabled: false,
                    ..bob.clone()
                };
                provider.update_user(&disabled).unwrap();
            },
            "the user is disabled",
        ),
        (
            |provider, bob| {
                let expired = StoredUser {
                    expiration_date: 1,
                    ..bob.clone()
                };
                provider.update_user(&expired).unwrap();
            },
            "the user has expired",
        ),
        (
            |provider, bob| provider.delete_user(bob.id).unwrap(),
            "the user was deleted meanwhile",
        ),
        (
            |provider, bob| {
                let changed = StoredUser {
                    password: Some(BCRYPT.to_owned()),
                    ..bob.clone()
                };
                provider.update_user(&changed).unwrap();
            },
            "password was changed meanwhile",
        ),
        (
            |provider, bob| {
                let moved = StoredUser {
                    home_dir: "/elsewhere".into(),
                    ..bob.clone()
                };
                provider.update_user(&moved).unwrap();
            },
            "home_dir was changed meanwhile",
        ),
        (
            |provider, bob| {
                let owned = StoredUser {
                    uid: 7,
                    ..bob.clone()
                };
                provider.update_user(&owned).unwrap();
            },
            "uid was changed meanwhile",
        ),
    ];
    for (change, reason) in changes {
        let provider = empty();
        let bob = add(provider.as_ref(), "bob", |_| ());
        // Homes are opened after the conditions were checked.
        let changing = Arc::clone(&provider);
        let homes = Hooked::new(move || {
            change(changing.as_ref(), &bob);
            Ok(())
        });
        let gate = Gate::new(provider, homes, false);
        assert_eq!(gate.refusal("secret"), reason);
    }
}

#[test]
fn a_legacy_hash_is_replaced_only_when_asked_and_after_a_success() {
    for rehash in [false, true] {
        let gate = Gate::new(empty(), Hooked::new(|| Ok(())), rehash);
        add(gate.provider.as_ref(), "bob", |draft| {
            draft.password = Some(BCRYPT.to_owned());
        });
        gate.refusal("wrong");
        assert_eq!(gate.bob().password.as_deref(), Some(BCRYPT));
        gate.password("bob", "secret").unwrap();
        let stored = gate.bob().password.unwrap();
        assert_eq!(stored != BCRYPT, rehash);
        assert_eq!(PasswordHash::parse(&stored).unwrap().is_legacy(), !rehash);
        gate.password("bob", "secret").unwrap();
    }
}

#[test]
fn a_refusal_takes_as_long_for_any_name_as_for_the_one_with_the_dearest_hash() {
    let time = Arc::new(RefusalTime::default());
    let events = Events::new(vec![Box::new(Arc::clone(&time))]);
    let gate = Gate::of_bob(|_| ());
    let connections = Arc::clone(&gate.connections);
    let quotas = UsageManager::new(Arc::clone(&gate.provider), Tracking::Off);
    let provider = Arc::clone(&gate.provider);
    let accounts = Accounts::new(provider, connections, quotas, events, true, None);
    let of_argon2id = time.get();
    let dear = "$2b$14$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
    let mut draft = crate::common::draft("carol");
    draft.password = Some(dear.to_owned());
    accounts.add(draft).unwrap();
    // Nobody has tried that name yet.
    let of_dear = time.get();
    assert!(of_dear > of_argon2id);
    assert!(of_dear > PasswordHash::parse(dear).unwrap().expected_time());
    for name in ["nobody", "bob"] {
        assert!(gate.password(name, "wrong").is_err());
        assert_eq!(time.get(), of_dear, "{name}");
    }
    // The same at the next start, by looking at all users.
    let later = RefusalTime::of_unknown_users();
    assert!(later.get() > of_dear);
    later.survey(gate.provider.as_ref()).unwrap();
    assert!(later.get() >= of_dear);
}

#[test]
fn a_stored_hash_that_is_too_dear_is_a_failed_login_with_the_reason() {
    let gate = Gate::of_bob(|_| ());
    for (dear, limit) in [
        (
            "$2b$16$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
            "15",
        ),
        (
            "$pbkdf2-sha1$5000001$salt$SwB5AbdlSJq+rUnZJvch0GWkKcE=",
            "5000000",
        ),
        (
            "$argon2id$v=19$m=1048576,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q",
            "524288",
        ),
    ] {
        gate.store_hash(dear);
        let reason = gate.refusal("secret");
        assert!(reason.contains("stored hash cannot be used"), "{reason}");
        assert!(reason.contains(limit), "{reason}");
        // A change of something else does not want another password.
        let stored = gate.bob();
        let mut draft = UserDraft::from(&stored);
        draft.quota_files = 7;
        assert!(draft.validate_change_of(&stored, None).is_ok());
        let error = PasswordHash::for_storage(dear).unwrap_err();
        assert!(error.message().starts_with("password: "), "{error}");
    }
}

#[test]
fn a_hash_that_another_login_replaces_meanwhile_ends_no_session() {
    let provider = empty();
    let bob = add(provider.as_ref(), "bob", |draft| {
        draft.password = Some(BCRYPT.to_owned());
    });
    let rehashing = Arc::clone(&provider);
    let homes = Hooked::new(move || {
        let new = PasswordHash::rehash(b"secret", BCRYPT).unwrap();
        let _ = rehashing
            .replace_password_hash(bob.id, BCRYPT, &new)
            .unwrap();
        Ok(())
    });
    let gate = Gate::new(provider, homes, true);
    let logged_in = gate.password("bob", "secret").unwrap();
    gate.connections.close_changed(&gate.bob());
    assert!(!logged_in.login.close_requested().is_cancelled());
}

#[test]
fn a_hash_of_the_written_kind_is_left_alone() {
    let gate = Gate::new(empty(), Hooked::new(|| Ok(())), true);
    add(gate.provider.as_ref(), "bob", |_| ());
    gate.password("bob", "secret").unwrap();
    assert_eq!(gate.bob().password.as_deref(), Some(ARGON2ID));
}

#[test]
fn a_password_that_looks_like_a_hash_is_rehashed_as_a_password() {
    let gate = Gate::new(empty(), Hooked::new(|| Ok(())), true);
    add(gate.provider.as_ref(), "bob", |_| ());
    // The password of this SHA-512 crypt hash is a hash itself.
    let of_hash = "$6$rounds=1000$saltstring$SExjRrPslSUzXiZ5ExN.WpWRjwpuaKmv9odWb.MdiHKM0d8IJOTPaauhhmfjQp/TDLeT9Wl2cTBzuH7kFNCyM1";
    gate.store_hash(of_hash);
    gate.password("bob", ARGON2ID).unwrap();
    assert_ne!(gate.bob().password.as_deref(), Some(of_hash));
    gate.password("bob", ARGON2ID).unwrap();
    assert_eq!(gate.refusal("secret"), "wrong password");
}

#[test]
fn a_provider_that_fails_is_not_an_unknown_user() {
    let gate = Gate::new(Arc::new(Gone), Hooked::new(|| Ok(())), false);
    for failure in [
        gate.password("bob", "secret").err().unwrap(),
        gate.accepts_key("bob", &blob(KEY)).unwrap_err(),
    ] {
        let reason = failure.to_string();
        assert_eq!(reason, "the provider failed: the database is gone");
    }
}

/// A provider whose database does not answer.
struct Gone;

fn gone<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unavailable, "the database is gone"))
}

impl Users for Gone {
    fn user_by_name(&self, _: &str) -> Result<Option<StoredUser>> {
        gone()
    }
    fn user_by_id(&self, _: UserId) -> Result<Option<StoredUser>> {
        gone()
    }
    fn list_users(&self, _: &UserQuery) -> Result<Vec<StoredUser>> {
        gone()
    }
    fn for_each_user(&self, _: &mut dyn FnMut(StoredUser) -> ControlFlow<()>) -> Result<()> {
        gone()
    }
    fn add_user(&self, _: &StoredUser) -> Result<StoredUser> {
        gone()
    }
    fn change_user(&self, _: &StoredUser, _: &StoredUser) -> Result<bool> {
        gone()
    }
    fn replace_password_hash(&self, _: UserId, _: &str, _: &str) -> Result<bool> {
        gone()
    }
    fn delete_user(&self, _: UserId) -> Result<()> {
        gone()
    }
    fn record_login(&self, _: UserId, _: i64) -> Result<()> {
        gone()
    }
}

impl QuotaLedger for Gone {
    fn usage(&self, _: UserId) -> Result<Usage> {
        gone()
    }
    fn set_usage(&self, _: UserId, _: Usage) -> Result<()> {
        gone()
    }
    fn set_dirty(&self, _: UserId, _: bool) -> Result<()> {
        gone()
    }
    fn dirty_users(&self) -> Result<Vec<UserId>> {
        gone()
    }
}

impl Health for Gone {
    fn check(&self) -> Result<()> {
        gone()
    }
}
