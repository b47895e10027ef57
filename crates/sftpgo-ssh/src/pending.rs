//! Connections that are not logged in: bounded in all and for each address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

use crate::config::Limits;

/// Everybody who has not logged in yet, oldest first.
#[derive(Default)]
pub(crate) struct Pending(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    waiting: std::collections::BTreeMap<u64, Entry>,
    by_address: HashMap<IpAddr, usize>,
}

struct Entry {
    address: IpAddr,
    close: CancellationToken,
}

/// A place among the waiting; dropped at login or at the end of the connection.
pub(crate) struct Place {
    pending: Arc<Pending>,
    number: u64,
    close: CancellationToken,
}

impl Pending {
    /// Takes a place for `address`. Where a limit is reached, the oldest that counts towards it makes room.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr, limits: &Limits) -> Place {
        let mut state = self.lock();
        let from_address = state.by_address.get(&address).copied().unwrap_or(0);
        if from_address >= limits.unauthenticated_per_address {
            state.evict_oldest(Some(address));
        } else if state.waiting.len() >= limits.unauthenticated {
            state.evict_oldest(None);
        }
        let number = state.next;
        state.next += 1;
        let close = CancellationToken::new();
        state.waiting.insert(
            number,
            Entry {
                address,
                close: close.clone(),
            },
        );
        *state.by_address.entry(address).or_default() += 1;
        Place {
            pending: Arc::clone(self),
            number,
            close,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn evict_oldest(&mut self, address: Option<IpAddr>) {
        let oldest = self
            .waiting
            .iter()
            .find(|(_, entry)| address.is_none_or(|address| entry.address == address));
        if let Some(number) = oldest.map(|(number, _)| *number)
            && let Some(entry) = self.remove(number)
        {
            entry.close.cancel();
        }
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.waiting.remove(&number)?;
        if let Some(count) = self.by_address.get_mut(&entry.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&entry.address);
            }
        }
        Some(entry)
    }
}

impl Place {
    /// Fires when this connection has to make room for another.
    pub(crate) fn close_requested(&self) -> CancellationToken {
        self.close.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pending.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_a_full_address_makes_room_and_others_stay() {
        let limits = Limits {
            unauthenticated: 3,
            unauthenticated_per_address: 2,
            ..Limits::default()
        };
        let pending = Arc::new(Pending::default());
        let enter = |last| pending.enter(IpAddr::from([127, 0, 0, last]), &limits);
        let (first, second, other) = (enter(1), enter(1), enter(2));
        let third = enter(1);
        assert!(first.close_requested().is_cancelled());
        assert!(
            !second.close_requested().is_cancelled() && !other.close_requested().is_cancelled()
        );
        let _fourth = enter(3);
        assert!(
            second.close_requested().is_cancelled(),
            "the oldest of all makes room when the whole is full"
        );
        drop((first, second, third, other));
        assert_eq!(pending.lock().waiting.len(), 1);
        assert_eq!(pending.lock().by_address.len(), 1);
    }
}
