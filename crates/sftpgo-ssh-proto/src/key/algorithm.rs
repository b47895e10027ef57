//! Names of signatures and of keys, as KEXINIT, `server-sig-algs` and requests of a login have them.

/// How a signature is made. Its name is the first string of a signature.
///
/// RFC 8709 (Ed25519), 5656 (ECDSA), 8332 and 4253 section 6.6 (RSA), OpenSSH PROTOCOL.u2f (the last three).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// `ssh-ed25519`
    Ed25519,
    /// `ecdsa-sha2-nistp256`
    EcdsaNistP256,
    /// `ecdsa-sha2-nistp384`
    EcdsaNistP384,
    /// `ecdsa-sha2-nistp521`
    EcdsaNistP521,
    /// `rsa-sha2-512`
    RsaSha512,
    /// `rsa-sha2-256`
    RsaSha256,
    /// `ssh-rsa`: RSA with SHA-1, which is broken. Only on request.
    SshRsa,
    /// `sk-ssh-ed25519@openssh.com`
    SkEd25519,
    /// `sk-ecdsa-sha2-nistp256@openssh.com`
    SkEcdsaNistP256,
    /// `webauthn-sk-ecdsa-sha2-nistp256@openssh.com`: as a browser signs with such a key.
    WebauthnSkEcdsaNistP256,
}

impl SignatureAlgorithm {
    const ALL: [Self; 10] = [
        Self::Ed25519,
        Self::EcdsaNistP256,
        Self::EcdsaNistP384,
        Self::EcdsaNistP521,
        Self::RsaSha512,
        Self::RsaSha256,
        Self::SshRsa,
        Self::SkEd25519,
        Self::SkEcdsaNistP256,
        Self::WebauthnSkEcdsaNistP256,
    ];

    /// The name in the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::EcdsaNistP256 => "ecdsa-sha2-nistp256",
            Self::EcdsaNistP384 => "ecdsa-sha2-nistp384",
            Self::EcdsaNistP521 => "ecdsa-sha2-nistp521",
            Self::RsaSha512 => "rsa-sha2-512",
            Self::RsaSha256 => "rsa-sha2-256",
            Self::SshRsa => "ssh-rsa",
            Self::SkEd25519 => "sk-ssh-ed25519@openssh.com",
            Self::SkEcdsaNistP256 => "sk-ecdsa-sha2-nistp256@openssh.com",
            Self::WebauthnSkEcdsaNistP256 => "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    /// The algorithm of that name, if there is one.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().as_bytes() == name)
    }

    /// The kind of key that makes such signatures.
    pub const fn kind(self) -> KeyKind {
        match self {
            Self::Ed25519 => KeyKind::Ed25519,
            Self::EcdsaNistP256 => KeyKind::EcdsaNistP256,
            Self::EcdsaNistP384 => KeyKind::EcdsaNistP384,
            Self::EcdsaNistP521 => KeyKind::EcdsaNistP521,
            Self::RsaSha512 | Self::RsaSha256 | Self::SshRsa => KeyKind::Rsa,
            Self::SkEd25519 => KeyKind::SkEd25519,
            Self::SkEcdsaNistP256 | Self::WebauthnSkEcdsaNistP256 => KeyKind::SkEcdsaNistP256,
        }
    }
}

/// A name of a host key algorithm or of a user's public key algorithm: a signature, by a plain key or by one in a
/// certificate (OpenSSH PROTOCOL.certkeys).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyAlgorithm {
    /// How the key signs.
    pub signature: SignatureAlgorithm,
    /// Whether the key comes in a certificate.
    pub certificate: bool,
}

impl From<SignatureAlgorithm> for KeyAlgorithm {
    /// By a plain key.
    fn from(signature: SignatureAlgorithm) -> Self {
        plain(signature)
    }
}

const fn plain(signature: SignatureAlgorithm) -> KeyAlgorithm {
    KeyAlgorithm {
        signature,
        certificate: false,
    }
}

const fn certified(signature: SignatureAlgorithm) -> KeyAlgorithm {
    KeyAlgorithm {
        signature,
        certificate: true,
    }
}

/// Algorithms of these signatures, best first: each by a key in a certificate, then each by a plain key.
macro_rules! both {
    ($($signature:ident,)*) => {
        &[
            $(certified(SignatureAlgorithm::$signature),)*
            $(plain(SignatureAlgorithm::$signature),)*
        ]
    };
}

