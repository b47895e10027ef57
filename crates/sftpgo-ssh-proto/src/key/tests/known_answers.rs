//! Signatures of RFCs and of OpenSSH.

use super::{
    super::{KeyAlgorithm, PublicKey, SignatureAlgorithm},
    data, hex, public, signed, strings,
};
use crate::{
    BadSignature, Presence,
    wire::{Reader, put_mpint, put_string},
};

/// Each kind of key, with what OpenSSH signed with it.
pub(super) const SIGNED: [(&str, SignatureAlgorithm); 13] = [
    (data!("ed25519.sig"), SignatureAlgorithm::Ed25519),
    (data!("ecdsa256.sig"), SignatureAlgorithm::EcdsaNistP256),
    (data!("ecdsa384.sig"), SignatureAlgorithm::EcdsaNistP384),
    (data!("ecdsa521.sig"), SignatureAlgorithm::EcdsaNistP521),
    (data!("rsa2048.sig"), SignatureAlgorithm::RsaSha512),
    (data!("rsa2056.sig"), SignatureAlgorithm::RsaSha512),
    (data!("rsa3072.sig"), SignatureAlgorithm::RsaSha512),
    (data!("rsa4096.sig"), SignatureAlgorithm::RsaSha512),
    (data!("rsa9216.sig"), SignatureAlgorithm::RsaSha512),
    (data!("rsa_e3.sig"), SignatureAlgorithm::RsaSha512),
    (data!("ed25519_sk.sig"), SignatureAlgorithm::SkEd25519),
    (data!("ecdsa_sk.sig"), SignatureAlgorithm::SkEcdsaNistP256),
    (
        data!("ecdsa_sk_webauthn.sig"),
        SignatureAlgorithm::WebauthnSkEcdsaNistP256,
    ),
];

#[test]
fn what_openssh_signed_holds_and_by_no_other_algorithm() {
    for (text, algorithm) in SIGNED {
        let signed = signed(text);
        let key = PublicKey::parse(&signed.key).unwrap();
        let (head, tail) = signed.message.split_at(20);
        let verify = |algorithm, parts: &[&[u8]]| key.verify(algorithm, parts, &signed.signature);
        let name = algorithm.name();
        let whole = verify(algorithm, &[&signed.message]);
        assert!(whole.is_ok(), "{name}");
        assert_eq!(verify(algorithm, &[head, b"", tail]), whole, "{name}");
        assert_eq!(verify(algorithm, &[tail, head]), Err(BadSignature));
        assert_eq!(verify(algorithm, &[head]), Err(BadSignature), "{name}");
        assert_eq!(verify(algorithm, &[]), Err(BadSignature), "{name}");
        for other in KeyAlgorithm::USER_ALL.iter().map(|one| one.signature) {
            let expected = if other == algorithm {
                whole
            } else {
                Err(BadSignature)
            };
            assert_eq!(verify(other, &[&signed.message]), expected, "{name}");
        }
    }
}

/// No algorithm's name but its own stands in a signature, whatever the key could do with the rest.
#[test]
fn the_name_in_a_signature_is_the_algorithms() {
    for (text, algorithm) in SIGNED {
        let signed = signed(text);
        let key = PublicKey::parse(&signed.key).unwrap();
        let mut reader = Reader::new(&signed.signature);
        assert_eq!(reader.string(), Ok(algorithm.name().as_bytes()));
        let names = KeyAlgorithm::USER_ALL.iter().map(|one| one.name());
        for name in names.chain(["", "ssh-dss"]) {
            let mut named = strings(&[name.as_bytes()]);
            named.extend_from_slice(reader.rest());
            let verified = key.verify(algorithm, &[&signed.message], &named);
            assert_eq!(verified.is_ok(), name == algorithm.name(), "{name}");
        }
    }
}

/// CVE-2026-35387 once more: another curve's name does not make this curve's signature its own.
#[test]
fn a_signature_under_another_name_is_none() {
    for (text, algorithm) in SIGNED {
        let signed = signed(text);
        let key = PublicKey::parse(&signed.key).unwrap();
        let mut reader = Reader::new(&signed.signature);
        reader.string().unwrap();
        for other in KeyAlgorithm::USER_ALL.iter().map(|one| one.signature) {
            let mut named = strings(&[other.name().as_bytes()]);
            named.extend_from_slice(reader.rest());
            let verified = key.verify(other, &[&signed.message], &named);
            assert_eq!(verified.is_ok(), other == algorithm, "{other:?}");
        }
    }
}

#[test]
fn no_bit_of_a_signature_can_change() {
    for (text, algorithm) in SIGNED {
        let signed = signed(text);
        let key = PublicKey::parse(&signed.key).unwrap();
        let verify = |signature: &[u8]| key.verify(algorithm, &[&signed.message], signature);
        for at in 0..signed.signature.len() {
            let mut changed = signed.signature.clone();
            changed[at] ^= 1 << (at % 8);
            assert_eq!(verify(&changed), Err(BadSignature), "{at} {algorithm:?}");
            let cut = &signed.signature[..at];
            assert_eq!(verify(cut), Err(BadSignature), "{at} {algorithm:?}");
        }
        let longer = [&signed.signature[..], &[0]].concat();
        assert_eq!(verify(&longer), Err(BadSignature), "{algorithm:?}");
    }
}

