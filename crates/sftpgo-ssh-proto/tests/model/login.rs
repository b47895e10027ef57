//! Logging in: services, counting, questions, banners.

use std::{cell::Cell, rc::Rc};

use sftpgo_ssh_proto::{AuthMethod, DisconnectReason, LoginAnswer, LoginMethod};

use crate::{
    client::GCM,
    messages::{self, answers, failure, interactive, none, password},
    user_key::UserKey,
    wire::{Parse, message},
    world::{Seen, World, config},
};

fn ask(prompts: usize) -> LoginAnswer {
    LoginAnswer::Ask {
        name: "name".to_owned(),
        instruction: "do".to_owned(),
        prompts: vec![("code: ".to_owned(), true); prompts],
    }
}

/// A world in which anybody may log in, with questions of as many prompts.
fn world(prompts: usize) -> World {
    let mut world = World::new(GCM);
    world.host.login = Box::new(move |login| match &login.method {
        LoginMethod::Password(b"right") => LoginAnswer::Accept,
        LoginMethod::Password(b"half") => LoginAnswer::Partial {
            methods: vec![AuthMethod::KeyboardInteractive],
            key: None,
        },
        LoginMethod::KeyOffered(offer) if offer.key.blob() == UserKey::new(1).blob() => {
            LoginAnswer::KeyIsGood
        }
        LoginMethod::KeyboardInteractive => ask(prompts),
        LoginMethod::Answers(given) if given.clone().eq([b"right"]) => LoginAnswer::Accept,
        _ => LoginAnswer::Refuse,
    });
    world.connect();
    world.service();
    world
}

#[test]
fn the_service_is_accepted_each_time_it_is_asked_for_and_no_other_is() {
    let mut world = world(1);
    for _ in 0..3 {
        world.service();
        world.send(password("user", "wrong"));
        assert_eq!(world.take(), failure(false));
    }
    world.service();
    world.send(password("user", "right"));
    assert_eq!(world.take(), [52]);
    let begins = world.seen.iter().filter(|seen| **seen == Seen::LoginBegins);
    assert_eq!(begins.count(), 1);

    for name in ["ssh-connection", "", "ssh-userauth\0"] {
        let mut world = World::new(GCM);
        world.connect();
        world.send(messages::service(name));
        world.ended(DisconnectReason::ServiceNotAvailable);
    }
}

/// The messages that come before six failures are full, and how many failures they are.
#[test]
fn failures_count_as_in_openssh() {
    let probe = |seed, world: &World| UserKey::new(seed).request(&world.client, "user", false);
    type Step<'a> = &'a dyn Fn(&mut World);
    let say = |world: &mut World, payload: Vec<u8>, number: u8| {
        world.send(payload);
        assert_eq!(world.take()[0], number);
    };
    let first_none: Step<'_> = &|world| say(world, none("user"), 51);
    let wrong: Step<'_> = &|world| say(world, password("user", "wrong"), 51);
    let good_probe: Step<'_> = &|world| say(world, probe(1, world), 60);
    let bad_probe: Step<'_> = &|world| say(world, probe(2, world), 51);
    let round: Step<'_> = &|world| {
        say(world, interactive("user"), 60);
        say(world, answers(&["wrong"]), 51);
    };
    let abandoned: Step<'_> = &|world| say(world, interactive("user"), 60);
    let partial: Step<'_> = &|world| {
        world.send(password("user", "half"));
        let answer = world.take();
        let mut answer = Parse::of(&answer, 51);
        assert_eq!(answer.text(), "keyboard-interactive");
        assert!(answer.bool());
    };
    let unknown: Step<'_> = &|world| say(world, messages::request("user", "hostbased").done(), 51);
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
        let mut world = world(1);
        steps.iter().for_each(|step| step(&mut world));
        for _ in failures..5 {
            say(&mut world, password("user", "wrong"), 51);
        }
        assert!(world.end().is_none());
        world.send(password("user", "wrong"));
        let text = world.ended(DisconnectReason::NoMoreAuthMethods);
        assert_eq!(text, "Too many authentication failures");
        world.nothing();
    }
}

#[test]
fn a_setting_allows_fewer_failures() {
    let mut config = config();
    config.max_auth_failures = 2;
    let mut world = World::with(GCM, config);
    world.connect();
    world.service();
    for payload in [none("user"), password("user", "x")] {
        world.send(payload);
        assert_eq!(world.take(), failure(false));
    }
    world.send(password("user", "x"));
    world.ended(DisconnectReason::NoMoreAuthMethods);
}

/// Each request is one of 128, whatever it costs else.
#[test]
fn more_than_128_requests_end_the_connection() {
    let mut world = world(1);
    let probe = UserKey::new(1).request(&world.client, "user", false);
    for _ in 0..128 {
        world.send(&probe);
        assert_eq!(world.take()[0], 60);
    }
    world.send(&probe);
    world.ended(DisconnectReason::NoMoreAuthMethods);
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
        let mut world = world(1);
        world.send(none("user"));
        world.take();
        world.send(other(user, service));
        world.ended(DisconnectReason::ProtocolError);
    }
    // A service that there is not fails for everybody, whatever the host says.
    let mut world = world(1);
    world.host.login = Box::new(|_| LoginAnswer::Accept);
    world.send(other("user", "ssh-foo"));
    assert_eq!(world.take()[0], 51);
    assert!(!world.connection.is_logged_in());
}

