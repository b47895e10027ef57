//! ML-KEM-768 together with a curve (RFC 10042): the secret holds as long as one of the two does.

use ml_kem::{B32, EncapsulationKey768, array::Array};
use zeroize::{Zeroize, Zeroizing};

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
    let key: &Array<u8, _> = key.try_into().map_err(|_| BadShare)?;
    // This refuses a key with coefficients beyond the modulus (FIPS 203 section 7.2).
    let key = EncapsulationKey768::new(key).map_err(|_| BadShare)?;
    let mut message = Zeroizing::new([0; 32]);
    random.fill(message.as_mut_slice()).map_err(|_| BadShare)?;
    let mut message = B32::from(*message);
    let (ciphertext, mut quantum_secret) = key.encapsulate_deterministic(&message);
    message.zeroize();
    let agreed = curve.agree(point, |curve_secret| {
        let secret = HashAlgorithm::Sha256.digest(&[&quantum_secret, curve_secret]);
        Secret::bytes(secret.as_ref())
    });
    quantum_secret.zeroize();
    let (our_point, secret) = agreed?;
    let mut server_share = ciphertext.to_vec();
    server_share.extend_from_slice(&our_point);
    Ok(Answer {
        server_share,
        secret,
    })
}