#[test]
fn no_bit_of_a_message_can_change() {
    for (text, algorithm) in SIGNED {
        let signed = signed(text);
        let key = PublicKey::parse(&signed.key).unwrap();
        for at in 0..signed.message.len() {
            let mut changed = signed.message.clone();
            changed[at] ^= 1 << (at % 8);
            let verified = key.verify(algorithm, &[&changed], &signed.signature);
            assert_eq!(verified, Err(BadSignature), "{at} {algorithm:?}");
        }
    }
}

/// RFC 8032 section 7.1, tests 1 to 3.
#[test]
fn ed25519_is_that_of_its_rfc() {
    for (key, message, signature) in [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ] {
        let blob = strings(&[b"ssh-ed25519", &hex(key)]);
        let key = PublicKey::parse(&blob).unwrap();
        let signature = strings(&[b"ssh-ed25519", &hex(signature)]);
        let verified = key.verify(SignatureAlgorithm::Ed25519, &[&hex(message)], &signature);
        assert_eq!(verified, Ok(Presence::default()));
    }
}

/// RFC 6979 sections A.2.5, A.2.6 and A.2.7: the point, and the signatures of `sample` and `test` by the hash of the curve's
/// size.
#[test]
fn ecdsa_is_that_of_its_rfc() {
    use SignatureAlgorithm::{EcdsaNistP256, EcdsaNistP384, EcdsaNistP521};
    for (algorithm, curve, point, signatures) in [
        (
            EcdsaNistP256,
            "nistp256",
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6
             7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
            [
                (
                    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
                    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
                ),
                (
                    "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
                    "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
                ),
            ],
        ),
        (
            EcdsaNistP384,
            "nistp384",
            "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13
             8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
            [
                (
                    "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46",
                    "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8",
                ),
                (
                    "8203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36ab775d509d7a5feb0542a7f0812998da8f1dd3ca3cf023db",
                    "ddd0760448d42d8a43af45af836fce4de8be06b485e9b61b827c2f13173923e06a739f040649a667bf3b828246baa5a5",
                ),
            ],
        ),
        (
            EcdsaNistP521,
            "nistp521",
            "01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a4
             00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5",
            [
                (
                    "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e377fa",
                    "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a",
                ),
                (
                    "013e99020abf5cee7525d16b69b229652ab6bdf2affcaef38773b4b7d08725f10cdb93482fdcc54edcee91eca4166b2a7c6265ef0ce2bd7051b7cef945babd47ee6d",
                    "01fbd0013c674aa79cb39849527916ce301c66ea7ce8b80682786ad60f98f7e78a19ca69eff5c57400e3b3a0ad66ce0978214d13baf4e9ac60752f7b155e2de4dce3",
                ),
            ],
        ),
    ] {
        let name = algorithm.name().as_bytes();
        let blob = strings(&[name, curve.as_bytes(), &hex(&format!("04{point}"))]);
        let key = PublicKey::parse(&blob).unwrap();
        for (message, (r, s)) in [b"sample" as &[u8], b"test"].into_iter().zip(signatures) {
            let mut numbers = Vec::new();
            put_mpint(&mut numbers, &hex(r));
            put_mpint(&mut numbers, &hex(s));
            let verify = |numbers: &[u8]| {
                let mut signature = strings(&[name]);
                put_string(&mut signature, numbers);
                key.verify(algorithm, &[message], &signature)
            };
            assert_eq!(verify(&numbers), Ok(Presence::default()), "{curve}");

            let mut swapped = Vec::new();
            put_mpint(&mut swapped, &hex(s));
            put_mpint(&mut swapped, &hex(r));
            let mut zero = Vec::new();
            put_mpint(&mut zero, &[]);
            put_mpint(&mut zero, &[]);
            let mut long = Vec::new();
            put_mpint(&mut long, &hex(&format!("01{r}00")));
            put_mpint(&mut long, &hex(s));
            let negative = strings(&[&[0x80], &[0x80]]);
            let more = [&numbers[..], &[0]].concat();
            for bad in [swapped, zero, long, negative, more, Vec::new()] {
                assert_eq!(verify(&bad), Err(BadSignature), "{curve}");
            }
        }
    }
}

/// Authorities' signatures by ssh-keygen are over the certificate up to them.
#[test]
fn rsa_with_each_hash_is_openssh_s() {
    let rsa = signed(data!("rsa2048.sig")).key;
    let key = PublicKey::parse(&rsa).unwrap();
    for (line, algorithm) in [
        (data!("by_rsa_sha1-cert.pub"), SignatureAlgorithm::SshRsa),
        (
            data!("by_rsa_sha256-cert.pub"),
            SignatureAlgorithm::RsaSha256,
        ),
        (
            data!("by_rsa_sha512-cert.pub"),
            SignatureAlgorithm::RsaSha512,
        ),
    ] {
        let certificate = public(line);
        let length = 4 + algorithm.name().len() + 4 + 256;
        let (message, signature) = certificate.split_at(certificate.len() - length);
        let message = &message[..message.len() - 4];
        let verify = |message| key.verify(algorithm, &[message], signature);
        assert_eq!(verify(message), Ok(Presence::default()), "{algorithm:?}");
        assert_eq!(verify(&message[1..]), Err(BadSignature), "{algorithm:?}");
    }
}
