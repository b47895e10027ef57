//! The audit log: what happens, as lines that are chained by hashes (`sftpgo-audit` says how).
//!
//! It is an observer of core's events, as the log is. Who tells of something makes a record, puts it into a bounded queue
//! and goes on; one thread writes what waits, all of it by one call. So it never holds up a transfer, and under load a line
//! costs less. A kill loses what waits, which is what happened in the last moment.
//!
//! The head is written some seconds after a line and at an orderly end, behind the lines that it tells of.
//!
//! Where the file cannot be written, the server serves on: the log says so, lines wait for another try each second, and
//! what finds no room among them is counted and told by a line of the chain as soon as there is room on the disk. Refusals
//! are counted and told so too, beyond what has a line each (`refusals.rs`).
//!
//! Several processes may write one chain: two servers during a restart without a break, and a command such as
//! `reset-admin` beside a server. Each takes a lock of the file (flock) for each batch and each head, and goes on behind what
//! the others wrote. Nothing is handed over, so either may end or be killed at any time.

mod file;
mod place;
mod queue;
mod records;
mod refusals;
mod writer;

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::Path,
    process,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use sftpgo_api::Metrics;
use sftpgo_audit::{Key, Record};
use sftpgo_core::event::{Event, Observer};

pub(crate) use self::file::head_of;
use self::{
    file::ChainFile,
    queue::Queue,
    refusals::{Refusals, Who},
    writer::Writer,
};
use crate::{
    config::{Problem, settings::Audit},
    logging, version,
};

/// A stopping server waits so long for a disk that does not answer.
const LAST_LINES: Duration = Duration::from_secs(5);
/// A longer file is no key.
const LONGEST_KEY: u64 = 4096;

/// The audit log of this process.
pub(crate) struct AuditLog {
    queue: Arc<Queue>,
    refusals: Arc<Refusals>,
    metrics: Option<Metrics>,
}

/// Tells it of events.
pub(crate) struct AuditObserver(pub(crate) Arc<AuditLog>);

impl AuditLog {
    /// Opens the file and goes on with its chain. Lines are counted in `metrics`.
    ///
    /// # Errors
    /// The file or the key cannot be read.
    pub(crate) fn start(asked: &Audit, metrics: Option<Metrics>) -> Result<Arc<Self>, Problem> {
        let key = asked.key_file.as_deref().map(read_key).transpose()?;
        let of_file = |error: io::Error| {
            let reason = format!("{}: {error}", asked.file.display());
            Problem::new("common.audit.file", reason)
        };
        let file = ChainFile::open(&asked.file, key).map_err(of_file)?;
        let queue = Arc::new(Queue::default());
        let refusals = Arc::<Refusals>::default();
        let writer = Writer::new(
            Arc::clone(&queue),
            Arc::clone(&refusals),
            file,
            asked,
            metrics.clone(),
        );
        thread::Builder::new()
            .name("audit-log".to_owned())
            .spawn(move || writer.run())
            .map_err(of_file)?;
        Ok(Arc::new(Self {
            queue,
            refusals,
            metrics,
        }))
    }

    /// Goes with the log file when that is put aside by a signal.
    pub(crate) fn follow_rotation(self: &Arc<Self>) {
        let queue = Arc::clone(&self.queue);
        logging::when_rotated(move || queue.rotate());
    }

    /// Says that this process begins to serve.
    pub(crate) fn started(&self) {
        self.tell_of_process("audit_started");
    }

    /// Says that the configuration is read again.
    pub(crate) fn reloads(&self) {
        self.tell_of_process("reload");
    }

    /// Says that this process ends, and waits until that is written and anchored.
    pub(crate) fn stop(&self) {
        self.tell_of_process("audit_stopped");
        self.close();
    }

    /// Waits until what was told is written and anchored.
    pub(crate) fn close(&self) {
        if !self.queue.close(LAST_LINES) {
            log::error!(
                "the audit log does not have its last lines, because its disk does not answer"
            );
        }
    }

    fn tell_of_process(&self, event: &str) {
        let time = now();
        let record = Record::new(&time, event)
            .with("pid", process::id())
            .with("version", version::info().version);
        self.tell(record, &time);
    }

    fn tell(&self, record: Record, time: &str) {
        if !self.queue.push(record, time)
            && let Some(metrics) = &self.metrics
        {
            metrics.count_lost_audit_line();
        }
    }
}

impl Observer for AuditObserver {
    fn notify(&self, event: &Event<'_>) {
        let time = now();
        if let Some(who) = Who::refused_by(event)
            && !self.0.refusals.has_line(who, Instant::now(), &time)
        {
            return;
        }
        if let Some(record) = records::record_of(event, &time) {
            self.0.tell(record, &time);
        }
    }
}

/// As the log writes it.
fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

/// Reads a key that nobody else may read.
pub(crate) fn read_key(path: &Path) -> Result<Key, Problem> {
    let problem = |reason: String| {
        Problem::new(
            "common.audit.key_file",
            format!("{}: {reason}", path.display()),
        )
    };
    let of_io = |error: io::Error| problem(error.to_string());
    let file = fs::File::open(path).map_err(of_io)?;
    let mode = file.metadata().map_err(of_io)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(problem(format!(
            "others may read or write it (mode {:04o}); make it the server's alone with chmod 600",
            mode & 0o7777
        )));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST_KEY)
        .read_to_end(&mut bytes)
        .map_err(of_io)?;
    Key::of(bytes.trim_ascii_end()).ok_or_else(|| {
        problem("is shorter than 32 bytes; make one with openssl rand -hex 32".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use sftpgo_test_support::wait_for;

    use super::*;

    #[test]
    fn lines_are_written_again_after_some_were_lost() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("audit.log");
        let asked = Audit {
            file: file.clone(),
            key_file: None,
            max_size: 0,
        };
        let log = AuditLog::start(&asked, None).unwrap();
        let record = |name: &str| Record::new("t", "login").with("username", name);
        // It has no room in an empty queue either.
        let huge = record(&"a".repeat(9 * 1024 * 1024));
        for round in ["1", "2"] {
            log.tell(huge.clone(), "t");
            wait_for("what was lost to be told of", || {
                let text = fs::read_to_string(&file).unwrap();
                text.matches("audit_lost").count().to_string() == round
            });
            log.tell(record(round), "t");
        }
        log.close();
        let text = fs::read_to_string(&file).unwrap();
        for written in [r#""username":"1""#, r#""username":"2""#] {
            assert!(text.contains(written), "{text}");
        }
    }
}
