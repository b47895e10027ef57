//! An SSH-2 server without IO, clock, users or files: bytes and decisions in, bytes and events out.

#![forbid(unsafe_code)]

mod cipher;
mod compress;
mod kex;
mod key;
mod random;
mod wire;

pub use self::{
    cipher::{Cipher, Mac},
    kex::Kex,
    key::{
        BadSignature, Certificate, CertificateKind, CertificateProblem, HostKey, HostKeyError,
        KeyAlgorithm, KeyKind, Presence, PublicKey, SignFailed, SignatureAlgorithm,
    },
    random::{NoRandomBytes, Random},
    wire::Malformed,
};
