//! Exchanges of keys without computing, for fuzzers: what a fuzzer writes would never be signed, encrypted or authenticated.

use super::{Keys, Session, Stage, derived_keys::DerivedKeys};
use crate::{
    cipher::{Opener, Sealer},
    core::Core,
    fatal::Fatal,
    kex::HashAlgorithm,
    number,
};

/// What packets are protected with after an exchange of nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullKeys {
    /// Nothing: they are read as they are.
    Clear,
    /// The ciphers and MACs that were agreed upon, with keys of zeros.
    Zeros,
}

impl Core {
    /// As if the first exchange, strict and of nothing, were over, and perhaps the login too.
    pub(crate) fn begin_behind(&mut self, idents: [Vec<u8>; 2], is_logged_in: bool) {
        let mut algorithms = self
            .config
            .host_keys
            .iter()
            .flat_map(|key| key.algorithms());
        self.keys = Keys {
            idents,
            session: algorithms.next().map(|host_key| Session {
                id: HashAlgorithm::Sha256.digest(&[]),
                host_key: (*host_key).into(),
            }),
            is_strict: true,
            ..Keys::default()
        };
        if is_logged_in {
            self.login = None;
            self.login_opens_inbound = true;
        }
    }

    /// Ends an exchange whose computation is due as if it had been computed, with an answer of nothing.
    pub(crate) fn exchange_nothing(&mut self, keys: NullKeys) -> Result<(), Fatal> {
        let agreed = match &self.keys.stage {
            Stage::Ready(_, agreed) => *agreed,
            _ => return Ok(()),
        };
        let session = self.session_of(HashAlgorithm::Sha256.digest(&[]), &agreed);
        let (sealer, opener) = match keys {
            NullKeys::Clear => (Sealer::clear(), Opener::clear()),
            NullKeys::Zeros => (
                DerivedKeys::zeros(&agreed.outbound).sealer(&agreed.outbound)?,
                DerivedKeys::zeros(&agreed.inbound).opener(&agreed.inbound)?,
            ),
        };
        self.use_keys(&agreed, session, &[number::KEX_REPLY], sealer, opener)
    }
}
