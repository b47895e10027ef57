//! Logging in with keys.

use std::{cell::RefCell, rc::Rc};

use sftpgo_ssh_proto::{
    AuthMethod, DisconnectReason, KeyAlgorithm, LoginAnswer, LoginMethod, SignatureAlgorithm,
    VerifiedKey,
};

use crate::{
    client::GCM,
    messages::{self, failure},
    pair::{Pair, Seen, config},
    user_key::UserKey,
    wire::{message, string},
};

/// A pair in which every valid signature logs in, and every key is worth one.
fn pair() -> Pair {
    let mut pair = Pair::new(GCM);
    pair.host.login = Box::new(|login| match &login.method {
        LoginMethod::KeyOffered(_) => LoginAnswer::KeyIsGood,
        LoginMethod::Key(signed) => match signed.verify() {
            Ok(key) => LoginAnswer::AcceptKey(key),
            Err(_) => LoginAnswer::Refuse,
        },
        // No answer makes these succeed.
        LoginMethod::Invalid(_) => LoginAnswer::Accept,
        _ => LoginAnswer::Refuse,
    });
    pair.connect();
    pair.service();
    pair
}

/// This fails, is not taken for anything else, and leaves the connection as it is.
fn fails(pair: &mut Pair, payload: Vec<u8>, as_what: &str) {
    pair.send(payload);
    assert_eq!(pair.take(), failure(false), "{as_what}");
    let Some(Seen::Login(_, method)) = pair.seen.last() else {
        panic!("no login: {as_what}");
    };
    assert!(method.starts_with(as_what), "{method}, not {as_what}");
    assert!(!pair.connection.is_logged_in());
}

#[test]
fn a_key_is_asked_about_and_signs() {
    let mut pair = pair();
    let key = UserKey::new(1);
    let probe = key.request(&pair.client, "user", false);
    pair.send(probe);
    let ok = message(60).string("ssh-ed25519").string(key.blob()).done();
    assert_eq!(pair.take(), ok);
    let request = key.request(&pair.client, "user", true);
    pair.send(request);
    assert_eq!(pair.take(), [52]);
}

/// CVE-2024-45337: what was probed last is not what signs.
#[test]
fn the_key_of_the_signature_counts_and_not_the_one_that_was_probed() {
    let mut pair = Pair::new(GCM);
    let good = UserKey::new(1).blob();
    pair.host.login = Box::new(move |login| match &login.method {
        LoginMethod::KeyOffered(_) => LoginAnswer::KeyIsGood,
        LoginMethod::Key(signed) if signed.key.blob() == good => {
            LoginAnswer::AcceptKey(signed.verify().unwrap())
        }
        _ => LoginAnswer::Refuse,
    });
    pair.connect();
    pair.service();
    let probe = UserKey::new(1).request(&pair.client, "user", false);
    pair.send(probe);
    assert_eq!(pair.take()[0], 60);
    let request = UserKey::new(2).request(&pair.client, "user", true);
    fails(&mut pair, request, "Key");
}

#[test]
fn signatures_of_elsewhere_are_refused() {
    let key = UserKey::new(1);
    let mut pair = pair();
    let request = |user| {
        messages::request(user, "publickey")
            .bool(true)
            .string("ssh-ed25519")
            .string(key.blob())
            .done()
    };
    let with = |signature: Vec<u8>| [request("user"), string(signature)].concat();
    let session = pair.client.session.clone();

    let other_session = key.signature(&[0; 32], &request("user"));
    fails(&mut pair, with(other_session), "Key");
    let other_user = key.signature(&session, &request("root"));
    fails(&mut pair, with(other_user), "Key");
    let other_key = UserKey::new(2).signature(&session, &request("user"));
    fails(&mut pair, with(other_key), "Key");
    let right = key.signature(&session, &request("user"));
    let other_name = [string("ssh-rsa"), right[15..].to_vec()].concat();
    fails(&mut pair, with(other_name), "Key");
    let longer = [right.clone(), vec![0]].concat();
    fails(&mut pair, with(longer), "Key");
    let mut pair = self::pair();
    let session = pair.client.session.clone();
    let right = key.signature(&session, &request("user"));
    for bad in [
        Vec::new(),
        string(""),
        string("ssh-ed25519"),
        right[..20].to_vec(),
    ] {
        fails(&mut pair, with(bad), "Key");
    }
}

/// OpenSSH PROTOCOL section 1.10.
#[test]
fn a_request_is_bound_to_the_key_of_the_server() {
    let key = UserKey::new(1);
    let mut pair = pair();
    let host_key = pair.client.host_key.clone();
    let other = UserKey::new(9).blob();
    for wrong in [&other[..], b"", &host_key[..host_key.len() - 1]] {
        let request = key.bound(&pair.client, "user", wrong);
        fails(&mut pair, request, "Invalid OtherHostKey");
    }
    let request = key.bound(&pair.client, "user", &host_key);
    pair.send(request);
    assert_eq!(pair.take(), [52]);
}

