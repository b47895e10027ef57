//! The order of a login, and what each failure leaves behind.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use sftpgo_core::{
    Error, ErrorKind, Provider, StoredUser, UserDraft,
    auth::{Claim, LoggedIn, LoginFailure, StoredCredentials, refusal::RefusalTime},
    credential::password::PasswordHash,
    event::Actor,
    provider::Users as _,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{
    ARGON2ID, BCRYPT, FaultyProvider, HookedHomes, KEY, OTHER_KEY, Service, Settings, add, draft,
    key_blob,
};

fn service(provider: Arc<dyn Provider>, homes: HookedHomes, rehash_on_login: bool) -> Service {
    let credentials = StoredCredentials::new(Arc::clone(&provider), rehash_on_login);
    Service::new(Settings {
        provider,
        homes: Arc::new(homes),
        credentials: Some(Arc::new(credentials)),
        ..Settings::default()
    })
}

fn with_provider(provider: Arc<dyn Provider>, rehash_on_login: bool) -> Service {
    let homes = HookedHomes::in_one_directory(|_| Ok(()));
    service(provider, homes, rehash_on_login)
}

/// Lets in `bob`, as `change` makes him.
fn with_bob(rehash_on_login: bool, change: impl FnOnce(&mut UserDraft)) -> Service {
    let service = with_provider(Arc::new(MemoryProvider::new()), rehash_on_login);
    add(service.provider.as_ref(), "bob", change);
    service
}

fn store_hash(service: &Service, hash: &str) {
    let changed = StoredUser {
        password: Some(hash.to_owned()),
        ..service.bob()
    };
    service.provider.update_user(&changed).unwrap();
}

fn log_in(service: &Service, username: &str, password: &str) -> Result<LoggedIn, LoginFailure> {
    let authenticator = &service.authenticator;
    authenticator.with_password(username, password.as_bytes())
}

fn accepts_key(service: &Service, username: &str, blob: &[u8]) -> Result<(), LoginFailure> {
    let claim = Claim {
        username,
        remote: None,
    };
    service.authenticator.accepts_key(&claim, blob).map(drop)
}

/// Why the password login of `bob` fails, which must leave no session behind.
fn refusal(service: &Service, password: &str) -> String {
    let failure = log_in(service, "bob", password).err().unwrap();
    assert_eq!(service.connections.login_count(), 0, "{failure}");
    failure.to_string()
}

#[test]
fn the_right_password_lets_in_and_is_remembered() {
    let server = with_bob(false, |_| ());
    let before = sftpgo_core::user::now_ms();
    let logged_in = log_in(&server, "bob", "secret").unwrap();
    assert_eq!(logged_in.user.username, "bob");
    assert_eq!(server.connections.login_count(), 1);
    assert!(server.bob().last_login >= before);
    drop(logged_in);
    assert_eq!(server.connections.login_count(), 0);
}

#[test]
fn any_other_password_or_name_is_refused() {
    let server = with_bob(false, |_| ());
    for wrong in ["", "Secret", "secret ", "secret\0", ARGON2ID] {
        assert_eq!(refusal(&server, wrong), "wrong password");
    }
    for unknown in ["", "Bob", "bob ", "eve"] {
        let failure = log_in(&server, unknown, "secret").err().unwrap();
        assert_eq!(failure.to_string(), "no such user");
    }
    assert_eq!(server.bob().last_login, 0);
}

#[test]
fn a_user_without_a_password_has_none_that_fits() {
    let server = with_bob(false, |draft| draft.password = None);
    for password in ["", "secret"] {
        assert_eq!(refusal(&server, password), "wrong password");
    }
}

#[test]
fn status_comes_before_expiry_and_both_before_the_credential() {
    let server = with_bob(false, |draft| {
        draft.status = 0;
        draft.expiration_date = 1;
    });
    for password in ["secret", "wrong"] {
        assert_eq!(refusal(&server, password), "the user is disabled");
    }
    let server = with_bob(false, |draft| draft.expiration_date = 1);
    for password in ["secret", "wrong"] {
        assert_eq!(refusal(&server, password), "the user has expired");
    }
    let key = server.authenticator.with_public_key("bob", &key_blob(KEY));
    assert_eq!(key.err().unwrap().to_string(), "the user has expired");
}

