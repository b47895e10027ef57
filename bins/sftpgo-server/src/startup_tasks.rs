//! What has to look at every user or home, done while clients are served already.

use std::{sync::Arc, thread};

use sftpgo_core::{
    Provider, UserId, auth::refusal::RefusalTime, filesystem::FilesystemFactory, priority,
    quota_scan::QuotaScans, recovery, upload_cleanup::sweep_uploads,
};
use tokio::task::spawn_blocking;

use crate::compose::Parts;

struct StartupTasks {
    provider: Arc<dyn Provider>,
    homes: Arc<dyn FilesystemFactory>,
    scans: Arc<QuotaScans>,
    refusal_time: Arc<RefusalTime>,
    dirty: Vec<UserId>,
}

/// Sets right what an earlier run left behind when it was killed, and says who cannot log in. What has nobody waiting for
/// it is done by a thread that goes behind those of clients; a count lets clients go first by itself, where it may.
pub(crate) fn start(parts: &Parts, dirty: Vec<UserId>) {
    let tasks = StartupTasks {
        provider: Arc::clone(&parts.provider),
        homes: Arc::clone(&parts.homes),
        scans: Arc::clone(&parts.api.scans),
        refusal_time: Arc::clone(&parts.refusal_time),
        dirty,
    };
    // The runtime waits for it for a moment when the server ends. Its own threads serve others afterwards, and a
    // lowered priority stays.
    spawn_blocking(move || {
        thread::scope(|scope| {
            let started = thread::Builder::new()
                .name("startup-tasks".to_owned())
                .spawn_scoped(scope, || {
                    priority::lower_for_this_thread();
                    tasks.tidy_up();
                });
            if let Err(error) = started {
                log::error!(
                    "the thread that checks users and removes unfinished uploads could not be started, so both wait for the next start: {error}"
                );
            }
            tasks.rescan_dirty();
        });
        #[cfg(target_os = "linux")]
        crate::program_pages::give_back();
    });
}

impl StartupTasks {
    fn tidy_up(&self) {
        if let Err(error) = self.refusal_time.survey(self.provider.as_ref()) {
            log::warn!(
                "the stored password hashes could not be read, so refusing a password takes as long as the most expensive hash: {error}"
            );
        }
        if let Err(error) = self.provider.report_flaws() {
            log::warn!(
                "the stored users could not be checked, so the log does not name those that cannot log in: {error}"
            );
        }
        match sweep_uploads(self.provider.as_ref(), &self.homes) {
            Ok(0) => {}
            Ok(count) => {
                log::info!("unfinished uploads of an earlier run were removed: {count}");
            }
            Err(error) => log::warn!(
                "the search for unfinished uploads of an earlier run failed; those that are left wait for the next start: {error}"
            ),
        }
    }

    fn rescan_dirty(&self) {
        if self.dirty.is_empty() {
            return;
        }
        let provider = self.provider.as_ref();
        let rescanned = recovery::rescan_dirty(provider, &self.scans, &self.dirty);
        log::info!(
            "an earlier run was killed while the usage of {} users was dirty; the homes of {rescanned} of them were rescanned",
            self.dirty.len()
        );
    }
}
