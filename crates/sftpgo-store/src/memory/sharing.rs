//! Several servers in one process, which share one memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use sftpgo_core::{
    Error, ErrorKind, Result, UserId,
    provider::{ClusterStore, NodeId, Report, RescanStart, Share, StoredShare},
    storage_usage::{StorageUsage, Usage},
};

use super::MemoryProvider;

#[derive(Debug, Default)]
pub(super) struct ClusterState {
    seen_at: BTreeMap<NodeId, Instant>,
    shares: BTreeMap<(NodeId, UserId), ShareRecord>,
    sessions: BTreeMap<(NodeId, i64), UserId>,
}

#[derive(Debug, Clone, Copy, Default)]
struct ShareRecord {
    share: StoredShare,
    needs_rescan: bool,
    /// A rescan goes on, and no other node has had a share since it began.
    rescans_alone: bool,
}

impl ClusterState {
    /// The user is gone.
    pub(super) fn forget(&mut self, id: UserId) {
        self.shares.retain(|(_, user), _| *user != id);
        self.sessions.retain(|_, user| *user != id);
    }

    fn reserved_by_others(&self, server: NodeId, id: UserId) -> StorageUsage {
        self.shares
            .iter()
            .filter(|((other, user), _)| *other != server && *user == id)
            .fold(StorageUsage::default(), |sum, (_, record)| {
                sum.plus(record.share.reserved)
            })
    }

    /// The share, which begins now unless it has.
    fn begin(&mut self, server: NodeId, id: UserId, late: bool) -> &mut ShareRecord {
        self.begin_with(server, id, StorageUsage::default(), late)
    }

    fn begin_with(
        &mut self,
        server: NodeId,
        id: UserId,
        contributed: StorageUsage,
        late: bool,
    ) -> &mut ShareRecord {
        if !self.shares.contains_key(&(server, id)) {
            for ((_, user), record) in &mut self.shares {
                record.rescans_alone &= *user != id;
            }
        }
        self.shares.entry((server, id)).or_insert(ShareRecord {
            share: StoredShare {
                contributed,
                ..StoredShare::default()
            },
            needs_rescan: late,
            ..ShareRecord::default()
        })
    }

    /// Returns another node with a share in the user.
    fn other(&self, server: NodeId, id: UserId) -> Option<NodeId> {
        let mut keys = self.shares.keys();
        keys.find(|(other, user)| *other != server && *user == id)
            .map(|(other, _)| *other)
    }
}

impl ClusterStore for MemoryProvider {
    fn keep_alive(&self, server: NodeId) -> Result<bool> {
        let cluster = &mut self.lock().cluster;
        Ok(cluster.seen_at.insert(server, Instant::now()).is_none())
    }

    fn expire_silent(&self, server: NodeId, silent_for: Duration) -> Result<()> {
        let cluster = &mut self.lock().cluster;
        cluster
            .seen_at
            .retain(|other, at| *other == server || at.elapsed() < silent_for);
        Ok(())
    }

    fn reclaim(&self, server: NodeId) -> Result<bool> {
        let cluster = &mut self.lock().cluster;
        let alive: BTreeSet<NodeId> = cluster.seen_at.keys().copied().collect();
        let is_dead = |other: &NodeId| *other != server && !alive.contains(other);
        cluster.sessions.retain(|(other, _), _| !is_dead(other));
        let left: Vec<(NodeId, UserId)> = cluster
            .shares
            .keys()
            .filter(|(other, _)| is_dead(other))
            .copied()
            .collect();
        for key in left {
            cluster.shares.remove(&key);
            cluster.begin(server, key.1, true).needs_rescan = true;
        }
        Ok(false)
    }

    fn leave(&self, server: NodeId) -> Result<()> {
        let cluster = &mut self.lock().cluster;
        cluster.sessions.retain(|(other, _), _| *other != server);
        // Shares that it could not end are taken over.
        cluster.seen_at.remove(&server);
        Ok(())
    }

