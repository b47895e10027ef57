//! Logins in several steps: what lets in, what is left, and what codes of a second factor are good for.

use std::{
    net::SocketAddr,
    sync::{Arc, Barrier, Condvar, Mutex},
    thread,
};

use sftpgo_core::{
    UserDraft,
    auth::{
        Candidate, Claim, CredentialBackend, KeyCandidate, LoginFailure, LoginOutcome, LoginSteps,
        Logins, PasswordCheck, Question, SentName,
    },
    credential::{public_key::KeyOptions, second_factor::RecoveryCode},
    defender::{Defender, DefenderConfig, HostStanding},
    event::{Event, Observer},
    ip_list::IpLists,
    provider::Users,
    user::LoginMethods,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{
    KEY, OTHER_KEY, PATIENCE, Service, Settings, TOTP_SECRET, code_after, key_blob, totp_for_ssh,
};

const REMOTE: ([u8; 4], u16) = ([192, 0, 2, 7], 50_000);
const TWO_STEPS: [&str; 3] = ["publickey", "password-over-SSH", "keyboard-interactive"];

/// The login of one connection.
struct Connection<'a> {
    logins: &'a Logins,
    steps: LoginSteps,
}

impl<'a> Connection<'a> {
    fn new(logins: &'a Logins) -> Self {
        Self {
            logins,
            steps: LoginSteps::new(LoginMethods::OF_SSH),
        }
    }

    fn password(&mut self, password: &str) -> String {
        let (name, remote) = (SentName::new(b"bob"), SocketAddr::from(REMOTE));
        let (steps, bell) = (&mut self.steps, Arc::default());
        let sent = password.as_bytes();
        said(self.logins.with_password(steps, &name, sent, remote, &bell))
    }

    fn key(&mut self, line: &str) -> String {
        let (name, remote) = (SentName::new(b"bob"), SocketAddr::from(REMOTE));
        let (steps, bell) = (&mut self.steps, Arc::default());
        let blob = key_blob(line);
        match self.logins.accepts_key(&name, &blob, remote, &bell) {
            Ok(key) => said(
                self.logins
                    .with_public_key(steps, &name, key, remote, &bell),
            ),
            Err(_) => "not accepted".to_owned(),
        }
    }

    fn certificate(&mut self) -> String {
        let (name, remote) = (SentName::new(b"bob"), SocketAddr::from(REMOTE));
        let (steps, bell) = (&mut self.steps, Arc::default());
        let options = KeyOptions::default();
        match self
            .logins
            .accepts_certificate(&name, options, remote, &bell)
        {
            Ok(key) => said(
                self.logins
                    .with_public_key(steps, &name, key, remote, &bell),
            ),
            Err(_) => "not accepted".to_owned(),
        }
    }

    fn ask(&mut self) -> Question {
        self.steps.ask()
    }

    fn answer(&mut self, answer: &str) -> String {
        let (name, remote) = (SentName::new(b"bob"), SocketAddr::from(REMOTE));
        let (steps, bell) = (&mut self.steps, Arc::default());
        let sent = answer.as_bytes();
        said(self.logins.with_answer(steps, &name, sent, remote, &bell))
    }

    /// A whole dialogue with the right password.
    fn dialogue(&mut self, code: &str) -> String {
        assert_eq!(self.ask(), Question::Password);
        assert_eq!(self.answer("secret"), "asks for Code");
        self.answer(code)
    }
}

fn said(outcome: LoginOutcome) -> String {
    match outcome {
        LoginOutcome::LoggedIn(logged_in) => format!("{} is in", logged_in.user.username),
        LoginOutcome::Left(left) => format!("left: {}", left.names().join(" ")),
        LoginOutcome::Ask(question) => format!("asks for {question:?}"),
        LoginOutcome::Refused => "refused".to_owned(),
    }
}

fn with_totp(draft: &mut UserDraft) {
    draft.filters.totp = Some(totp_for_ssh());
}

fn denied(names: &[&str]) -> impl FnOnce(&mut UserDraft) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    move |draft| draft.filters.denied_login_methods = names
}

fn two_steps(draft: &mut UserDraft) {
    denied(&TWO_STEPS)(draft);
}

