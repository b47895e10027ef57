//! Connections at once, bounded in all and for each source.
//!
//! A connection on which nothing is asked makes room for a new one, so that silent clients keep nobody out.

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
    /// connection of the source that has most is closed for it; where none is silent, this waits. None when all places of
    /// the source are taken by connections that are not silent.
    pub(crate) async fn enter(self: &Arc<Self>, source: Option<IpAddr>) -> Option<Place> {
        loop {
            match self.try_enter(source) {
                Entrance::Entered(place) => return Some(place),
                Entrance::Refused => return None,
                Entrance::Full => {
                    // Or one has become silent.
                    let _ = time::timeout(FIRST_WORDS, self.left.notified()).await;
                }
            }
        }
    }

    fn try_enter(self: &Arc<Self>, source: Option<IpAddr>) -> Entrance {
        let mut state = self.lock();
        if source.is_some() && state.of(source) >= self.per_source {
            if !state.close_silent(|entry| entry.source == source) {
                return Entrance::Refused;
            }
        } else if state.taken.len() >= self.most && !state.close_silent_of_the_many() {
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

    fn close_silent_of_the_many(&mut self) -> bool {
        let mut counts: HashMap<_, (usize, bool)> = HashMap::new();
        for entry in self.taken.values() {
            let (count, has_silent) = counts.entry(entry.source).or_default();
            *count += 1;
            *has_silent |= entry.is_silent();
        }
        let silent = counts.into_iter().filter(|(_, (_, silent))| *silent);
        let Some((source, _)) = silent.max_by_key(|(_, (count, _))| *count) else {
            return false;
        };
        self.close_silent(|entry| entry.source == source)
    }

    /// Closes the oldest of these on which nothing is asked.
    fn close_silent(&mut self, counts: impl Fn(&Entry) -> bool) -> bool {
        let mut silent = self
            .taken
            .iter()
            .filter(|(_, entry)| entry.is_silent() && counts(entry));
        let Some((number, entry)) = silent.next() else {
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
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn source(last: u8) -> Option<IpAddr> {
        Some([192, 0, 2, last].into())
    }

    fn is_closed(place: &Place) -> bool {
        place.close_requested().is_cancelled()
    }

    /// Takes a place; none while the connection waits.
    fn enter(places: &Arc<Places>, source: Option<IpAddr>) -> Option<Option<Arc<Place>>> {
        let entered = places.enter(source).now_or_never()?;
        Some(entered.map(Arc::new))
    }

    async fn fall_silent() {
        time::advance(FIRST_WORDS).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_of_whoever_has_most_makes_room() {
        let places = Places::new(4, 3);
        let one = enter(&places, source(1)).unwrap().unwrap();
        let many = [2, 2, 2].map(|last| enter(&places, source(last)).unwrap().unwrap());
        assert!(enter(&places, source(3)).is_none(), "all have just come");
        fall_silent().await;
        let new = enter(&places, source(3)).unwrap().unwrap();
        assert_eq!(
            many.each_ref().map(|place| is_closed(place)),
            [true, false, false]
        );
        assert!(!is_closed(&one) && !is_closed(&new));
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_has_no_more_places_than_it_may() {
        let places = Places::new(8, 2);
        let two = [1, 1].map(|last| enter(&places, source(last)).unwrap().unwrap());
        let running = [two[0].begin(), two[1].begin()];
        assert!(enter(&places, source(1)).unwrap().is_none());
        assert!(enter(&places, source(2)).unwrap().is_some());
        // Behind a proxy are many.
        for _ in 0..3 {
            assert!(enter(&places, None).unwrap().is_some());
        }
        drop(running);
        fall_silent().await;
        assert!(enter(&places, source(1)).unwrap().is_some());
        assert!(is_closed(&two[0]) && !is_closed(&two[1]));
    }

    #[tokio::test]
    async fn a_source_that_is_known_later_is_bounded_too() {
        let places = Places::new(8, 2);
        let behind_a_proxy = [0; 3].map(|_| enter(&places, None).unwrap().unwrap());
        let let_in = behind_a_proxy
            .each_ref()
            .map(|place| place.is_of(source(1)));
        assert_eq!(let_in, [true, true, false]);
        assert!(behind_a_proxy[2].is_of(source(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_is_silent_a_new_one_waits_for_an_end() {
        let places = Places::new(1, 1);
        let first = enter(&places, None).unwrap().unwrap();
        let running = first.begin();
        let mut second = Box::pin(places.enter(None));
        assert!(second.as_mut().now_or_never().is_none());
        drop((running, first));
        assert!(second.now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_pieces_is_waited_for_and_who_stops_is_not() {
        let places = Places::new(1, 1);
        let place = enter(&places, None).unwrap().unwrap();
        let started = Instant::now();
        let mut running = place.begin();
        let patience = Duration::from_secs(30);
        let answering = async {
            // The answer is not begun: nobody waits for the client.
            time::sleep(Duration::from_secs(100)).await;
            for _ in 0..10 {
                running.gives();
                time::sleep(Duration::from_secs(20)).await;
                running.is_taken();
            }
            running.gives();
        };
        let (stalled, still) = (place.stalled_for(patience), place.still_for(patience));
        let still = async {
            still.await;
            started.elapsed()
        };
        let stalled = async {
            stalled.await;
            started.elapsed()
        };
        let ((), stalled, still) = futures_util::join!(answering, stalled, still);
        assert_eq!(still.as_secs(), 30);
        assert!((330..=360).contains(&stalled.as_secs()), "{stalled:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_begins_again_after_each_answer() {
        let places = Places::new(1, 1);
        let place = enter(&places, None).unwrap().unwrap();
        let started = Instant::now();
        let running = place.begin();
        let ending = async {
            time::sleep(Duration::from_secs(100)).await;
            drop(running);
        };
        let silence = place.silent_for(Duration::from_secs(30));
        futures_util::join!(ending, silence);
        let took = started.elapsed().as_secs();
        assert!((130..=160).contains(&took), "{took}");
    }
}
