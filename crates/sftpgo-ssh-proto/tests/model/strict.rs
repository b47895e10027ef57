//! The exchange of keys: strict or not, guesses, groups, and what stays of the first one.

use sftpgo_ssh_proto::{DisconnectReason, Kex, LoginAnswer, LoginMethod};

use crate::{
    client::{CTR, GCM, Offer},
    crypto::verify,
    messages,
    user_key::UserKey,
    wire::{Parse, message, string},
    world::{Seen, World, config, host_key},
};

/// Strict, with a MAC that has the sequence number in it.
const STRICT_CTR: Offer = Offer {
    strict: true,
    ..CTR
};

fn intruders(world: &mut World) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("ignore", message(2).string("").done()),
        ("unimplemented", messages::unimplemented(0)),
        ("debug", message(4).bool(false).string("").string("").done()),
        ("service", messages::service("ssh-userauth")),
        ("ext-info", message(7).u32(0).done()),
        ("kexinit", world.client.kexinit()),
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
        let count = intruders(&mut World::new(offer.clone())).len();
        for number in 0..count {
            for place in ["behind KEXINIT", "with the share", "behind the share"] {
                let mut world = World::new(offer.clone());
                let (name, intruder) = intruders(&mut world).remove(number);
                world.identify();
                world.agree();
                match place {
                    "behind KEXINIT" => {}
                    "with the share" => world.client.send_share(),
                    _ => world.share(),
                }
                world.send(intruder);
                let text = world.ended(DisconnectReason::ProtocolError);
                assert!(
                    text.contains("exchange of keys") || text.contains("method"),
                    "{name} {place}: {text}"
                );
                assert!(!world.seen.contains(&Seen::Keys), "{name} {place}");
            }
        }
        let mut world = World::new(offer);
        world.identify();
        world.agree();
        world.client.send_share();
        world.send([21]);
        assert!(
            world.seen.contains(&Seen::Keys),
            "the same without an intruder"
        );
    }
}

#[test]
fn a_share_that_comes_twice_ends_a_strict_exchange() {
    let mut world = World::new(GCM);
    world.identify();
    world.agree();
    let share = world.client.share();
    world.client.send(&share);
    world.send(&share);
    world.ended(DisconnectReason::ProtocolError);
}

/// Packets are counted anew behind each NEWKEYS of a strict connection, and never in another.
#[test]
fn strict_connections_count_anew_behind_each_newkeys() {
    for (offer, first, second) in [(GCM, 0, 0), (STRICT_CTR, 0, 0), (CTR, 3, 7)] {
        let mut world = World::new(offer);
        world.connect();
        world.send([200]);
        assert_eq!(world.take(), messages::unimplemented(first));
        world.client.follows_rekeys = false;
        world.agree();
        world.share();
        world.newkeys();
        world.send([200]);
        assert_eq!(world.take(), messages::unimplemented(second));
        assert!(world.end().is_none());
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
        let mut world = World::new(offer);
        world.identify();
        if world.client.offer.strict {
            world.agree();
            world.share();
            world.newkeys();
        }
        world.client.follows_rekeys = false;
        for place in 0..3 {
            match place {
                0 => world.agree(),
                1 => world.share(),
                _ => world.newkeys(),
            }
            for aside in &asides {
                world.send(aside);
            }
            world.nothing();
        }
        world.service();
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
                let mut world = World::with(offer, config);
                world.identify();
                world.client.send_kexinit();
                world
                    .client
                    .send(message(30).string("a wrong guess").done());
                world.run();
                assert_eq!(world.take()[0], 20);
                world.nothing();
                world
            };
            let mut world = new();
            world.share();
            world.newkeys();
            world.service();

            let mut world = new();
            world.send(message(30).string("and another one").done());
            world.ended(DisconnectReason::KeyExchangeFailed);
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
    let mut world = World::with(offer, config);
    world.client.identify();
    world.run();
    world.connection.stop_waiting();
    world.run();
    world.client.send_kexinit();
    world.client.send_share();
    world.run();
    assert_eq!(
        [world.take()[0], world.take()[0], world.take()[0]],
        [20, 31, 21]
    );
    world.newkeys();
    world.service();
}

