//! Keys of users and of the server, signatures and certificates.
//!
//! Keys, signatures and certificates are read here, borrowed from what came, and by nobody's lenient parser; computing is for
//! ring, and where it has nothing for RustCrypto.

mod algorithm;
mod certificate;
mod host;
mod host_rsa;
mod material;
mod options;
mod public;
mod revocation;
mod security_key;
mod source_address;
#[cfg(test)]
mod tests;
mod verify;

pub use self::{
    algorithm::{KeyAlgorithm, KeyKind, SignatureAlgorithm},
    certificate::{Certificate, CertificateKind, CertificateProblem},
    host::{HostCertificateError, HostKey, HostKeyError, SignFailed},
    public::{BadSignature, Presence, PublicKey},
    revocation::{BadRevocationList, RevocationList},
};
