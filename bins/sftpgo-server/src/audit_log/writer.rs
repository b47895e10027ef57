//! The thread that writes: what waits by one call, the head some seconds later, and what failed once more each second.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use sftpgo_api::Metrics;
use sftpgo_audit::Record;

use super::{
    file::ChainFile,
    now,
    queue::{Lost, Queue},
    refusals::{OmittedOf, Refusals},
};
use crate::config::settings::Audit;

/// The time after which a line is anchored in the head, at the most.
const ANCHOR_WITHIN: Duration = Duration::from_secs(5);
/// The time after which it is tried again to write what could not be written.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What the thread works with.
pub(super) struct Writer {
    queue: Arc<Queue>,
    refusals: Arc<Refusals>,
    file: ChainFile,
    max_size: u64,
    metrics: Option<Metrics>,
    /// What was not written yet.
    waiting: Vec<Record>,
    /// What found no room and was not told of yet.
    lost: Option<Lost>,
    /// Refusals without a line of their own that were not told of yet.
    omitted: Vec<OmittedOf>,
    /// When it is tried again to write; none while all is well.
    try_again_at: Option<Instant>,
    /// When the head has to be written.
    anchor_at: Option<Instant>,
    lines: Complaint,
    head: Complaint,
}

impl Writer {
    /// Writes what `queue` brings to the file that is configured by `asked`, and how many `refusals` it did not bring.
    pub(super) fn new(
        queue: Arc<Queue>,
        refusals: Arc<Refusals>,
        file: ChainFile,
        asked: &Audit,
        metrics: Option<Metrics>,
    ) -> Self {
        Self {
            queue,
            refusals,
            file,
            max_size: asked.max_size,
            metrics,
            waiting: Vec::new(),
            lost: None,
            omitted: Vec::new(),
            try_again_at: None,
            anchor_at: None,
            lines: Complaint::new(
                format!("the audit log {}", asked.file.display()),
                "the server goes on, and events wait for another try each second until there are too many",
            ),
            head: Complaint::new(
                format!("the head of the audit log {}", asked.file.display()),
                "nothing shows if the end of the log is cut",
            ),
        }
    }

    /// Writes until the queue is closed.
    pub(super) fn run(mut self) {
        loop {
            // While the file cannot be written they are counted on, so that what waits to be told does not grow.
            let counted_until = self.refusals.end_at();
            let counted_until = counted_until.filter(|_| self.try_again_at.is_none());
            let until = [self.try_again_at, self.anchor_at, counted_until];
            let work = self.queue.wait(until.into_iter().flatten().min());
            self.waiting.extend(work.records);
            if let Some(new) = work.lost {
                match &mut self.lost {
                    Some(lost) => lost.lines = lost.lines.saturating_add(new.lines),
                    None => self.lost = Some(new),
                }
            }
            if work.is_closed || self.try_again_at.is_none() {
                let omitted = self.refusals.take_ended(Instant::now(), work.is_closed);
                self.omitted.extend(omitted);
            }
            if work.rotate {
                let done = self.file.rotate();
                self.lines.hear(done.as_ref());
            }
            // While it fails, one try a second is enough, however many records come.
            if work.is_closed || self.try_again_at.is_none_or(is_over) {
                self.write();
            }
            if self
                .anchor_at
                .is_some_and(|at| work.is_closed || is_over(at))
            {
                self.anchor();
            }
            if work.is_closed {
                self.queue.done();
                return;
            }
        }
    }

    fn write(&mut self) {
        if self.waiting.is_empty() && self.omitted.is_empty() && self.lost.is_none() {
            return;
        }
        // Lines that tell of what was omitted or lost took no room in the queue, so they must not give any back.
        let counted = self.waiting.len();
        let omitted = self.omitted.iter().map(|omitted| omitted.record(&now()));
        self.waiting.extend(omitted);
        if let Some(lost) = &self.lost {
            let record = Record::of_lost(&now(), lost.lines, &lost.since);
            self.waiting.push(record);
        }
        let done = self.file.append(&self.waiting, self.max_size);
        let lines = self.waiting.len();
        self.waiting.truncate(counted);
        self.lines.hear(done.as_ref());
        if let Some(metrics) = &self.metrics {
            metrics.set_audit_log_fails(done.is_err());
        }
        if done.is_err() {
            self.try_again_at = Some(Instant::now() + TRY_AGAIN);
            return;
        }
        self.try_again_at = None;
        self.queue.written(&self.waiting);
        if let Some(metrics) = &self.metrics {
            metrics.count_audit_lines(lines as u64);
        }
        self.waiting.clear();
        self.omitted.clear();
        self.lost = None;
        self.anchor_at
            .get_or_insert_with(|| Instant::now() + ANCHOR_WITHIN);
    }

    fn anchor(&mut self) {
        let done = self.file.anchor();
        self.head.hear(done.as_ref());
        self.anchor_at = done.is_err().then(|| Instant::now() + ANCHOR_WITHIN);
    }
}

fn is_over(time: Instant) -> bool {
    time <= Instant::now()
}

/// Says once that something does not work, and once that it works again.
struct Complaint {
    what: String,
    consequence: &'static str,
    last: Option<String>,
}

impl Complaint {
    fn new(what: String, consequence: &'static str) -> Self {
        Self {
            what,
            consequence,
            last: None,
        }
    }

    fn hear(&mut self, done: Result<&(), &io::Error>) {
        let error = done.err().map(ToString::to_string);
        if error == self.last {
            return;
        }
        match &error {
            Some(error) => log::error!(
                "{} cannot be written, so {}: {error}",
                self.what,
                self.consequence
            ),
            None => log::warn!("{} is written again", self.what),
        }
        self.last = error;
    }
}
