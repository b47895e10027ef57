//! Keys of the server: that they sign as OpenSSH does, and which are none.

use ssh_key::private::RsaKeypair;

use super::{
    super::{
        CertificateProblem, HostCertificateError as Problem, HostKey, HostKeyError, KeyAlgorithm,
        PublicKey, SignFailed, SignatureAlgorithm,
    },
    data, hex, host, public, signed, strings,
};
use crate::{
    Presence,
    wire::{Reader, put_mpint, put_string, put_u32},
};

const KEYS: [(&str, &str); 9] = [
    (data!("ed25519.key"), data!("ed25519.sig")),
    (data!("ecdsa256.key"), data!("ecdsa256.sig")),
    (data!("ecdsa384.key"), data!("ecdsa384.sig")),
    (data!("ecdsa521.key"), data!("ecdsa521.sig")),
    (data!("rsa2048.key"), data!("rsa2048.sig")),
    (data!("rsa2056.key"), data!("rsa2056.sig")),
    (data!("rsa3072.key"), data!("rsa3072.sig")),
    (data!("rsa4096.key"), data!("rsa4096.sig")),
    (data!("rsa_e3.key"), data!("rsa_e3.sig")),
];

#[test]
fn host_keys_sign_what_their_public_halves_verify() {
    for (file, signature) in KEYS {
        let key = host(file);
        let known = signed(signature);
        assert_eq!(key.public_blob(), known.key);
        let public = PublicKey::parse(key.public_blob()).unwrap();
        let (head, tail) = known.message.split_at(9);
        for algorithm in KeyAlgorithm::USER_ALL.iter().map(|one| one.signature) {
            let made = key.sign(algorithm, &[head, tail]);
            if !key.algorithms().contains(&algorithm) {
                assert_eq!(made, Err(SignFailed), "{algorithm:?}");
                continue;
            }
            let made = made.unwrap();
            let verified = public.verify(algorithm, &[&known.message], &made);
            assert_eq!(verified, Ok(Presence::default()), "{algorithm:?}");
        }
    }
}

/// Ed25519 and RSA have one signature of a message, so ours is OpenSSH's; it is so for RSA by ring and by the rsa crate.
#[test]
fn signatures_without_chance_are_those_of_openssh() {
    for (file, signature) in KEYS {
        let key = host(file);
        let known = signed(signature);
        let algorithm = key.algorithms()[0];
        let made = key.sign(algorithm, &[&known.message]).unwrap();
        let by_chance = algorithm.name().starts_with("ecdsa");
        assert_eq!(made == known.signature, !by_chance, "{algorithm:?}");
    }
}

/// A private key's file as OpenSSH's PROTOCOL.key describes it.
fn private(fields: &[u8]) -> ssh_key::PrivateKey {
    let mut inner = vec![1; 8];
    inner.extend_from_slice(fields);
    put_string(&mut inner, b"");
    inner.extend((1..=8).take((8 - inner.len() % 8) % 8));
    let mut out = b"openssh-key-v1\0".to_vec();
    out.extend(strings(&[b"none", b"none", b""]));
    put_u32(&mut out, 1);
    let name = Reader::new(fields).string().unwrap();
    let public = match name {
        b"ssh-ed25519" => fields[..4 + name.len() + 4 + 32].to_vec(),
        _ => {
            let mut reader = Reader::new(fields);
            let parts = [(); 3].map(|()| reader.string().unwrap());
            strings(&parts)
        }
    };
    put_string(&mut out, &public);
    put_string(&mut out, &inner);
    ssh_key::PrivateKey::from_bytes(&out).unwrap()
}

/// RFC 6979 section A.2.7: P-521 signs without chance here.
#[test]
fn p521_signs_as_its_rfc_says() {
    let point = hex(
        "0401894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a4
         00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5",
    );
    let mut fields = strings(&[b"ecdsa-sha2-nistp521", b"nistp521", &point]);
    let secret = hex(
        "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa896eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b83538",
    );
    put_mpint(&mut fields, &secret);
    let key = HostKey::from_private(&private(&fields)).unwrap();
    let made = key.sign(SignatureAlgorithm::EcdsaNistP521, &[b"sample"]);
    let mut numbers = Vec::new();
    put_mpint(
        &mut numbers,
        &hex(
            "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e377fa",
        ),
    );
    put_mpint(
        &mut numbers,
        &hex(
            "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a",
        ),
    );
    assert_eq!(made.unwrap(), strings(&[b"ecdsa-sha2-nistp521", &numbers]));
}