/// A guess that is announced and does not come makes NEWKEYS no guess.
#[test]
fn newkeys_is_no_guess() {
    let mut world = World::new(Offer {
        first_kex_packet_follows: true,
        ..CTR
    });
    world.identify();
    world.agree();
    world.send([21]);
    world.ended(DisconnectReason::ProtocolError);
}

/// RFC 4419: a group is asked for once in an exchange.
#[test]
fn a_group_is_asked_for_once() {
    for strict in [true, false] {
        let mut world = World::new(Offer {
            kex: "diffie-hellman-group-exchange-sha256",
            strict,
            ..GCM
        });
        world.identify();
        world.agree();
        let ask = message(34).u32(1024).u32(2048).u32(8192).done();
        world.send(&ask);
        let group = world.take();
        let mut group = Parse::of(&group, 31);
        assert_eq!(
            group.string().len(),
            257,
            "a prime of 2,048 bits and its sign"
        );
        assert_eq!(group.string(), [2]);
        let sequence = world.client.sequence;
        world.send(&ask);
        match strict {
            true => drop(world.ended(DisconnectReason::ProtocolError)),
            false => {
                assert_eq!(world.take(), messages::unimplemented(sequence));
                for share in [&[][..], &[1]] {
                    let mut world = World::new(world.client.offer.clone());
                    world.identify();
                    world.agree();
                    world.send(&ask);
                    world.take();
                    world.send(message(32).string(share).done());
                    world.ended(DisconnectReason::KeyExchangeFailed);
                }
            }
        }
    }
    for impossible in [[1024, 1024, 1024], [4096, 2048, 2048], [9000, 9000, 9000]] {
        let mut world = World::new(Offer {
            kex: "diffie-hellman-group-exchange-sha256",
            ..GCM
        });
        world.identify();
        world.agree();
        let ask = impossible
            .iter()
            .fold(message(34), |ask, size| ask.u32(*size));
        world.send(ask.done());
        world.ended(DisconnectReason::KeyExchangeFailed);
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
        let mut world = World::with(Offer { kex: first, ..GCM }, config);
        world.host.login = Box::new(|login| match &login.method {
            LoginMethod::Key(signed) => LoginAnswer::AcceptKey(signed.verify().unwrap()),
            _ => LoginAnswer::Refuse,
        });
        world.connect();
        let session = world.client.session.clone();
        world.client.follows_rekeys = false;
        world.client.offer.kex = second;
        world.agree();
        world.share();
        world.newkeys();
        assert_eq!(
            world.seen[3..],
            [Seen::Exchange { first: false }, Seen::Keys]
        );
        world.service();
        let request = UserKey::new(7).request(&world.client, "user", true);
        world.send(request);
        assert_eq!(world.take(), [52]);

        let blobs = [world.client.host_key.clone(), other];
        let ask = messages::global("hostkeys-prove-00@openssh.com", true);
        let ask = blobs
            .iter()
            .fold(ask, |ask, blob| [ask, string(blob)].concat());
        world.send(ask);
        let proofs = world.take();
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
    let mut world = World::new(GCM);
    world.connect();
    world.client.follows_rekeys = false;
    world.agree();
    world.share();
    world.newkeys();
    world.client.send_kexinit();
    world.run();
    let text = world.ended(DisconnectReason::ProtocolError);
    assert_eq!(text, "too many exchanges of keys before the login");
}

#[test]
fn kexinit_within_an_exchange_and_kexinit_of_nothing_in_common_end_the_connection() {
    let mut world = World::new(CTR);
    world.identify();
    world.agree();
    world.client.send_kexinit();
    world.run();
    world.ended(DisconnectReason::ProtocolError);
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
        let mut world = World::new(offer);
        world.identify();
        world.client.send_kexinit();
        world.run();
        world.ended(DisconnectReason::KeyExchangeFailed);
    }
}
