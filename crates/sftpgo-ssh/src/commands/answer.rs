//! `cd` and `pwd`: a session is always at its user's root, and nothing a command does lasts.

use crate::exec_program::{Program, Step, Streams};

/// Says one thing and ends well.
pub(super) struct Answer(pub(super) &'static [u8]);

impl Program for Answer {
    fn step(&mut self, streams: &mut Streams) -> Step {
        streams.stdout.extend_from_slice(self.0);
        Step::Done(0)
    }
}