#[test]
fn a_hash_that_cannot_be_read_lets_nobody_in() {
    for stored in ["", "*", "secret", "$1$salt$hash", "$2a$99$x", "$argon2id$"] {
        let server = with_bob(false, |_| ());
        store_hash(&server, stored);
        for password in ["", "secret", stored] {
            let reason = refusal(&server, password);
            assert!(reason.contains("stored hash"), "{reason}");
        }
    }
}

#[test]
fn only_a_key_of_the_user_fits() {
    let server = with_bob(false, |draft| {
        draft.public_keys = vec![format!("{KEY} a comment")]
    });
    let authenticator = &server.authenticator;
    assert!(accepts_key(&server, "bob", &key_blob(KEY)).is_ok());
    assert_eq!(server.connections.login_count(), 0);
    assert!(authenticator.with_public_key("bob", &key_blob(KEY)).is_ok());
    let mut longer = key_blob(KEY);
    longer.push(0);
    for wrong in [key_blob(OTHER_KEY), Vec::new(), longer] {
        for failure in [
            accepts_key(&server, "bob", &wrong).unwrap_err(),
            authenticator.with_public_key("bob", &wrong).err().unwrap(),
        ] {
            assert_eq!(failure.to_string(), "unknown public key");
        }
    }
    let unknown = accepts_key(&server, "eve", &key_blob(KEY)).unwrap_err();
    assert_eq!(unknown.to_string(), "no such user");
}

#[test]
fn a_stored_line_that_is_refused_today_does_not_hide_the_others() {
    let server = with_bob(false, |_| ());
    let bob = StoredUser {
        public_keys: vec![
            "garbage".to_owned(),
            format!("command=\"ls\" {OTHER_KEY}"),
            KEY.to_owned(),
        ],
        ..server.bob()
    };
    server.provider.update_user(&bob).unwrap();
    assert!(accepts_key(&server, "bob", &key_blob(KEY)).is_ok());
    let restricted = accepts_key(&server, "bob", &key_blob(OTHER_KEY));
    assert!(restricted.is_err());
}

#[test]
fn a_home_that_cannot_be_had_takes_no_session() {
    let broken =
        HookedHomes::in_one_directory(|_| Err(Error::new(ErrorKind::Internal, "the disk is gone")));
    let server = service(Arc::new(MemoryProvider::new()), broken, false);
    add(server.provider.as_ref(), "bob", |_| ());
    let reason = refusal(&server, "secret");
    assert!(reason.contains("home directory"), "{reason}");
    assert!(reason.contains("the disk is gone"), "{reason}");
    assert_eq!(server.bob().last_login, 0);
}

#[test]
fn racing_for_the_last_session_one_wins() {
    let server = with_bob(false, |draft| draft.max_sessions = 2);
    let _first = log_in(&server, "bob", "secret").unwrap();
    let won = AtomicUsize::new(0);
    let barrier = std::sync::Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let outcome = log_in(&server, "bob", "secret");
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
    assert_eq!(server.connections.login_count(), 1);
    log_in(&server, "bob", "secret").unwrap();
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
        let provider = Arc::new(MemoryProvider::new());
        let bob = add(provider.as_ref(), "bob", |_| ());
        // Homes are opened after the conditions were checked.
        let changing = Arc::clone(&provider);
        let homes = HookedHomes::in_one_directory(move |_| {
            change(changing.as_ref(), &bob);
            Ok(())
        });
        let server = service(provider, homes, false);
        assert_eq!(refusal(&server, "secret"), reason);
    }
}

#[test]
fn a_legacy_hash_is_replaced_only_when_asked_and_after_a_success() {
    for rehash in [false, true] {
        let server = with_bob(rehash, |draft| draft.password = Some(BCRYPT.to_owned()));
        refusal(&server, "wrong");
        assert_eq!(server.bob().password.as_deref(), Some(BCRYPT));
        log_in(&server, "bob", "secret").unwrap();
        let stored = server.bob().password.unwrap();
        assert_eq!(stored != BCRYPT, rehash);
        assert_eq!(PasswordHash::parse(&stored).unwrap().is_legacy(), !rehash);
        log_in(&server, "bob", "secret").unwrap();
    }
}

