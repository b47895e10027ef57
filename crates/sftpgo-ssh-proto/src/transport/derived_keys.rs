//! The keys of one direction, made of what an exchange has come to (RFC 4253 section 7.2).

use super::{Session, exchange::Done};
use crate::{
    cipher::{Opener, Sealer},
    fatal::Fatal,
    kex,
    negotiate::Way,
};

/// What the keys of one direction are derived with (RFC 4253 section 7.2).
pub(super) struct Letters {
    iv: u8,
    key: u8,
    mac: u8,
}

impl Letters {
    pub(super) const TO_SERVER: Self = Self {
        iv: b'A',
        key: b'C',
        mac: b'E',
    };
    pub(super) const TO_CLIENT: Self = Self {
        iv: b'B',
        key: b'D',
        mac: b'F',
    };
}

/// Keys of one direction.
pub(super) struct DerivedKeys {
    iv: zeroize::Zeroizing<Vec<u8>>,
    key: zeroize::Zeroizing<Vec<u8>>,
    mac: zeroize::Zeroizing<Vec<u8>>,
}

impl Done {
    pub(super) fn derived_keys(
        &self,
        way: &Way,
        session: &Session,
        letters: Letters,
    ) -> DerivedKeys {
        let derive = |letter, length| {
            kex::derive(
                self.hash,
                &self.secret,
                self.exchange_hash.as_ref(),
                session.id.as_ref(),
                letter,
                length,
            )
        };
        DerivedKeys {
            iv: derive(letters.iv, way.cipher.iv_len()),
            key: derive(letters.key, way.cipher.key_len()),
            mac: derive(letters.mac, way.mac.map_or(0, |mac| mac.key_len())),
        }
    }
}

impl DerivedKeys {
    /// Of zeros.
    #[cfg(feature = "fuzzing")]
    pub(super) fn zeros(way: &Way) -> Self {
        let zeros = |length| vec![0; length].into();
        Self {
            iv: zeros(way.cipher.iv_len()),
            key: zeros(way.cipher.key_len()),
            mac: zeros(way.mac.map_or(0, |mac| mac.key_len())),
        }
    }

    pub(super) fn sealer(&self, way: &Way) -> Result<Sealer, Fatal> {
        Sealer::new(way.cipher, way.mac, &self.key, &self.iv, &self.mac).map_err(|_| unusable())
    }

    pub(super) fn opener(&self, way: &Way) -> Result<Opener, Fatal> {
        Opener::new(way.cipher, way.mac, &self.key, &self.iv, &self.mac).map_err(|_| unusable())
    }
}

fn unusable() -> Fatal {
    Fatal::key_exchange("the keys that were exchanged cannot be used")
}
