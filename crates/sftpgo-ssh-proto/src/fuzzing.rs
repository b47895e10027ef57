//! What fuzzers need besides, in builds that have the feature `fuzzing` and in no other.

use std::sync::Arc;

pub use crate::transport::null::NullKeys;
use crate::{Config, Connection, Random, compress::Inflater, wire::Malformed};

impl Connection {
    /// A connection whose first exchange, of nothing, is over, and perhaps the login too. Packets are in the clear.
    pub fn behind_nothing(
        config: Arc<Config>,
        random: Box<dyn Random>,
        client_identification: &[u8],
        is_logged_in: bool,
    ) -> Self {
        let mut connection = Self::running(config, random);
        let idents = [client_identification.to_vec(), Vec::new()];
        connection.act(|core| {
            core.begin_behind(idents, is_logged_in);
            Ok(())
        });
        connection
    }

    /// Answers [`Event::ExchangeKeys`](crate::Event::ExchangeKeys) without computing anything.
    pub fn exchange_nothing(&mut self, keys: NullKeys) {
        self.act(|core| core.exchange_nothing(keys));
    }
}

/// Inflates the payloads of one direction, one after the other, each to `most` bytes at most.
///
/// # Errors
/// One of them gives more, or is none; the room that was taken until then is never more than was asked for.
pub fn inflate<'p>(
    payloads: impl IntoIterator<Item = &'p [u8]>,
    most: usize,
) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut inflater = Inflater::new();
    let inflate = |payload| {
        let mut out = Vec::new();
        let inflated = inflater.inflate(payload, &mut out, most);
        assert!(out.capacity() <= most, "room for {}", out.capacity());
        inflated.map(|()| out).map_err(|_| Malformed)
    };
    payloads.into_iter().map(inflate).collect()
}
