//! Quota scans: rescan a user's home and replace the stored usage, one scan a user at a time.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{Filesystem, FilesystemFactory},
    patience::{self, Progress},
    priority,
    quota::{QuotaAccount, Rescan, ScanOutcome, Tracking, UsageManager},
    sync::lock,
    user::{EffectiveUser, StoredUser, UserId, now_ms},
    vpath::VirtualPath,
};

/// The longest time between two files of a walk; a directory with many names takes seconds.
const PATIENCE: Duration = Duration::from_secs(15);
/// Walks through a home before its names are held for the last one.
const WALKS: usize = 3;
/// Directories that one scan names in the log.
const MOST_TOLD: usize = 10;
/// Users whose last scan is remembered, some hundred bytes each.
const MOST_REMEMBERED: usize = 1000;

/// All scans of one server.
pub struct QuotaScans {
    homes: Arc<dyn FilesystemFactory>,
    quotas: Arc<UsageManager>,
    running: Mutex<HashMap<String, i64>>,
    ended: Mutex<VecDeque<EndedScan>>,
    patience: Duration,
}

/// A scan that is listed as running until it is dropped.
pub struct QuotaScan {
    scans: Arc<QuotaScans>,
    user: EffectiveUser,
    start_time: i64,
}

/// The result of the last scan of a user that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedScan {
    /// The user whose files were counted.
    pub username: String,
    /// The time at which it began, in Unix milliseconds.
    pub start_time: i64,
    /// The time at which it ended, in Unix milliseconds.
    pub end_time: i64,
    /// The report, or the reason why it failed.
    pub outcome: Result<ScanReport, String>,
}

/// The report of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanReport {
    /// Directories that could not be read, the first of them if there are many. What is in them was not counted, so the
    /// user's usage was not lowered.
    pub unreadable: Vec<VirtualPath>,
}

impl QuotaScans {
    /// Makes the list of scans; it is empty.
    pub fn new(homes: Arc<dyn FilesystemFactory>, quotas: Arc<UsageManager>) -> Arc<Self> {
        Self::with_patience(homes, quotas, PATIENCE)
    }

    /// Makes the list, where a home that shows no file for `patience` is not waited for.
    pub fn with_patience(
        homes: Arc<dyn FilesystemFactory>,
        quotas: Arc<UsageManager>,
        patience: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            homes,
            quotas,
            running: Mutex::default(),
            ended: Mutex::default(),
            patience,
        })
    }

    /// Usernames being scanned and since when (Unix milliseconds), by name.
    pub fn list(&self) -> Vec<(String, i64)> {
        let mut running: Vec<_> = self
            .lock()
            .iter()
            .map(|(name, since)| (name.clone(), *since))
            .collect();
        running.sort();
        running
    }

    /// The result of the last scan of this user, if it ended since the start and not long ago.
    pub fn last(&self, username: &str) -> Option<EndedScan> {
        let ended = lock(&self.ended);
        let mut of_user = ended.iter().filter(|scan| scan.username == username);
        of_user.next_back().cloned()
    }

    fn remember(&self, scan: EndedScan) {
        let mut ended = lock(&self.ended);
        ended.retain(|earlier| earlier.username != scan.username);
        if ended.len() >= MOST_REMEMBERED {
            ended.pop_front();
        }
        ended.push_back(scan);
    }

    /// Registers a scan; [`QuotaScan::run`] does it.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) when tracking is off, [`Conflict`](ErrorKind::Conflict) when
    /// the user is being scanned already.
    pub fn begin(self: &Arc<Self>, user: StoredUser) -> Result<QuotaScan> {
        if self.quotas.tracking() == Tracking::Off {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "quota tracking is switched off (data_provider.track_quota is 0)",
            ));
        }
        let mut running = self.lock();
        if running.contains_key(&user.username) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "Another scan is already in progress",
            ));
        }
        let start_time = now_ms();
        running.insert(user.username.clone(), start_time);
        Ok(QuotaScan {
            scans: Arc::clone(self),
            user: user.effective(),
            start_time,
        })
    }

    /// Drops what is known of a user whose id nobody has any more.
    pub fn forget(&self, user: UserId) {
        self.quotas.forget(user);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        lock(&self.running)
    }
}