impl KeyAlgorithm {
    /// What a server offers for its own keys without being asked for more: as far as it has such keys, and certificates of them.
    pub const HOST_DEFAULT: &'static [Self] = both![
        Ed25519,
        EcdsaNistP256,
        EcdsaNistP384,
        EcdsaNistP521,
        RsaSha512,
        RsaSha256,
    ];

    /// All that a server can offer for its own keys.
    pub const HOST_ALL: &'static [Self] = both![
        Ed25519,
        EcdsaNistP256,
        EcdsaNistP384,
        EcdsaNistP521,
        RsaSha512,
        RsaSha256,
        SshRsa,
    ];

    /// What users' keys may sign with: everything but SHA-1.
    pub const USER_DEFAULT: &'static [Self] = both![
        Ed25519,
        EcdsaNistP256,
        EcdsaNistP384,
        EcdsaNistP521,
        SkEd25519,
        SkEcdsaNistP256,
        WebauthnSkEcdsaNistP256,
        RsaSha512,
        RsaSha256,
    ];

    /// All that users' keys can sign with.
    pub const USER_ALL: &'static [Self] = both![
        Ed25519,
        EcdsaNistP256,
        EcdsaNistP384,
        EcdsaNistP521,
        SkEd25519,
        SkEcdsaNistP256,
        WebauthnSkEcdsaNistP256,
        RsaSha512,
        RsaSha256,
        SshRsa,
    ];

    /// The name in the protocol.
    pub const fn name(self) -> &'static str {
        if !self.certificate {
            return self.signature.name();
        }
        match self.signature {
            SignatureAlgorithm::Ed25519 => "ssh-ed25519-cert-v01@openssh.com",
            SignatureAlgorithm::EcdsaNistP256 => "ecdsa-sha2-nistp256-cert-v01@openssh.com",
            SignatureAlgorithm::EcdsaNistP384 => "ecdsa-sha2-nistp384-cert-v01@openssh.com",
            SignatureAlgorithm::EcdsaNistP521 => "ecdsa-sha2-nistp521-cert-v01@openssh.com",
            SignatureAlgorithm::RsaSha512 => "rsa-sha2-512-cert-v01@openssh.com",
            SignatureAlgorithm::RsaSha256 => "rsa-sha2-256-cert-v01@openssh.com",
            SignatureAlgorithm::SshRsa => "ssh-rsa-cert-v01@openssh.com",
            SignatureAlgorithm::SkEd25519 => "sk-ssh-ed25519-cert-v01@openssh.com",
            SignatureAlgorithm::SkEcdsaNistP256 => "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
            SignatureAlgorithm::WebauthnSkEcdsaNistP256 => {
                "webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"
            }
        }
    }

    /// The algorithm of that name, if there is one.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::USER_ALL
            .iter()
            .copied()
            .find(|algorithm| algorithm.name().as_bytes() == name)
    }
}

/// What a public key is, whatever it signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Ed25519 (RFC 8709).
    Ed25519,
    /// ECDSA on the curve P-256 (RFC 5656).
    EcdsaNistP256,
    /// ECDSA on the curve P-384.
    EcdsaNistP384,
    /// ECDSA on the curve P-521.
    EcdsaNistP521,
    /// RSA, with any hash.
    Rsa,
    /// Ed25519 in a security key (OpenSSH PROTOCOL.u2f).
    SkEd25519,
    /// ECDSA on P-256 in a security key.
    SkEcdsaNistP256,
}

