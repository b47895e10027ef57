//! What runs on a channel: an SFTP session or a program, what arrived for it and is not done, and what it waits for.
//!
//! A session has no thread and no clock of its own. The connection gives it turns; each is short, and says what the session
//! waits for then. So all sessions of a connection share its thread, and a test drives one in bytes.

mod offer;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sftpgo_core::registry::Connection;

pub(crate) use self::offer::{Offer, OpenFiles, Request, Started};

/// Output is sent when this many bytes wait; and after so many another session has a turn.
pub(crate) const SEND_AT: usize = 128 * 1024;

/// Requests that work long and answer little let the other channels have a turn after this.
const TURN: Duration = Duration::from_millis(10);

/// A pause for a bandwidth limit is slept in slices of this: whoever waits for it is not idle.
const SLICE: Duration = Duration::from_secs(1);

/// A client that waits for its bandwidth hears something at least this often: one that gets no answer to its own keep-alive
/// messages, which come behind the data it has sent, takes the connection for lost.
const REASSURE: Duration = Duration::from_secs(4);

/// A buffer that has grown past this is not kept for the next data.
const KEEP_SPARE: usize = 16 * 1024;

/// The sending side of a session's channel.
pub(crate) trait Sender {
    /// Sends what can go now of what a client takes as output, and returns how much that was.
    fn send(&mut self, data: &[u8]) -> usize;
    /// Sends what a client shows as an error, as [`Sender::send`] sends data.
    fn send_error(&mut self, data: &[u8]) -> usize;
    /// Lets the client hear something.
    fn reassure(&mut self);
}

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It waits for more input.
    Input,
    /// It waits for its next turn.
    Again,
    /// It waits for this time.
    Until(Instant),
    /// It waits for the client or the network to take what is to be sent.
    Output,
    /// It waits for nothing: it has ended with this exit status.
    Done(u32),
}

/// What a session does with what arrives.
pub(crate) trait Work: Send {
    /// Does from where it lies what can be done so, and returns how much that was. The session waits for input.
    fn write_through(&mut self, data: &[u8]) -> usize;
    /// Takes what arrived, and returns a buffer that is not needed any more.
    fn push(&mut self, data: Vec<u8>) -> Vec<u8>;
    /// Says that nothing more will arrive.
    fn end_input(&mut self);
    /// Says that nobody takes the output any more: what has arrived is done all the same.
    fn lose_client(&mut self);
    /// Bytes that were pushed and are not done.
    fn queued_len(&self) -> usize;
    /// Is there something to send?
    fn has_output(&self) -> bool;
    /// Gives buffers back that are not needed now.
    fn shrink(&mut self);
    /// Does a piece of work, or sends some of what came of it.
    fn step(&mut self, out: &mut dyn Sender) -> Step;
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is more to do.
    Worked,
    /// So many bytes were sent, for which the user's bandwidth asks for a pause.
    Sent(usize, Duration),
    /// Not all could be sent.
    Blocked,
    /// The user's bandwidth asks for a pause.
    Pause(Duration),
    /// Nothing can be done without input.
    NeedInput,
    /// It is over, and so is all that it had open.
    Done(u32),
}

/// A session on its channel.
pub(crate) struct Session {
    work: Box<dyn Work>,
    /// What arrived behind what the work has taken.
    arrived: Vec<u8>,
    spare: Vec<u8>,
    /// Bytes that the work has taken and is not done with.
    in_work: usize,
    /// Bytes that arrived and were not given back to the client's window.
    owed: usize,
    next: Next,
    /// Did its last turn end without anything to do? Then what arrives may be done where it lies.
    is_at_rest: bool,
    input: Input,
    is_client_gone: bool,
    pause: Option<Pause>,
    /// When the client heard something last.
    heard: Instant,
    /// The session as it is listed for operators.
    listed: Option<Arc<Connection>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// Nothing more will arrive, and the work was not told so yet.
    Ending,
    Ended,
}

/// A pause for a bandwidth limit.
struct Pause {
    until: Instant,
    slice_ends: Instant,
}

/// Bytes that a session holds, or all of a connection.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) all: usize,
    /// Bytes of sessions that are at work, which will let go of them by themselves.
    pub(crate) moving: usize,
}

impl Session {
    /// A session that begins now. What it waits for counts as activity of `listed`.
    pub(crate) fn new(work: Box<dyn Work>, listed: Option<Arc<Connection>>, now: Instant) -> Self {
        Self {
            work,
            arrived: Vec::new(),
            spare: Vec::new(),
            in_work: 0,
            owed: 0,
            next: Next::Again,
            is_at_rest: false,
            input: Input::Open,
            is_client_gone: false,
            pause: None,
            heard: now,
            listed,
        }
    }

    /// Returns what it waits for.
    pub(crate) fn next(&self) -> Next {
        self.next
    }