#[test]
fn keys_that_cannot_be_used_fail_and_end_nothing() {
    let key = UserKey::new(1).blob();
    let rsa = |modulus: &[u8]| [string("ssh-rsa"), string([1, 0, 1]), string(modulus)].concat();
    let short_rsa = rsa(&[&[0, 0xc1][..], &[0x55; 127]].concat());
    let point = [&[4][..], &[1; 64]].concat();
    let curve = [
        string("ecdsa-sha2-nistp256"),
        string("nistp384"),
        string(&point),
    ]
    .concat();
    let cases: [(&str, Vec<u8>, &str); 13] = [
        ("ssh-ed25519", b"".to_vec(), "Invalid Key"),
        ("ssh-ed25519", vec![0xff; 4], "Invalid Key"),
        ("ssh-ed25519", key[..key.len() - 1].to_vec(), "Invalid Key"),
        ("ssh-ed25519", [&key[..], b"x"].concat(), "Invalid Key"),
        ("ssh-ed25519", string("ssh-ed25519"), "Invalid Key"),
        ("ssh-ed25519", short_rsa.clone(), "Invalid Key"),
        ("ecdsa-sha2-nistp256", key.clone(), "Invalid Key"),
        ("ecdsa-sha2-nistp256", curve, "Invalid Key"),
        ("rsa-sha2-256", short_rsa, "Invalid Key"),
        (
            "ssh-ed25519-cert-v01@openssh.com",
            key.clone(),
            "Invalid Key",
        ),
        ("ssh-rsa", key.clone(), "Invalid Algorithm"),
        ("ssh-dss", key.clone(), "Invalid Algorithm"),
        ("", key.clone(), "Invalid Algorithm"),
    ];
    for (algorithm, blob, why) in cases {
        for is_signed in [false, true] {
            let mut pair = pair();
            let request = messages::request("user", "publickey").bool(is_signed);
            let request = request.string(algorithm).string(&blob).done();
            let request = match is_signed {
                true => [request, string("signature")].concat(),
                false => request,
            };
            fails(&mut pair, request, why);
        }
    }
}

/// A message that does not end where it should is none of the protocol, whoever the user is.
#[test]
fn a_request_with_something_behind_it_ends_the_connection() {
    let key = UserKey::new(1);
    for tail in [&b"\0"[..], &[0; 4]] {
        for is_signed in [false, true] {
            let mut pair = pair();
            let request = key.request(&pair.client, "user", is_signed);
            pair.send([&request, tail].concat());
            pair.ended(DisconnectReason::ProtocolError);
        }
        let mut pair = pair();
        pair.send([&messages::password("user", "x"), tail].concat());
        pair.ended(DisconnectReason::ProtocolError);
    }
}

/// CVE-2026-35414's relatives: an algorithm that is not on the list is refused before its key is looked at.
#[test]
fn algorithms_that_are_not_allowed_fail() {
    let mut config = config();
    config.public_key_algorithms = vec![KeyAlgorithm {
        signature: SignatureAlgorithm::RsaSha512,
        certificate: false,
    }];
    let mut pair = Pair::with(GCM, config);
    pair.host.login = Box::new(|_| LoginAnswer::KeyIsGood);
    pair.connect();
    pair.service();
    let request = UserKey::new(1).request(&pair.client, "user", false);
    fails(&mut pair, request, "Invalid Algorithm");
}

/// A login by key needs what only the check of its own signature makes.
#[test]
fn no_other_answer_lets_a_key_in() {
    let stale: Rc<RefCell<Option<VerifiedKey>>> = Rc::default();
    let key = UserKey::new(1);
    type Answer = Box<dyn FnMut() -> LoginAnswer>;
    let take = || {
        let stale = Rc::clone(&stale);
        move || stale.borrow_mut().take()
    };
    let (first, second, third) = (take(), take(), take());
    let answers: [Answer; 7] = [
        Box::new(|| LoginAnswer::Accept),
        Box::new(|| LoginAnswer::KeyIsGood),
        Box::new(|| LoginAnswer::Partial {
            methods: vec![AuthMethod::Password],
            key: None,
        }),
        Box::new(|| LoginAnswer::Ask {
            name: String::new(),
            instruction: String::new(),
            prompts: Vec::new(),
        }),
        Box::new(move || LoginAnswer::AcceptKey(first().unwrap())),
        Box::new(move || LoginAnswer::Partial {
            methods: vec![AuthMethod::Password],
            key: second(),
        }),
        Box::new(move || LoginAnswer::AcceptKey(third().unwrap())),
    ];
    for (number, mut answer) in answers.into_iter().enumerate() {
        let mut pair = Pair::new(GCM);
        let keep = Rc::clone(&stale);
        let mut is_first = true;
        pair.host.login = Box::new(move |login| {
            if let (true, LoginMethod::Key(signed)) = (is_first, &login.method) {
                is_first = false;
                *keep.borrow_mut() = Some(signed.verify().unwrap());
                return LoginAnswer::Refuse;
            }
            answer()
        });
        pair.connect();
        pair.service();
        let request = key.request(&pair.client, "user", true);
        fails(&mut pair, request.clone(), "Key");
        match number {
            // The probe of a key, with what its signature was worth before.
            6 => {
                let probe = key.request(&pair.client, "user", false);
                fails(&mut pair, probe, "KeyOffered");
            }
            _ => fails(&mut pair, request, "Key"),
        }
    }
}

#[test]
fn a_key_can_be_the_first_of_two_steps() {
    let mut pair = Pair::new(GCM);
    pair.host.login = Box::new(|login| match &login.method {
        LoginMethod::Key(signed) => LoginAnswer::Partial {
            methods: vec![AuthMethod::Password, AuthMethod::KeyboardInteractive],
            key: signed.verify().ok(),
        },
        LoginMethod::Password(b"right") => LoginAnswer::Accept,
        _ => LoginAnswer::Refuse,
    });
    pair.connect();
    pair.service();
    let request = UserKey::new(1).request(&pair.client, "user", true);
    pair.send(request);
    let rest = "password,keyboard-interactive";
    assert_eq!(pair.take(), message(51).string(rest).bool(true).done());
    pair.send(messages::password("user", "right"));
    assert_eq!(pair.take(), [52]);
}