#[test]
fn what_is_denied_is_refused_whatever_is_shown() {
    let service = Service::with_bob(denied(&["publickey", "keyboard-interactive"]));
    let logins = service.logins();
    assert_eq!(Connection::new(&logins).key(KEY), "not accepted");
    let mut dialogue = Connection::new(&logins);
    dialogue.ask();
    assert_eq!(dialogue.answer("secret"), "refused");
    assert_eq!(Connection::new(&logins).password("secret"), "bob is in");
    let told = service.recorder.take_logins();
    let reason = "is among the denied login methods of the user";
    assert!(told.iter().any(|told| told.contains("publickey is among")));
    assert!(
        told.contains(&format!("bob: keyboard-interactive {reason}")),
        "{told:?}"
    );
}

#[test]
fn a_key_and_then_a_password_let_in_together() {
    let service = Service::with_bob(two_steps);
    let logins = service.logins();
    let mut connection = Connection::new(&logins);
    // Neither order nor one alone.
    assert_eq!(connection.password("secret"), "refused");
    assert_eq!(connection.key(OTHER_KEY), "not accepted");
    service.recorder.take_logins();
    let left = "left: password keyboard-interactive";
    assert_eq!(connection.key(KEY), left);
    assert!(service.recorder.take_logins().is_empty());
    assert_eq!(service.connections.login_count(), 0);
    assert_eq!(connection.password("wrong"), "refused");
    assert_eq!(connection.ask(), Question::Password);
    assert_eq!(connection.answer("wrong"), "refused");
    // Each question has one answer.
    assert_eq!(connection.answer("secret"), "refused");
    assert_eq!(connection.password("secret"), "bob is in");
    let mut again = Connection::new(&logins);
    again.key(KEY);
    again.ask();
    assert_eq!(again.answer("secret"), "bob is in");
    // What one connection has proved is nothing on another.
    assert_eq!(Connection::new(&logins).password("secret"), "refused");
}

#[test]
fn a_certificate_is_a_key() {
    let service = Service::with_bob(two_steps);
    let logins = service.logins();
    let mut connection = Connection::new(&logins);
    let left = "left: password keyboard-interactive";
    assert_eq!(connection.certificate(), left);
    assert_eq!(connection.password("secret"), "bob is in");
    let keys_denied = Service::with_bob(denied(&["publickey"]));
    let logins = keys_denied.logins();
    assert_eq!(Connection::new(&logins).certificate(), "not accepted");
}

#[test]
fn of_two_second_steps_one_may_be_denied() {
    let service = Service::with_bob(denied(&[&TWO_STEPS[..], &["publickey+password"]].concat()));
    let logins = service.logins();
    let mut connection = Connection::new(&logins);
    assert_eq!(connection.key(KEY), "left: keyboard-interactive");
    assert_eq!(connection.password("secret"), "refused");
    connection.ask();
    assert_eq!(connection.answer("secret"), "bob is in");
}

#[test]
fn steps_of_a_user_who_was_changed_in_between_do_not_add_up() {
    type Change = fn(&mut sftpgo_core::StoredUser);
    let changes: [Change; 4] = [
        |bob| bob.public_keys = vec![OTHER_KEY.to_owned()],
        |bob| bob.enabled = false,
        |bob| {
            bob.filters.denied_login_methods |= LoginMethods::PUBLIC_KEY_AND_KEYBOARD_INTERACTIVE;
        },
        |bob| bob.home_dir = "/elsewhere".into(),
    ];
    for change in changes {
        let service = Service::with_bob(two_steps);
        let logins = service.logins();
        let mut connection = Connection::new(&logins);
        connection.key(KEY);
        let mut bob = service.bob();
        change(&mut bob);
        service.provider.update_user(&bob).unwrap();
        assert_eq!(connection.password("secret"), "refused");
    }
    // Another user of the same name.
    let service = Service::with_bob(two_steps);
    let logins = service.logins();
    let mut connection = Connection::new(&logins);
    connection.key(KEY);
    let bob = service.bob();
    service.provider.delete_user(bob.id).unwrap();
    service.provider.add_user(&bob).unwrap();
    assert_eq!(connection.password("secret"), "refused");
}

