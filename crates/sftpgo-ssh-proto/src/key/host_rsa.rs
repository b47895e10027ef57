//! RSA host keys: ring signs where it can, the rsa crate what is left.

use std::fmt;

use ring::{
    rand::{SecureRandom, SystemRandom},
    rsa::{KeyPairComponents, PublicKeyComponents},
    signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair},
};
use rsa::{
    BoxedUint,
    rand_core::{TryCryptoRng, TryRng},
    traits::{PrivateKeyParts, SignatureScheme},
};
use ssh_key::{Mpint, private::RsaKeypair};
use zeroize::Zeroizing;

use super::{
    algorithm::SignatureAlgorithm,
    host::{HostKeyError, SignFailed},
    verify::RsaHash,
};

pub(super) struct HostRsa {
    /// Of 2048 to 4096 bits, its primes a multiple of 512 bits long, its exponent at least 65537.
    by_ring: Option<RsaKeyPair>,
    /// The rsa crate takes a time that depends on the key (RUSTSEC-2023-0071), so it signs blinded, and only what ring cannot:
    /// SHA-1, which has to be asked for, and keys of unusual sizes.
    blinded: rsa::RsaPrivateKey,
}

impl HostRsa {
    pub(super) fn new(pair: &RsaKeypair) -> Result<Self, HostKeyError> {
        let (public, private) = (pair.public(), pair.private());
        let secret = |number: &Mpint| {
            let bytes = number.as_positive_bytes();
            bytes
                .map(BoxedUint::from_be_slice_vartime)
                .ok_or(HostKeyError::Inconsistent)
        };
        let primes = vec![secret(private.p())?, secret(private.q())?];
        let blinded = rsa::RsaPrivateKey::from_components(
            secret(public.n())?,
            secret(public.e())?,
            secret(private.d())?,
            primes,
        )
        .map_err(|_| HostKeyError::Inconsistent)?;
        let by_ring = by_ring(pair, &blinded);
        Ok(Self { by_ring, blinded })
    }

    pub(super) fn sign(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, SignFailed> {
        let hash = RsaHash::of(algorithm).ok_or(SignFailed)?;
        let encoding = match hash {
            RsaHash::Sha1 => None,
            RsaHash::Sha256 => Some(&RSA_PKCS1_SHA256),
            RsaHash::Sha512 => Some(&RSA_PKCS1_SHA512),
        };
        if let (Some(key), Some(encoding)) = (&self.by_ring, encoding) {
            let mut signature = vec![0; key.public().modulus_len()];
            key.sign(encoding, &SystemRandom::new(), message, &mut signature)
                .map_err(|_| SignFailed)?;
            return Ok(signature);
        }
        hash.padding()
            .sign(Some(&mut System), &self.blinded, &hash.of_message(message))
            .map_err(|_| SignFailed)
    }
}

/// The key for ring, if it takes it. Files hold all but the two exponents.
fn by_ring(pair: &RsaKeypair, key: &rsa::RsaPrivateKey) -> Option<RsaKeyPair> {
    let private = pair.private();
    let [p_exponent, q_exponent] =
        [key.dp()?, key.dq()?].map(|number| Zeroizing::new(number.to_be_bytes()));
    RsaKeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents {
            n: pair.public().n().as_positive_bytes()?,
            e: pair.public().e().as_positive_bytes()?,
        },
        d: private.d().as_positive_bytes()?,
        p: private.p().as_positive_bytes()?,
        q: private.q().as_positive_bytes()?,
        dP: p_exponent.as_ref(),
        dQ: q_exponent.as_ref(),
        qInv: private.iqmp().as_positive_bytes()?,
    })
    .ok()
}

/// The system's random bytes for the rsa crate.
struct System;

/// There are none.
#[derive(Debug)]
struct NoBytes;

impl fmt::Display for NoBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the system has no random bytes")
    }
}

impl std::error::Error for NoBytes {}

impl TryRng for System {
    type Error = NoBytes;

    fn try_next_u32(&mut self) -> Result<u32, NoBytes> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoBytes> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), NoBytes> {
        SystemRandom::new().fill(bytes).map_err(|_| NoBytes)
    }
}

impl TryCryptoRng for System {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_keys_never_reach_the_rsa_crate() {
        for (file, usual) in [
            (include_str!("../../testdata/keys/rsa2048.key"), true),
            (include_str!("../../testdata/keys/rsa3072.key"), true),
            (include_str!("../../testdata/keys/rsa4096.key"), true),
            (include_str!("../../testdata/keys/rsa2056.key"), false),
            (include_str!("../../testdata/keys/rsa_e3.key"), false),
        ] {
            let key = ssh_key::PrivateKey::from_openssh(file).unwrap();
            let pair = key.key_data().rsa().unwrap();
            let bits = pair.key_size();
            assert_eq!(
                HostRsa::new(pair).unwrap().by_ring.is_some(),
                usual,
                "{bits}"
            );
        }
    }
}