/// PuTTY before 0.81 and SSH.NET before 2024.1 drop the zeros before a signature (RFC 8332 section 3).
#[test]
fn rsa_signatures_may_have_lost_zeros_and_not_won_any() {
    let key = host(data!("rsa2048.key"));
    let public = PublicKey::parse(key.public_blob()).unwrap();
    let algorithm = SignatureAlgorithm::RsaSha256;
    let name = algorithm.name().as_bytes();
    let (message, signature) = (0_u32..)
        .map(|number| number.to_be_bytes())
        .find_map(|message| {
            let blob = key.sign(algorithm, &[&message]).unwrap();
            let signature = blob[4 + name.len() + 4..].to_vec();
            (signature[0] == 0).then_some((message, signature))
        })
        .unwrap();
    let verify = |bytes: &[u8]| public.verify(algorithm, &[&message], &strings(&[name, bytes]));
    assert!(verify(&signature).is_ok());
    assert!(verify(&signature[1..]).is_ok());
    assert!(verify(&signature[2..]).is_err());
    assert!(verify(&[&[0][..], &signature].concat()).is_err());
    assert!(verify(&[]).is_err());
}

#[test]
fn keys_that_are_none_are_refused() {
    let from = |key: &ssh_key::PrivateKey| HostKey::from_private(key).err();
    let ed25519 = ssh_key::PrivateKey::from_openssh(data!("ed25519.key")).unwrap();
    let pair = ed25519.key_data().ed25519().unwrap();

    let mut other = pair.clone();
    other.public.0[0] ^= 1;
    let other = ssh_key::PrivateKey::new(other.into(), "").unwrap();
    assert_eq!(from(&other), Some(HostKeyError::Inconsistent));

    for (file, name) in [
        (data!("ecdsa256.sig"), "P-256"),
        (data!("ecdsa384.sig"), "P-384"),
        (data!("ecdsa521.sig"), "P-521"),
    ] {
        let mut fields = signed(file).key;
        put_mpint(&mut fields, &[5; 32]);
        let error = from(&private(&fields));
        assert_eq!(error, Some(HostKeyError::Inconsistent), "{name}");
    }

    let rsa = |file| {
        let key = ssh_key::PrivateKey::from_openssh(file).unwrap();
        key.key_data().rsa().unwrap().clone()
    };
    let short = ssh_key::PrivateKey::new(rsa(data!("rsa1024.key")).into(), "").unwrap();
    assert_eq!(from(&short), Some(HostKeyError::RsaSize));
    let (one, other) = (rsa(data!("rsa2048.key")), rsa(data!("rsa2056.key")));
    let mixed = RsaKeypair::new(one.public().clone(), other.private().clone()).unwrap();
    let mixed = ssh_key::PrivateKey::new(mixed.into(), "").unwrap();
    assert_eq!(from(&mixed), Some(HostKeyError::Inconsistent));

    let encrypted = concat!(
        "openssh-key-v1\0",
        "\0\0\0\x0aaes256-ctr\0\0\0\x06bcrypt\0\0\0\x18\0\0\0\x10saltsaltsaltsalt\0\0\0\x01\0\0\0\x01",
    );
    let mut bytes = encrypted.as_bytes().to_vec();
    put_string(&mut bytes, &signed(data!("ed25519.sig")).key);
    put_string(&mut bytes, &[9; 128]);
    let encrypted = ssh_key::PrivateKey::from_bytes(&bytes).unwrap();
    assert_eq!(from(&encrypted), Some(HostKeyError::Encrypted));
}

#[test]
fn nothing_secret_is_in_what_logs_print() {
    let key = host(data!("ed25519.key"));
    assert_eq!(format!("{key:?}"), "HostKey { kind: Ed25519, .. }");
}

#[test]
fn a_certificate_goes_with_its_own_key_and_is_a_servers() {
    let with = |key: &str, certificate: Vec<u8>| host(key).with_certificate(certificate);
    let (key, other) = (data!("ed25519.key"), data!("ecdsa256.key"));
    let certificate = public(data!("host-cert.pub"));
    let certified = with(key, certificate.clone()).unwrap();
    let by = |name: &str| KeyAlgorithm::from_name(name.as_bytes()).unwrap();
    assert!(certified.signs_by(by("ssh-ed25519")));
    assert!(certified.signs_by(by("ssh-ed25519-cert-v01@openssh.com")));
    assert!(!certified.signs_by(by("rsa-sha2-512-cert-v01@openssh.com")));
    assert!(!host(key).signs_by(by("ssh-ed25519-cert-v01@openssh.com")));
    for (key, certificate, problem) in [
        (other, certificate.clone(), Problem::OtherKey),
        (
            key,
            public(data!("ed25519-cert.pub")),
            Problem::Problem(CertificateProblem::NotOfAHost),
        ),
        (key, host(key).public_blob().to_vec(), Problem::Malformed),
        (
            key,
            certificate[..certificate.len() - 1].to_vec(),
            Problem::Malformed,
        ),
        (
            key,
            [
                &certificate[..certificate.len() - 1],
                &[!certificate[certificate.len() - 1]],
            ]
            .concat(),
            Problem::Problem(CertificateProblem::BadSignature),
        ),
    ] {
        assert_eq!(with(key, certificate).unwrap_err(), problem);
    }
}