#[test]
fn a_password_alone_does_not_let_in_who_has_a_second_factor() {
    let service = Service::with_bob(with_totp);
    let logins = service.logins();
    let alone = service.authenticator.with_password("bob", b"secret");
    let reason = alone.err().unwrap().to_string();
    assert_eq!(reason, "another step of the login is needed");
    let mut connection = Connection::new(&logins);
    assert_eq!(connection.password("secret"), "left: keyboard-interactive");
    assert_eq!(connection.password("secret"), "refused");
    // The dialogue asks for what is missing.
    assert_eq!(connection.ask(), Question::Code);
    assert_eq!(connection.answer("secret"), "refused");
    assert_eq!(connection.ask(), Question::Code);
    let code = code_after(TOTP_SECRET, 0);
    assert_eq!(connection.answer(&code), "bob is in");
    // A key is more than a password.
    assert_eq!(Connection::new(&logins).key(KEY), "bob is in");
}

#[test]
fn a_dialogue_asks_for_the_code_behind_the_right_password_only() {
    let service = Service::with_bob(with_totp);
    let logins = service.logins();
    let mut connection = Connection::new(&logins);
    connection.ask();
    assert_eq!(connection.answer("wrong"), "refused");
    assert_eq!(connection.dialogue("000000x"), "refused");
    // A wrong code, and another request, begin it anew.
    assert_eq!(connection.answer(&code_after(TOTP_SECRET, 0)), "refused");
    connection.ask();
    connection.answer("secret");
    connection.steps.abandon();
    assert_eq!(connection.answer(&code_after(TOTP_SECRET, 0)), "refused");
    let code = code_after(TOTP_SECRET, 0);
    assert_eq!(connection.dialogue(&code), "bob is in");
    let told = service.recorder.take_logins();
    let wrong = "bob: wrong code of the second factor".to_owned();
    assert!(told.contains(&wrong), "{told:?}");
}

#[test]
fn a_code_passes_once_on_all_servers_together() {
    let service = Service::with_bob(with_totp);
    // As many servers on one database.
    let servers = [service.logins(), service.logins()];
    for _ in 0..2 {
        let code = code_after(TOTP_SECRET, 0);
        let outcomes = thread::scope(|scope| {
            let runs: Vec<_> = [&servers[0], &servers[1], &servers[0], &servers[1]]
                .map(|logins| scope.spawn(|| Connection::new(logins).dialogue(&code)))
                .into_iter()
                .collect();
            runs.into_iter()
                .map(|run| run.join().unwrap())
                .filter(|outcome| outcome == "bob is in")
                .count()
        });
        // In the second round it was used before, or a new step has begun.
        assert!(outcomes <= 1, "{outcomes}");
    }
    assert_ne!(service.bob().spent_steps, 0);
    let next = code_after(TOTP_SECRET, 1);
    let first = Connection::new(&servers[0]).dialogue(&next);
    assert_eq!(first, "bob is in");
    let second = Connection::new(&servers[1]).dialogue(&next);
    assert_eq!(second, "refused");
}

/// How many codes were checked, and how many refused without that.
#[derive(Default)]
struct Codes {
    counted: Mutex<(usize, usize)>,
    changed: Condvar,
}

/// Counts the codes that were refused without being checked.
struct Pauses(Arc<Codes>);

impl Observer for Pauses {
    fn notify(&self, event: &Event<'_>) {
        if let Event::LoginFailed { reason, .. } = event
            && reason.starts_with("too many wrong codes")
        {
            self.0.counted.lock().unwrap().1 += 1;
            self.0.changed.notify_all();
        }
    }
}

/// Takes any password, and refuses no code before each of `connections` has one that is checked, or refused without that.
struct LateRefusals {
    users: Arc<MemoryProvider>,
    codes: Arc<Codes>,
    connections: usize,
}

impl CredentialBackend for LateRefusals {
    fn may_take_long(&self) -> bool {
        false
    }

    fn check_password(&self, claim: &Claim<'_>, _: &[u8]) -> PasswordCheck {
        let user = self.users.user_by_name(claim.username).unwrap();
        PasswordCheck::Accepted(Box::new(user.unwrap().into()))
    }

