//! The server's keys: their public blobs, and what they sign.

use std::fmt;

use p521::ecdsa::signature::hazmat::PrehashSigner;
use ring::{
    digest::{SHA512, digest},
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair,
    },
};
use ssh_key::private::{EcdsaKeypair, Ed25519Keypair, KeypairData};

use crate::wire::{put_mpint, put_string};

use super::{
    algorithm::{KeyAlgorithm, KeyKind, SignatureAlgorithm},
    certificate::CertificateProblem,
    host_rsa::HostRsa,
    material::{Curve, Material},
    public::{PublicKey, joined},
};

/// A private key of the server.
pub struct HostKey {
    kind: KeyKind,
    blob: Vec<u8>,
    /// The blob of a certificate of this key.
    certificate: Option<Vec<u8>>,
    secret: Secret,
}

enum Secret {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
    EcdsaP521(Box<p521::ecdsa::SigningKey>),
    Rsa(Box<HostRsa>),
}

/// Why a private key is no host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKeyError {
    /// It is under a passphrase.
    Encrypted,
    /// Keys of its type do not sign here: DSA, security keys.
    UnknownType,
    /// An RSA key of less than 2048 bits or more than 16384, or with an exponent that is not usual.
    RsaSize,
    /// Its parts do not belong together.
    Inconsistent,
}

impl fmt::Display for HostKeyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Encrypted => "the key is under a passphrase",
            Self::UnknownType => "keys of this type cannot be host keys",
            Self::RsaSize => "RSA keys have to have 2048 to 16384 bits",
            Self::Inconsistent => "the parts of the key do not belong together",
        })
    }
}

impl std::error::Error for HostKeyError {}

/// Why a certificate does not go with a host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostCertificateError {
    /// It is none.
    Malformed,
    /// It is for another key.
    OtherKey,
    /// It lets no client know the server.
    Problem(CertificateProblem),
}

impl fmt::Display for HostCertificateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => formatter.write_str("it is not a certificate"),
            Self::OtherKey => formatter.write_str("it is for another key"),
            Self::Problem(problem) => problem.fmt(formatter),
        }
    }
}

impl std::error::Error for HostCertificateError {}

/// There is no signature: the key does not sign by that algorithm, or there were no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignFailed;

