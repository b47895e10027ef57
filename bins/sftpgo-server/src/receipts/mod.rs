//! Receipts of uploads: each upload that is done is hashed by a thread of its own, and what is said of it is signed and kept
//! in a directory of the server. Receipts of files as they are, for admins, are made here too.
//!
//! Nobody waits for them. What waits is bounded, and what cannot be done is told in the log.

mod directory;
mod maker;
mod on_demand;
mod queue;

use std::{sync::Arc, thread, time::Duration};

use sftpgo_core::{
    Error, Result, UserId, VirtualPath,
    content::{UploadWitness, Uploaded},
    fair_pool::half_of_the_cores,
};
use sftpgo_ssh::{
    HostKey,
    receipt::{Found, UploadReceipts},
};

use self::{
    directory::Directory,
    maker::Maker,
    queue::{Full, Queue},
};
pub(crate) use self::{directory::make as make_directory, on_demand::OnDemand};
use crate::config::{Problem, settings::UploadReceipts as Asked};

/// Receipts of uploads, where they are kept.
pub(crate) struct KeptReceipts {
    queue: Arc<Queue>,
    directory: Arc<Directory>,
}

impl KeptReceipts {
    /// Keeps them as configured, signed with `key`.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub(crate) fn start(asked: &Asked, key: &HostKey) -> Result<Arc<Self>, Problem> {
        let directory = Directory::open(asked).map_err(|error| {
            let reason = format!("{}: {error}", asked.directory.display());
            Problem::new("sftpd.receipts_dir", reason)
        })?;
        let kept = Arc::new(Self {
            queue: Arc::default(),
            directory: Arc::new(directory),
        });
        for number in 0..half_of_the_cores() {
            let maker = Maker {
                queue: Arc::clone(&kept.queue),
                directory: Arc::clone(&kept.directory),
                key: key.clone(),
                tidies_up: number == 0,
            };
            thread::Builder::new()
                .name("receipts".to_owned())
                .spawn(move || maker.run())
                .map_err(|error| {
                    let reason = format!("no threads can be started: {error}");
                    Problem::new("sftpd.receipts_dir", reason)
                })?;
        }
        Ok(kept)
    }

    /// Waits until those of all uploads are made, but no longer than `limit`.
    pub(crate) fn drain(&self, limit: Duration) {
        let left = self.queue.close(limit);
        if left > 0 {
            log::warn!(
                "the server stops before it has made the receipts of {left} uploads, and they have none"
            );
        }
    }
}

impl UploadWitness for KeptReceipts {
    fn uploaded(&self, upload: Uploaded) {
        if let Err(Full(upload)) = self.queue.push(Box::new(upload)) {
            not_made(
                &upload.username,
                upload.content.path(),
                "too many uploads wait for theirs",
            );
        }
    }

    fn unreadable(&self, username: &str, path: &VirtualPath, why: &Error) {
        not_made(username, path, why);
    }
}

impl UploadReceipts for KeptReceipts {
    fn find(&self, user: UserId, username: &str, path: &VirtualPath) -> Result<Found> {
        // Asked first: it is not there any more when the receipt is.
        if self.queue.has(user, path) {
            return Ok(Found::BeingMade);
        }
        self.directory.find(user, username, path)
    }
}

fn not_made(username: &str, path: &VirtualPath, why: impl std::fmt::Display) {
    log::warn!(
        "there is no receipt of the upload of user {username:?} to {:?}: {why}",
        path.to_string_lossy()
    );
}