#[test]
fn a_refusal_takes_as_long_for_any_name_as_for_the_one_with_the_dearest_hash() {
    let time = Arc::new(RefusalTime::default());
    let server = Service::new(Settings {
        observers: vec![Box::new(Arc::clone(&time))],
        ..Settings::default()
    });
    add(server.provider.as_ref(), "bob", |_| ());
    let of_argon2id = time.get();
    let dear = "$2b$14$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
    let mut draft = draft("carol");
    draft.password = Some(dear.to_owned());
    server.accounts.add(&Actor::program(), draft).unwrap();
    // Nobody has tried that name yet.
    let of_dear = time.get();
    assert!(of_dear > of_argon2id);
    assert!(of_dear > PasswordHash::parse(dear).unwrap().expected_time());
    for name in ["nobody", "bob"] {
        assert!(log_in(&server, name, "wrong").is_err());
        assert_eq!(time.get(), of_dear, "{name}");
    }
    // The same at the next start, by looking at all users.
    let later = RefusalTime::of_unknown_users();
    assert!(later.get() > of_dear);
    later.survey(server.provider.as_ref()).unwrap();
    assert!(later.get() >= of_dear);
}

#[test]
fn a_stored_hash_that_is_too_dear_is_a_failed_login_with_the_reason() {
    let server = with_bob(false, |_| ());
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
        store_hash(&server, dear);
        let reason = refusal(&server, "secret");
        assert!(reason.contains("stored hash cannot be used"), "{reason}");
        assert!(reason.contains(limit), "{reason}");
        // A change of something else does not want another password.
        let stored = server.bob();
        let mut draft = UserDraft::from(&stored);
        draft.quota_files = 7;
        assert!(draft.validate_change_of(&stored, None).is_ok());
        let error = PasswordHash::for_storage(dear).unwrap_err();
        assert!(error.message().starts_with("password: "), "{error}");
    }
}

#[test]
fn a_hash_that_another_login_replaces_meanwhile_ends_no_session() {
    let provider = Arc::new(MemoryProvider::new());
    let bob = add(provider.as_ref(), "bob", |draft| {
        draft.password = Some(BCRYPT.to_owned());
    });
    let rehashing = Arc::clone(&provider);
    let homes = HookedHomes::in_one_directory(move |_| {
        let new = PasswordHash::rehash(b"secret", BCRYPT).unwrap();
        let _ = rehashing
            .replace_password_hash(bob.id, BCRYPT, &new)
            .unwrap();
        Ok(())
    });
    let server = service(provider, homes, true);
    let logged_in = log_in(&server, "bob", "secret").unwrap();
    server.connections.close_changed(&server.bob());
    assert!(!logged_in.login.close_requested().is_cancelled());
}

#[test]
fn a_hash_of_the_written_kind_is_left_alone() {
    let server = with_bob(true, |_| ());
    log_in(&server, "bob", "secret").unwrap();
    assert_eq!(server.bob().password.as_deref(), Some(ARGON2ID));
}

#[test]
fn a_password_that_looks_like_a_hash_is_rehashed_as_a_password() {
    let server = with_bob(true, |_| ());
    // The password of this SHA-512 crypt hash is a hash itself.
    let of_hash = "$6$rounds=1000$saltstring$SExjRrPslSUzXiZ5ExN.WpWRjwpuaKmv9odWb.MdiHKM0d8IJOTPaauhhmfjQp/TDLeT9Wl2cTBzuH7kFNCyM1";
    store_hash(&server, of_hash);
    log_in(&server, "bob", ARGON2ID).unwrap();
    assert_ne!(server.bob().password.as_deref(), Some(of_hash));
    log_in(&server, "bob", ARGON2ID).unwrap();
    assert_eq!(refusal(&server, "secret"), "wrong password");
}

#[test]
fn a_provider_that_fails_is_not_an_unknown_user() {
    let gone = || Error::new(ErrorKind::Unavailable, "the database is gone");
    let gone = FaultyProvider::failing(gone);
    let server = with_provider(gone, false);
    for failure in [
        log_in(&server, "bob", "secret").err().unwrap(),
        accepts_key(&server, "bob", &key_blob(KEY)).unwrap_err(),
    ] {
        let reason = failure.to_string();
        assert_eq!(reason, "the provider failed: the database is gone");
    }
}
