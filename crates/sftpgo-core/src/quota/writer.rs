//! Writing committed usage a little later: the operations of that time share one write.

use std::{io, sync::Arc, thread, time::Duration};

use super::manager::UsageManager;

/// Writes what the sessions of a [`UsageManager`] commit, until it is dropped; then all of it is written, and what
/// commits later is written at once.
pub struct LedgerWriter {
    usage: Arc<UsageManager>,
    thread: Option<thread::JoinHandle<()>>,
}

impl LedgerWriter {
    /// Writes what commits at most `within` later.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(usage: Arc<UsageManager>, within: Duration) -> io::Result<Self> {
        let of_thread = Arc::clone(&usage);
        usage.write_behind.start_writer();
        let mut writer = Self {
            usage,
            thread: None,
        };
        writer.thread = Some(
            thread::Builder::new()
                .name("quota-ledger".to_owned())
                .spawn(move || {
                    while of_thread.write_behind.wait(within) {
                        of_thread.flush();
                    }
                })?,
        );
        Ok(writer)
    }
}

impl Drop for LedgerWriter {
    fn drop(&mut self) {
        self.usage.write_behind.stop_writer();
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            log::error!(
                "the thread that flushes usage to the database has panicked; what it left is flushed now"
            );
        }
        self.usage.flush();
    }
}
