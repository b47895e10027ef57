//! The file descriptors of the process, shared out so that no user's open files keep others from connecting.
//!
//! A process may have so many open at once (`RLIMIT_NOFILE`, getrlimit(2)). Some are kept back for what must go on
//! whatever clients do: accepting, the database, the log. Connections take from all the rest. Open files and directories
//! take from three quarters of it, and a user has no more of them than are still free there: one user alone has half at
//! most, two a third each, and there is always room for another user.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{
    error::{Error, ErrorKind, Result},
    sync::lock,
    user::UserId,
};

/// A connection: its socket, the home, and what an operation on a name opens for a moment.
const OF_CONNECTION: usize = 4;
/// An open file with the directory that it is published in, or an open directory with the stream that reads it.
const OF_HANDLE: usize = 2;
/// Kept back for everything else: this part of the limit, within these bounds.
const KEPT_PART: usize = 4;
const KEPT_LEAST: usize = 64;
const KEPT_MOST: usize = 512;

/// The descriptors of one process.
pub struct Descriptors {
    kept: usize,
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    by_connections: usize,
    by_handles: usize,
    by_user: HashMap<UserId, usize>,
}

/// Descriptors that were taken; dropping it gives them back.
pub struct Permit {
    descriptors: Arc<Descriptors>,
    of: Holder,
}

enum Holder {
    Connection,
    Handle(UserId),
}

impl Descriptors {
    /// Of a process that may have `limit` open.
    pub fn of_limit(limit: u64) -> Arc<Self> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let kept = (limit / KEPT_PART).clamp(KEPT_LEAST, KEPT_MOST);
        Arc::new(Self {
            kept,
            most: limit.saturating_sub(kept),
            taken: Mutex::default(),
        })
    }

    /// Without a bound.
    pub fn unlimited() -> Arc<Self> {
        Self::of_limit(u64::MAX)
    }

    /// The number of descriptors kept back for everything that is no connection of a client.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// The number of connections that there may be while nothing is open.
    pub fn most_connections(&self) -> usize {
        self.most / OF_CONNECTION
    }

    /// Takes what a connection needs.
    ///
    /// # Errors
    /// [`LimitReached`](ErrorKind::LimitReached).
    pub fn take_for_connection(self: &Arc<Self>) -> Result<Permit> {
        let mut taken = self.lock();
        if taken.all() + OF_CONNECTION > self.most {
            return Err(Error::new(
                ErrorKind::LimitReached,
                "the process may not open more files (RLIMIT_NOFILE)",
            ));
        }
        taken.by_connections += OF_CONNECTION;
        Ok(self.permit(Holder::Connection))
    }

    /// Takes what an open file or directory of this user needs.
    ///
    /// # Errors
    /// [`LimitReached`](ErrorKind::LimitReached): the user has as many as are free, or there are none.
    pub fn take_for_handle(self: &Arc<Self>, user: UserId) -> Result<Permit> {
        let mut taken = self.lock();
        let of_user = taken.by_user.get(&user).copied().unwrap_or(0) + OF_HANDLE;
        let for_handles = self.most - self.most / 4;
        let free = for_handles
            .saturating_sub(taken.by_handles)
            .min(self.most.saturating_sub(taken.all()));
        if free
            .checked_sub(OF_HANDLE)
            .is_none_or(|free| of_user > free)
        {
            return Err(Error::new(
                ErrorKind::LimitReached,
                "too many open files and directories",
            ));
        }
        taken.by_handles += OF_HANDLE;
        taken.by_user.insert(user, of_user);
        Ok(self.permit(Holder::Handle(user)))
    }

    fn permit(self: &Arc<Self>, of: Holder) -> Permit {
        Permit {
            descriptors: Arc::clone(self),
            of,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        lock(&self.taken)
    }
}

impl Taken {
    fn all(&self) -> usize {
        self.by_connections + self.by_handles
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut taken = self.descriptors.lock();
        match self.of {
            Holder::Connection => taken.by_connections -= OF_CONNECTION,
            Holder::Handle(user) => {
                taken.by_handles -= OF_HANDLE;
                if let Some(of_user) = taken.by_user.get_mut(&user) {
                    *of_user -= OF_HANDLE;
                    if *of_user == 0 {
                        taken.by_user.remove(&user);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opens until that is refused.
    fn all_of(descriptors: &Arc<Descriptors>, user: i32) -> Vec<Permit> {
        std::iter::from_fn(|| descriptors.take_for_handle(UserId(user)).ok()).collect()
    }

    #[test]
    fn one_user_has_half_of_three_quarters_and_leaves_others_and_connections_room() {
        let descriptors = Descriptors::of_limit(1024);
        let first = all_of(&descriptors, 1);
        // 768 are shared out, 576 of them to handles of two descriptors.
        assert_eq!(first.len(), 144);
        assert!(all_of(&descriptors, 1).is_empty());
        let second = all_of(&descriptors, 2);
        assert_eq!(second.len(), 72);
        let third = all_of(&descriptors, 3);
        assert_eq!(third.len(), 36);
        let connections: Vec<_> =
            std::iter::from_fn(|| descriptors.take_for_connection().ok()).collect();
        assert_eq!(
            connections.len(),
            (768 - 2 * (144 + 72 + 36)) / OF_CONNECTION
        );
        drop((first, second, third, connections));
        let taken = descriptors.lock();
        assert_eq!((taken.all(), taken.by_user.len()), (0, 0));
    }

    #[test]
    fn connections_may_take_all_and_then_nothing_is_opened() {
        let descriptors = Descriptors::of_limit(256);
        let connections: Vec<_> =
            std::iter::from_fn(|| descriptors.take_for_connection().ok()).collect();
        assert_eq!(connections.len(), (256 - 64) / OF_CONNECTION);
        let refused = descriptors.take_for_handle(UserId(1)).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::LimitReached);
        drop(connections);
        assert!(descriptors.take_for_handle(UserId(1)).is_ok());
    }

    #[test]
    fn a_limit_below_what_is_kept_back_leaves_nothing_and_none_leaves_everything() {
        for limit in [0, 10, 64] {
            assert!(Descriptors::of_limit(limit).take_for_connection().is_err());
        }
        let unlimited = Descriptors::unlimited();
        let many: Vec<_> = (0..10_000)
            .map(|_| unlimited.take_for_handle(UserId(1)).unwrap())
            .collect();
        assert_eq!(many.len(), 10_000);
    }
}
