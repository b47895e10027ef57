//! An SFTP session at work: the engine's steps, and its replies on their way to the client.

use std::time::Duration;

use super::Engine;
use crate::session::{SEND_AT, Sender, Step, Work};

/// The requests of one session in the order they arrived, until the client is done.
pub(crate) struct SftpWork {
    /// The engine; none when it has ended.
    engine: Option<Engine>,
    state: State,
    /// What comes after the replies were sent.
    then: Then,
}

#[derive(Clone, Copy)]
enum State {
    Working,
    Sending {
        /// Bytes of the replies that went out.
        sent: usize,
        /// The user's bandwidth has to be asked for them.
        is_throttled: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    Pause(Duration),
    /// A packet did not follow the protocol.
    End,
}

impl SftpWork {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine: Some(engine),
            state: State::Working,
            then: Then::GoOn,
        }
    }

    /// Open uploads end before the client hears that the session has.
    fn end(&mut self, status: u32) -> Step {
        self.engine = None;
        Step::Done(status)
    }

    /// Does the next request; replies are sent when many wait, before a pause, and when there is no more to do.
    fn work(&mut self) -> Step {
        let Some(engine) = &mut self.engine else {
            return Step::Done(0);
        };
        let Ok(worked) = engine.step() else {
            log::debug!(
                "an SFTP session ends, because a packet of the client does not follow the protocol"
            );
            return self.begin_sending(false, Then::End);
        };
        let (pause, is_throttled) = (engine.take_pause(), engine.is_throttled());
        let waiting = engine.replies_len();
        if !pause.is_zero() {
            self.begin_sending(is_throttled, Then::Pause(pause))
        } else if is_throttled || waiting >= SEND_AT || (!worked && waiting > 0) {
            self.begin_sending(is_throttled, Then::GoOn)
        } else if worked {
            Step::Worked
        } else {
            Step::NeedInput
        }
    }

    fn begin_sending(&mut self, is_throttled: bool, then: Then) -> Step {
        self.state = State::Sending {
            sent: 0,
            is_throttled,
        };
        self.then = then;
        Step::Worked
    }

    /// Goes on when nothing is left to send.
    fn sent_all(&mut self) -> Step {
        self.state = State::Working;
        match std::mem::replace(&mut self.then, Then::GoOn) {
            Then::GoOn => Step::Worked,
            Then::Pause(pause) => Step::Pause(pause),
            Then::End => self.end(1),
        }
    }
}

impl Work for SftpWork {
    fn write_through(&mut self, data: &[u8]) -> usize {
        self.engine
            .as_mut()
            .map_or(0, |engine| engine.write_through(data))
    }

    fn push(&mut self, data: Vec<u8>) -> Vec<u8> {
        match &mut self.engine {
            Some(engine) => engine.push(data),
            None => data,
        }
    }

    fn end_input(&mut self) {
        self.engine = None;
    }

    fn lose_client(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.client_is_gone();
        }
    }

    fn queued_len(&self) -> usize {
        self.engine.as_ref().map_or(0, Engine::queued_len)
    }

    fn has_output(&self) -> bool {
        self.engine
            .as_ref()
            .is_some_and(|engine| engine.replies_len() > 0)
    }

    fn shrink(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.shrink();
        }
    }

    fn step(&mut self, out: &mut dyn Sender) -> Step {
        let Some(engine) = &mut self.engine else {
            return Step::Done(0);
        };
        let State::Sending { sent, is_throttled } = self.state else {
            return self.work();
        };
        let replies = engine.replies().get(sent..).unwrap_or_default();
        if replies.is_empty() || engine.is_client_gone() {
            engine.forget_replies();
            return self.sent_all();
        }
        // What was read goes out as fast as the user's bandwidth has it.
        let most = match is_throttled {
            true => engine.piece().max(1),
            false => replies.len(),
        };
        let count = out.send(replies.get(..most).unwrap_or(replies));
        if count == 0 {
            return Step::Blocked;
        }
        self.state = State::Sending {
            sent: sent + count,
            is_throttled,
        };
        let pause = match is_throttled {
            true => engine.pay(count),
            false => Duration::ZERO,
        };
        Step::Sent(count, pause)
    }
}