impl KeyKind {
    /// The first string of a plain key's blob.
    pub const fn name(self) -> &'static str {
        self.blob_type(false).name()
    }

    /// Whether such a key is in a FIDO device, whose signatures say what its user did.
    pub const fn is_security_key(self) -> bool {
        matches!(self, Self::SkEd25519 | Self::SkEcdsaNistP256)
    }

    /// A blob has the name of the algorithm but for two: RSA keys are `ssh-rsa` whatever the hash (RFC 8332 section 3), and
    /// `webauthn-` is a signature only.
    const fn blob_type(self, certificate: bool) -> KeyAlgorithm {
        let signature = match self {
            Self::Ed25519 => SignatureAlgorithm::Ed25519,
            Self::EcdsaNistP256 => SignatureAlgorithm::EcdsaNistP256,
            Self::EcdsaNistP384 => SignatureAlgorithm::EcdsaNistP384,
            Self::EcdsaNistP521 => SignatureAlgorithm::EcdsaNistP521,
            Self::Rsa => SignatureAlgorithm::SshRsa,
            Self::SkEd25519 => SignatureAlgorithm::SkEd25519,
            Self::SkEcdsaNistP256 => SignatureAlgorithm::SkEcdsaNistP256,
        };
        KeyAlgorithm {
            signature,
            certificate,
        }
    }

    /// What a blob of that type holds, and whether it is a certificate.
    pub(super) fn of_blob_type(name: &[u8]) -> Option<(Self, bool)> {
        let found = KeyAlgorithm::from_name(name)?;
        let kind = found.signature.kind();
        (kind.blob_type(found.certificate) == found).then_some((kind, found.certificate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_leads_back_to_its_algorithm() {
        for algorithm in KeyAlgorithm::USER_ALL {
            assert_eq!(
                KeyAlgorithm::from_name(algorithm.name().as_bytes()),
                Some(*algorithm)
            );
            let ending = algorithm.name().ends_with("-cert-v01@openssh.com");
            assert_eq!(algorithm.certificate, ending, "{}", algorithm.name());
        }
        for algorithm in SignatureAlgorithm::ALL {
            assert_eq!(
                SignatureAlgorithm::from_name(algorithm.name().as_bytes()),
                Some(algorithm)
            );
        }
        assert_eq!(KeyAlgorithm::USER_ALL.len(), 20);
        for unknown in [&b""[..], b"ssh-dss", b"ssh-ed25519\0", b"SSH-ED25519"] {
            assert_eq!(KeyAlgorithm::from_name(unknown), None);
            assert_eq!(SignatureAlgorithm::from_name(unknown), None);
        }
    }

    #[test]
    fn sha_1_is_for_those_who_ask() {
        let user = KeyAlgorithm::USER_DEFAULT.iter().map(|one| one.signature);
        let host = KeyAlgorithm::HOST_DEFAULT.iter().map(|one| one.signature);
        assert!(
            user.chain(host)
                .all(|one| one != SignatureAlgorithm::SshRsa)
        );
        let names = |list: &[KeyAlgorithm]| list.iter().map(|one| one.name()).collect::<Vec<_>>();
        let plain = names(KeyAlgorithm::HOST_DEFAULT).split_off(6);
        assert_eq!(
            plain,
            [
                "ssh-ed25519",
                "ecdsa-sha2-nistp256",
                "ecdsa-sha2-nistp384",
                "ecdsa-sha2-nistp521",
                "rsa-sha2-512",
                "rsa-sha2-256"
            ]
        );
        // A client that has no wish of its own gets the certificate.
        let certified = plain
            .iter()
            .map(|name| format!("{name}-cert-v01@openssh.com"));
        assert!(certified.eq(names(&KeyAlgorithm::HOST_DEFAULT[..6])));
        for (all, default) in [
            (KeyAlgorithm::HOST_ALL, KeyAlgorithm::HOST_DEFAULT),
            (KeyAlgorithm::USER_ALL, KeyAlgorithm::USER_DEFAULT),
        ] {
            let mut asked = names(all);
            asked.retain(|name| !names(default).contains(name));
            assert_eq!(asked, ["ssh-rsa-cert-v01@openssh.com", "ssh-rsa"]);
        }
    }

    #[test]
    fn a_blob_is_never_named_by_a_hash_or_a_browser() {
        assert_eq!(
            KeyKind::of_blob_type(b"ssh-rsa"),
            Some((KeyKind::Rsa, false))
        );
        assert_eq!(
            KeyKind::of_blob_type(b"ssh-rsa-cert-v01@openssh.com"),
            Some((KeyKind::Rsa, true))
        );
        for name in [
            "rsa-sha2-256",
            "rsa-sha2-512",
            "rsa-sha2-512-cert-v01@openssh.com",
            "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
            "webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
            "ssh-dss",
        ] {
            assert_eq!(KeyKind::of_blob_type(name.as_bytes()), None, "{name}");
        }
    }
}