    fn take_session(&self, server: NodeId, number: i64, id: UserId, most: u32) -> Result<()> {
        let mut stored = self.lock();
        stored.with_id_mut(id)?;
        let sessions = &mut stored.cluster.sessions;
        let of_user =
            |(key, user): (&(NodeId, i64), &UserId)| *user == id && *key != (server, number);
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

    fn sessions(&self, server: NodeId) -> Result<Vec<i64>> {
        let sessions = &self.lock().cluster.sessions;
        let of_server = sessions.keys().filter(|(other, _)| *other == server);
        Ok(of_server.map(|(_, number)| *number).collect())
    }

    fn take_sessions_again(&self, server: NodeId, again: &[(i64, UserId)]) -> Result<()> {
        let mut stored = self.lock();
        for (number, id) in again {
            if stored.with_id(*id).is_some() {
                let sessions = &mut stored.cluster.sessions;
                sessions.insert((server, *number), *id);
            }
        }
        Ok(())
    }

    fn give_back_sessions(&self, server: NodeId, numbers: &[i64]) -> Result<()> {
        let sessions = &mut self.lock().cluster.sessions;
        for number in numbers {
            sessions.remove(&(server, *number));
        }
        Ok(())
    }

    fn share(&self, server: NodeId, id: UserId) -> Result<Share> {
        let mut stored = self.lock();
        let usage = StorageUsage::of(stored.with_id_mut(id)?.usage);
        let cluster = &stored.cluster;
        let record = cluster.shares.get(&(server, id)).copied();
        let share = record.unwrap_or_default().share;
        Ok(Share {
            usage,
            contributed: share.contributed,
            reserved: share.reserved,
            reserved_by_others: cluster.reserved_by_others(server, id),
            was_lost: false,
        })
    }

    fn begin_share(
        &self,
        server: NodeId,
        id: UserId,
        contributed: StorageUsage,
        late: bool,
    ) -> Result<()> {
        let mut stored = self.lock();
        if stored.with_id(id).is_some() {
            let cluster = &mut stored.cluster;
            cluster.begin_with(server, id, contributed, late);
        }
        Ok(())
    }

    fn report(&self, server: NodeId, id: UserId, report: &Report) -> Result<Share> {
        let mut stored = self.lock();
        let others = stored.cluster.reserved_by_others(server, id);
        let record = stored.cluster.shares.get(&(server, id));
        let share = record.map(|record| record.share);
        let user = stored.with_id_mut(id)?;
        let (usage, share, answer) = report.apply(user.usage, share, others);
        user.usage = usage;
        stored.cluster.begin(server, id, true).share = share;
        Ok(answer)
    }

    fn users_to_rescan(&self, server: NodeId) -> Result<Vec<UserId>> {
        let shares = &self.lock().cluster.shares;
        let own = shares
            .iter()
            .filter(|((other, _), record)| *other == server && record.needs_rescan);
        Ok(own.map(|((_, user), _)| *user).collect())
    }

    fn begin_rescan(&self, server: NodeId, id: UserId) -> Result<RescanStart> {
        let mut stored = self.lock();
        stored.with_id_mut(id)?;
        let is_alone = stored.cluster.other(server, id).is_none();
        let record = stored.cluster.begin(server, id, true);
        record.rescans_alone = is_alone;
        Ok(RescanStart {
            is_alone,
            is_due: record.needs_rescan,
        })
    }

    fn replace_usage(
        &self,
        server: NodeId,
        id: UserId,
        usage: Usage,
        contributed: StorageUsage,
        even_roughly: bool,
    ) -> Result<bool> {
        let mut stored = self.lock();
        stored.with_id_mut(id)?;
        let cluster = &mut stored.cluster;
        let record = cluster.begin_with(server, id, contributed, true);
        let is_exact = std::mem::take(&mut record.rescans_alone);
        record.needs_rescan = !is_exact;
        if is_exact || even_roughly {
            record.share.contributed = contributed;
            stored.with_id_mut(id)?.usage = usage;
        }
        Ok(is_exact)
    }

    fn end_share(&self, server: NodeId, id: UserId) -> Result<bool> {
        let mut stored = self.lock();
        let cluster = &mut stored.cluster;
        let needs_rescan = cluster
            .shares
            .get(&(server, id))
            .is_some_and(|record| record.needs_rescan);
        match cluster.other(server, id) {
            None if needs_rescan => return Ok(false),
            Some(other) if needs_rescan => cluster.begin(other, id, true).needs_rescan = true,
            Some(_) => {}
            None => {
                if let Ok(user) = stored.with_id_mut(id) {
                    let updated_at = user.usage.updated_at;
                    user.usage = StorageUsage::of(user.usage).as_usage_at(updated_at);
                }
            }
        }
        stored.cluster.shares.remove(&(server, id));
        Ok(true)
    }
}
