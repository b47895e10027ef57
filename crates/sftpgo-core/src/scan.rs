//! Quota scans: count a user's files and replace the stored figures, one scan a user at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{Filesystem, Homes},
    priority,
    quota::{Count, Counted, QuotaAccount, QuotaBook, Tracking},
    user::{User, UserId, now_ms},
};

/// Walks through a home before its names are held for the last one.
const WALKS: usize = 3;

/// All scans of one server.
pub struct QuotaScans {
    homes: Arc<dyn Homes>,
    quotas: Arc<QuotaBook>,
    running: Mutex<HashMap<String, i64>>,
}

/// A scan that is listed as running until it is dropped.
pub struct QuotaScan {
    scans: Arc<QuotaScans>,
    user: User,
}

impl QuotaScans {
    /// No scan yet.
    pub fn new(homes: Arc<dyn Homes>, quotas: Arc<QuotaBook>) -> Arc<Self> {
        Arc::new(Self {
            homes,
            quotas,
            running: Mutex::default(),
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

    /// Registers a scan; [`QuotaScan::run`] does it.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) when tracking is off, [`Conflict`](ErrorKind::Conflict) when
    /// the user is being scanned already.
    pub fn begin(self: &Arc<Self>, user: User) -> Result<QuotaScan> {
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
        running.insert(user.username.clone(), now_ms());
        Ok(QuotaScan {
            scans: Arc::clone(self),
            user,
        })
    }

    /// Nobody has this id any more, and nothing is to be counted.
    pub fn forget(&self, user: UserId) {
        self.quotas.forget(user);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QuotaScan {
    /// Counts and stores. Blocks for as long as walking the home takes. While other servers change files, what they have
    /// not finished is counted or not; then the ledger wants the files counted once more.
    ///
    /// # Errors
    /// What the home or the ledger says; the stored figures are then as before.
    pub fn run(self) -> Result<()> {
        let account = self.scans.quotas.account(&self.user)?;
        let counting = account.begin_count()?;
        let is_due = counting.is_some_and(|counting| counting.is_due);
        self.count(&account, is_due, true).map(drop)
    }

    /// The same for users who are to be counted, if no other server can change files meanwhile: nothing is stored
    /// otherwise, and none is answered when that is known before.
    ///
    /// # Errors
    /// As [`QuotaScan::run`].
    pub fn run_alone(self) -> Result<Option<Counted>> {
        let account = self.scans.quotas.account(&self.user)?;
        if let Some(counting) = account.begin_count()?
            && !counting.is_alone
        {
            return Ok(None);
        }
        self.count(&account, true, false).map(Some)
    }

    fn count(
        &self,
        account: &Arc<QuotaAccount>,
        is_due: bool,
        even_roughly: bool,
    ) -> Result<Counted> {
        let quotas = &self.scans.quotas;
        let home = self.scans.homes.existing_home(&self.user)?;
        if home.is_none() && (is_due || quotas.is_count_needed(self.user.id)) {
            // Its disk may not be there yet: it is looked for again.
            return Err(Error::not_found("the home directory is not there"));
        }
        for walk in 1..=WALKS {
            let mut count = Count::begin(Arc::clone(account));
            let held = (walk == WALKS).then(|| account.change_names());
            if let Some(home) = &home {
                let walked = match &held {
                    // Sessions wait for the names: now nobody is to go first.
                    Some(_) => walk_through(home.as_ref(), &mut count),
                    None => walk_behind_transfers(home.as_ref(), &mut count),
                };
                match walked {
                    // A directory moved under the walk.
                    Err(error) if error.kind() == ErrorKind::Conflict && walk < WALKS => continue,
                    walked => walked?,
                }
            }
            let counted = count.finish(held, even_roughly)?;
            if counted != Counted::Not {
                quotas.counted(self.user.id);
                return Ok(counted);
            }
        }
        Ok(Counted::Not)
    }
}

fn walk_through(home: &dyn Filesystem, count: &mut Count) -> Result<()> {
    home.for_each_file(&mut |found| count.saw(found.inode, found.size))
}

/// The same in a thread of its own that lets transfers go first: a thread that was lowered stays so.
fn walk_behind_transfers(home: &dyn Filesystem, count: &mut Count) -> Result<()> {
    thread::scope(|scope| {
        let walk = || {
            priority::lower_for_this_thread();
            walk_through(home, count)
        };
        let walking = thread::Builder::new()
            .name("quota-scan".to_owned())
            .spawn_scoped(scope, walk)
            .map_err(|error| {
                Error::new(ErrorKind::Internal, "no thread can be started").with_source(error)
            })?;
        walking
            .join()
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the walk ended early")))
    })
}

impl Drop for QuotaScan {
    fn drop(&mut self) {
        self.scans.lock().remove(&self.user.username);
    }
}
