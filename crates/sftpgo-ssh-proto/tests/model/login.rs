//! Logging in: services, counting, questions, banners.

use std::{cell::Cell, rc::Rc};

use sftpgo_ssh_proto::{AuthMethod, DisconnectReason, LoginAnswer, LoginMethod};

use crate::{
    client::GCM,
    messages::{self, answers, failure, interactive, none, password},
    pair::{Pair, Seen, config},
    user_key::UserKey,
    wire::{Parse, message},
};

fn ask(prompts: usize) -> LoginAnswer {
    LoginAnswer::Ask {
        name: "name".to_owned(),
        instruction: "do".to_owned(),
        prompts: vec![("code: ".to_owned(), true); prompts],
    }
}

/// A pair in which anybody may log in, with questions of as many prompts.
fn pair(prompts: usize) -> Pair {
    let mut pair = Pair::new(GCM);
    pair.host.login = Box::new(move |login| match &login.method {
        LoginMethod::Password(b"right") => LoginAnswer::Accept,
        LoginMethod::Password(b"half") => LoginAnswer::Partial {
            methods: vec![AuthMethod::Password, AuthMethod::KeyboardInteractive],
            key: None,
        },
        LoginMethod::KeyOffered(offer) if offer.key.blob() == UserKey::new(1).blob() => {
            LoginAnswer::KeyIsGood
        }
        LoginMethod::KeyboardInteractive => ask(prompts),
        LoginMethod::Answers(given) if given.clone().eq([b"right"]) => LoginAnswer::Accept,
        _ => LoginAnswer::Refuse,
    });
    pair.connect();
    pair.service();
    pair
}

#[test]
fn the_service_is_accepted_each_time_it_is_asked_for_and_no_other_is() {
    let mut pair = pair(1);
    for _ in 0..3 {
        pair.service();
        pair.send(password("user", "wrong"));
        assert_eq!(pair.take(), failure(false));
    }
    pair.service();
    pair.send(password("user", "right"));
    assert_eq!(pair.take(), [52]);
    let begins = pair.seen.iter().filter(|seen| **seen == Seen::LoginBegins);
    assert_eq!(begins.count(), 1);

    for name in ["ssh-connection", "", "ssh-userauth\0"] {
        let mut pair = Pair::new(GCM);
        pair.connect();
        pair.send(messages::service(name));
        pair.ended(DisconnectReason::ServiceNotAvailable);
    }
}

/// The messages that come before six failures are full, and how many failures they are.
#[test]
fn failures_count_as_in_openssh() {
    let probe = |seed, pair: &Pair| UserKey::new(seed).request(&pair.client, "user", false);
    type Step<'a> = &'a dyn Fn(&mut Pair);
    let say = |pair: &mut Pair, payload: Vec<u8>, number: u8| {
        pair.send(payload);
        assert_eq!(pair.take()[0], number);
    };
    let first_none: Step<'_> = &|pair| say(pair, none("user"), 51);
    let wrong: Step<'_> = &|pair| say(pair, password("user", "wrong"), 51);
    let good_probe: Step<'_> = &|pair| say(pair, probe(1, pair), 60);
    let bad_probe: Step<'_> = &|pair| say(pair, probe(2, pair), 51);
    let round: Step<'_> = &|pair| {
        say(pair, interactive("user"), 60);
        say(pair, answers(&["wrong"]), 51);
    };
    let abandoned: Step<'_> = &|pair| say(pair, interactive("user"), 60);
    let partial: Step<'_> = &|pair| {
        pair.send(password("user", "half"));
        let answer = pair.take();
        let mut answer = Parse::of(&answer, 51);
        assert_eq!(answer.text(), "password,keyboard-interactive");
        assert!(answer.bool());
    };
    let unknown: Step<'_> = &|pair| say(pair, messages::request("user", "hostbased").done(), 51);
    for (steps, failures) in [
        (&[first_none][..], 0),
        (&[wrong], 1),
        (&[wrong, first_none], 2),
        (&[first_none, first_none], 1),
        (&[first_none, wrong, wrong], 2),
        (&[good_probe; 40], 0),
        (&[bad_probe; 3], 3),
        (&[good_probe, first_none], 1),
        (&[round; 4], 4),
        (&[abandoned; 20], 0),
        (&[partial; 30], 0),
        (&[unknown, unknown], 2),
        (
            &[first_none, bad_probe, good_probe, partial, round, abandoned],
            2,
        ),
    ] {
        let mut pair = pair(1);
        steps.iter().for_each(|step| step(&mut pair));
        for _ in failures..5 {
            say(&mut pair, password("user", "wrong"), 51);
        }
        assert!(pair.end().is_none());
        pair.send(password("user", "wrong"));
        let text = pair.ended(DisconnectReason::NoMoreAuthMethods);
        assert_eq!(text, "Too many authentication failures");
        pair.nothing();
    }
}

