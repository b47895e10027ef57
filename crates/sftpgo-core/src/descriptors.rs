//! The file descriptors of the process, shared out so that no user's open files keep others from connecting.
//!
//! A process may have so many open at once (`RLIMIT_NOFILE`, getrlimit(2)). Some are kept back for what must go on
//! whatever clients do: accepting, the database, the log. Connections take from all the rest. Open files and directories
//! take from three quarters of it, and a user has no more of them than are still free there: one user alone has half at
//! most, two a third each, and there is always room for another user.
//!
//! A connection takes its socket, and until its login one for the home. From then on the home's handle is counted itself,
//! for sessions share it: thousands of connections of one user take one each, and one more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{
    error::{Error, ErrorKind, Result},
    sync::lock,
    user::UserId,
};

/// What an operation on a name opens for a moment: the directory, and what has the name.
const OF_OPERATION: usize = 2;
/// Connections for which operations have this room at once. Of more than these most are idle at any moment: an operation
/// takes microseconds, and where a disk does not answer, as many threads wait for it before others lack descriptors.
const OPERATIONS: usize = 1024;
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
    /// Connections, each with its socket.
    connections: usize,
    /// Homes that logins have opened, or have still to open.
    homes: usize,
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
    Home,
    Handle(UserId),
}

impl Descriptors {
    /// Makes the descriptors of a process that may have `limit` open.
    pub fn of_limit(limit: u64) -> Arc<Self> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let kept = (limit / KEPT_PART).clamp(KEPT_LEAST, KEPT_MOST);
        Arc::new(Self {
            kept,
            most: limit.saturating_sub(kept),
            taken: Mutex::default(),
        })
    }

    /// Makes descriptors without a bound.
    pub fn unlimited() -> Arc<Self> {
        Self::of_limit(u64::MAX)
    }

    /// The number of descriptors kept back for everything that is no connection of a client.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// The number of connections that there may be while no file is open and no two of them have the same home.
    pub fn most_connections(&self) -> usize {
        let with_operations = self.most / (2 + OF_OPERATION);
        let others = self.most.saturating_sub(OPERATIONS * (2 + OF_OPERATION)) / 2;
        with_operations.min(OPERATIONS) + others
    }

    /// Takes what a connection needs, and besides what the home needs that its login will open: that is given back when the
    /// home is open, and has been [counted itself](Self::count_home).
    ///
    /// # Errors
    /// [`LimitReached`](ErrorKind::LimitReached).
    pub fn take_for_connection(self: &Arc<Self>) -> Result<(Permit, Permit)> {
        let mut taken = self.lock();
        let with_it = Taken::of(taken.connections + 1, taken.homes + 1, taken.by_handles);
        if with_it > self.most {
            return Err(Error::new(
                ErrorKind::LimitReached,
                "the process may not open more files (RLIMIT_NOFILE)",
            ));
        }
        taken.connections += 1;
        taken.homes += 1;
        Ok((self.permit(Holder::Connection), self.permit(Holder::Home)))
    }

    /// Counts a home that is open. It is never refused: a connection has kept room for the home of its login.
    pub fn count_home(self: &Arc<Self>) -> Permit {
        self.lock().homes += 1;
        self.permit(Holder::Home)
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
        Self::of(self.connections, self.homes, self.by_handles)
    }

    fn of(connections: usize, homes: usize, by_handles: usize) -> usize {
        connections + OF_OPERATION * connections.min(OPERATIONS) + homes + by_handles
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut taken = self.descriptors.lock();
        match self.of {
            Holder::Connection => taken.connections -= 1,
            Holder::Home => taken.homes -= 1,
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
        assert_eq!(connections.len(), (768 - 2 * (144 + 72 + 36)) / 4);
        drop((first, second, third, connections));
        let taken = descriptors.lock();
        assert_eq!((taken.all(), taken.by_user.len()), (0, 0));
    }

    #[test]
    fn connections_may_take_all_and_then_nothing_is_opened() {
        let descriptors = Descriptors::of_limit(256);
        let connections: Vec<_> =
            std::iter::from_fn(|| descriptors.take_for_connection().ok()).collect();
        assert_eq!(connections.len(), (256 - 64) / 4);
        assert_eq!(connections.len(), descriptors.most_connections());
        let refused = descriptors.take_for_handle(UserId(1)).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::LimitReached);
        drop(connections);
        assert!(descriptors.take_for_handle(UserId(1)).is_ok());
    }

    #[test]
    fn connections_with_a_home_of_their_own_take_two_from_some_number_on_and_with_a_shared_one_one()
    {
        let descriptors = Descriptors::of_limit(20_000);
        let most = descriptors.most_connections();
        assert_eq!(most, 1024 + (20_000 - 512 - 1024 * 4) / 2);
        let with_homes: Vec<_> =
            std::iter::from_fn(|| descriptors.take_for_connection().ok()).collect();
        assert_eq!(with_homes.len(), most);
        drop(with_homes);

        let shared = descriptors.count_home();
        let mut connections = Vec::new();
        while let Ok((connection, home)) = descriptors.take_for_connection() {
            drop(home);
            connections.push(connection);
        }
        // The last one would have had no room for a home of its own.
        assert_eq!(connections.len(), 20_000 - 512 - 1024 * 2 - 2);
        drop((shared, connections));
        assert_eq!(descriptors.lock().all(), 0);
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
