//! Certificates that ssh-keygen would not write.

use super::{
    super::{CertificateProblem as Problem, HostKey, PublicKey, SignatureAlgorithm},
    Draft,
    certificates::check,
    data, host, public, strings,
};
use crate::{Malformed, wire::put_string};

fn authority() -> HostKey {
    host(data!("ca.key"))
}

fn checked(change: impl FnOnce(&mut Draft<'_>)) -> Result<(), Problem> {
    let authority = authority();
    let mut draft = Draft::of(&authority);
    change(&mut draft);
    let blob = draft.signed(&authority, SignatureAlgorithm::Ed25519);
    check(&blob, b"alice", 1500)
}

fn parsed(change: impl FnOnce(&mut Draft<'_>)) -> Option<Malformed> {
    let authority = authority();
    let mut draft = Draft::of(&authority);
    change(&mut draft);
    let blob = draft.signed(&authority, SignatureAlgorithm::Ed25519);
    PublicKey::parse(&blob).err()
}

/// CVE-2026-35414: a comma in a principal makes no two of it.
#[test]
fn a_comma_is_a_part_of_a_name() {
    assert_eq!(checked(|_| {}), Ok(()));
    for names in [
        vec![&b"alice,root"[..]],
        vec![b"root,alice"],
        vec![b","],
        vec![b"alice "],
        vec![b"alice\0"],
        vec![b""],
        vec![b"*"],
    ] {
        let result = checked(|draft| draft.principals = names.clone());
        assert_eq!(result, Err(Problem::OtherPrincipal), "{names:?}");
    }
    let authority = authority();
    let mut draft = Draft::of(&authority);
    draft.principals = vec![b"alice,root", b"\xff\xfe"];
    let blob = draft.signed(&authority, SignatureAlgorithm::Ed25519);
    assert_eq!(check(&blob, b"alice,root", 1500), Ok(()));
    assert_eq!(check(&blob, b"\xff\xfe", 1500), Ok(()));
    assert_eq!(check(&blob, b"root", 1500), Err(Problem::OtherPrincipal));
}

#[test]
fn principals_are_counted() {
    for (others, expected) in [
        (254, None),
        (255, None),
        (256, Some(Malformed)),
        (1000, Some(Malformed)),
    ] {
        let result = parsed(|draft| draft.principals.extend(vec![&b"x"[..]; others]));
        assert_eq!(result, expected, "{others}");
    }
    let last = checked(|draft| {
        draft.principals = vec![b"x"; 255];
        draft.principals.push(b"alice");
    });
    assert_eq!(last, Ok(()));
}

/// Names and values; the value of an option with text is a string in a string.
fn options(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let parts = parts
        .iter()
        .flat_map(|(name, value)| [name.as_bytes(), value]);
    strings(&parts.collect::<Vec<_>>())
}

#[test]
fn critical_options_are_kept_or_refused() {
    let command = strings(&[b"internal-sftp"]);
    let list = strings(&[b"10.0.0.0/8"]);
    let nothing = strings(&[b""]);
    let bad_list = strings(&[b"10.0.0.1/8"]);
    for (critical, expected) in [
        (options(&[("force-command", &command)]), Ok(())),
        (options(&[("force-command", &nothing)]), Ok(())),
        (options(&[("source-address", &list)]), Ok(())),
        (options(&[("source-address", &nothing)]), Ok(())),
        (options(&[("verify-required", b"")]), Ok(())),
        (
            options(&[("verify-required", b""), ("force-command", &command)]),
            Ok(()),
        ),
        (options(&[("", b"")]), Err(Problem::UnknownOption)),
        (
            options(&[("no-touch-required", b"")]),
            Err(Problem::UnknownOption),
        ),
        (
            options(&[("Force-command", &command)]),
            Err(Problem::UnknownOption),
        ),
        (
            options(&[("force-command\0", &command)]),
            Err(Problem::UnknownOption),
        ),
        (
            options(&[("x@example.com", b""), ("force-command", &command)]),
            Err(Problem::UnknownOption),
        ),
        (
            options(&[("force-command", &command), ("x@example.com", b"")]),
            Err(Problem::UnknownOption),
        ),
        (
            options(&[("force-command", &command), ("force-command", &command)]),
            Err(Problem::OptionTwice),
        ),
        (
            options(&[("source-address", &list), ("source-address", &list)]),
            Err(Problem::OptionTwice),
        ),
        (
            options(&[("verify-required", b""), ("verify-required", b"")]),
            Err(Problem::OptionTwice),
        ),
        (
            options(&[("force-command", b"internal-sftp")]),
            Err(Problem::BadOption),
        ),
        (options(&[("force-command", b"")]), Err(Problem::BadOption)),
        (
            options(&[("force-command", &[&command[..], &[0]].concat())]),
            Err(Problem::BadOption),
        ),
        (
            options(&[("source-address", b"10.0.0.0/8")]),
            Err(Problem::BadOption),
        ),
        (
            options(&[("source-address", &bad_list)]),
            Err(Problem::BadOption),
        ),
        (
            options(&[("verify-required", &nothing)]),
            Err(Problem::BadOption),
        ),
    ] {
        let result = checked(|draft| draft.critical = critical.clone());
        assert_eq!(result, expected, "{critical:?}");
    }
}

#[test]
fn an_empty_list_of_addresses_allows_none() {
    let authority = authority();
    let mut draft = Draft::of(&authority);
    draft.critical = options(&[("source-address", &strings(&[b""]))]);
    let blob = draft.signed(&authority, SignatureAlgorithm::Ed25519);
    let key = PublicKey::parse(&blob).unwrap();
    let certificate = key.certificate().unwrap();
    assert_eq!(certificate.source_address(), Some(&b""[..]));
    for address in ["127.0.0.1", "::1", "::", "0.0.0.0"] {
        assert!(!certificate.source_address_allows(address.parse().unwrap()));
    }
}

#[test]
fn extensions_that_nobody_knows_do_no_harm() {
    let text = strings(&[b"text"]);
    for (extensions, no_touch) in [
        (
            options(&[("x@example.com", &text), ("x@example.com", b"")]),
            false,
        ),
        (options(&[("no-touch-required", b"")]), true),
        (options(&[("no-touch-required", &text)]), false),
        (
            options(&[("permit-pty", b""), ("no-touch-required", b"")]),
            true,
        ),
    ] {
        let authority = authority();
        let mut draft = Draft::of(&authority);
        draft.extensions = extensions;
        let blob = draft.signed(&authority, SignatureAlgorithm::Ed25519);
        let key = PublicKey::parse(&blob).unwrap();
        assert_eq!(key.certificate().unwrap().allows_no_touch(), no_touch);
        assert_eq!(check(&blob, b"alice", 1500), Ok(()));
    }
}

#[test]
fn what_is_no_list_is_no_certificate() {
    let half = strings(&[b"force-command"]);
    for bytes in [&[0][..], &[0, 0, 0, 9, b'x'], &[0xff; 8], &half] {
        let critical = parsed(|draft| draft.critical = bytes.to_vec());
        assert_eq!(critical, Some(Malformed), "{bytes:?}");
        let extensions = parsed(|draft| draft.extensions = bytes.to_vec());
        assert_eq!(extensions, Some(Malformed), "{bytes:?}");
    }
    for bytes in [&[0][..], &[0, 0, 0, 9, b'x'], &[0xff; 8]] {
        let principals = parsed(|draft| draft.behind_principals = bytes);
        assert_eq!(principals, Some(Malformed), "{bytes:?}");
    }
    for kind in [0, 3, 0x0100_0001, u32::MAX] {
        assert_eq!(parsed(|draft| draft.kind = kind), Some(Malformed), "{kind}");
    }
    assert_eq!(parsed(|draft| draft.kind = 2), None);
    let names: [&str; 3] = [
        "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        "rsa-sha2-256-cert-v01@openssh.com",
        "ssh-ed25519-cert-v00@openssh.com",
    ];
    for name in names {
        assert_eq!(parsed(|draft| draft.name = name), Some(Malformed), "{name}");
    }
}

/// A certificate in a certificate is refused before it is read, however deep the nest.
#[test]
fn an_authority_is_a_plain_key() {
    let nested = public(data!("ed25519-cert.pub"));
    assert_eq!(parsed(|draft| draft.authority = nested), Some(Malformed));
    let name = &b"ssh-ed25519-cert-v01@openssh.com"[..];
    for like_plain in [strings(&[name]), strings(&[name, &[7; 32]])] {
        let result = parsed(|draft| draft.authority = like_plain);
        assert_eq!(result, Some(Malformed));
    }
    let mut blob = authority().public_blob().to_vec();
    for _ in 0..1000 {
        let mut draft = Draft::of(&authority());
        draft.authority = blob;
        blob = draft.unsigned();
        put_string(&mut blob, b"");
    }
    assert!(blob.len() > 100_000);
    assert_eq!(PublicKey::parse(&blob).err(), Some(Malformed));

    for other in [
        b"".to_vec(),
        b"ssh-ed25519".to_vec(),
        strings(&[b"ssh-dss", b"", b"", b"", b""]),
        [authority().public_blob(), &[0]].concat(),
        public(data!("rsa2047.pub")),
    ] {
        assert_eq!(parsed(|draft| draft.authority = other), Some(Malformed));
    }
}

#[test]
fn an_authority_signs_by_its_own_key_and_not_with_sha_1() {
    let (ca, rsa) = (authority(), host(data!("rsa2048.key")));
    let by_other = Draft::of(&rsa).signed(&ca, SignatureAlgorithm::Ed25519);
    assert_eq!(check(&by_other, b"alice", 1500), Err(Problem::BadSignature));
    let draft = Draft::of(&rsa);
    let result = |algorithm| check(&draft.signed(&rsa, algorithm), b"alice", 1500);
    assert_eq!(result(SignatureAlgorithm::RsaSha512), Ok(()));
    assert_eq!(result(SignatureAlgorithm::RsaSha256), Ok(()));
    assert_eq!(
        result(SignatureAlgorithm::SshRsa),
        Err(Problem::SignatureAlgorithm)
    );
    for (name, expected) in [
        (
            "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
            Problem::SignatureAlgorithm,
        ),
        ("ssh-dss", Problem::SignatureAlgorithm),
        ("ssh-rsa-cert-v01@openssh.com", Problem::SignatureAlgorithm),
        ("rsa-sha2-256", Problem::BadSignature),
        ("ssh-ed25519", Problem::BadSignature),
    ] {
        let mut blob = draft.unsigned();
        put_string(&mut blob, &strings(&[name.as_bytes(), &[1; 256]]));
        assert_eq!(check(&blob, b"alice", 1500), Err(expected), "{name}");
    }
    let mut blob = draft.unsigned();
    put_string(&mut blob, b"");
    assert_eq!(check(&blob, b"alice", 1500), Err(Problem::BadSignature));
}
