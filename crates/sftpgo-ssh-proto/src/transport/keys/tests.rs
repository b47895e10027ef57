//! Guesses, and what is not kept.

use super::*;
use crate::{
    DisconnectReason,
    test_support::{
        Bare,
        Part::{Byte, Number, Text},
        message,
    },
};

/// The KEXINIT of a client that takes this method.
fn kexinit(kex: &str, guesses: bool) -> Vec<u8> {
    let mut out = message(&[Byte(20)]);
    out.extend_from_slice(&[0; 16]);
    let gcm = b"aes128-gcm@openssh.com";
    for list in [
        kex.as_bytes(),
        b"ssh-ed25519",
        gcm,
        gcm,
        b"",
        b"",
        b"none",
        b"none",
        b"",
        b"",
    ] {
        out.extend_from_slice(&message(&[Text(list)]));
    }
    out.extend_from_slice(&message(&[Byte(guesses.into()), Number(0)]));
    out
}

fn first_exchange() -> Bare {
    let mut bare = Bare::new(|_| {});
    bare.core.keys = Keys::default();
    bare
}

const STRICT: &str = "curve25519-sha256,kex-strict-c-v00@openssh.com";
/// Of curve25519-sha256.
const SHARE: [Part<'_>; 2] = [Byte(30), Text(&[9; 32])];
use crate::test_support::Part;

#[test]
fn a_wrong_guess_is_void_and_nothing_else_is() {
    let guess = message(&[Byte(30), Text(&[7; 65])]);
    let share = message(&SHARE);
    for kex in ["curve25519-sha256", STRICT] {
        let mut bare = first_exchange();
        let offer = kexinit(kex, true);
        bare.core.handle(&offer, 0).unwrap();
        assert!(bare.core.handle(&guess, 1).unwrap().is_none());
        let event = bare.core.handle(&share, 2).unwrap();
        assert!(matches!(event, Some(Event::ExchangeKeys { first: true })));
    }
    // IGNORE does not pass for the guess: not where it may come, and not where it may not.
    let ignore = message(&[Byte(2), Text(b"")]);
    let mut bare = first_exchange();
    let offer = kexinit("curve25519-sha256", true);
    bare.core.handle(&offer, 0).unwrap();
    assert!(bare.core.handle(&ignore, 1).unwrap().is_none());
    assert!(bare.core.handle(&guess, 2).unwrap().is_none());
    assert!(bare.core.handle(&share, 3).unwrap().is_some());
    let mut bare = first_exchange();
    let offer = kexinit(STRICT, true);
    bare.core.handle(&offer, 0).unwrap();
    let refused = bare.core.handle(&ignore, 1).unwrap_err();
    assert_eq!(refused.0, DisconnectReason::ProtocolError);
}

#[test]
fn a_share_longer_than_any_is_not_kept() {
    let mut bare = first_exchange();
    let offer = kexinit(STRICT, false);
    bare.core.handle(&offer, 0).unwrap();
    let long = message(&[Byte(30), Text(&[7; LONGEST_SHARE + 1])]);
    let refused = bare.core.handle(&long, 1).unwrap_err();
    assert_eq!(refused.0, DisconnectReason::KeyExchangeFailed);
}
