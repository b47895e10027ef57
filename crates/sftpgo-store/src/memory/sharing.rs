//! Several servers in one process, which share one memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use sftpgo_core::{
    Error, ErrorKind, Result, UserId,
    provider::{Report, ServerId, Share, SharedStore, StoredShare},
    quota::Amount,
    user::Usage,
};

use super::MemoryProvider;

#[derive(Debug, Default)]
pub(super) struct Neighbours {
    seen_at: BTreeMap<ServerId, Instant>,
    shares: BTreeMap<(ServerId, UserId), StoredShare>,
    sessions: BTreeMap<(ServerId, i64), UserId>,
}

impl Neighbours {
    /// The user is gone.
    pub(super) fn forget(&mut self, id: UserId) {
        self.shares.retain(|(_, user), _| *user != id);
        self.sessions.retain(|_, user| *user != id);
    }

    fn reserved_by_others(&self, server: ServerId, id: UserId) -> Amount {
        self.shares
            .iter()
            .filter(|((other, user), _)| *other != server && *user == id)
            .fold(Amount::default(), |sum, (_, share)| {
                sum.plus(share.reserved)
            })
    }
}

impl SharedStore for MemoryProvider {
    fn keep_alive(&self, server: ServerId) -> Result<bool> {
        let neighbours = &mut self.lock().neighbours;
        Ok(neighbours.seen_at.insert(server, Instant::now()).is_none())
    }

    fn take_over(&self, server: ServerId, silent_for: Duration) -> Result<Vec<UserId>> {
        let neighbours = &mut self.lock().neighbours;
        neighbours
            .seen_at
            .retain(|other, at| *other == server || at.elapsed() < silent_for);
        let alive: BTreeSet<ServerId> = neighbours.seen_at.keys().copied().collect();
        let is_dead = |other: &ServerId| *other != server && !alive.contains(other);
        let mut users: Vec<UserId> = neighbours
            .shares
            .keys()
            .filter(|(other, _)| is_dead(other))
            .map(|(_, user)| *user)
            .collect();
        users.sort_unstable();
        users.dedup();
        for user in &users {
            neighbours.shares.entry((server, *user)).or_default();
        }
        neighbours.shares.retain(|(other, _), _| !is_dead(other));
        neighbours.sessions.retain(|(other, _), _| !is_dead(other));
        Ok(users)
    }

    fn leave(&self, server: ServerId) -> Result<()> {
        let neighbours = &mut self.lock().neighbours;
        neighbours.sessions.retain(|(other, _), _| *other != server);
        // Shares that it could not end are taken over.
        neighbours.seen_at.remove(&server);
        Ok(())
    }

    fn take_session(&self, server: ServerId, number: i64, id: UserId, most: u32) -> Result<()> {
        let mut stored = self.lock();
        stored.with_id_mut(id)?;
        let sessions = &mut stored.neighbours.sessions;
        let of_user =
            |(key, user): (&(ServerId, i64), &UserId)| *user == id && *key != (server, number);
        let open = sessions.iter().filter(|session| of_user(*session)).count();
        if most > 0 && open >= most as usize {
            return Err(Error::new(
                ErrorKind::LimitReached,
                format!("too many open sessions: {open}"),
            ));
        }
        sessions.insert((server, number), id);
        Ok(())
    }

    fn give_back_sessions(&self, server: ServerId, numbers: &[i64]) -> Result<()> {
        let sessions = &mut self.lock().neighbours.sessions;
        for number in numbers {
            sessions.remove(&(server, *number));
        }
        Ok(())
    }

    fn share(&self, server: ServerId, id: UserId) -> Result<Share> {
        let mut stored = self.lock();
        let usage = Amount::of(stored.with_id_mut(id)?.usage);
        let neighbours = &stored.neighbours;
        let share = neighbours
            .shares
            .get(&(server, id))
            .copied()
            .unwrap_or_default();
        Ok(Share {
            usage,
            contributed: share.contributed,
            reserved: share.reserved,
            reserved_by_others: neighbours.reserved_by_others(server, id),
            was_lost: false,
        })
    }

    fn begin_share(&self, server: ServerId, id: UserId) -> Result<()> {
        let mut stored = self.lock();
        if stored.with_id(id).is_some() {
            stored.neighbours.shares.entry((server, id)).or_default();
        }
        Ok(())
    }

    fn report(&self, server: ServerId, id: UserId, report: &Report) -> Result<Share> {
        let mut stored = self.lock();
        let others = stored.neighbours.reserved_by_others(server, id);
        let share = stored.neighbours.shares.get(&(server, id)).copied();
        let user = stored.with_id_mut(id)?;
        let (usage, share, answer) = report.apply(user.usage, share, others);
        user.usage = usage;
        stored.neighbours.shares.insert((server, id), share);
        Ok(answer)
    }

    fn replace_usage(
        &self,
        server: ServerId,
        id: UserId,
        usage: Usage,
        contributed: Amount,
    ) -> Result<()> {
        let mut stored = self.lock();
        stored.with_id_mut(id)?.usage = usage;
        if let Some(share) = stored.neighbours.shares.get_mut(&(server, id)) {
            share.contributed = contributed;
        }
        Ok(())
    }

    fn end_share(&self, server: ServerId, id: UserId) -> Result<()> {
        self.lock().neighbours.shares.remove(&(server, id));
        Ok(())
    }
}
