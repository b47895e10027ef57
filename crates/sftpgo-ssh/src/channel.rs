//! A session channel: what arrived and is not done yet, and the task that does it.
//!
//! Reading the network never waits for replies to be written: a client may ask for a whole file
//! before it reads the first byte. What waits is bounded: above [`Limits::queued_bytes`] the reader
//! waits for the engine, unless the engine itself waits for the client to read; then the queue may
//! grow to [`Limits::queued_bytes_unread`], and past that the connection ends.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use crate::{
    config::Limits,
    sftp::{Engine, proto::framer::whole_packets_len},
    transport::ChannelOut,
};

/// Replies are handed to the connection when this many bytes wait.
const SEND_AT: usize = 128 * 1024;

/// A session without requests gives its spare buffer back after this.
const KEEP_SPARE: Duration = Duration::from_secs(1);

/// Channel data between the connection and the engine.
pub(crate) struct Inbox {
    state: Mutex<State>,
    arrived: Notify,
    progressed: Notify,
    most: usize,
    most_unread: usize,
}

#[derive(Default)]
struct State {
    queue: Vec<u8>,
    ended: bool,
    sending: bool,
}

/// The client sent more requests than may wait.
#[derive(Debug)]
pub(crate) struct Overflow;

impl Inbox {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Notify::new(),
            progressed: Notify::new(),
            most: limits.queued_bytes,
            most_unread: limits.queued_bytes_unread,
        }
    }

    /// Adds what arrived; waits while the engine has enough to do and can do it.
    pub(crate) async fn push(&self, data: &[u8]) -> Result<(), Overflow> {
        {
            let mut state = self.lock();
            if state.ended {
                return Ok(());
            }
            if state.queue.len() + data.len() > self.most_unread {
                return Err(Overflow);
            }
            state.queue.extend_from_slice(data);
        }
        self.arrived.notify_one();
        loop {
            {
                let state = self.lock();
                if state.queue.len() <= self.most || state.sending || state.ended {
                    return Ok(());
                }
            }
            self.progressed.notified().await;
        }
    }

    /// Nothing more will arrive.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.arrived.notify_one();
        self.progressed.notify_one();
    }

    /// The whole packets that wait; none when the client is done. `spare` becomes the next queue, so that
    /// a busy session allocates nothing.
    async fn take(&self, mut spare: Vec<u8>) -> Option<Vec<u8>> {
        loop {
            {
                let mut state = self.lock();
                let whole = match whole_packets_len(&state.queue) {
                    0 if state.ended => state.queue.len(),
                    whole => whole,
                };
                if whole > 0 {
                    spare.clear();
                    spare.extend_from_slice(state.queue.get(whole..).unwrap_or_default());
                    let mut taken = std::mem::replace(&mut state.queue, spare);
                    drop(state);
                    taken.truncate(whole);
                    self.progressed.notify_one();
                    return Some(taken);
                }
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

    fn set_sending(&self, sending: bool) {
        self.lock().sending = sending;
        if sending {
            self.progressed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does the requests of one SFTP session in the order they arrived, until the client is done.
pub(crate) async fn run_sftp(mut engine: Engine, inbox: &Inbox, out: ChannelOut) {
    let mut spare = Vec::new();
    while let Some(data) = inbox.take(spare).await {
        spare = engine.push(data);
        loop {
            match engine.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => {
                    log::debug!("an SFTP session ends: a packet does not follow the protocol");
                    send(&mut engine, inbox, &out).await;
                    drop(engine);
                    inbox.end();
                    return out.close(1).await;
                }
            }
            let pause = engine.take_pause();
            if !pause.is_zero() {
                send(&mut engine, inbox, &out).await;
                tokio::time::sleep(pause).await;
            } else if engine.replies_len() >= SEND_AT {
                send(&mut engine, inbox, &out).await;
            }
        }
        send(&mut engine, inbox, &out).await;
    }
    // Open uploads end here, before the client hears that the session has ended.
    drop(engine);
    out.close(0).await;
}

async fn send(engine: &mut Engine, inbox: &Inbox, out: &ChannelOut) {
    if engine.replies_len() == 0 {
        return;
    }
    inbox.set_sending(true);
    out.send(engine.take_replies()).await;
    inbox.set_sending(false);
}
