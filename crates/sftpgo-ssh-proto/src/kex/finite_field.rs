//! Diffie-Hellman over a finite field (RFC 4253 section 8, RFC 4419), with short exponents.

use crypto_bigint::{
    BoxedUint, Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use zeroize::{Zeroize, Zeroizing};

use super::{Answer, BadShare, Group, Secret};
use crate::Random;

/// Twice the key material that is drawn from the secret (RFC 4419 section 6.2), and more than RFC 7919 appendix A wants of the
/// largest group. A full-length exponent would cost 14 times as much there.
const EXPONENT_BITS: u32 = 512;
const EXPONENT_LEN: usize = 64;
const _: () = assert!(EXPONENT_LEN * 8 == EXPONENT_BITS as usize);

pub(super) fn answer(
    group: Group,
    client_share: &[u8],
    random: &mut dyn Random,
) -> Result<Answer, BadShare> {
    let bits = group.bits();
    let prime = BoxedUint::from_be_slice(group.prime(), bits).map_err(|_| BadShare)?;
    let modulus = Odd::new(prime).into_option().ok_or(BadShare)?;
    let client = BoxedUint::from_be_slice(client_share, bits).map_err(|_| BadShare)?;
    check_range(&client, &modulus)?;
    let generator = BoxedUint::from_be_slice(group.generator(), bits).map_err(|_| BadShare)?;

    let mut exponent = draw_exponent(random)?;
    let field = BoxedMontyParams::new_vartime(modulus.clone());
    let power = |base: BoxedUint| {
        let mut power = BoxedMontyForm::new(base, &field).pow_bounded_exp(&exponent, EXPONENT_BITS);
        let number = power.retrieve();
        power.zeroize();
        number
    };
    let ours = power(generator);
    let mut shared = power(client);
    exponent.zeroize();
    let secret = Secret::number(&Zeroizing::new(shared.to_be_bytes()));
    shared.zeroize();
    check_range(&ours, &modulus)?;
    Ok(Answer {
        server_share: ours.to_be_bytes_trimmed_vartime().into_vec(),
        secret,
    })
}

/// A share is above 1 and below p - 1 (RFC 4253 section 8; the two ends would give the secret away).
fn check_range(share: &BoxedUint, modulus: &Odd<BoxedUint>) -> Result<(), BadShare> {
    let one = BoxedUint::one_with_precision(modulus.bits_precision());
    let end = modulus.as_ref().wrapping_sub(&one);
    if *share > one && *share < end {
        Ok(())
    } else {
        Err(BadShare)
    }
}

fn draw_exponent(random: &mut dyn Random) -> Result<BoxedUint, BadShare> {
    let mut bytes = Zeroizing::new([0; EXPONENT_LEN]);
    random.fill(bytes.as_mut_slice()).map_err(|_| BadShare)?;
    BoxedUint::from_be_slice(bytes.as_slice(), EXPONENT_BITS).map_err(|_| BadShare)
}
