//! A thread that makes receipts of uploads. It goes behind the threads of connections.

use std::{
    collections::VecDeque,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use sftpgo_core::{Error, ErrorKind, Result, UserId, VirtualPath, content::Uploaded, priority};
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
/// Of a file so many are read, and then it is the turn of another user's, which need not wait for hours for a long one.
const PIECES: usize = 64;
/// Files that a thread reads in turns at the most.
const BEGUN: usize = 8;
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
    /// Makes receipts until the queue is closed and nothing is left.
    pub(super) fn run(self) {
        priority::lower_for_this_thread();
        let mut tidy_up_at = self.tidies_up.then(Instant::now);
        let mut begun = VecDeque::new();
        loop {
            // Nothing new is waited for while there is something to read.
            let until = match begun.is_empty() {
                true => tidy_up_at,
                false => Some(Instant::now()),
            };
            let next = match begun.len() < BEGUN {
                true => self.queue.next(until),
                false => Next::Time,
            };
            match next {
                Next::Make(upload) => begun.push_back(Making::of(*upload)),
                Next::Closed if begun.is_empty() => return,
                Next::Time | Next::Closed => {}
            }
            if tidy_up_at.is_some_and(|at| at <= Instant::now()) {
                self.directory.remove_old();
                tidy_up_at = Some(Instant::now() + TIDY_UP_EVERY);
            }
            if let Some(mut making) = begun.pop_front() {
                match making.read_for_a_turn() {
                    Ok(false) => begun.push_back(making),
                    read => self.end(making, read.map(drop)),
                }
            }
        }
    }

    fn end(&self, making: Making, read: Result<()>) {
        let Making {
            user,
            username,
            path,
            reading,
            ..
        } = making;
        let made = read
            .and_then(|()| reading.finish(&self.key))
            .and_then(|receipt| self.directory.keep(user, &path, &receipt));
        if let Err(error) = made {
            not_made(&username, &path, error);
        }
        self.queue.done(user, &path);
    }
}

/// A receipt that is being made.
struct Making {
    user: UserId,
    username: String,
    path: VirtualPath,
    reading: Reading,
    /// How often the file was read to its end.
    tries: usize,
}

impl Making {
    fn of(upload: Uploaded) -> Self {
        Self {
            user: upload.user,
            username: upload.username.clone(),
            path: upload.content.path().clone(),
            reading: Reading::of_upload(upload),
            tries: 0,
        }
    }

    /// Reads on, and once more where the file's name or its attributes have changed meanwhile, as clients do behind their
    /// uploads. Returns whether all was read, and was what came.
    fn read_for_a_turn(&mut self) -> Result<bool> {
        for _ in 0..PIECES {
            if !self.reading.is_unwritten() {
                return Err(changed("somebody has written to the file since"));
            }
            match self.reading.go_on(PIECE)? {
                Progress::Wait(wait) => thread::sleep(wait),
                Progress::More => {}
                Progress::Done if self.reading.is_good()? => return Ok(true),
                Progress::Done => {
                    self.tries += 1;
                    if self.tries >= TRIES {
                        return Err(changed("the file has changed since"));
                    }
                    self.reading.begin_again();
                }
            }
        }
        Ok(false)
    }
}

fn changed(how: &str) -> Error {
    Error::new(ErrorKind::Conflict, how.to_owned())
}

#[cfg(test)]
mod tests {
    use sftpgo_test_support::wait_for;

    use super::{super::queue::tests::uploads, *};
    use crate::config::settings::UploadReceipts as Asked;

    #[test]
    fn a_long_file_of_one_user_keeps_no_other_waiting() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::open(&Asked {
            directory: place.path().join("receipts"),
            longest: None,
            most_of_user: 10,
        });
        let (queue, directory) = (Arc::<Queue>::default(), Arc::new(directory.unwrap()));
        let (long, short) = (uploads(4 * (PIECES * PIECE) as u64), uploads(1));
        assert!(queue.push(long(1, "a")).is_ok() && queue.push(short(2, "a")).is_ok());
        let maker = Maker {
            queue: Arc::clone(&queue),
            directory: Arc::clone(&directory),
            key: HostKey::generate().unwrap(),
            tidies_up: true,
        };
        let maker = thread::spawn(|| maker.run());
        wait_for("the receipts", || {
            let path = sftpgo_test_support::path("a");
            [1, 2].iter().all(|user| !queue.has(UserId(*user), &path))
        });
        let written_at = |user: &str| {
            let of_user = place.path().join("receipts").join(user);
            let receipt = std::fs::read_dir(of_user).unwrap().next().unwrap();
            receipt.unwrap().metadata().unwrap().modified().unwrap()
        };
        assert!(written_at("2") < written_at("1"));
        assert_eq!(queue.close(Duration::ZERO), 0);
        maker.join().unwrap();
    }
}