impl QuotaScan {
    /// Rescans the home and stores the usage. Blocks for as long as walking the home takes, but not for a home that does not
    /// answer: then the scan goes on without anybody who waits for it. While other nodes change files, what they have not
    /// finished is counted or not; then the ledger asks for another rescan.
    ///
    /// # Errors
    /// Any error of the home or the ledger; the stored usage is then as before. [`Internal`](ErrorKind::Internal) when
    /// the home does not answer, too; the scan stays listed until it does.
    pub fn run(self) -> Result<ScanReport> {
        self.leave_behind_if_stuck(|scan, progress| scan.run_and_remember(progress))
    }

    fn run_and_remember(&self, progress: &Progress) -> Result<ScanReport> {
        let outcome = self.rescan_even_roughly(progress);
        self.scans.remember(EndedScan {
            username: self.user.username.clone(),
            start_time: self.start_time,
            end_time: now_ms(),
            outcome: outcome.as_ref().cloned().map_err(Error::to_string),
        });
        outcome
    }

    fn rescan_even_roughly(&self, progress: &Progress) -> Result<ScanReport> {
        let account = self.scans.quotas.account(&self.user)?;
        let start = account.begin_rescan()?;
        let is_due = start.is_some_and(|start| start.is_due);
        let (_, report) = self.rescan(&account, is_due, true, progress)?;
        Ok(report)
    }

    /// Rescans the home of a user who is to be rescanned, if no other node can change files meanwhile: nothing is stored
    /// otherwise, and none is returned when that is known before.
    ///
    /// # Errors
    /// As [`QuotaScan::run`].
    pub fn run_alone(self) -> Result<Option<ScanOutcome>> {
        self.leave_behind_if_stuck(|scan, progress| scan.rescan_alone(progress))
    }

    fn rescan_alone(&self, progress: &Progress) -> Result<Option<ScanOutcome>> {
        let account = self.scans.quotas.account(&self.user)?;
        if let Some(start) = account.begin_rescan()?
            && !start.is_alone
        {
            return Ok(None);
        }
        let (outcome, _) = self.rescan(&account, true, false, progress)?;
        Ok(Some(outcome))
    }

