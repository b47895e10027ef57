//! SSH.NET: it says nothing before it has the server's KEXINIT, and a message that it does not wait for is an error to it.

use sftpgo_ssh_proto::{LoginAnswer, LoginMethod};

use crate::{
    client::{CTR, Offer},
    messages::{self, answers, failure, interactive, none, password},
    pair::{Pair, Seen},
    user_key::UserKey,
};

/// Its lists of 2020, but for the ciphers, of which the model has one.
const OF_2020: Offer = Offer {
    kex: "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,\
          diffie-hellman-group-exchange-sha256,diffie-hellman-group-exchange-sha1,diffie-hellman-group16-sha512,\
          diffie-hellman-group14-sha256,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1",
    host_key: "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,ssh-rsa,ssh-dss",
    mac: "hmac-md5,hmac-md5-96,hmac-sha2-256,hmac-sha2-256-96,hmac-sha2-512,hmac-sha2-512-96,hmac-ripemd160,hmac-sha1",
    ..CTR
};

/// Since 2024 it has strict key exchange.
const OF_2024: Offer = Offer {
    strict: true,
    ..OF_2020
};

/// Up to the answer to `none`, by which it asks for the methods.
fn connected(offer: Offer) -> Pair {
    let mut pair = Pair::new(offer);
    pair.client.identification = "SSH-2.0-Renci.SshNet.SshClient.0.0.1";
    pair.host.login = Box::new(|login| match &login.method {
        LoginMethod::KeyOffered(offered) if offered.key.blob() == UserKey::new(1).blob() => {
            LoginAnswer::KeyIsGood
        }
        LoginMethod::Key(signed) => match signed.verify() {
            Ok(key) => LoginAnswer::AcceptKey(key),
            Err(_) => LoginAnswer::Refuse,
        },
        LoginMethod::Password(b"right") => LoginAnswer::Accept,
        LoginMethod::KeyboardInteractive => LoginAnswer::Ask {
            name: String::new(),
            instruction: String::new(),
            prompts: vec![("Password: ".to_owned(), false)],
        },
        LoginMethod::Answers(given) if given.clone().eq([b"right"]) => LoginAnswer::Accept,
        _ => LoginAnswer::Refuse,
    });
    pair.client.identify();
    pair.run();
    // Without this the client would wait as long as the server does.
    assert_eq!(pair.take()[0], 20, "the server's KEXINIT comes at once");
    pair.nothing();
    // One behind the other.
    pair.client.send_kexinit();
    pair.client.send_share();
    pair.run();
    assert_eq!(pair.take()[0], 31);
    assert_eq!(pair.take(), [21]);
    // It has not asked for extensions, and would not know them.
    pair.nothing();
    pair.newkeys();
    pair.nothing();
    pair.service();
    pair.send(none("user"));
    assert_eq!(pair.take(), failure(false));
    pair
}

fn is_logged_in(pair: &mut Pair) {
    assert_eq!(pair.take(), [52]);
    // Messages of connections are known to it only a moment later.
    pair.nothing();
}

#[test]
fn each_method_lets_it_in_after_others_have_failed() {
    let key = |pair: &mut Pair, seed, is_signed| {
        let request = UserKey::new(seed).request(&pair.client, "user", is_signed);
        pair.send(request);
    };
    for offer in [OF_2020, OF_2024] {
        let mut pair = connected(offer.clone());
        key(&mut pair, 1, false);
        assert_eq!(pair.take()[0], 60);
        key(&mut pair, 1, true);
        is_logged_in(&mut pair);

        let mut pair = connected(offer.clone());
        key(&mut pair, 2, false);
        assert_eq!(pair.take(), failure(false));
        pair.send(password("user", "right"));
        is_logged_in(&mut pair);

        let mut pair = connected(offer);
        pair.send(password("user", "wrong"));
        assert_eq!(pair.take(), failure(false));
        pair.send(interactive("user"));
        assert_eq!(pair.take()[0], 60);
        pair.send(answers(&["right"]));
        is_logged_in(&mut pair);
    }
}

/// It opens windows of 2^31 - 1 bytes, and has ten sessions at most at a time.
#[test]
fn its_sessions_go_on_while_keys_are_exchanged() {
    let mut pair = connected(OF_2024);
    pair.send(password("user", "right"));
    is_logged_in(&mut pair);
    let mut channels = Vec::new();
    for own in 0..10 {
        let (id, _) = pair.start(own, 0x7fff_ffff, 0x1_0000);
        channels.push((own, id, pair.last_channel()));
    }
    for exchanges in 2..5 {
        // Their data is on its way when the server begins.
        pair.connection.rekey();
        for (own, id, _) in &channels {
            let text = format!("{exchanges} up {own}");
            pair.client.send_later(messages::data(*id, text));
        }
        pair.run();
        let begun = pair.seen.iter().filter(|seen| **seen == Seen::Keys);
        assert_eq!(begun.count(), exchanges);
        for (own, _, channel) in &channels {
            let data = Seen::Data(*channel, format!("{exchanges} up {own}").into_bytes());
            assert!(pair.seen.contains(&data), "{data:?}");
            let text = format!("{exchanges} down {own}");
            assert_eq!(pair.connection.send(*channel, text.as_bytes()), text.len());
            pair.run();
            let last = pair.client.inbox.back();
            assert_eq!(last, Some(&messages::data(*own, text)));
        }
    }
}
