//! What the server says of itself: its identification, its offers, extensions and host keys.

use std::time::Duration;

use sftpgo_ssh_proto::{DisconnectReason, End};

use crate::{
    client::{CTR, GCM, Offer},
    messages::{self, password},
    pair::{Pair, Seen, config, host_key},
    wire::{Parse, message},
};

/// The lists of a KEXINIT.
fn lists(kexinit: &[u8]) -> Vec<Vec<String>> {
    let mut parse = Parse::of(kexinit, 20);
    parse.take(16);
    let lists = (0..10).map(|_| parse.names()).collect();
    assert!(!parse.bool(), "the server guesses nothing");
    assert_eq!(parse.u32(), 0);
    parse.end();
    lists
}

/// What is offered to a client with this offer, for its first exchange.
fn offered(offer: Offer) -> Vec<Vec<String>> {
    let mut pair = Pair::new(offer);
    pair.identify();
    pair.agree();
    lists(&pair.client.server_kexinit)
}

#[test]
fn the_first_line_is_the_servers_identification() {
    let mut pair = Pair::new(GCM);
    pair.run();
    let line = pair.client.server_identification.clone().unwrap();
    let software = line.strip_prefix("SSH-2.0-").unwrap();
    assert!(software.starts_with("sftpgo_"), "{line}");
    assert!(
        software
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'-'),
        "{line}"
    );
    pair.nothing();
}

#[test]
fn identifications_of_clients() {
    let long = |length: usize| [b"SSH-2.0-", &vec![b'x'; length - 9][..], b"\n"].concat();
    for (line, is_taken) in [
        (b"SSH-2.0-x\r\n".to_vec(), true),
        (b"SSH-2.0-x\n".to_vec(), true),
        (b"SSH-1.99-x and more - of \xff it\r\n".to_vec(), true),
        (long(255), true),
        (long(1024), true),
        (long(1025), false),
        (b"SSH-2.0-nul\0\r\n".to_vec(), false),
        (b"SSH-2.0-return\rwithin\r\n".to_vec(), false),
        (b"SSH-1.5-old\r\n".to_vec(), false),
        (b"ssh-2.0-x\r\n".to_vec(), false),
        (b"hello\r\nSSH-2.0-x\r\n".to_vec(), false),
        (b"\r\nSSH-2.0-x\r\n".to_vec(), false),
        (b"GET / HTTP/1.1\r\n".to_vec(), false),
        (vec![b'S'; 5000], false),
        (vec![0x16, 3, 1, 2, 0], false),
    ] {
        let mut pair = Pair::new(GCM);
        pair.run();
        pair.input = line.clone();
        while pair.step(usize::MAX) {}
        let shown = line.escape_ascii();
        match is_taken {
            true => assert_eq!(pair.seen, [Seen::Identified], "{shown}"),
            false => {
                let Some(End::Here(DisconnectReason::ProtocolError, _)) = pair.end() else {
                    panic!("{shown}: {:?}", pair.seen);
                };
                // A packet would be none to who speaks no SSH.
                let text = b"Invalid SSH identification string.\r\n";
                assert_eq!(pair.connection.output(), text, "{shown}");
            }
        }
    }
}

#[test]
fn encrypt_and_mac_is_offered_to_those_who_have_nothing_better() {
    let etm = [
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
    ];
    let mac = ["hmac-sha2-256", "hmac-sha2-512"];
    let both: Vec<_> = etm.iter().chain(&mac).copied().collect();
    let cases = [
        (GCM, &etm[..]),
        (CTR, &both),
        (
            Offer {
                strict: true,
                ..CTR
            },
            &both,
        ),
        (
            Offer {
                cipher: "aes128-ctr",
                mac: "hmac-sha2-256-etm@openssh.com,hmac-sha2-256",
                ..GCM
            },
            &etm,
        ),
        (
            Offer {
                cipher: "aes128-ctr,aes128-gcm@openssh.com",
                mac: "hmac-sha2-256",
                ..GCM
            },
            &both,
        ),
    ];
    for (offer, macs) in cases {
        // In the cases that the model cannot speak, KEXINIT alone counts.
        let lists = offered(offer.clone());
        for list in [&lists[4], &lists[5]] {
            let had: Vec<_> = list.iter().map(String::as_str).collect();
            assert!(
                macs.iter().all(|name| had.contains(name)),
                "{offer:?}: {had:?}"
            );
            let needs = macs.contains(&"hmac-sha2-256");
            assert_eq!(had.contains(&"hmac-sha2-256"), needs, "{offer:?}: {had:?}");
            // Who has a better cipher is offered nothing that would use such a MAC.
            let has_ctr = lists[2].iter().any(|name| name == "aes128-ctr");
            assert!(has_ctr || offer.cipher.contains("gcm"), "{offer:?}");
            assert!(
                !(has_ctr && needs && offer.cipher.contains("gcm")),
                "{offer:?}"
            );
        }
    }
}

