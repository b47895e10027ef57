//! Security keys: what their signatures say of their user, and texts that no browser signs.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD},
};
use ring::digest::{SHA256, digest};

use super::{
    super::{HostKey, PublicKey, SignatureAlgorithm},
    data, host, signed, strings,
};
use crate::{BadSignature, Presence, wire::Reader};

const MESSAGE: &[u8] = b"session id and request>>>???";
const ORIGIN: &str = "https://sftp.example";
const WEBAUTHN: SignatureAlgorithm = SignatureAlgorithm::WebauthnSkEcdsaNistP256;

/// OpenSSH's test keys were touched, and count from 0x12345678; the browser's knew no user either.
#[test]
fn what_the_device_says_is_handed_over() {
    let expected = |counter| Presence {
        is_security_key: true,
        user_present: true,
        user_verified: false,
        counter,
    };
    for (text, algorithm, counter) in [
        (
            data!("ed25519_sk.sig"),
            SignatureAlgorithm::SkEd25519,
            0x1234_5678,
        ),
        (
            data!("ecdsa_sk.sig"),
            SignatureAlgorithm::SkEcdsaNistP256,
            0x1234_5678,
        ),
        (data!("ecdsa_sk_webauthn.sig"), WEBAUTHN, 799),
    ] {
        let signed = signed(text);
        let key = PublicKey::parse(&signed.key).unwrap();
        let verified = key.verify(algorithm, &[&signed.message], &signed.signature);
        assert_eq!(verified, Ok(expected(counter)), "{algorithm:?}");
    }
}

/// A device made of a plain key: the same curve signs what PROTOCOL.u2f describes.
struct Device {
    key: HostKey,
    blob: Vec<u8>,
}

impl Device {
    fn ed25519() -> Self {
        let key = host(data!("ed25519.key"));
        let point = key.public_blob()[4 + 11 + 4..].to_vec();
        let blob = strings(&[b"sk-ssh-ed25519@openssh.com", &point, b"ssh:"]);
        Self { key, blob }
    }

    fn ecdsa() -> Self {
        let key = host(data!("ecdsa256.key"));
        let point = key.public_blob()[4 + 19 + 4 + 8 + 4..].to_vec();
        let name = b"sk-ecdsa-sha2-nistp256@openssh.com";
        let blob = strings(&[name, b"nistp256", &point, b"ssh:"]);
        Self { key, blob }
    }

    /// The bare signature of application, flags, counter, extensions and the hash of `challenge`.
    fn sign(&self, flags: u8, extensions: &[u8], challenge: &[u8]) -> Vec<u8> {
        let (application, challenge) = (digest(&SHA256, b"ssh:"), digest(&SHA256, challenge));
        let parts: [&[u8]; 5] = [
            application.as_ref(),
            &[flags],
            &[0, 0, 0, 9],
            extensions,
            challenge.as_ref(),
        ];
        let signature = self.key.sign(self.key.algorithms()[0], &parts).unwrap();
        let mut reader = Reader::new(&signature);
        reader.string().unwrap();
        reader.string().unwrap().to_vec()
    }

    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        signature: &[u8],
        more: &[u8],
    ) -> Result<Presence, BadSignature> {
        let blob = [&strings(&[algorithm.name().as_bytes(), signature]), more].concat();
        PublicKey::parse(&self.blob)
            .unwrap()
            .verify(algorithm, &[MESSAGE], &blob)
    }
}

/// CVE-2026-39831: nobody touched the device, and the signature is good. The host has to see that.
#[test]
fn each_flag_is_told_as_it_was_signed() {
    for (device, algorithm) in [
        (Device::ed25519(), SignatureAlgorithm::SkEd25519),
        (Device::ecdsa(), SignatureAlgorithm::SkEcdsaNistP256),
    ] {
        for (flags, user_present, user_verified) in [
            (0, false, false),
            (1, true, false),
            (4, false, true),
            (5, true, true),
            (0xfa, false, false),
        ] {
            let signature = device.sign(flags, b"", MESSAGE);
            let verify = |flags| device.verify(algorithm, &signature, &[flags, 0, 0, 0, 9]);
            let expected = Presence {
                is_security_key: true,
                user_present,
                user_verified,
                counter: 9,
            };
            assert_eq!(verify(flags), Ok(expected), "{flags}");
            assert_eq!(verify(flags ^ 1), Err(BadSignature), "{flags}");
            assert_eq!(verify(flags ^ 4), Err(BadSignature), "{flags}");
            let other = device.verify(algorithm, &signature, &[flags, 0, 0, 0, 8]);
            assert_eq!(other, Err(BadSignature));
        }
        let extended = device.sign(1, b"\xa0", MESSAGE);
        let verified = device.verify(algorithm, &extended, &[1, 0, 0, 0, 9]);
        assert_eq!(verified, Err(BadSignature));
    }
}