#[test]
fn a_setting_allows_fewer_failures() {
    let mut config = config();
    config.max_auth_failures = 2;
    let mut pair = Pair::with(GCM, config);
    pair.connect();
    pair.service();
    for payload in [none("user"), password("user", "x")] {
        pair.send(payload);
        assert_eq!(pair.take(), failure(false));
    }
    pair.send(password("user", "x"));
    pair.ended(DisconnectReason::NoMoreAuthMethods);
}

/// Each request is one of 128, whatever it costs else.
#[test]
fn more_than_128_requests_end_the_connection() {
    let mut pair = pair(1);
    let probe = UserKey::new(1).request(&pair.client, "user", false);
    for _ in 0..128 {
        pair.send(&probe);
        assert_eq!(pair.take()[0], 60);
    }
    pair.send(&probe);
    pair.ended(DisconnectReason::NoMoreAuthMethods);
}

#[test]
fn user_and_service_stay() {
    let other = |user: &str, service: &str| {
        let request = message(50).string(user).string(service);
        request.string("none").done()
    };
    for (user, service) in [
        ("user2", "ssh-connection"),
        ("user", "other"),
        ("use", "ssh-connection"),
    ] {
        let mut pair = pair(1);
        pair.send(none("user"));
        pair.take();
        pair.send(other(user, service));
        pair.ended(DisconnectReason::ProtocolError);
    }
    // A service that there is not fails for everybody, whatever the host says.
    let mut pair = pair(1);
    pair.host.login = Box::new(|_| LoginAnswer::Accept);
    pair.send(other("user", "ssh-foo"));
    assert_eq!(pair.take()[0], 51);
    assert!(!pair.connection.is_logged_in());
}

/// CVE-2015-5600 and RFC 4256.
#[test]
fn questions_and_answers() {
    let asked = |prompts| {
        let mut pair = pair(prompts);
        pair.send(interactive("user"));
        let question = pair.take();
        let mut question = Parse::of(&question, 60);
        assert_eq!(
            [question.text(), question.text(), question.text()],
            ["name", "do", ""]
        );
        assert_eq!(question.u32(), u32::try_from(prompts).unwrap());
        for _ in 0..prompts {
            assert_eq!(question.text(), "code: ");
            assert!(question.bool());
        }
        question.end();
        pair
    };
    let mut right = asked(1);
    right.send(answers(&["right"]));
    assert_eq!(right.take(), [52]);

    let mut empty = asked(0);
    empty.host.login = Box::new(|login| match &login.method {
        LoginMethod::Answers(given) if given.clone().count() == 0 => LoginAnswer::Accept,
        _ => LoginAnswer::Refuse,
    });
    empty.send(answers(&[]));
    assert_eq!(empty.take(), [52]);

    let lies = |count: u32| message(61).u32(count).string("right").done();
    for wrong in [
        answers(&[]),
        answers(&["right", "right"]),
        lies(2),
        lies(0),
        lies(u32::MAX),
        lies(1 << 28),
    ] {
        let mut pair = asked(1);
        pair.host.login = Box::new(|_| LoginAnswer::Accept);
        pair.send(wrong);
        assert_eq!(pair.take(), failure(false));
        assert_eq!(
            pair.seen.last(),
            Some(&Seen::Login(
                b"user".to_vec(),
                "Invalid NumberOfAnswers".to_owned()
            ))
        );
        // The question is used up.
        pair.send(answers(&["right"]));
        pair.ended(DisconnectReason::ProtocolError);
    }

    let mut abandoned = asked(1);
    abandoned.send(password("user", "wrong"));
    assert_eq!(abandoned.take(), failure(false));
    abandoned.send(answers(&["right"]));
    abandoned.ended(DisconnectReason::ProtocolError);
    assert!(!abandoned.connection.is_logged_in());

    let mut without = pair(1);
    without.send(answers(&["right"]));
    without.ended(DisconnectReason::ProtocolError);
}

