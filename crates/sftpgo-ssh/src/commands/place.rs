//! `cd` and `pwd`: a session is always at its user's root, and nothing a command does lasts.

use crate::program::{Program, Step, Streams};

/// Says one thing and ends well.
pub(super) struct Place(pub(super) &'static [u8]);

impl Program for Place {
    fn step(&mut self, streams: &mut Streams) -> Step {
        streams.stdout.extend_from_slice(self.0);
        Step::Done(0)
    }
}
