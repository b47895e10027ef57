//! What every backend of logins gets from core, whoever answers: the stored users, or somebody else who may be slow or fail.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use sftpgo_core::{
    EffectiveUser, StoredUser,
    auth::{
        Candidate, Claim, CredentialBackend, KeyCandidate, LoggedIn, LoginFailure, LoginSteps,
        Logins, PasswordCheck, SentName, StoredCredentials,
    },
    credential::public_key::KeyOptions,
    fair_pool::Bell,
    provider::Users,
    user::LoginMethods,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{
    BCRYPT, HookedHomes, KEY, OTHER_KEY, PATIENCE, Service, Settings, add, key_blob,
};

/// Somebody who is asked for a user: knows the names, and answers by a function.
struct Asked<F> {
    users: Arc<MemoryProvider>,
    answer: F,
}

/// What is shown: a password, a key, or a certificate.
enum Shown<'a> {
    Password(&'a [u8]),
    Key(&'a [u8]),
    Certificate,
}

impl<F> CredentialBackend for Asked<F>
where
    F: Fn(&Claim<'_>, Shown<'_>) -> Result<Candidate, LoginFailure> + Send + Sync,
{
    fn check_password(&self, claim: &Claim<'_>, password: &[u8]) -> PasswordCheck {
        match (self.answer)(claim, Shown::Password(password)) {
            Ok(candidate) => PasswordCheck::Accepted(Box::new(candidate)),
            Err(failure) => PasswordCheck::Refused(failure),
        }
    }

    fn check_public_key(
        &self,
        claim: &Claim<'_>,
        blob: &[u8],
    ) -> Result<KeyCandidate, LoginFailure> {
        let candidate = (self.answer)(claim, Shown::Key(blob))?;
        Ok(KeyCandidate {
            candidate,
            options: KeyOptions::default(),
        })
    }

    fn check_certificate(&self, claim: &Claim<'_>) -> Result<Candidate, LoginFailure> {
        (self.answer)(claim, Shown::Certificate)
    }

    fn current(&self, candidate: &Candidate) -> Result<Candidate, LoginFailure> {
        let stored = self.users.user_by_id(candidate.stored.id).unwrap();
        let stored = stored.ok_or_else(|| LoginFailure::new("gone"))?;
        Ok(Candidate {
            stored,
            effective: candidate.effective.clone(),
        })
    }

    fn logged_in(&self, _: &Candidate, _: Option<&[u8]>) {}
}

/// Lets `bob` in with `secret` and [`KEY`], after `pause` where the name is known.
fn asked(users: &Arc<MemoryProvider>, pause: Duration) -> Arc<dyn CredentialBackend> {
    let known = Arc::clone(users);
    let answer = move |claim: &Claim<'_>, shown: Shown<'_>| {
        let Some(user) = known.user_by_name(claim.username).unwrap() else {
            return Err(LoginFailure::new("never heard of"));
        };
        thread::sleep(pause);
        let is_good = match shown {
            Shown::Password(password) => password == b"secret",
            Shown::Key(key) => key == key_blob(KEY),
            Shown::Certificate => true,
        };
        match is_good {
            true => Ok(user.into()),
            false => Err(LoginFailure::new("no")),
        }
    };
    Arc::new(Asked {
        users: Arc::clone(users),
        answer,
    })
}

struct Gate {
    service: Service,
    logins: Logins,
}

const REMOTE: ([u8; 4], u16) = ([192, 0, 2, 7], 22);

impl Gate {
    fn new(users: &Arc<MemoryProvider>, backend: Arc<dyn CredentialBackend>) -> Self {
        let service = Service::new(Settings {
            provider: users.clone(),
            homes: Arc::new(HookedHomes::in_one_directory(|_| Ok(()))),
            credentials: Some(backend),
            ..Settings::default()
        });
        Self {
            logins: service.logins(),
            service,
        }
    }

    fn told(&self) -> Vec<String> {
        self.service.recorder.take_logins()
    }

    fn password(&self, name: &str, password: &str) -> Option<LoggedIn> {
        let name = SentName::new(name.as_bytes());
        let remote = SocketAddr::from(REMOTE);
        let mut steps = LoginSteps::new(LoginMethods::OF_SSH);
        let bell = Arc::default();
        self.logins
            .with_password(&mut steps, &name, password.as_bytes(), remote, &bell)
            .logged_in()
    }

    fn key(&self, name: &str, line: &str) -> Option<LoggedIn> {
        let name = SentName::new(name.as_bytes());
        let remote = SocketAddr::from(REMOTE);
        let (blob, bell) = (key_blob(line), Arc::default());
        let accepted = self.logins.accepts_key(&name, &blob, remote, &bell).ok()?;
        let mut steps = LoginSteps::new(LoginMethods::OF_SSH);
        self.logins
            .with_public_key(&mut steps, &name, accepted, remote, &bell)
            .logged_in()
    }

    fn certificate(&self, name: &str) -> Option<LoggedIn> {
        let name = SentName::new(name.as_bytes());
        let (remote, bell) = (SocketAddr::from(REMOTE), Arc::default());
        let options = KeyOptions::default();
        let accepted = self
            .logins
            .accepts_certificate(&name, options, remote, &bell)
            .ok()?;
        let mut steps = LoginSteps::new(LoginMethods::OF_SSH);
        self.logins
            .with_public_key(&mut steps, &name, accepted, remote, &bell)
            .logged_in()
    }
}

/// The same users behind each backend.
fn each_backend(test: impl Fn(&str, &Arc<MemoryProvider>, Arc<dyn CredentialBackend>) + Sync) {
    thread::scope(|scope| {
        for name in ["stored", "asked", "asked and slow"] {
            let test = &test;
            scope.spawn(move || {
                let users = Arc::new(MemoryProvider::new());
                add(users.as_ref(), "bob", |_| ());
                let backend = match name {
                    "stored" => Arc::new(StoredCredentials::new(users.clone(), false)),
                    "asked" => asked(&users, Duration::ZERO),
                    _ => asked(&users, Duration::from_millis(300)),
                };
                test(name, &users, backend);
            });
        }
    });
}

#[test]
fn a_good_credential_lets_in_and_is_told_once() {
    each_backend(|what, users, backend| {
        let gate = Gate::new(users, backend);
        let logged_in = gate.password("bob", "secret").unwrap();
        assert_eq!(logged_in.user.username, "bob", "{what}");
        assert_eq!(gate.told(), ["tried", "bob is in"], "{what}");
        assert!(gate.key("bob", KEY).is_some(), "{what}");
        assert_eq!(gate.told(), ["tried", "bob is in"], "{what}");
        assert!(gate.certificate("bob").is_some(), "{what}");
        assert_eq!(gate.told(), ["tried", "bob is in"], "{what}");
        assert_eq!(gate.service.connections.login_count(), 1, "{what}");
    });
}

#[test]
fn each_refusal_is_told_once_and_leaves_no_session() {
    each_backend(|what, users, backend| {
        let gate = Gate::new(users, backend);
        for name in ["bob", "eve"] {
            assert!(gate.password(name, "wrong").is_none());
            let told = gate.told();
            assert_eq!((told.len(), told[0].as_str()), (2, "tried"), "{what}");
            assert!(told[1].starts_with(&format!("{name}: ")), "{told:?}");
            assert!(gate.key(name, OTHER_KEY).is_none());
            assert_eq!(gate.told().len(), 2, "{what}");
        }
        assert!(gate.certificate("eve").is_none());
        assert_eq!(gate.told().len(), 2, "{what}");
        assert_eq!(gate.service.connections.login_count(), 0);
    });
}

#[test]
fn a_refused_password_takes_its_time_and_its_work_whoever_refuses_which_name() {
    each_backend(|what, users, backend| {
        let gate = Gate::new(users, backend);
        for name in ["bob", "eve"] {
            let claim = Claim {
                username: name,
                remote: None,
            };
            let login = gate
                .service
                .authenticator
                .begin_with_password(&claim, b"wrong");
            assert!(login.is_dear(), "{what}: a hash is compared for {name}");
            let began = Instant::now();
            assert!(gate.password(name, "wrong").is_none());
            let least = gate.service.authenticator.refusal_time().get();
            let took = began.elapsed();
            assert!(took >= least, "{what}: {name} was refused after {took:?}");
        }
    });
}

#[test]
fn conditions_of_the_account_hold_whatever_the_backend_says() {
    each_backend(|what, users, backend| {
        let gate = Gate::new(users, backend);
        let bob = users.user_by_name("bob").unwrap().unwrap();
        type Change = fn(&mut StoredUser);
        let changes: [(Change, &str); 2] = [
            (|user| user.enabled = false, "bob: the user is disabled"),
            (|user| user.expiration_date = 1, "bob: the user has expired"),
        ];
        for (change, reason) in changes {
            let mut changed = bob.clone();
            change(&mut changed);
            users.update_user(&changed).unwrap();
            assert!(gate.password("bob", "secret").is_none(), "{what}");
            assert!(gate.key("bob", KEY).is_none(), "{what}");
            assert_eq!(gate.told(), ["tried", reason, "tried", reason]);
            assert!(gate.certificate("bob").is_none(), "{what}");
            assert_eq!(gate.told(), ["tried", reason]);
        }
    });
}

#[test]
fn sessions_are_limited_by_what_the_session_enforces() {
    let users = Arc::new(MemoryProvider::new());
    let bob = add(users.as_ref(), "bob", |_| ());
    assert_eq!(bob.max_sessions, 0);
    let answer = move |_: &Claim<'_>, _: Shown<'_>| {
        Ok(Candidate {
            effective: EffectiveUser {
                max_sessions: 1,
                quota_files: 7,
                ..bob.effective()
            },
            stored: bob.clone(),
        })
    };
    let backend = Arc::new(Asked {
        users: users.clone(),
        answer,
    });
    let gate = Gate::new(&users, backend);
    let first = gate.password("bob", "any").unwrap();
    assert_eq!(first.user.quota_files, 7);
    assert!(gate.password("bob", "any").is_none());
    let told = gate.told();
    assert!(told[3].contains("too many open sessions"), "{told:?}");
    drop(first);
    assert!(gate.password("bob", "any").is_some());
}

#[test]
fn a_backend_that_fails_refuses_as_any_other_and_the_operator_hears_why() {
    let users = Arc::new(MemoryProvider::new());
    add(users.as_ref(), "bob", |_| ());
    let answer = |_: &Claim<'_>, _: Shown<'_>| Err(LoginFailure::new("the program has crashed"));
    let backend = Arc::new(Asked {
        users: users.clone(),
        answer,
    });
    let gate = Gate::new(&users, backend);
    let began = Instant::now();
    assert!(gate.password("bob", "secret").is_none());
    assert!(began.elapsed() >= gate.service.authenticator.refusal_time().get());
    assert!(gate.key("bob", KEY).is_none());
    let reason = "bob: the program has crashed";
    assert_eq!(gate.told(), ["tried", reason, "tried", reason]);
}

#[test]
fn a_connection_that_has_to_close_leaves_a_backend_that_hangs() {
    let users = Arc::new(MemoryProvider::new());
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let answer = move |_: &Claim<'_>, _: Shown<'_>| {
        let _ = held.lock().unwrap().recv();
        Err(LoginFailure::new("too late"))
    };
    let backend = Arc::new(Asked {
        users: users.clone(),
        answer,
    });
    let gate = Gate::new(&users, backend);
    let bell = Arc::new(Bell::default());
    let (name, remote) = (SentName::new(b"bob"), SocketAddr::from(REMOTE));
    let (has_left, is_gone) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let closing = Arc::clone(&bell);
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(50));
            closing.close();
            // Whoever waits all the same is not left to wait for ever.
            let _ = is_gone.recv_timeout(PATIENCE);
            drop(release);
        });
        let (logins, blob) = (&gate.logins, key_blob(KEY));
        let mut steps = LoginSteps::new(LoginMethods::OF_SSH);
        let refused = logins.with_password(&mut steps, &name, b"secret", remote, &bell);
        assert!(refused.logged_in().is_none());
        assert!(logins.accepts_key(&name, &blob, remote, &bell).is_err());
        assert!(gate.told().is_empty(), "the backend was waited for");
        drop(has_left);
    });
}