/// RFC 4252 section 5.3: what was under way behind the request that succeeded.
#[test]
fn requests_behind_the_one_that_succeeds_are_dropped_and_others_served() {
    let mut pair = pair(1);
    for payload in [
        password("user", "right"),
        password("user", "wrong"),
        none("another"),
        messages::open("session", 5, 1000, 32_768),
    ] {
        pair.client.send(payload);
    }
    pair.run();
    assert_eq!(pair.take(), [52]);
    assert_eq!(pair.take()[0], 91);
    pair.nothing();
    let logins = pair
        .seen
        .iter()
        .filter(|seen| matches!(seen, Seen::Login(..)));
    assert_eq!(logins.count(), 1);
}

#[test]
fn nothing_is_read_while_a_login_waits_for_its_answer() {
    let mut pair = pair(1);
    pair.host.hesitates = true;
    pair.client.send(password("user", "first"));
    pair.client.send(password("user", "second"));
    pair.run();
    assert!(!pair.input.is_empty());
    pair.nothing();
    pair.connection.answer_login(LoginAnswer::Refuse);
    pair.connection.answer_login(LoginAnswer::Accept);
    assert!(
        !pair.connection.is_logged_in(),
        "one answer for one request"
    );
    pair.run();
    assert_eq!(pair.take(), failure(false));
    pair.connection.answer_login(LoginAnswer::Accept);
    pair.run();
    assert_eq!(pair.take(), [52]);
}

#[test]
fn a_password_is_changed_when_the_host_asked_for_it() {
    let change = messages::request("user", "password")
        .bool(true)
        .string("old")
        .string("new")
        .done();
    let mut pair = Pair::new(GCM);
    let changed = Rc::new(Cell::new(false));
    let heard = Rc::clone(&changed);
    pair.host.login = Box::new(move |login| match login.method {
        LoginMethod::Password(b"old") => LoginAnswer::ChangePassword {
            prompt: "new one".to_owned(),
        },
        LoginMethod::NewPassword {
            old: b"old",
            new: b"new",
        } => {
            heard.set(true);
            LoginAnswer::Accept
        }
        LoginMethod::Invalid(_) => LoginAnswer::Accept,
        _ => LoginAnswer::Refuse,
    });
    pair.connect();
    pair.service();
    pair.send(&change);
    assert_eq!(pair.take(), failure(false), "nobody asked (CVE-2012-5975)");
    pair.send(password("user", "old"));
    assert_eq!(pair.take(), message(60).string("new one").string("").done());
    pair.send(password("user", "other"));
    assert_eq!(pair.take(), failure(false));
    pair.send(&change);
    assert!(changed.get());
    assert_eq!(pair.take(), [52]);
}

#[test]
fn the_banner_comes_once_and_before_the_first_answer() {
    let mut config = config();
    config.banner = Some("Hello\n".to_owned());
    let mut pair = Pair::with(GCM, config);
    pair.connect();
    pair.service();
    pair.send(none("user"));
    assert_eq!(pair.take(), message(53).string("Hello\n").string("").done());
    assert_eq!(pair.take(), failure(false));
    pair.send(password("user", "right"));
    assert_eq!(pair.take(), [52]);
    pair.nothing();
}

/// CVE-2020-29652: a method that is not configured is not reached.
#[test]
fn methods_that_are_not_offered_fail_and_are_not_told() {
    let mut config = config();
    config.methods = vec![AuthMethod::Password];
    let mut pair = Pair::with(GCM, config);
    pair.host.login = Box::new(|_| LoginAnswer::Accept);
    pair.connect();
    pair.service();
    let key = UserKey::new(1);
    for payload in [
        key.request(&pair.client, "user", true),
        key.bound(&pair.client, "user", &pair.client.host_key),
        interactive("user"),
        messages::request("user", "hostbased").string("x").done(),
        messages::request("user", "").done(),
    ] {
        pair.send(payload);
        assert_eq!(
            pair.take(),
            message(51).string("password").bool(false).done()
        );
    }
    assert!(!pair.connection.is_logged_in());
}
