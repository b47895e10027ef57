//! Requests in their order.

use super::*;
use crate::test_support::{
    Bare,
    Part::{Byte, Number, Text},
    message,
};

fn begun() -> Bare {
    let mut bare = Bare::new(|_| {});
    bare.hears(&message(&[Byte(5), Text(USERAUTH)])).unwrap();
    bare.sent();
    bare
}

fn request(method: &[u8]) -> Vec<u8> {
    message(&[Byte(50), Text(b"user"), Text(CONNECTION), Text(method)])
}

fn password() -> Vec<u8> {
    [request(b"password"), message(&[Byte(0), Text(b"secret")])].concat()
}

#[test]
fn the_banner_comes_once_and_is_cut_where_a_packet_ends() {
    for (banner, shown) in [
        ("welcome".to_owned(), "welcome".to_owned()),
        ("x".repeat(40_000), "x".repeat(LONGEST_BANNER)),
        (
            format!("x{}", "\u{e9}".repeat(20_000)),
            format!("x{}", "\u{e9}".repeat(14_999)),
        ),
    ] {
        let mut bare = Bare::new(|config| config.banner = Some(banner));
        bare.hears(&message(&[Byte(5), Text(USERAUTH)])).unwrap();
        bare.sent();
        for expected in [
            vec![message(&[Byte(53), Text(shown.as_bytes()), Text(b"")])],
            vec![],
        ] {
            assert!(matches!(bare.hears(&password()), Ok(Some(Event::Login(_)))));
            assert_eq!(bare.sent(), expected);
            bare.core.answer_login(LoginAnswer::Refuse).unwrap();
            bare.sent();
        }
    }
}

fn failure(methods: &[u8], partial: bool) -> Vec<u8> {
    message(&[Byte(51), Text(methods), Byte(partial.into())])
}

#[test]
fn after_a_part_of_a_login_only_the_rest_of_it_can_go_on() {
    let mut bare = begun();
    let asks = |bare: &mut Bare, answer| {
        assert!(matches!(bare.hears(&password()), Ok(Some(Event::Login(_)))));
        bare.core.answer_login(answer).unwrap();
        bare.sent()
    };
    let all = b"publickey,password,keyboard-interactive";
    assert_eq!(asks(&mut bare, LoginAnswer::Refuse), [failure(all, false)]);
    let partial = LoginAnswer::Partial {
        methods: vec![AuthMethod::PublicKey],
        key: None,
    };
    assert_eq!(asks(&mut bare, partial), [failure(b"publickey", true)]);
    // What has succeeded fails from here on, whatever the host says, and does not count.
    for _ in 0..10 {
        for answer in [LoginAnswer::Refuse, LoginAnswer::Accept] {
            let refused = asks(&mut bare, answer);
            assert_eq!(refused, [failure(b"publickey", false)]);
        }
    }
}

#[test]
fn failures_of_what_is_left_count() {
    let mut bare = begun();
    bare.hears(&password()).unwrap();
    let left = LoginAnswer::Partial {
        methods: vec![AuthMethod::KeyboardInteractive],
        key: None,
    };
    bare.core.answer_login(left).unwrap();
    bare.sent();
    let interactive = [
        request(b"keyboard-interactive"),
        message(&[Text(b""), Text(b"")]),
    ];
    let interactive = interactive.concat();
    for failed in 1..=6 {
        assert!(matches!(
            bare.hears(&interactive),
            Ok(Some(Event::Login(_)))
        ));
        let ended = bare.core.answer_login(LoginAnswer::Refuse);
        assert_eq!(ended.is_err(), failed == 6, "{failed}");
    }
}

#[test]
fn another_name_does_not_go_on_where_the_first_one_was() {
    let mut bare = begun();
    bare.hears(&password()).unwrap();
    let left = LoginAnswer::Partial {
        methods: vec![AuthMethod::Password],
        key: None,
    };
    bare.core.answer_login(left).unwrap();
    for (user, service) in [
        (&b"other"[..], CONNECTION),
        (&b"user"[..], &b"ssh-other"[..]),
    ] {
        let request = [
            message(&[Byte(50), Text(user), Text(service), Text(b"password")]),
            message(&[Byte(0), Text(b"secret")]),
        ];
        assert!(bare.hears(&request.concat()).is_err());
    }
}

#[test]
fn rounds_of_questions_count_among_the_requests() {
    let mut bare = begun();
    let interactive = [
        request(b"keyboard-interactive"),
        message(&[Text(b""), Text(b"")]),
    ];
    let answers = message(&[Byte(61), Number(0)]);
    let mut rounds = 0;
    let mut next = interactive.concat();
    while let Ok(event) = bare.hears(&next) {
        assert!(matches!(event, Some(Event::Login(_))));
        let ask = LoginAnswer::Ask {
            name: String::new(),
            instruction: String::new(),
            prompts: Vec::new(),
        };
        bare.core.answer_login(ask).unwrap();
        rounds += 1;
        next.clone_from(&answers);
    }
    assert_eq!(rounds, 128);
}
