//! The shared secret K.

use std::fmt;

use zeroize::Zeroizing;

use crate::wire::{put_mpint, put_string};

/// The shared secret, encoded as it enters the exchange hash and every key (RFC 4253 section 7.2).
///
/// It is overwritten when it is dropped, and `Debug` does not show it.
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A number, high byte first: of all methods but the hybrid ones (RFC 4253 section 8, RFC 8731 section 3.1).
    pub(super) fn number(magnitude: &[u8]) -> Self {
        Self::encoded(magnitude, put_mpint)
    }

    /// Bytes as they are: of the hybrid methods (RFC 10042 section 2.4).
    pub(super) fn bytes(bytes: &[u8]) -> Self {
        Self::encoded(bytes, put_string)
    }

    fn encoded(value: &[u8], put: impl FnOnce(&mut Vec<u8>, &[u8])) -> Self {
        // Room for a length and a sign: a buffer that grew would leave a copy behind.
        let mut encoded = Zeroizing::new(Vec::with_capacity(value.len().saturating_add(5)));
        put(&mut encoded, value);
        Self(encoded)
    }
}

impl AsRef<[u8]> for Secret {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Secret").finish_non_exhaustive()
    }
}