/// CVE-2023-48795: without strict key exchange chacha20 is cut off its start unseen.
#[test]
fn chacha20_is_offered_to_strict_clients_only() {
    let chacha = "chacha20-poly1305@openssh.com".to_owned();
    for strict in [true, false] {
        let lists = offered(Offer { strict, ..GCM });
        assert_eq!(lists[2].contains(&chacha), strict);
        assert_eq!(lists[2], lists[3]);
        assert!(!lists[2].iter().any(|name| name.ends_with("-cbc")));
    }
}

#[test]
fn pseudo_names_are_in_the_first_kexinit_only() {
    let mut pair = Pair::new(GCM);
    pair.login();
    let pseudo = |kexinit: &[u8]| {
        let kex = lists(kexinit).swap_remove(0);
        let strict = "kex-strict-s-v00@openssh.com".to_owned();
        [
            kex.contains(&strict),
            kex.contains(&"ext-info-s".to_owned()),
        ]
    };
    assert_eq!(pseudo(&pair.client.server_kexinit), [true, true]);
    let session = pair.client.session.clone();
    pair.connection.rekey();
    pair.run();
    assert_eq!(pseudo(&pair.client.server_kexinit), [false, false]);
    assert_eq!(pair.client.session, session);
}

/// A client that waits for the server hears its KEXINIT when the host has waited long enough.
#[test]
fn a_client_that_waits_is_not_waited_for() {
    for offer in [GCM, CTR] {
        let mut pair = Pair::new(offer);
        pair.identify();
        pair.nothing();
        assert!(pair.connection.patience() <= Duration::from_secs(2));
        pair.connection.stop_waiting();
        pair.connection.stop_waiting();
        pair.run();
        assert_eq!(pair.take()[0], 20);
        pair.nothing();
        pair.client.send_kexinit();
        pair.run();
        pair.share();
        pair.newkeys();
        pair.service();
    }
}

/// RFC 8308, and OpenSSH PROTOCOL sections 1.9 and 1.10.
#[test]
fn extensions_are_told_to_those_who_ask() {
    let mut pair = Pair::new(Offer {
        ext_info: true,
        ..GCM
    });
    pair.identify();
    pair.agree();
    pair.share();
    pair.run();
    let told = pair.take();
    let mut told = Parse::of(&told, 7);
    let count = told.u32();
    let mut extensions = Vec::new();
    for _ in 0..count {
        extensions.push((told.text(), told.text()));
    }
    told.end();
    let value = |name: &str| {
        let found = extensions.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(value("publickey-hostbound@openssh.com"), Some("0"));
    assert_eq!(value("ping@openssh.com"), Some("0"));
    let signatures: Vec<_> = value("server-sig-algs").unwrap().split(',').collect();
    for name in [
        "ssh-ed25519",
        "rsa-sha2-256",
        "rsa-sha2-512",
        "sk-ssh-ed25519@openssh.com",
    ] {
        assert!(signatures.contains(&name), "{signatures:?}");
    }
    assert!(!signatures.contains(&"ssh-rsa"));
    for left_out in [
        "delay-compression",
        "no-flow-control",
        "ext-info-in-auth@openssh.com",
    ] {
        assert_eq!(value(left_out), None);
    }
    pair.newkeys();
    // In rekeys nothing is told again.
    pair.client.follows_rekeys = false;
    pair.agree();
    pair.share();
    pair.newkeys();
    pair.nothing();
}

/// OpenSSH PROTOCOL section 2.5: clients that do not know the request have broken connections over it.
#[test]
fn host_keys_are_told_to_clients_that_learn_them() {
    for (identification, learns) in [
        ("SSH-2.0-OpenSSH_9.9p1 Debian", true),
        ("SSH-2.0-AsyncSSH_2.14.2", true),
        ("SSH-2.0-paramiko_3.5", false),
        ("SSH-2.0-model", false),
    ] {
        let mut config = config();
        config.host_keys.push(host_key(2));
        let keys: Vec<_> = config
            .host_keys
            .iter()
            .map(|key| key.public_blob().to_vec())
            .collect();
        let mut pair = Pair::with(GCM, config);
        pair.client.identification = identification;
        pair.connect();
        pair.service();
        pair.send(password("user", "right"));
        assert_eq!(pair.take(), [52]);
        if learns {
            let request = message(80).string("hostkeys-00@openssh.com").bool(false);
            let request = keys
                .iter()
                .fold(request, |request, key| request.string(key));
            assert_eq!(pair.take(), request.done());
        }
        pair.nothing();
        let ask = |keys: &[&[u8]]| {
            let ask = messages::global("hostkeys-prove-00@openssh.com", true);
            keys.iter()
                .fold(ask, |ask, key| [ask, crate::wire::string(key)].concat())
        };
        // A key that is not held, or asked about twice, proves nothing.
        for wrong in [
            &[&b"no key"[..]][..],
            &[&keys[0], &keys[0]],
            &[&keys[1], b""],
            &[],
        ] {
            pair.send(ask(wrong));
            assert_eq!(pair.take(), [82]);
        }
        pair.send(ask(&[&keys[1], &keys[0]]));
        assert_eq!(pair.take()[0], 81);
    }
}