    fn check_public_key(&self, _: &Claim<'_>, _: &[u8]) -> Result<KeyCandidate, LoginFailure> {
        Err("no keys".into())
    }

    fn check_certificate(&self, _: &Claim<'_>) -> Result<Candidate, LoginFailure> {
        Err("no certificates".into())
    }

    fn check_code(&self, _: &Candidate, _: &str) -> Result<(), LoginFailure> {
        let mut counted = self.codes.counted.lock().unwrap();
        counted.0 += 1;
        self.codes.changed.notify_all();
        let some_are_open =
            |(checked, unchecked): &mut (usize, usize)| *checked + *unchecked < self.connections;
        let waited = self
            .codes
            .changed
            .wait_timeout_while(counted, PATIENCE, some_are_open);
        assert!(!waited.unwrap().1.timed_out());
        Err("wrong code of the second factor".into())
    }

    fn current(&self, candidate: &Candidate) -> Result<Candidate, LoginFailure> {
        Ok(candidate.clone())
    }

    fn logged_in(&self, _: &Candidate, _: Option<&[u8]>) {}
}

#[test]
fn of_codes_that_are_sent_at_the_same_time_ten_are_checked() {
    const CONNECTIONS: usize = 30;
    let (users, codes) = (Arc::new(MemoryProvider::new()), Arc::new(Codes::default()));
    let backend = LateRefusals {
        users: Arc::clone(&users),
        codes: Arc::clone(&codes),
        connections: CONNECTIONS,
    };
    let settings = Settings {
        provider: users,
        credentials: Some(Arc::new(backend)),
        observers: vec![Box::new(Pauses(Arc::clone(&codes)))],
        ..Settings::default()
    };
    let service = Service::with_settings_and_bob(settings, with_totp);
    let logins = service.logins();
    let barrier = Barrier::new(CONNECTIONS);
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut connection = Connection::new(&logins);
                connection.ask();
                assert_eq!(connection.answer("secret"), "asks for Code");
                barrier.wait();
                assert_eq!(connection.answer("000000"), "refused");
            });
        }
    });
    assert_eq!(*codes.counted.lock().unwrap(), (10, CONNECTIONS - 10));
}

#[test]
fn nobody_is_banned_for_a_code_that_is_not_checked() {
    let service = Service::with_bob(with_totp);
    let lists = IpLists::new(Arc::new(MemoryProvider::new()), service.events.clone());
    lists.refresh().unwrap();
    let config = DefenderConfig::default();
    let defender = Defender::new(config, Arc::new(lists), service.events.clone());
    let defender = Arc::new(defender.with_clock(|| 0));
    let logins = service.logins().with_defender(Some(Arc::clone(&defender)));
    let mut connection = Connection::new(&logins);
    connection.password("secret");
    for _ in 0..10 {
        connection.ask();
        assert_eq!(connection.answer("000000x"), "refused");
    }
    let before = defender.hosts();
    let scores: Vec<_> = before.iter().map(|host| host.standing).collect();
    assert_eq!(scores, [HostStanding::Score(10)]);
    service.recorder.take_logins();
    connection.ask();
    let right = code_after(TOTP_SECRET, 0);
    assert_eq!(connection.answer(&right), "refused");
    let told = service.recorder.take_logins();
    let paused = "bob: too many wrong codes of the second factor".to_owned();
    assert!(told.contains(&paused), "{told:?}");
    logins.not_completed(&connection.steps, SocketAddr::from(REMOTE));
    assert_eq!(defender.hosts(), before);
}

