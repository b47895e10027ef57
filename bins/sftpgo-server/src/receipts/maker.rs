//! A thread that makes receipts of uploads. It goes behind the threads of connections.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use sftpgo_core::{Error, ErrorKind, Result, content::Uploaded, priority};
use sftpgo_ssh::{
    HostKey,
    receipt::{Progress, Reading},
};

use super::{
    directory::Directory,
    not_made,
    queue::{Next, Queue},
};

/// Read at once.
const PIECE: usize = 1024 * 1024;
/// A file whose name or attributes change so often while it is read gets no receipt.
const TRIES: usize = 8;
/// The time between two looks for receipts that have become too old.
const TIDY_UP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the thread works with.
pub(super) struct Maker {
    pub(super) queue: Arc<Queue>,
    pub(super) directory: Arc<Directory>,
    pub(super) key: HostKey,
    /// Removes what is too old besides.
    pub(super) tidies_up: bool,
}

impl Maker {
    /// Makes receipts until the queue is closed.
    pub(super) fn run(self) {
        priority::lower_for_this_thread();
        let mut tidy_up_at = self.tidies_up.then(Instant::now);
        loop {
            match self.queue.next(tidy_up_at) {
                Next::Make(upload) => self.make(*upload),
                Next::Time => {
                    self.directory.remove_old();
                    tidy_up_at = Some(Instant::now() + TIDY_UP_EVERY);
                }
                Next::Closed => return,
            }
        }
    }

    fn make(&self, upload: Uploaded) {
        let (user, username) = (upload.user, upload.username.clone());
        let path = upload.content.path().clone();
        let mut reading = Reading::of_upload(upload);
        let made = read(&mut reading)
            .and_then(|()| reading.finish(&self.key))
            .and_then(|receipt| self.directory.keep(user, &path, &receipt));
        if let Err(error) = made {
            not_made(&username, &path, error);
        }
        self.queue.done(user, &path);
    }
}

/// Reads the file to its end; once more where its name or its attributes have changed meanwhile, as clients do behind their
/// uploads.
fn read(reading: &mut Reading) -> Result<()> {
    for _ in 0..TRIES {
        loop {
            match reading.go_on(PIECE)? {
                Progress::Wait(wait) => thread::sleep(wait),
                Progress::More => {}
                Progress::Done => break,
            }
        }
        if reading.is_good()? {
            return Ok(());
        }
        if !reading.begin_again()? {
            return Err(changed("somebody has written to the file since"));
        }
    }
    Err(changed("the file has changed since"))
}

fn changed(how: &str) -> Error {
    Error::new(ErrorKind::Conflict, how.to_owned())
}
