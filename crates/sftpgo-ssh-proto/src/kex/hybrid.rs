//! ML-KEM-768 together with a curve (RFC 10042): the secret holds as long as one of the two does.

use ml_kem::{B32, EncapsulationKey768, SharedKey, array::Array, ml_kem_768::Ciphertext};
use zeroize::Zeroizing;

use super::{Answer, BadShare, Secret, curve::Curve, hash::HashAlgorithm};
use crate::Random;

/// FIPS 203 section 8, table 3.
const ENCAPSULATION_KEY_LEN: usize = 1_184;

/// The client's share is its encapsulation key and then its point; ours is the ciphertext and then our point.
pub(super) fn answer(
    curve: Curve,
    client_share: &[u8],
    random: &mut dyn Random,
) -> Result<Answer, BadShare> {
    let (key, point) = client_share
        .split_at_checked(ENCAPSULATION_KEY_LEN)
        .ok_or(BadShare)?;
    let (ciphertext, quantum_secret) = encapsulate(key, random)?;
    let (our_point, secret) = curve.agree(point, |curve_secret| {
        // Both have a fixed length, so there is one way to cut them (RFC 10042 section 2.4).
        Secret::bytes(
            HashAlgorithm::Sha256
                .digest(&[&quantum_secret, curve_secret])
                .as_ref(),
        )
    })?;
    Ok(Answer {
        server_share: [ciphertext.as_slice(), &our_point].concat(),
        secret,
    })
}

pub(super) fn encapsulate(
    key: &[u8],
    random: &mut dyn Random,
) -> Result<(Ciphertext, Zeroizing<SharedKey>), BadShare> {
    let key: &Array<u8, _> = key.try_into().map_err(|_| BadShare)?;
    // A key with coefficients beyond the modulus is refused (FIPS 203 section 7.2).
    let key = EncapsulationKey768::new(key).map_err(|_| BadShare)?;
    let mut message = Zeroizing::new(B32::default());
    random.fill(message.as_mut_slice()).map_err(|_| BadShare)?;
    let (ciphertext, secret) = key.encapsulate_deterministic(&message);
    Ok((ciphertext, Zeroizing::new(secret)))
}