    /// Takes what arrived. Data that can be written at once is not queued.
    pub(crate) fn receive(&mut self, data: &[u8]) {
        if self.input != Input::Open {
            // Nobody takes it, and nothing waits for that.
            self.owed += data.len();
            return;
        }
        let mut rest = data;
        if self.is_at_rest {
            let taken = self.work.write_through(data);
            rest = data.get(taken..).unwrap_or_default();
        }
        self.owed += data.len();
        self.arrived.extend_from_slice(rest);
        self.is_at_rest &= rest.is_empty();
        if self.next == Next::Input && (!self.is_at_rest || self.work.has_output()) {
            self.next = Next::Again;
        }
    }

    /// Says that nothing more will arrive.
    pub(crate) fn end_input(&mut self) {
        if self.input == Input::Open {
            self.input = Input::Ending;
            if self.next == Next::Input {
                self.next = Next::Again;
            }
        }
    }

    /// The channel is closed, or the connection is gone: nothing arrives any more, and nobody hears an answer.
    pub(crate) fn lose_client(&mut self) {
        self.is_client_gone = true;
        self.end_input();
        self.work.lose_client();
        self.pause = None;
        if !matches!(self.next, Next::Done(_)) {
            self.next = Next::Again;
        }
    }

    /// Gives buffers back that it needs only while something moves.
    pub(crate) fn shrink(&mut self) {
        self.spare = Vec::new();
        self.arrived.shrink_to_fit();
        self.work.shrink();
    }

    /// Returns what it holds of the connection's memory.
    pub(crate) fn held(&self) -> Held {
        let all = self.arrived.len() + self.in_work;
        let is_moving = matches!(self.next, Next::Again | Next::Until(_));
        Held {
            all,
            moving: if is_moving { all } else { 0 },
        }
    }

    /// Returns how much of what arrived is to be given back to the client's window: what is done, and everything where the
    /// session cannot go on before more arrives or the client has read.
    pub(crate) fn take_credit(&mut self) -> usize {
        let kept = match self.next {
            Next::Again | Next::Until(_) => self.arrived.len() + self.work.queued_len(),
            Next::Input | Next::Output | Next::Done(_) => 0,
        };
        let credit = self.owed.saturating_sub(kept);
        self.owed -= credit;
        credit
    }

    /// Does what can be done, for a short time; says what it waits for then.
    pub(crate) fn turn(&mut self, out: &mut dyn Sender) -> Next {
        self.is_at_rest = false;
        self.next = self.take_turn(out);
        self.is_at_rest = self.next == Next::Input;
        self.next
    }

    fn take_turn(&mut self, out: &mut dyn Sender) -> Next {
        let begun = Instant::now();
        let mut now = begun;
        let mut sent = 0;
        loop {
            if let Some(until) = self.paused(now, out) {
                return Next::Until(until);
            }
            match self.work.step(out) {
                Step::Worked => {}
                Step::Sent(count, pause) => {
                    self.heard = now;
                    sent += count;
                    self.pause(pause, now);
                }
                Step::Blocked => return Next::Output,
                Step::Pause(pause) => self.pause(pause, now),
                Step::NeedInput if self.give_input() => {}
                Step::NeedInput => return Next::Input,
                Step::Done(status) => {
                    self.over();
                    return Next::Done(status);
                }
            }
            now = Instant::now();
            if now.saturating_duration_since(begun) >= TURN || sent >= SEND_AT {
                return Next::Again;
            }
        }
    }

    /// Hands over what arrived, or its end; was there any?
    fn give_input(&mut self) -> bool {
        let kept = self.work.queued_len();
        if !self.arrived.is_empty() {
            let data = std::mem::replace(&mut self.arrived, std::mem::take(&mut self.spare));
            self.in_work = kept + data.len();
            self.spare = self.work.push(data);
            self.spare.clear();
            if self.spare.capacity() > KEEP_SPARE {
                self.spare = Vec::new();
            }
            return true;
        }
        self.in_work = kept;
        if self.input == Input::Ending {
            self.input = Input::Ended;
            self.work.end_input();
            return true;
        }
        false
    }

    fn over(&mut self) {
        self.input = Input::Ended;
        self.arrived = Vec::new();
        self.in_work = 0;
    }

    /// Begins a pause, unless nobody is left to wait for.
    fn pause(&mut self, pause: Duration, now: Instant) {
        if !self.is_client_gone && !pause.is_zero() {
            self.pause = Some(Pause {
                until: now + pause,
                slice_ends: now + SLICE,
            });
        }
    }

    /// Returns until when a pause lasts or has to be looked after.
    fn paused(&mut self, now: Instant, out: &mut dyn Sender) -> Option<Instant> {
        let pause = self.pause.as_mut()?;
        let is_over = now >= pause.until;
        if is_over || now >= pause.slice_ends {
            pause.slice_ends = now + SLICE;
            if let Some(listed) = &self.listed {
                listed.touch();
            }
            if now.saturating_duration_since(self.heard) >= REASSURE {
                self.heard = now;
                out.reassure();
            }
        }
        if is_over {
            self.pause = None;
            return None;
        }
        Some(pause.until.min(pause.slice_ends))
    }
}
