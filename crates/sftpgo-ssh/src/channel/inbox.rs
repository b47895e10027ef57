//! Channel data between the connection and the task of a session.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Budget, budget::Held};
use crate::sftp::Engine;

/// A buffer that has grown past this is not kept for the next data.
const KEEP_SPARE: usize = 16 * 1024;
/// When this many bytes of replies wait, whoever has brought data lets the session send them.
const SEND_SOON: usize = 256;

/// What arrived for one session and was not taken yet.
pub(crate) struct Inbox {
    state: Mutex<State>,
    arrived: Notify,
    budget: Arc<Budget>,
}

#[derive(Default)]
struct State {
    queue: Vec<u8>,
    /// An engine that waits for its client: what needs no task is done where it arrives.
    lent: Option<Engine>,
    /// Bytes that the session has taken and is not done with.
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

/// What to do when data was brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Brought {
    /// Go on.
    Taken,
    /// Let the session's task have a turn first.
    Yield,
}

impl Inbox {
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Notify::new(),
            budget,
        }
    }

    /// Adds what arrived.
    ///
    /// # Errors
    /// The connection holds as much as it may, and nobody works on it.
    pub(crate) fn push(&self, data: &[u8]) -> Result<Brought, Overflow> {
        let mut state = self.lock();
        if state.ended {
            return Ok(Brought::Taken);
        }
        let data = data.get(state.write_through(data)..).unwrap_or_default();
        if data.is_empty() {
            return Ok(self.brought(&state));
        }
        if !self.budget.takes(data.len()) {
            return Err(Overflow);
        }
        state.queue.extend_from_slice(data);
        if state.session == Doing::Waiting {
            state.session = Doing::Working;
        }
        self.settle(&mut state);
        Ok(self.brought(&state))
    }

    fn brought(&self, state: &State) -> Brought {
        if state.has_work() {
            self.arrived.notify_one();
        }
        match &state.lent {
            Some(engine) if engine.replies_len() >= SEND_SOON => Brought::Yield,
            _ => Brought::Taken,
        }
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
        state.lent = None;
        state.in_work = 0;
        self.settle(&mut state);
    }

    /// What waits; none when the client is done. `spare` becomes the next queue, so that a busy session allocates
    /// nothing. What was taken before has to be done with.
    pub(super) async fn take(&self, spare: Vec<u8>) -> Option<Vec<u8>> {
        self.wait(spare, 0, |_, data| Some(data)).await
    }

    /// The same for an engine without work, which gets its data written meanwhile: then it comes back with replies,
    /// and perhaps with no data. When the client is done it is dropped.
    pub(super) async fn lend(&self, engine: Engine, spare: Vec<u8>) -> Option<(Engine, Vec<u8>)> {
        let queued = engine.queued_len();
        self.lock().lent = Some(engine);
        self.wait(spare, queued, |state, data| {
            Some((state.lent.take()?, data))
        })
        .await
    }

    /// Waits for work; `kept` bytes of what was taken before stay with the session.
    async fn wait<T>(
        &self,
        mut spare: Vec<u8>,
        kept: usize,
        taken: impl FnOnce(&mut State, Vec<u8>) -> Option<T>,
    ) -> Option<T> {
        spare.clear();
        if spare.capacity() > KEEP_SPARE {
            spare = Vec::new();
        }
        loop {
            {
                let mut state = self.lock();
                state.in_work = kept;
                if state.has_work() {
                    let data = std::mem::replace(&mut state.queue, spare);
                    state.in_work += data.len();
                    state.session = Doing::Working;
                    self.settle(&mut state);
                    return taken(&mut state, data);
                }
                state.session = Doing::Waiting;
                self.settle(&mut state);
                if state.ended {
                    state.lent = None;
                    return None;
                }
            }
            self.arrived.notified().await;
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

impl State {
    /// Has a lent engine write what it can of `data`, unless something is queued in front of it.
    fn write_through(&mut self, data: &[u8]) -> usize {
        match &mut self.lent {
            Some(engine) if self.queue.is_empty() => engine.write_through(data),
            _ => 0,
        }
    }

    fn has_work(&self) -> bool {
        let has_replies = |engine: &Engine| engine.replies_len() > 0;
        !self.queue.is_empty() || self.lent.as_ref().is_some_and(has_replies)
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
        let inbox = || Inbox::new(Arc::clone(&budget));
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
