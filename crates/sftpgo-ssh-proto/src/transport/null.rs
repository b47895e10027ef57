//! Exchanges of keys without computing, for fuzzers: what a fuzzer writes would never be signed, encrypted or authenticated.

use super::{Keys, Session, Stage};
use crate::{
    cipher::{Opener, Sealer},
    core::Core,
    fatal::Fatal,
    kex::HashAlgorithm,
    negotiate::Way,
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
                host_key: *host_key,
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
        let session = self.keys.session.unwrap_or(Session {
            id: HashAlgorithm::Sha256.digest(&[]),
            host_key: agreed.host_key,
        });
        let (sealer, opener) = match keys {
            NullKeys::Clear => (Sealer::clear(), Opener::clear()),
            NullKeys::Zeros => (sealer(&agreed.outbound)?, opener(&agreed.inbound)?),
        };
        self.use_keys(&agreed, session, &[number::KEX_REPLY], sealer, opener)
    }
}

/// Longer than any key or IV.
const ZEROS: [u8; 64] = [0; 64];

fn zeros(way: &Way) -> [&'static [u8]; 3] {
    let mac = way.mac.map_or(0, |mac| mac.key_len());
    [way.cipher.key_len(), way.cipher.iv_len(), mac]
        .map(|length| ZEROS.get(..length).unwrap_or_default())
}

fn sealer(way: &Way) -> Result<Sealer, Fatal> {
    let [key, iv, mac] = zeros(way);
    Sealer::new(way.cipher, way.mac, key, iv, mac).map_err(|_| Fatal::key_exchange("no keys"))
}

fn opener(way: &Way) -> Result<Opener, Fatal> {
    let [key, iv, mac] = zeros(way);
    Opener::new(way.cipher, way.mac, key, iv, mac).map_err(|_| Fatal::key_exchange("no keys"))
}
