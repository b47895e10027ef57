//! The exchange of keys: strict or not, guesses, groups, and what stays of the first one.

use sftpgo_ssh_proto::{DisconnectReason, Kex, LoginAnswer, LoginMethod};

use crate::{
    client::{CTR, GCM, Offer},
    crypto::verify,
    messages,
    pair::{Pair, Seen, config, host_key},
    user_key::UserKey,
    wire::{Parse, message, string},
};

/// Strict, with a MAC that has the sequence number in it.
const STRICT_CTR: Offer = Offer {
    strict: true,
    ..CTR
};

fn intruders(pair: &mut Pair) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("ignore", message(2).string("").done()),
        ("unimplemented", messages::unimplemented(0)),
        ("debug", message(4).bool(false).string("").string("").done()),
        ("service", messages::service("ssh-userauth")),
        ("ext-info", message(7).u32(0).done()),
        ("kexinit", pair.client.kexinit()),
        (
            "another method's",
            message(34).u32(2048).u32(2048).u32(8192).done(),
        ),
        ("unknown", vec![29]),
        ("unknown", vec![200]),
        ("login", messages::none("user")),
        ("channel", messages::open("session", 0, 0, 32_768)),
    ]
}

/// CVE-2023-48795 and its relatives: nothing can be put into a strict first exchange, wherever.
#[test]
fn nothing_gets_into_a_strict_first_exchange() {
    for offer in [GCM, STRICT_CTR] {
        let count = intruders(&mut Pair::new(offer.clone())).len();
        for number in 0..count {
            for place in ["behind KEXINIT", "with the share", "behind the share"] {
                let mut pair = Pair::new(offer.clone());
                let (name, intruder) = intruders(&mut pair).remove(number);
                pair.identify();
                pair.agree();
                match place {
                    "behind KEXINIT" => {}
                    "with the share" => pair.client.send_share(),
                    _ => pair.share(),
                }
                pair.send(intruder);
                let text = pair.ended(DisconnectReason::ProtocolError);
                assert!(
                    text.contains("exchange of keys") || text.contains("method"),
                    "{name} {place}: {text}"
                );
                assert!(!pair.seen.contains(&Seen::Keys), "{name} {place}");
            }
        }
        let mut pair = Pair::new(offer);
        pair.identify();
        pair.agree();
        pair.client.send_share();
        pair.send([21]);
        assert!(
            pair.seen.contains(&Seen::Keys),
            "the same without an intruder"
        );
    }
}

#[test]
fn a_share_that_comes_twice_ends_a_strict_exchange() {
    let mut pair = Pair::new(GCM);
    pair.identify();
    pair.agree();
    let share = pair.client.share();
    pair.client.send(&share);
    pair.send(&share);
    pair.ended(DisconnectReason::ProtocolError);
}

/// Packets are counted anew behind each NEWKEYS of a strict connection, and never in another.
#[test]
fn strict_connections_count_anew_behind_each_newkeys() {
    for (offer, first, second) in [(GCM, 0, 0), (STRICT_CTR, 0, 0), (CTR, 3, 7)] {
        let mut pair = Pair::new(offer);
        pair.connect();
        pair.send([200]);
        assert_eq!(pair.take(), messages::unimplemented(first));
        pair.client.follows_rekeys = false;
        pair.agree();
        pair.share();
        pair.newkeys();
        pair.send([200]);
        assert_eq!(pair.take(), messages::unimplemented(second));
        assert!(pair.end().is_none());
    }
}

#[test]
fn messages_aside_are_legal_in_a_rekey_and_in_a_first_exchange_that_is_not_strict() {
    let asides = [
        message(2).string("").done(),
        messages::unimplemented(0),
        message(4).bool(true).string("").string("").done(),
    ];
    for offer in [GCM, CTR] {
        let mut pair = Pair::new(offer);
        pair.identify();
        if pair.client.offer.strict {
            pair.agree();
            pair.share();
            pair.newkeys();
        }
        pair.client.follows_rekeys = false;
        for place in 0..3 {
            match place {
                0 => pair.agree(),
                1 => pair.share(),
                _ => pair.newkeys(),
            }
            for aside in &asides {
                pair.send(aside);
            }
            pair.nothing();
        }
        pair.service();
    }
}

/// RFC 4253 section 7: a wrong guess costs exactly the packet behind KEXINIT.
#[test]
fn a_wrong_guess_is_dropped_and_nothing_more() {
    for strict in [true, false] {
        for (kex, host_key) in [
            ("ecdh-sha2-nistp256,curve25519-sha256", "ssh-ed25519"),
            ("curve25519-sha256", "rsa-sha2-256,ssh-ed25519"),
        ] {
            let new = || {
                let mut config = config();
                config.kex = vec![Kex::Curve25519, Kex::EcdhNistP256];
                let offer = Offer {
                    kex,
                    host_key,
                    strict,
                    first_kex_packet_follows: true,
                    ..GCM
                };
                let mut pair = Pair::with(offer, config);
                pair.identify();
                pair.client.send_kexinit();
                pair.client.send(message(30).string("a wrong guess").done());
                pair.run();
                assert_eq!(pair.take()[0], 20);
                pair.nothing();
                pair
            };
            let mut pair = new();
            pair.share();
            pair.newkeys();
            pair.service();

            let mut pair = new();
            pair.send(message(30).string("and another one").done());
            pair.ended(DisconnectReason::KeyExchangeFailed);
        }
    }
}