    /// Does the work in a thread of its own. Nobody else's scan waits for one whose file system does not answer.
    fn leave_behind_if_stuck<T: Send + 'static>(
        self,
        work: fn(&Self, &Progress) -> Result<T>,
    ) -> Result<T> {
        let patience = self.scans.patience;
        let username = self.user.username.clone();
        let left_behind = Arc::new(AtomicBool::new(false));
        let is_left_behind = Arc::clone(&left_behind);
        let outcome = patience::run("quota-count", patience, move |progress| {
            let outcome = work(&self, progress);
            if is_left_behind.load(Ordering::Relaxed) {
                let username = &self.user.username;
                match &outcome {
                    Ok(_) => log::info!("the quota scan of {username:?} went on and has succeeded"),
                    Err(error) => log::warn!("the quota scan of {username:?} failed: {error}"),
                }
            }
            outcome
        })?;
        outcome.unwrap_or_else(|| {
            left_behind.store(true, Ordering::Relaxed);
            let seconds = patience.as_secs_f32();
            log::warn!(
                "the quota scan of {username:?} has seen no file for {seconds} seconds: its home does not answer, or holds nothing but directories; other scans go on"
            );
            Err(Error::new(
                ErrorKind::Internal,
                "the home directory does not answer; the scan goes on when it does",
            ))
        })
    }

    fn rescan(
        &self,
        account: &Arc<QuotaAccount>,
        is_due: bool,
        even_roughly: bool,
        progress: &Progress,
    ) -> Result<(ScanOutcome, ScanReport)> {
        let quotas = &self.scans.quotas;
        let home = self.scans.homes.existing_home(&self.user)?;
        if home.is_none() && (is_due || quotas.needs_rescan(self.user.id)) {
            // Its disk may not be there yet: it is looked for again.
            return Err(Error::not_found("the home directory is not there"));
        }
        for walk in 1..=WALKS {
            let mut unread = Unread::default();
            let mut rescan = Rescan::begin(Arc::clone(account));
            let held = (walk == WALKS).then(|| account.lock_namespace());
            if let Some(home) = &home {
                let walked = match &held {
                    // Sessions wait for the names: now nobody is to go first.
                    Some(_) => walk_through(home.as_ref(), &mut rescan, &mut unread, progress),
                    None => {
                        walk_behind_transfers(home.as_ref(), &mut rescan, &mut unread, progress)
                    }
                };
                match walked {
                    // A directory moved under the walk.
                    Err(error) if error.kind() == ErrorKind::Conflict && walk < WALKS => continue,
                    walked => walked?,
                }
            }
            let outcome = rescan.finish(held, even_roughly)?;
            if outcome != ScanOutcome::TreeMoved {
                quotas.rescanned(self.user.id);
                return Ok((outcome, unread.report(&self.user.username)));
            }
        }
        Ok((ScanOutcome::TreeMoved, ScanReport::default()))
    }
}

/// Directories that a walk could not read.
#[derive(Default)]
struct Unread {
    /// The first of them, and why.
    first: Vec<(VirtualPath, String)>,
    others: usize,
}

impl Unread {
    fn add(&mut self, path: &VirtualPath, error: &Error) {
        if self.first.len() < MOST_TOLD {
            self.first.push((path.clone(), error.to_string()));
        } else {
            self.others += 1;
        }
    }

    fn report(self, username: &str) -> ScanReport {
        for (path, error) in &self.first {
            log::warn!(
                "the quota scan of {username:?} counted everything but the directory {path:?}, which could not be read ({error}); the usage was not lowered"
            );
        }
        if self.others > 0 {
            let others = self.others;
            log::warn!("the quota scan of {username:?} could not read {others} more directories");
        }
        ScanReport {
            unreadable: self.first.into_iter().map(|(path, _)| path).collect(),
        }
    }
}

fn walk_through(
    home: &dyn Filesystem,
    rescan: &mut Rescan,
    unread: &mut Unread,
    progress: &Progress,
) -> Result<()> {
    let walked = home.for_each_file(
        &mut |found| {
            progress.step();
            rescan.saw(found.file_id, found.size);
        },
        &mut |path, error| {
            progress.step();
            unread.add(path, error);
        },
    );
    if !unread.first.is_empty() {
        rescan.missed();
    }
    walked
}

/// Walks through the home in a thread of its own that lets transfers go first: a thread that was lowered stays so.
fn walk_behind_transfers(
    home: &dyn Filesystem,
    rescan: &mut Rescan,
    unread: &mut Unread,
    progress: &Progress,
) -> Result<()> {
    thread::scope(|scope| {
        let walk = || {
            priority::lower_for_this_thread();
            walk_through(home, rescan, unread, progress)
        };
        let walking = thread::Builder::new()
            .name("quota-scan".to_owned())
            .spawn_scoped(scope, walk)
            .map_err(|error| {
                Error::new(
                    ErrorKind::Internal,
                    "the thread of the quota scan cannot be started",
                )
                .with_source(error)
            })?;
        walking.join().unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Internal,
                "the walk through the home panicked",
            ))
        })
    })
}

impl Drop for QuotaScan {
    fn drop(&mut self) {
        self.scans.lock().remove(&self.user.username);
    }
}
