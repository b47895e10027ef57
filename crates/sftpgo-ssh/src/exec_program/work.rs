//! A program at work: its steps, and its output on the way to the client.

use std::time::Duration;

use super::{Program, Streams};
use crate::{
    exec_program,
    session::{SEND_AT, Sender, Step, Work},
};

/// A command, until it is done.
pub(crate) struct ProgramWork {
    /// The program; none when it has ended.
    program: Option<Box<dyn Program>>,
    streams: Streams,
    /// What comes after the output was sent; none while the program works.
    then: Option<Then>,
    /// Bytes of standard output, and then of standard error, that went out.
    sent: usize,
}

enum Then {
    Pause(Duration),
    NeedInput,
    Done(u32),
}

impl ProgramWork {
    pub(crate) fn new(program: Box<dyn Program>) -> Self {
        Self {
            program: Some(program),
            streams: Streams::default(),
            then: None,
            sent: 0,
        }
    }

    fn work(&mut self) -> Step {
        let Some(program) = &mut self.program else {
            return Step::Done(0);
        };
        let step = program.step(&mut self.streams);
        let pause = self.streams.take_pause();
        let waiting = self.streams.stdout.len() + self.streams.stderr.len();
        self.then = match step {
            exec_program::Step::Done(status) => Some(Then::Done(status)),
            exec_program::Step::NeedInput => Some(Then::NeedInput),
            exec_program::Step::Continue if !pause.is_zero() || waiting >= SEND_AT => {
                Some(Then::Pause(pause))
            }
            exec_program::Step::Continue => None,
        };
        Step::Worked
    }

    /// Sends what is left of the output; none when that is nothing.
    fn send(&mut self, out: &mut dyn Sender) -> Option<Step> {
        let streams = &mut self.streams;
        let output = streams.stdout.len();
        let count = if let Some(rest) = part(&streams.stdout, self.sent) {
            out.send(rest)
        } else {
            let rest = part(&streams.stderr, self.sent.saturating_sub(output))?;
            out.send_error(rest)
        };
        self.sent += count;
        Some(match count {
            0 => Step::Blocked,
            count => Step::Sent(count, Duration::ZERO),
        })
    }

    fn sent_all(&mut self) -> Step {
        self.sent = 0;
        self.streams.stdout = Vec::new();
        self.streams.stderr = Vec::new();
        match self.then.take() {
            None => Step::Worked,
            Some(Then::Pause(pause)) => Step::Pause(pause),
            Some(Then::NeedInput) => Step::NeedInput,
            Some(Then::Done(status)) => {
                // An unfinished upload ends here, before the client hears that the command has ended.
                self.program = None;
                Step::Done(status)
            }
        }
    }
}

/// Returns what is behind the first `count` bytes, if there is something.
fn part(bytes: &[u8], count: usize) -> Option<&[u8]> {
    bytes.get(count..).filter(|rest| !rest.is_empty())
}

impl Work for ProgramWork {
    fn write_through(&mut self, _data: &[u8]) -> usize {
        0
    }

    fn push(&mut self, data: Vec<u8>) -> Vec<u8> {
        self.streams.push(data)
    }

    fn end_input(&mut self) {
        self.streams.end_input();
    }

    fn lose_client(&mut self) {
        self.streams.lose_output();
    }

    fn queued_len(&self) -> usize {
        self.streams.input().len()
    }

    fn has_output(&self) -> bool {
        false
    }

    fn shrink(&mut self) {}

    fn step(&mut self, out: &mut dyn Sender) -> Step {
        if self.then.is_none() {
            return self.work();
        }
        if !self.streams.output_lost()
            && let Some(step) = self.send(out)
        {
            return step;
        }
        self.sent_all()
    }
}