#[test]
fn a_right_guess_is_taken() {
    let mut config = config();
    config.kex = vec![Kex::Curve25519, Kex::EcdhNistP256];
    let offer = Offer {
        first_kex_packet_follows: true,
        ..GCM
    };
    let mut pair = Pair::with(offer, config);
    pair.client.identify();
    pair.run();
    pair.connection.stop_waiting();
    pair.run();
    pair.client.send_kexinit();
    pair.client.send_share();
    pair.run();
    assert_eq!(
        [pair.take()[0], pair.take()[0], pair.take()[0]],
        [20, 31, 21]
    );
    pair.newkeys();
    pair.service();
}

/// A guess that is announced and does not come makes NEWKEYS no guess.
#[test]
fn newkeys_is_no_guess() {
    let mut pair = Pair::new(Offer {
        first_kex_packet_follows: true,
        ..CTR
    });
    pair.identify();
    pair.agree();
    pair.send([21]);
    pair.ended(DisconnectReason::ProtocolError);
}

/// RFC 4419: a group is asked for once in an exchange.
#[test]
fn a_group_is_asked_for_once() {
    for strict in [true, false] {
        let mut pair = Pair::new(Offer {
            kex: "diffie-hellman-group-exchange-sha256",
            strict,
            ..GCM
        });
        pair.identify();
        pair.agree();
        let ask = message(34).u32(1024).u32(2048).u32(8192).done();
        pair.send(&ask);
        let group = pair.take();
        let mut group = Parse::of(&group, 31);
        assert_eq!(
            group.string().len(),
            257,
            "a prime of 2,048 bits and its sign"
        );
        assert_eq!(group.string(), [2]);
        let sequence = pair.client.sequence;
        pair.send(&ask);
        match strict {
            true => drop(pair.ended(DisconnectReason::ProtocolError)),
            false => {
                assert_eq!(pair.take(), messages::unimplemented(sequence));
                for share in [&[][..], &[1]] {
                    let mut pair = Pair::new(pair.client.offer.clone());
                    pair.identify();
                    pair.agree();
                    pair.send(&ask);
                    pair.take();
                    pair.send(message(32).string(share).done());
                    pair.ended(DisconnectReason::KeyExchangeFailed);
                }
            }
        }
    }
    for impossible in [[1024, 1024, 1024], [4096, 2048, 2048], [9000, 9000, 9000]] {
        let mut pair = Pair::new(Offer {
            kex: "diffie-hellman-group-exchange-sha256",
            ..GCM
        });
        pair.identify();
        pair.agree();
        let ask = impossible
            .iter()
            .fold(message(34), |ask, size| ask.u32(*size));
        pair.send(ask.done());
        pair.ended(DisconnectReason::KeyExchangeFailed);
    }
}

/// CVE-2021-3634: the session's name is the hash of the first exchange, however long that of a later one is.
#[test]
fn a_rekey_with_another_hash_keeps_the_session() {
    for (first, second) in [
        ("curve25519-sha256", "ecdh-sha2-nistp384"),
        ("ecdh-sha2-nistp384", "curve25519-sha256"),
    ] {
        let mut config = config();
        config.host_keys.push(host_key(2));
        let other = host_key(2).public_blob().to_vec();
        let mut pair = Pair::with(Offer { kex: first, ..GCM }, config);
        pair.host.login = Box::new(|login| match &login.method {
            LoginMethod::Key(signed) => LoginAnswer::AcceptKey(signed.verify().unwrap()),
            _ => LoginAnswer::Refuse,
        });
        pair.connect();
        let session = pair.client.session.clone();
        pair.client.follows_rekeys = false;
        pair.client.offer.kex = second;
        pair.agree();
        pair.share();
        pair.newkeys();
        assert_eq!(
            pair.seen[3..],
            [Seen::Exchange { first: false }, Seen::Keys]
        );
        pair.service();
        let request = UserKey::new(7).request(&pair.client, "user", true);
        pair.send(request);
        assert_eq!(pair.take(), [52]);

        let blobs = [pair.client.host_key.clone(), other];
        let ask = messages::global("hostkeys-prove-00@openssh.com", true);
        let ask = blobs
            .iter()
            .fold(ask, |ask, blob| [ask, string(blob)].concat());
        pair.send(ask);
        let proofs = pair.take();
        let mut proofs = Parse::of(&proofs, 81);
        for blob in &blobs {
            let name = string("hostkeys-prove-00@openssh.com");
            let signed = [name, string(&session), string(blob)].concat();
            verify(blob, &signed, proofs.string());
        }
        proofs.end();
    }
}

#[test]
fn a_client_exchanges_keys_once_more_before_the_login_and_not_twice() {
    let mut pair = Pair::new(GCM);
    pair.connect();
    pair.client.follows_rekeys = false;
    pair.agree();
    pair.share();
    pair.newkeys();
    pair.client.send_kexinit();
    pair.run();
    let text = pair.ended(DisconnectReason::ProtocolError);
    assert_eq!(text, "too many exchanges of keys before the login");
}

#[test]
fn kexinit_within_an_exchange_and_kexinit_of_nothing_in_common_end_the_connection() {
    let mut pair = Pair::new(CTR);
    pair.identify();
    pair.agree();
    pair.client.send_kexinit();
    pair.run();
    pair.ended(DisconnectReason::ProtocolError);
    for offer in [
        Offer {
            kex: "ext-info-s,kex-strict-s-v00@openssh.com,ext-info-c",
            ..GCM
        },
        Offer { kex: "", ..GCM },
        Offer {
            host_key: "ssh-dss",
            ..GCM
        },
        Offer {
            cipher: "aes128-cbc",
            ..GCM
        },
        Offer {
            mac: "hmac-md5",
            ..CTR
        },
        Offer {
            compression: "zlib",
            ..GCM
        },
    ] {
        let mut pair = Pair::new(offer);
        pair.identify();
        pair.client.send_kexinit();
        pair.run();
        pair.ended(DisconnectReason::KeyExchangeFailed);
    }
}
