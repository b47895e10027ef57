//! Elliptic curves: X25519 (RFC 8731) and NIST's (RFC 5656 section 4).

use p521::{
    NistP521, PublicKey, SecretKey,
    ecdh::diffie_hellman,
    elliptic_curve::sec1::{Sec1Point, ToSec1Point},
};
use ring::{
    agreement::{self, EphemeralPrivateKey, UnparsedPublicKey},
    rand::SystemRandom,
};
use zeroize::Zeroizing;

use super::{Answer, BadShare, Secret};
use crate::Random;

/// A point of P-521 without compression: a mark and two coordinates.
const P521_POINT_LEN: usize = 1 + 2 * P521_FIELD_LEN;
const P521_FIELD_LEN: usize = 66;

/// A curve that ring has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Curve {
    X25519,
    P256,
    P384,
}

impl Curve {
    fn ring(self) -> &'static agreement::Algorithm {
        match self {
            Self::X25519 => &agreement::X25519,
            Self::P256 => &agreement::ECDH_P256,
            Self::P384 => &agreement::ECDH_P384,
        }
    }

    pub(super) fn answer(self, client_share: &[u8]) -> Result<Answer, BadShare> {
        let (server_share, secret) = self.agree(client_share, Secret::number)?;
        Ok(Answer {
            server_share,
            secret,
        })
    }

    /// Makes a key, and hands the secret's bytes to `use_secret`. ring refuses points that are not on the curve, compressed ones
    /// and, of X25519, a secret of zeros (RFC 8731 section 3).
    pub(super) fn agree<R>(
        self,
        client_share: &[u8],
        use_secret: impl FnOnce(&[u8]) -> R,
    ) -> Result<(Vec<u8>, R), BadShare> {
        let key = EphemeralPrivateKey::generate(self.ring(), &SystemRandom::new())
            .map_err(|_| BadShare)?;
        let server_share = key
            .compute_public_key()
            .map_err(|_| BadShare)?
            .as_ref()
            .to_vec();
        let client = UnparsedPublicKey::new(self.ring(), client_share);
        let used = agreement::agree_ephemeral(key, &client, use_secret).map_err(|_| BadShare)?;
        Ok((server_share, used))
    }
}

/// P-521, which ring does not have.
pub(super) fn answer_p521(
    client_share: &[u8],
    random: &mut dyn Random,
) -> Result<Answer, BadShare> {
    // Compressed points are optional in RFC 5656 section 4; OpenSSH and ring refuse them.
    if client_share.len() != P521_POINT_LEN {
        return Err(BadShare);
    }
    let client = PublicKey::from_sec1_bytes(client_share).map_err(|_| BadShare)?;
    let key = p521_key(random)?;
    let server_share: Sec1Point<NistP521> = key.public_key().to_sec1_point(false);
    let shared = diffie_hellman(key.to_nonzero_scalar(), client.as_affine());
    Ok(Answer {
        server_share: server_share.as_bytes().to_vec(),
        secret: Secret::number(shared.raw_secret_bytes()),
    })
}

/// 521 random bits. Those at or above the order are refused instead of drawn anew: that is one key of 2^260.
fn p521_key(random: &mut dyn Random) -> Result<SecretKey, BadShare> {
    let mut bytes = Zeroizing::new([0; P521_FIELD_LEN]);
    random.fill(bytes.as_mut_slice()).map_err(|_| BadShare)?;
    if let Some(high) = bytes.first_mut() {
        *high &= 1;
    }
    SecretKey::from_slice(bytes.as_slice()).map_err(|_| BadShare)
}
