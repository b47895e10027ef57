//! Channel data between the connection and the task of a session.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use super::{Budget, budget::Held};

/// A session without requests gives its spare buffer back after this.
const KEEP_SPARE: Duration = Duration::from_secs(1);

/// How much of what waits can be worked on.
type Whole = fn(&[u8]) -> usize;

/// What arrived for one session and was not taken yet.
pub(crate) struct Inbox {
    state: Mutex<State>,
    arrived: Notify,
    budget: Arc<Budget>,
    whole: Whole,
}

#[derive(Default)]
struct State {
    queue: Vec<u8>,
    /// Bytes of what was taken last: in memory until the next is taken.
    in_work: usize,
    session: Doing,
    ended: bool,
    /// As the budget knows it.
    held: Held,
}

/// What the session's task does.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// It waits for more to arrive.
    Waiting,
    #[default]
    Working,
    /// It waits for the client to read.
    Sending,
}

/// The client sent more than may wait.
#[derive(Debug)]
pub(crate) struct Overflow;

impl Inbox {
    /// An inbox that hands out what `whole` says.
    pub(crate) fn new(budget: Arc<Budget>, whole: Whole) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Notify::new(),
            budget,
            whole,
        }
    }

    /// Adds what arrived.
    ///
    /// # Errors
    /// The connection holds as much as it may, and nobody works on it.
    pub(crate) fn push(&self, data: &[u8]) -> Result<(), Overflow> {
        let mut state = self.lock();
        if state.ended {
            return Ok(());
        }
        if !self.budget.takes(data.len()) {
            return Err(Overflow);
        }
        state.queue.extend_from_slice(data);
        if state.session == Doing::Waiting {
            state.session = Doing::Working;
        }
        self.settle(&mut state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Nothing more will arrive.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        self.settle(&mut state);
        self.arrived.notify_one();
    }

    /// Nobody takes anything any more.
    pub(super) fn discard(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.queue = Vec::new();
        state.in_work = 0;
        self.settle(&mut state);
    }

    /// What waits and can be worked on; none when the client is done. `spare` becomes the next queue, so that
    /// a busy session allocates nothing. What was taken before has to be done with.
    pub(super) async fn take(&self, mut spare: Vec<u8>) -> Option<Vec<u8>> {
        loop {
            {
                let mut state = self.lock();
                state.in_work = 0;
                let whole = match (self.whole)(&state.queue) {
                    0 if state.ended => state.queue.len(),
                    whole => whole,
                };
                if whole > 0 {
                    spare.clear();
                    spare.extend_from_slice(state.queue.get(whole..).unwrap_or_default());
                    let mut taken = std::mem::replace(&mut state.queue, spare);
                    state.in_work = whole;
                    state.session = Doing::Working;
                    self.settle(&mut state);
                    drop(state);
                    taken.truncate(whole);
                    return Some(taken);
                }
                state.session = Doing::Waiting;
                self.settle(&mut state);
                if state.ended {
                    return None;
                }
            }
            if timeout(KEEP_SPARE, self.arrived.notified()).await.is_err() {
                // An idle session keeps no buffer.
                spare = Vec::new();
                self.arrived.notified().await;
            }
        }
    }

    /// For a session that waits for the client to read, reading the connection does not wait.
    pub(super) fn set_sending(&self, sending: bool) {
        let mut state = self.lock();
        state.session = if sending {
            Doing::Sending
        } else {
            Doing::Working
        };
        self.settle(&mut state);
    }

    fn settle(&self, state: &mut State) {
        let all = state.queue.len() + state.in_work;
        let is_moving = state.session == Doing::Working;
        let now = Held {
            all,
            moving: if is_moving { all } else { 0 },
        };
        self.budget.replace(&mut state.held, now);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::config::Limits;

    fn budget(queued_bytes: usize) -> Arc<Budget> {
        Arc::new(Budget::new(&Limits {
            queued_bytes,
            queued_bytes_unread: 100,
            ..Limits::default()
        }))
    }

    fn inboxes(queued_bytes: usize) -> (Inbox, Inbox) {
        let budget = budget(queued_bytes);
        let inbox = || Inbox::new(Arc::clone(&budget), <[u8]>::len);
        (inbox(), inbox())
    }

    fn is_read(inbox: &Inbox) -> bool {
        let context = Context::from_waker(Waker::noop());
        inbox.budget.poll_may_read(&context) == Poll::Ready(())
    }

    /// Is `future` still waiting after a poll?
    async fn waits<F: Future + Unpin>(future: &mut F) -> bool {
        std::future::poll_fn(|context| {
            Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
        })
        .await
    }

    #[tokio::test]
    async fn channels_share_what_a_connection_may_hold() {
        let (one, other) = inboxes(100);
        one.push(&[1; 60]).unwrap();
        one.set_sending(true);
        assert!(other.push(&[2; 50]).is_err());
        other.push(&[2; 40]).unwrap();
    }

    #[tokio::test]
    async fn what_is_worked_on_counts_until_the_next_is_taken() {
        let (one, other) = inboxes(100);
        one.push(&[1; 80]).unwrap();
        assert_eq!(one.take(Vec::new()).await, Some(vec![1; 80]));
        one.set_sending(true);
        assert!(other.push(&[1; 30]).is_err());
        one.set_sending(false);
        other.push(&[1; 20]).unwrap();
        assert!(waits(&mut Box::pin(one.take(Vec::new()))).await);
        other.push(&[2; 80]).unwrap();
    }

    #[tokio::test]
    async fn reading_waits_for_a_session_at_work_to_make_room() {
        let (one, other) = inboxes(1000);
        one.push(&[1; 80]).unwrap();
        one.take(Vec::new()).await.unwrap();
        // It was read already.
        other.push(&[2; 30]).unwrap();
        other.set_sending(true);
        assert!(!is_read(&one));
        let mut take = Box::pin(one.take(Vec::new()));
        assert!(waits(&mut take).await);
        assert!(is_read(&one));
    }

    #[tokio::test]
    async fn a_part_of_a_packet_is_not_waited_for() {
        let budget = budget(100);
        let part = Inbox::new(Arc::clone(&budget), |_| 0);
        let other = Inbox::new(budget, <[u8]>::len);
        part.push(&[1; 80]).unwrap();
        assert!(waits(&mut Box::pin(part.take(Vec::new()))).await);
        assert!(other.push(&[2; 30]).is_err());
    }

    #[tokio::test]
    async fn a_session_whose_client_is_done_keeps_nobody_waiting() {
        let (one, other) = inboxes(100);
        one.push(&[1; 80]).unwrap();
        one.take(Vec::new()).await.unwrap();
        one.end();
        assert_eq!(one.take(Vec::new()).await, None);
        other.push(&[2; 100]).unwrap();
    }

    #[tokio::test]
    async fn a_session_that_is_over_holds_nothing() {
        let (one, other) = inboxes(100);
        one.push(&[1; 60]).unwrap();
        one.take(Vec::new()).await.unwrap();
        one.push(&[1; 40]).unwrap();
        one.discard();
        one.push(&[1; 1000]).unwrap();
        other.push(&[2; 100]).unwrap();
        assert_eq!(one.take(Vec::new()).await, None);
    }

    #[tokio::test]
    async fn reading_waits_for_all_sessions_but_those_that_wait_for_the_client() {
        let (one, other) = inboxes(9);
        one.push(&[1; 5]).unwrap();
        assert!(is_read(&one));
        other.push(&[1; 5]).unwrap();
        assert!(!is_read(&one));
        one.set_sending(true);
        assert!(is_read(&one));
        one.push(&[1; 50]).unwrap();
        assert!(is_read(&one));
    }
}