#[test]
fn a_login_that_is_not_completed_is_told() {
    let remote = SocketAddr::from(REMOTE);
    let service = Service::with_bob(with_totp);
    let logins = service.logins();
    let told = |connection: &Connection<'_>| {
        service.recorder.take_logins();
        logins.not_completed(&connection.steps, remote);
        service.recorder.take_logins()
    };
    let mut connection = Connection::new(&logins);
    assert!(told(&connection).is_empty());
    connection.ask();
    connection.answer("wrong");
    assert!(told(&connection).is_empty());
    connection.ask();
    connection.answer("secret");
    // A wrong one behind it does not hide that there was a right one.
    connection.steps.abandon();
    connection.password("wrong");
    let reason = "bob: the login was not completed: keyboard-interactive was good, and a code of the second factor was left";
    assert_eq!(told(&connection), ["tried", reason]);
    connection.password("secret");
    let reason =
        "bob: the login was not completed: password was good, and keyboard-interactive was left";
    assert_eq!(told(&connection), ["tried", reason]);
    connection.ask();
    assert_eq!(connection.answer(&code_after(TOTP_SECRET, 0)), "bob is in");
    assert!(told(&connection).is_empty());
    let service = Service::with_bob(two_steps);
    let logins = service.logins();
    let mut connection = Connection::new(&logins);
    connection.key(KEY);
    service.recorder.take_logins();
    logins.not_completed(&connection.steps, remote);
    let reason = "bob: the login was not completed: publickey was good, and password or keyboard-interactive was left";
    assert_eq!(service.recorder.take_logins(), ["tried", reason]);
}

#[test]
fn a_recovery_code_passes_once_and_leaves_the_sessions_that_there_are() {
    let service = Service::with_bob(with_totp);
    let mut bob = service.bob();
    let code = |code: &str, used| RecoveryCode {
        code: code.to_owned(),
        used,
    };
    bob.filters.recovery_codes = vec![code("spent", true), code("fresh", false)];
    service.provider.update_user(&bob).unwrap();
    let logins = service.logins();
    assert_eq!(Connection::new(&logins).dialogue("spent"), "refused");
    assert_eq!(Connection::new(&logins).dialogue("fresh"), "bob is in");
    assert_eq!(Connection::new(&logins).dialogue("fresh"), "refused");
    assert!(
        service
            .bob()
            .filters
            .recovery_codes
            .iter()
            .all(|code| code.used)
    );
}

#[test]
fn a_key_and_a_code_let_in_together() {
    let service = Service::with_bob(|draft| {
        two_steps(draft);
        with_totp(draft);
    });
    let logins = service.logins();
    let mut connection = Connection::new(&logins);
    assert_eq!(connection.key(KEY), "left: password keyboard-interactive");
    assert_eq!(connection.ask(), Question::Code);
    assert_eq!(connection.answer("secret"), "refused");
    assert_eq!(connection.ask(), Question::Code);
    assert_eq!(connection.answer(&code_after(TOTP_SECRET, 0)), "bob is in");
}

#[test]
fn a_code_is_no_way_where_only_a_password_is_left() {
    let service = Service::with_bob(|draft| {
        denied(&[&TWO_STEPS[..], &["publickey+keyboard-interactive"]].concat())(draft);
        with_totp(draft);
    });
    let logins = service.logins();
    let mut connection = Connection::new(&logins);
    assert_eq!(connection.key(KEY), "left: password");
    connection.ask();
    let code = code_after(TOTP_SECRET, 0);
    assert_eq!(connection.answer(&code), "refused");
    assert_eq!(service.bob().spent_steps, 0);
    assert_eq!(connection.password("secret"), "bob is in");
}

#[test]
fn a_second_factor_that_is_given_or_a_method_that_is_denied_ends_sessions() {
    let service = Service::with_bob(|_| {});
    let by = sftpgo_core::event::Actor::program();
    for restrict in [with_totp as fn(&mut UserDraft), two_steps] {
        let logged_in = service.log_in();
        let id = service.bob().id;
        let change = |change: fn(&mut UserDraft)| {
            let updated = service.accounts.update(&by, id, |draft| {
                change(draft);
                Ok(())
            });
            updated.unwrap();
        };
        change(restrict);
        assert!(logged_in.login.close_requested().is_cancelled());
        change(|draft| draft.filters = sftpgo_core::user::FiltersDraft::default());
        // What is taken away again ends nothing, and neither does what lets everybody in that was let in.
        change(|draft| denied(&["TLSCertificate"])(draft));
        let logged_in = service.log_in();
        change(|draft| draft.filters = sftpgo_core::user::FiltersDraft::default());
        assert!(!logged_in.login.close_requested().is_cancelled());
    }
}
