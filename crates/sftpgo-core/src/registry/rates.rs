//! How fast transfers are, for those who look again and again.

use std::collections::HashMap;

use super::ConnectionStatus;

/// The rates of running transfers: since the last look, or since a transfer began.
#[derive(Debug, Default)]
pub struct TransferRates {
    /// Bytes that each transfer had moved at the last look, and when that was (Unix milliseconds).
    last: HashMap<Key, (u64, i64)>,
}

/// Connection, path, and when the transfer began.
type Key = (String, String, i64);

impl TransferRates {
    /// Looks at all connections at the time `now` (Unix milliseconds), and returns for each of them the rates of its
    /// transfers, in bytes per second.
    pub fn look(&mut self, connections: &[ConnectionStatus], now: i64) -> Vec<Vec<u64>> {
        let mut seen = HashMap::new();
        let rates = connections.iter().map(|connection| {
            let rates = connection.transfers.iter().map(|transfer| {
                let key = (
                    connection.connection_id.clone(),
                    transfer.path.clone(),
                    transfer.started_at,
                );
                let last = self.last.get(&key).copied();
                let (size, at) = last.unwrap_or((0, transfer.started_at));
                seen.insert(key, (transfer.size, now));
                rate(transfer.size.saturating_sub(size), now.saturating_sub(at))
            });
            rates.collect()
        });
        let rates = rates.collect();
        self.last = seen;
        rates
    }
}

fn rate(bytes: u64, milliseconds: i64) -> u64 {
    let milliseconds = u64::try_from(milliseconds).unwrap_or(0).max(1);
    let rate = u128::from(bytes) * 1000 / u128::from(milliseconds);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Operation, Protocol},
        registry::TransferStatus,
    };

    fn moved(size: u64) -> [ConnectionStatus; 1] {
        [ConnectionStatus {
            username: "bob".to_owned(),
            connection_id: "SFTP_1".to_owned(),
            client_version: String::new(),
            remote: ([127, 0, 0, 1], 1).into(),
            connected_at: 0,
            last_activity: 0,
            protocol: Protocol::Sftp,
            transfers: vec![TransferStatus {
                operation: Operation::Download,
                path: "/a".to_owned(),
                started_at: 1_000,
                size,
                last_activity: 0,
            }],
        }]
    }

    #[test]
    fn a_rate_is_since_the_last_look_or_since_the_transfer_began() {
        let mut rates = TransferRates::default();
        assert_eq!(rates.look(&moved(500), 3_000), [[250]]);
        assert_eq!(rates.look(&moved(1_500), 3_500), [[2_000]]);
        assert_eq!(rates.look(&moved(1_500), 4_000), [[0]]);
        assert_eq!(rates.look(&[], 5_000), Vec::<Vec<u64>>::new());
        // Forgotten when it was not there at the last look.
        assert_eq!(rates.look(&moved(1_500), 4_000), [[500]]);
    }

    #[test]
    fn clocks_that_stand_still_or_go_back_divide_by_no_zero() {
        let mut rates = TransferRates::default();
        assert_eq!(rates.look(&moved(5), 1_000), [[5_000]]);
        assert_eq!(rates.look(&moved(6), 0), [[1_000]]);
        assert_eq!(rate(u64::MAX, 0), u64::MAX);
    }
}
