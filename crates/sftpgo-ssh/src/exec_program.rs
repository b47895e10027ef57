//! A program on a channel as a state machine: what came in, what goes out, and what it waits for.
//!
//! A program does no IO of its own beside the session's files, so that a test drives it in bytes.

mod work;

use std::time::Duration;

pub(crate) use self::work::ProgramWork;
use crate::receive_queue::ReceiveQueue;

/// A step handles at most about this much data: then other channels of the connection get their turn, and
/// a user's bandwidth is shared in small pieces.
pub const PIECE: usize = 64 * 1024;

/// What the channel has to do before the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing but to call again: there is more to do at once.
    Continue,
    /// Wait for input, or for its end.
    NeedInput,
    /// End the channel with this exit status.
    Done(u32),
}

/// A command that runs on a channel. Calls block on the filesystem.
pub trait Program: Send {
    /// Does the next piece of work.
    fn step(&mut self, streams: &mut Streams) -> Step;
}

/// Standard input, output and error of a program.
#[derive(Debug, Default)]
pub struct Streams {
    input: ReceiveQueue,
    input_ended: bool,
    output_lost: bool,
    /// Bytes to be sent as the channel's data.
    pub stdout: Vec<u8>,
    /// Bytes to be sent as the channel's extended data.
    pub stderr: Vec<u8>,
    pause: Duration,
}

impl Streams {
    /// Adds what arrived and returns a buffer that is not needed any more, for its capacity.
    pub fn push(&mut self, data: Vec<u8>) -> Vec<u8> {
        self.input.push(data)
    }

    /// Says that nothing more will arrive.
    pub fn end_input(&mut self) {
        self.input_ended = true;
    }

    /// Says that nobody takes the output any more.
    pub fn lose_output(&mut self) {
        self.output_lost = true;
    }

    /// Returns what arrived and was not consumed.
    pub fn input(&self) -> &[u8] {
        self.input.rest()
    }

    /// Takes `count` bytes off the input.
    pub fn consume(&mut self, count: usize) {
        self.input.take(count);
    }

    /// Is what [`Streams::input`] returns all there will ever be?
    pub fn input_ended(&self) -> bool {
        self.input_ended
    }

    /// Has the client gone, so that producing more is in vain?
    pub fn output_lost(&self) -> bool {
        self.output_lost
    }

    /// Returns how long the user's bandwidth asks to wait before the next step; asked once.
    pub fn take_pause(&mut self) -> Duration {
        std::mem::take(&mut self.pause)
    }

    /// Asks for a pause before the next step.
    pub fn pause_for(&mut self, pause: Duration) {
        self.pause = self.pause.max(pause);
    }
}