#[test]
fn the_application_belongs_to_the_key() {
    let device = Device::ed25519();
    let signature = device.sign(1, b"", MESSAGE);
    let mut other = device;
    *other.blob.last_mut().unwrap() = b';';
    let verified = other.verify(SignatureAlgorithm::SkEd25519, &signature, &[1, 0, 0, 0, 9]);
    assert_eq!(verified, Err(BadSignature));
}

/// A signature of the plain key is none of the device, and the other way round.
#[test]
fn a_plain_signature_is_no_device_s() {
    let device = Device::ed25519();
    let plain = device
        .key
        .sign(SignatureAlgorithm::Ed25519, &[MESSAGE])
        .unwrap();
    let sk = PublicKey::parse(&device.blob).unwrap();
    for algorithm in [SignatureAlgorithm::Ed25519, SignatureAlgorithm::SkEd25519] {
        assert_eq!(sk.verify(algorithm, &[MESSAGE], &plain), Err(BadSignature));
    }
    let bare = &plain[4 + 11 + 4..];
    let verified = device.verify(SignatureAlgorithm::SkEd25519, bare, &[1, 0, 0, 0, 9]);
    assert_eq!(verified, Err(BadSignature));
}

fn client_data(challenge: &str, origin: &str) -> String {
    format!(
        r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#
    )
}

fn webauthn(
    flags: u8,
    origin: &str,
    client_data: &str,
    extensions: &[u8],
) -> Result<Presence, BadSignature> {
    let device = Device::ecdsa();
    let signature = device.sign(flags, extensions, client_data.as_bytes());
    let mut more = vec![flags, 0, 0, 0, 9];
    more.extend(strings(&[
        origin.as_bytes(),
        client_data.as_bytes(),
        extensions,
    ]));
    device.verify(WEBAUTHN, &signature, &more)
}

#[test]
fn a_browser_signs_a_text_that_begins_in_one_way() {
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(MESSAGE);
    let good = client_data(&challenge, ORIGIN);
    assert!(webauthn(1, ORIGIN, &good, b"").is_ok());
    let unknown_end = good.replace("false", r#"true,"more":[1]"#);
    assert!(webauthn(5, ORIGIN, &unknown_end, b"").is_ok());

    let standard = BASE64_STANDARD.encode(MESSAGE);
    let padded = BASE64_URL_SAFE.encode(MESSAGE);
    assert!(challenge.contains('_') && standard.contains('/') && padded.ends_with('='));
    let other = BASE64_URL_SAFE_NO_PAD.encode(b"session id and request>>>??!");
    let preamble = good.len() - r#","crossOrigin":false}"#.len();
    for text in [
        client_data(&standard, ORIGIN),
        client_data(&padded, ORIGIN),
        client_data(&other, ORIGIN),
        client_data("", ORIGIN),
        client_data(&challenge, "https://other.example"),
        client_data(&challenge, "https://sftp.example.org"),
        good.replace("webauthn.get", "webauthn.create"),
        good.replace(r#"":""#, r#"": ""#),
        format!(" {good}"),
        format!(r#"{{"a":1,{}"#, &good[1..]),
        good[..preamble - 1].to_owned(),
        String::new(),
    ] {
        assert_eq!(webauthn(1, ORIGIN, &text, b""), Err(BadSignature), "{text}");
    }
}

#[test]
fn an_origin_ends_where_it_says() {
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(MESSAGE);
    let origin = r#"https://a.example","x":""#;
    let text = client_data(&challenge, origin);
    assert_eq!(webauthn(1, origin, &text, b""), Err(BadSignature));
    let text = client_data(&challenge, ORIGIN);
    assert_eq!(webauthn(1, "", &text, b""), Err(BadSignature));
    assert_eq!(webauthn(1, "https://sftp", &text, b""), Err(BadSignature));
}

#[test]
fn flags_say_what_follows_them() {
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(MESSAGE);
    let text = client_data(&challenge, ORIGIN);
    assert!(webauthn(0x81, ORIGIN, &text, b"\xa0").is_ok());
    for (flags, extensions) in [
        (0x01, &b"\xa0"[..]),
        (0x81, b""),
        (0x41, b""),
        (0xc1, b"\xa0"),
    ] {
        let verified = webauthn(flags, ORIGIN, &text, extensions);
        assert_eq!(verified, Err(BadSignature), "{flags:x}");
    }
}
