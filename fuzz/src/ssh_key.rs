use sftpgo_ssh_proto::{Certificate, CertificateKind, KeyAlgorithm, PublicKey, SignatureAlgorithm};

/// The most principals of a certificate.
const PRINCIPALS: usize = 256;

/// A key or a certificate, a signature, each with its length before it, and what was signed.
pub fn ssh_key(data: &[u8]) {
    let (blob, rest) = string(data);
    let (signature, message) = string(rest);
    let Ok(key) = PublicKey::parse(blob) else {
        return;
    };
    assert_eq!(key.blob(), blob);
    let plain = key.plain_blob();
    let inner = PublicKey::parse(&plain).unwrap();
    assert_eq!(inner.kind(), key.kind());
    assert_eq!(inner.plain_blob(), plain);
    assert!(inner.certificate().is_none());
    for algorithm in KeyAlgorithm::USER_ALL {
        let fitting = algorithm.signature.kind() == key.kind()
            && algorithm.certificate == key.certificate().is_some();
        assert_eq!(key.fits(*algorithm), fitting);
    }
    if let Some(by) = SignatureAlgorithm::from_name(string(signature).0) {
        check_signature(&key, &inner, by, message, signature);
    }
    if let Some(certificate) = key.certificate() {
        check_certificate(blob, certificate);
    }
}

/// A key in a certificate signs like itself, by algorithms of its kind, and one message only.
fn check_signature(
    key: &PublicKey<'_>,
    inner: &PublicKey<'_>,
    by: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) {
    let verified = key.verify(by, &[message], signature);
    assert_eq!(verified, inner.verify(by, &[message], signature));
    if let Ok(presence) = verified {
        assert_eq!(by.kind(), key.kind());
        assert_eq!(presence.is_security_key, key.kind().is_security_key());
        assert!(key.verify(by, &[message, b"\0"], signature).is_err());
    }
}

/// Whom a certificate lets in is named in it, and all that OpenSSH asks for holds.
fn check_certificate(blob: &[u8], certificate: &Certificate<'_>) {
    let authority = PublicKey::parse(certificate.authority()).unwrap();
    assert!(authority.certificate().is_none());
    assert!(certificate.principals().count() <= PRINCIPALS);
    certificate.extensions().for_each(drop);
    let stranger = b"a name that no seed has";
    for name in certificate.principals().chain([&stranger[..]]).take(3) {
        let from = certificate.valid_after();
        if certificate.check_user(name, from).is_err() {
            continue;
        }
        assert_eq!(certificate.kind(), CertificateKind::User);
        assert!(certificate.principals().any(|other| other == name));
        assert!(from < certificate.valid_before());
        assert!(
            certificate
                .check_user(name, certificate.valid_before())
                .is_err()
        );
        let known: [&[u8]; 3] = [b"force-command", b"source-address", b"verify-required"];
        let mut names: Vec<_> = certificate
            .critical_options()
            .map(|(name, _)| name)
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().all(|name| known.contains(name)));

        let signature = certificate_signature(blob);
        let by = SignatureAlgorithm::from_name(string(signature).0).unwrap();
        assert_ne!(by, SignatureAlgorithm::SshRsa);
        let signed = &blob[..blob.len() - signature.len() - 4];
        assert!(authority.verify(by, &[signed], signature).is_ok());
    }
}

/// The last of the strings of a certificate.
fn certificate_signature(blob: &[u8]) -> &[u8] {
    (4..blob.len())
        .rev()
        .find_map(|at| {
            let (found, rest) = string(&blob[at - 4..]);
            let whole = rest.is_empty() && found.len() == blob.len() - at;
            let named = SignatureAlgorithm::from_name(string(found).0).is_some();
            (whole && named).then_some(found)
        })
        .unwrap()
}

/// A string of the protocol and what is behind it; as much of it as there is.
fn string(data: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = data.split_first_chunk() else {
        return (data, b"");
    };
    let length = u32::from_be_bytes(*length) as usize;
    rest.split_at(length.min(rest.len()))
}