/// CVE-2015-5600 and RFC 4256.
#[test]
fn questions_and_answers() {
    let asked = |prompts| {
        let mut world = world(prompts);
        world.send(interactive("user"));
        let question = world.take();
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
        world
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
        let mut world = asked(1);
        world.host.login = Box::new(|_| LoginAnswer::Accept);
        world.send(wrong);
        assert_eq!(world.take(), failure(false));
        assert_eq!(
            world.seen.last(),
            Some(&Seen::Login(
                b"user".to_vec(),
                "Invalid NumberOfAnswers".to_owned()
            ))
        );
        // The question is used up.
        world.send(answers(&["right"]));
        world.ended(DisconnectReason::ProtocolError);
    }

    let mut abandoned = asked(1);
    abandoned.send(password("user", "wrong"));
    assert_eq!(abandoned.take(), failure(false));
    abandoned.send(answers(&["right"]));
    abandoned.ended(DisconnectReason::ProtocolError);
    assert!(!abandoned.connection.is_logged_in());

    let mut without = world(1);
    without.send(answers(&["right"]));
    without.ended(DisconnectReason::ProtocolError);
}

/// RFC 4252 section 5.3: what was under way behind the request that succeeded.
#[test]
fn requests_behind_the_one_that_succeeds_are_dropped_and_others_served() {
    let mut world = world(1);
    for payload in [
        password("user", "right"),
        password("user", "wrong"),
        none("another"),
        messages::open("session", 5, 1000, 32_768),
    ] {
        world.client.send(payload);
    }
    world.run();
    assert_eq!(world.take(), [52]);
    assert_eq!(world.take()[0], 91);
    world.nothing();
    let logins = world
        .seen
        .iter()
        .filter(|seen| matches!(seen, Seen::Login(..)));
    assert_eq!(logins.count(), 1);
}

#[test]
fn nothing_is_read_while_a_login_waits_for_its_answer() {
    let mut world = world(1);
    world.host.hesitates = true;
    world.client.send(password("user", "first"));
    world.client.send(password("user", "second"));
    world.run();
    assert!(!world.input.is_empty());
    world.nothing();
    world.connection.answer_login(LoginAnswer::Refuse);
    world.connection.answer_login(LoginAnswer::Accept);
    assert!(
        !world.connection.is_logged_in(),
        "one answer for one request"
    );
    world.run();
    assert_eq!(world.take(), failure(false));
    world.connection.answer_login(LoginAnswer::Accept);
    world.run();
    assert_eq!(world.take(), [52]);
}

#[test]
fn a_password_is_changed_when_the_host_asked_for_it() {
    let change = messages::request("user", "password")
        .bool(true)
        .string("old")
        .string("new")
        .done();
    let mut world = World::new(GCM);
    let changed = Rc::new(Cell::new(false));
    let heard = Rc::clone(&changed);
    world.host.login = Box::new(move |login| match login.method {
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
    world.connect();
    world.service();
    world.send(&change);
    assert_eq!(world.take(), failure(false), "nobody asked (CVE-2012-5975)");
    world.send(password("user", "old"));
    assert_eq!(
        world.take(),
        message(60).string("new one").string("").done()
    );
    world.send(password("user", "other"));
    assert_eq!(world.take(), failure(false));
    world.send(&change);
    assert!(changed.get());
    assert_eq!(world.take(), [52]);
}

#[test]
fn the_banner_comes_once_and_before_the_first_answer() {
    let mut config = config();
    config.banner = Some("Hello\n".to_owned());
    let mut world = World::with(GCM, config);
    world.connect();
    world.service();
    world.send(none("user"));
    assert_eq!(
        world.take(),
        message(53).string("Hello\n").string("").done()
    );
    assert_eq!(world.take(), failure(false));
    world.send(password("user", "right"));
    assert_eq!(world.take(), [52]);
    world.nothing();
}

/// CVE-2020-29652: a method that is not configured is not reached.
#[test]
fn methods_that_are_not_offered_fail_and_are_not_told() {
    let mut config = config();
    config.methods = vec![AuthMethod::Password];
    let mut world = World::with(GCM, config);
    world.host.login = Box::new(|_| LoginAnswer::Accept);
    world.connect();
    world.service();
    let key = UserKey::new(1);
    for payload in [
        key.request(&world.client, "user", true),
        key.bound(&world.client, "user", &world.client.host_key),
        interactive("user"),
        messages::request("user", "hostbased").string("x").done(),
        messages::request("user", "").done(),
    ] {
        world.send(payload);
        assert_eq!(
            world.take(),
            message(51).string("password").bool(false).done()
        );
    }
    assert!(!world.connection.is_logged_in());
}
