//! What happened of late, kept in memory for the pages that show it: figures of each minute of a day, and the last events.

mod kept;
mod recent;
mod series;
mod texts;

use std::sync::{Arc, Mutex};

use sftpgo_core::{
    event::{Event, Observer, Operation},
    sync::lock,
    user::now_ms,
};

use self::kept::Kept;
pub use self::recent::RecentEvent;
pub(crate) use self::{
    recent::Kind,
    series::{Figures, Series},
};

/// An observer that remembers. Clones share what they remember.
#[derive(Clone, Default)]
pub struct Activity(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    series: Series,
    recent: Kept,
    /// What the last action that failed is, and why.
    failed_action: String,
}

impl Activity {
    /// Remembers an action that has failed: which, and why.
    pub fn action_failed(&self, what: &str) {
        let mut memory = lock(&self.0);
        memory
            .series
            .at(now_ms(), |minute| minute.failed_actions += 1);
        what.clone_into(&mut memory.failed_action);
    }

    /// How many actions failed in the last hour, and the last of them.
    pub(crate) fn failed_actions(&self, now: i64) -> (u64, String) {
        let memory = lock(&self.0);
        let hour = memory.series.last(now, 1, 60);
        let failed = hour.iter().map(|figures| figures.failed_actions).sum();
        (failed, memory.failed_action.clone())
    }

    /// The figures of the last `count` steps of so many minutes; the oldest first.
    pub(crate) fn figures(&self, now: i64, count: usize, minutes: usize) -> Vec<Figures> {
        lock(&self.0).series.last(now, count, minutes)
    }

    /// The last events that `is_wanted`, the newest first, and `most` at the most.
    pub(crate) fn recent(
        &self,
        most: usize,
        is_wanted: impl Fn(&RecentEvent) -> bool,
    ) -> Vec<RecentEvent> {
        lock(&self.0).recent.last(most, is_wanted)
    }
}

impl Observer for Activity {
    fn notify(&self, event: &Event<'_>) {
        let now = now_ms();
        let recent = RecentEvent::of(event, now);
        let mut memory = lock(&self.0);
        match event {
            Event::Transfer {
                operation,
                size,
                elapsed,
                ..
            } => {
                let elapsed = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
                let began = now.saturating_sub(elapsed);
                let is_upload = *operation == Operation::Upload;
                memory.series.moved(is_upload, *size, began, now);
            }
            Event::LoginOk { .. } => memory.series.at(now, |minute| minute.logins += 1),
            Event::LoginFailed { .. } => memory.series.at(now, |minute| minute.failures += 1),
            _ => {}
        }
        if let Some(recent) = recent {
            memory.recent.push(&recent);
        }
    }
}