/// Asks before and after another backend, as an operator's programs do.
struct Around<B> {
    inner: B,
    /// Before the user is looked up.
    before: fn(&Claim<'_>, &MemoryProvider),
    /// What becomes of what was said of the password.
    after: fn(PasswordCheck, &[u8]) -> PasswordCheck,
    users: Arc<MemoryProvider>,
}

impl<B: CredentialBackend> CredentialBackend for Around<B> {
    fn check_password(&self, claim: &Claim<'_>, password: &[u8]) -> PasswordCheck {
        (self.before)(claim, &self.users);
        (self.after)(self.inner.check_password(claim, password), password)
    }

    fn check_public_key(
        &self,
        claim: &Claim<'_>,
        blob: &[u8],
    ) -> Result<KeyCandidate, LoginFailure> {
        (self.before)(claim, &self.users);
        self.inner.check_public_key(claim, blob)
    }

    fn check_certificate(&self, claim: &Claim<'_>) -> Result<Candidate, LoginFailure> {
        (self.before)(claim, &self.users);
        self.inner.check_certificate(claim)
    }

    fn current(&self, candidate: &Candidate) -> Result<Candidate, LoginFailure> {
        self.inner.current(candidate)
    }

    fn logged_in(&self, user: &Candidate, compared: Option<&[u8]>) {
        self.inner.logged_in(user, compared);
    }
}

fn around(
    before: fn(&Claim<'_>, &MemoryProvider),
    after: fn(PasswordCheck, &[u8]) -> PasswordCheck,
) -> (Arc<MemoryProvider>, Gate) {
    let users = Arc::new(MemoryProvider::new());
    add(users.as_ref(), "bob", |draft| {
        draft.password = Some(BCRYPT.to_owned());
    });
    let backend = Around {
        inner: StoredCredentials::new(users.clone(), true),
        before,
        after,
        users: users.clone(),
    };
    let gate = Gate::new(&users, Arc::new(backend));
    (users, gate)
}

fn hash_of_bob(users: &MemoryProvider) -> String {
    users
        .user_by_name("bob")
        .unwrap()
        .unwrap()
        .password
        .unwrap()
}

#[test]
fn one_that_is_asked_after_the_store_may_compare_something_else() {
    // The last six characters are a code that it has checked itself.
    let (users, gate) = around(
        |_, _| (),
        |check, sent| match check {
            PasswordCheck::Compare(mut comparison) => {
                comparison.instead = Some(sent[..sent.len() - 6].to_vec());
                PasswordCheck::Compare(comparison)
            }
            other => other,
        },
    );
    assert!(gate.password("bob", "wrong123456").is_none());
    assert_eq!(hash_of_bob(&users), BCRYPT);
    assert!(gate.password("bob", "secret123456").is_some());
    // What was compared is what the new hash is of.
    assert_ne!(hash_of_bob(&users), BCRYPT);
    assert!(gate.password("bob", "secret654321").is_some());
}

#[test]
fn one_that_is_asked_after_the_store_may_accept_what_fits_no_hash() {
    let (users, gate) = around(
        |_, _| (),
        |check, _| match check {
            PasswordCheck::Compare(comparison) => {
                PasswordCheck::Accepted(Box::new(comparison.candidate))
            }
            other => other,
        },
    );
    assert!(gate.password("bob", "another").is_some());
    assert_eq!(hash_of_bob(&users), BCRYPT, "which is not the user's");
    assert!(gate.password("eve", "another").is_none());
}

#[test]
fn one_that_is_asked_before_the_store_may_change_or_make_the_user() {
    let before = |claim: &Claim<'_>, users: &MemoryProvider| {
        if users.user_by_name(claim.username).unwrap().is_none() {
            add(users, claim.username, |draft| draft.max_sessions = 1);
        }
    };
    let (_, gate) = around(before, |check, _| check);
    let first = gate.password("carol", "secret").unwrap();
    assert!(gate.key("carol", KEY).is_none(), "the one session is taken");
    drop(first);
    assert!(gate.key("dave", KEY).is_some());
}
