//! Connections at once, bounded in all and for each source.
//!
//! A connection on which nothing is asked makes room for a new one, and where there is none, one whose client does not take
//! its answer, so that such clients keep nobody out.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use sftpgo_core::sync::lock;
use tokio::{
    sync::Notify,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

/// A connection makes room for another when nothing was asked on it for this long: who has just come is about to ask.
const FIRST_WORDS: Duration = Duration::from_secs(1);

/// A connection makes room for another when it has moved nothing of its answers for this long, where none is silent: a slow
/// line moves a piece in less.
const STALLED: Duration = Duration::from_secs(5);

/// How often it is looked within a patience whether it has begun.
const LOOKS: u32 = 6;

/// The places that all bindings share.
pub(crate) struct Places {
    most: usize,
    per_source: usize,
    state: Mutex<State>,
    left: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    taken: BTreeMap<u64, Entry>,
}

struct Entry {
    /// The source; none for clients that are many behind one address: on this machine, or behind a trusted proxy.
    source: Option<IpAddr>,
    running: usize,
    /// Of those, how many have an answer of which the client was given a piece that it has not taken yet.
    waiting: usize,
    /// When a client last asked for something, took a piece of an answer, or had the whole.
    moved: Instant,
    close: CancellationToken,
}

/// A connection's place; given back when it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
    close: CancellationToken,
}

/// A request that is being answered, until its answer is out.
pub(crate) struct Running {
    place: Arc<Place>,
    is_waiting: bool,
}

enum Entrance {
    Entered(Place),
    Full,
    Refused,
}

impl Places {
    /// Makes so many places in all, of which one source may have so many.
    pub(crate) fn new(most: usize, per_source: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            per_source,
            state: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// A place for a client of this source, which is bounded unless it is none. Where all places are taken, a silent
    /// connection of the source that has most is closed for it, or else one that stalls; where there is neither, this waits.
    /// None when all places of the source are taken by connections that are not silent.
    pub(crate) async fn enter(self: &Arc<Self>, source: Option<IpAddr>) -> Option<Place> {
        loop {
            match self.try_enter(source) {
                Entrance::Entered(place) => return Some(place),
                Entrance::Refused => return None,
                Entrance::Full => {
                    // Or one has become silent, or stalls.
                    let _ = time::timeout(FIRST_WORDS, self.left.notified()).await;
                }
            }
        }
    }

    fn try_enter(self: &Arc<Self>, source: Option<IpAddr>) -> Entrance {
        let mut state = self.lock();
        if source.is_some() && state.of(source) >= self.per_source {
            if !state.close_oldest(|entry| entry.source == source && entry.is_silent()) {
                return Entrance::Refused;
            }
        } else if state.taken.len() >= self.most && !state.make_room() {
            return Entrance::Full;
        }
        let number = state.next;
        state.next += 1;
        let close = CancellationToken::new();
        let entry = Entry {
            source,
            running: 0,
            waiting: 0,
            moved: Instant::now(),
            close: close.clone(),
        };
        state.taken.insert(number, entry);
        Entrance::Entered(Place {
            places: Arc::clone(self),
            number,
            close,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn of(&self, source: Option<IpAddr>) -> usize {
        let of_source = self.taken.values().filter(|entry| entry.source == source);
        of_source.count()
    }

    fn make_room(&mut self) -> bool {
        self.close_one_of_the_many(Entry::is_silent) || self.close_one_of_the_many(Entry::stalls)
    }

    /// Closes the oldest that `yields`, of the source that has most places among those that have such a one.
    fn close_one_of_the_many(&mut self, yields: fn(&Entry) -> bool) -> bool {
        let mut counts: HashMap<_, (usize, bool)> = HashMap::new();
        for entry in self.taken.values() {
            let (count, has_one) = counts.entry(entry.source).or_default();
            *count += 1;
            *has_one |= yields(entry);
        }
        let candidates = counts.into_iter().filter(|(_, (_, has_one))| *has_one);
        let Some((source, _)) = candidates.max_by_key(|(_, (count, _))| *count) else {
            return false;
        };
        self.close_oldest(|entry| entry.source == source && yields(entry))
    }

    fn close_oldest(&mut self, counts: impl Fn(&Entry) -> bool) -> bool {
        let Some((number, entry)) = self.taken.iter().find(|(_, entry)| counts(entry)) else {
            return false;
        };
        entry.close.cancel();
        let number = *number;
        self.taken.remove(&number);
        true
    }
}

impl Entry {
    fn is_silent(&self) -> bool {
        self.running == 0 && self.moved.elapsed() >= FIRST_WORDS
    }

    fn stalls(&self) -> bool {
        self.waiting > 0 && self.moved.elapsed() >= STALLED
    }
}

impl Place {
    /// Fires when the connection has to make room for another.
    pub(crate) fn close_requested(&self) -> CancellationToken {
        self.close.clone()
    }

    /// Says whose connection it is, which is known now, and returns whether that source may have one more.
    pub(crate) fn is_of(&self, source: Option<IpAddr>) -> bool {
        let mut state = self.places.lock();
        if source.is_some() && state.of(source) >= self.places.per_source {
            return false;
        }
        if let Some(entry) = state.taken.get_mut(&self.number) {
            entry.source = source;
        }
        true
    }

    /// A request has come.
    pub(crate) fn begin(self: &Arc<Self>) -> Running {
        self.change(|entry| {
            entry.running += 1;
            entry.moved = Instant::now();
        });
        Running {
            place: Arc::clone(self),
            is_waiting: false,
        }
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.places.lock().taken.get_mut(&self.number) {
            change(entry);
        }
    }

    /// Waits until nothing was asked for `patience`.
    pub(crate) async fn silent_for(&self, patience: Duration) {
        self.unmoved_for(patience, |entry| entry.running == 0).await;
    }

    /// Waits until a client that was given a piece of an answer has taken none for `patience`.
    pub(crate) async fn stalled_for(&self, patience: Duration) {
        self.unmoved_for(patience, |entry| entry.waiting > 0).await;
    }

    /// Waits until nothing has moved for `patience`, whatever was asked.
    pub(crate) async fn still_for(&self, patience: Duration) {
        self.unmoved_for(patience, |_| true).await;
    }

    async fn unmoved_for(&self, patience: Duration, counts: impl Fn(&Entry) -> bool) {
        let left = || {
            let state = self.places.lock();
            let entry = state.taken.get(&self.number)?;
            if !counts(entry) {
                return Some(patience / LOOKS);
            }
            let left = patience.saturating_sub(entry.moved.elapsed());
            (!left.is_zero()).then_some(left)
        };
        while let Some(left) = left() {
            time::sleep(left).await;
        }
    }
}

impl Running {
    /// The client is given a piece of the answer.
    pub(crate) fn gives(&mut self) {
        if !mem::replace(&mut self.is_waiting, true) {
            self.place.change(|entry| {
                entry.waiting += 1;
                entry.moved = Instant::now();
            });
        }
    }

    /// The client, or what is between, has taken what it was given.
    pub(crate) fn is_taken(&mut self) {
        if mem::replace(&mut self.is_waiting, false) {
            self.place.change(|entry| {
                entry.waiting = entry.waiting.saturating_sub(1);
                entry.moved = Instant::now();
            });
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.places.lock().taken.remove(&self.number).is_some() {
            self.places.left.notify_one();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.is_taken();
        self.place.change(|entry| {
            entry.running = entry.running.saturating_sub(1);
            entry.moved = Instant::now();
        });
    }
}

#[cfg(test)]
mod tests;