impl fmt::Debug for HostKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HostKey")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl HostKey {
    /// Takes a key that was read from a file.
    ///
    /// # Errors
    /// It cannot be a host key.
    pub fn from_private(key: &ssh_key::PrivateKey) -> Result<Self, HostKeyError> {
        match key.key_data() {
            KeypairData::Ed25519(pair) => Self::ed25519(pair),
            KeypairData::Ecdsa(pair) => Self::ecdsa(pair),
            KeypairData::Rsa(pair) => {
                let (exponent, modulus) = (pair.public().e(), pair.public().n());
                let blob = Material::Rsa {
                    exponent: exponent.as_bytes(),
                    modulus: modulus.as_bytes(),
                }
                .plain_blob();
                PublicKey::parse(&blob).map_err(|_| HostKeyError::RsaSize)?;
                Ok(Self {
                    kind: KeyKind::Rsa,
                    blob,
                    certificate: None,
                    secret: Secret::Rsa(Box::new(HostRsa::new(pair)?)),
                })
            }
            KeypairData::Encrypted(_) => Err(HostKeyError::Encrypted),
            _ => Err(HostKeyError::UnknownType),
        }
    }

    fn ed25519(pair: &Ed25519Keypair) -> Result<Self, HostKeyError> {
        let secret =
            Ed25519KeyPair::from_seed_and_public_key(pair.private.as_ref(), pair.public.as_ref())
                .map_err(|_| HostKeyError::Inconsistent)?;
        Ok(Self {
            kind: KeyKind::Ed25519,
            blob: Material::Ed25519(pair.public.as_ref()).plain_blob(),
            certificate: None,
            secret: Secret::Ed25519(secret),
        })
    }

    fn ecdsa(pair: &EcdsaKeypair) -> Result<Self, HostKeyError> {
        let (private, public) = (pair.private_key_bytes(), pair.public_key_bytes());
        let by_ring = |algorithm: &'static EcdsaSigningAlgorithm| {
            let random = SystemRandom::new();
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, public, &random)
                .map(Secret::Ecdsa)
                .map_err(|_| HostKeyError::Inconsistent)
        };
        let (curve, secret) = match pair {
            EcdsaKeypair::NistP256 { .. } => {
                (Curve::P256, by_ring(&ECDSA_P256_SHA256_FIXED_SIGNING)?)
            }
            EcdsaKeypair::NistP384 { .. } => {
                (Curve::P384, by_ring(&ECDSA_P384_SHA384_FIXED_SIGNING)?)
            }
            EcdsaKeypair::NistP521 { .. } => {
                let secret = p521::ecdsa::SigningKey::from_slice(private)
                    .map_err(|_| HostKeyError::Inconsistent)?;
                if secret.verifying_key().to_sec1_point(false).as_bytes() != public {
                    return Err(HostKeyError::Inconsistent);
                }
                (Curve::P521, Secret::EcdsaP521(Box::new(secret)))
            }
        };
        let material = Material::Ecdsa {
            curve,
            point: public,
        };
        let blob = material.plain_blob();
        PublicKey::parse(&blob).map_err(|_| HostKeyError::Inconsistent)?;
        Ok(Self {
            kind: material.kind(),
            blob,
            certificate: None,
            secret,
        })
    }

    /// The same key with a certificate that clients get who know its authority, read from `blob`.
    ///
    /// Whether its time has come, and which names it is for, is for clients to look at.
    ///
    /// # Errors
    /// It is not a server's certificate for this key, or the authority has not signed it.
    pub fn with_certificate(self, blob: Vec<u8>) -> Result<Self, HostCertificateError> {
        let key = PublicKey::parse(&blob).map_err(|_| HostCertificateError::Malformed)?;
        let certificate = key.certificate().ok_or(HostCertificateError::Malformed)?;
        if key.plain_blob() != self.blob {
            return Err(HostCertificateError::OtherKey);
        }
        certificate
            .check_host()
            .map_err(HostCertificateError::Problem)?;
        Ok(Self {
            certificate: Some(blob),
            ..self
        })
    }

    /// Does the key sign by this algorithm, and has it the certificate that goes with it?
    pub fn signs_by(&self, algorithm: KeyAlgorithm) -> bool {
        self.blob_for(algorithm).is_some()
    }

    /// What a client gets that verifies by `algorithm`: the key, or its certificate.
    pub(crate) fn blob_for(&self, algorithm: KeyAlgorithm) -> Option<&[u8]> {
        if !self.algorithms().contains(&algorithm.signature) {
            return None;
        }
        match algorithm.certificate {
            true => self.certificate.as_deref(),
            false => Some(&self.blob),
        }
    }

    /// The public key as clients get it, `K_S` of RFC 4253 section 8, when they get no certificate.
    pub fn public_blob(&self) -> &[u8] {
        &self.blob
    }

    /// What it can sign with, the strongest first.
    pub fn algorithms(&self) -> &'static [SignatureAlgorithm] {
        match self.kind {
            KeyKind::Ed25519 => &[SignatureAlgorithm::Ed25519],
            KeyKind::EcdsaNistP256 => &[SignatureAlgorithm::EcdsaNistP256],
            KeyKind::EcdsaNistP384 => &[SignatureAlgorithm::EcdsaNistP384],
            KeyKind::EcdsaNistP521 => &[SignatureAlgorithm::EcdsaNistP521],
            KeyKind::Rsa => &[
                SignatureAlgorithm::RsaSha512,
                SignatureAlgorithm::RsaSha256,
                SignatureAlgorithm::SshRsa,
            ],
            KeyKind::SkEd25519 | KeyKind::SkEcdsaNistP256 => &[],
        }
    }

    /// Signs the parts of `message`, one behind the other; the answer is the blob with the algorithm's name in it.
    ///
    /// # Errors
    /// The key does not sign by `algorithm`, or the system has no random bytes.
    pub fn sign(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[&[u8]],
    ) -> Result<Vec<u8>, SignFailed> {
        if algorithm.kind() != self.kind {
            return Err(SignFailed);
        }
        let message = joined(message);
        let signature = match &self.secret {
            Secret::Ed25519(key) => key.sign(&message).as_ref().to_vec(),
            Secret::Ecdsa(key) => {
                let signature = key
                    .sign(&SystemRandom::new(), &message)
                    .map_err(|_| SignFailed)?;
                numbers(signature.as_ref())
            }
            Secret::EcdsaP521(key) => {
                let hash = digest(&SHA512, &message);
                let signature: p521::ecdsa::Signature =
                    key.sign_prehash(hash.as_ref()).map_err(|_| SignFailed)?;
                numbers(&signature.to_bytes())
            }
            Secret::Rsa(key) => key.sign(algorithm, &message)?,
        };
        let mut blob = Vec::new();
        put_string(&mut blob, algorithm.name().as_bytes());
        put_string(&mut blob, &signature);
        Ok(blob)
    }
}

/// Two numbers of the same length as RFC 5656 section 3.1.2 writes them.
fn numbers(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at_checked(fixed.len() / 2).unwrap_or_default();
    let mut signature = Vec::new();
    put_mpint(&mut signature, r);
    put_mpint(&mut signature, s);
    signature
}
