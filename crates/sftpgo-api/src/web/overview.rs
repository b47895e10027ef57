//! What the dashboard tells that is not at hand: how many users there are, and how full the disks of their homes are.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use sftpgo_core::{
    Result,
    accounts::Accounts,
    filesystem::{SpaceInfo, local::DiskSpace},
    provider::UserQuery,
};
use tokio::sync::Mutex;

use super::words;
use crate::blocking::Blocking;

/// So long nothing is asked again, however often the page is opened.
const KEPT: Duration = Duration::from_secs(5);
/// Of so many users the homes are looked at: nobody can look at those of a million for one page.
const HOMES: u32 = 100;
/// Disks that are shown, and asked at once.
const DISKS: usize = 8;
/// Percent above which a disk is nearly full.
const NEARLY_FULL: u64 = 90;

/// Asked for once, whoever looks meanwhile.
pub(super) struct Overview {
    disks: DiskSpace,
    /// Asks them: one that does not answer holds up nothing else.
    asking: Blocking,
    kept: Mutex<Option<(Instant, Arc<Figures>)>>,
}

/// What was found.
pub(super) struct Figures {
    /// None where the store did not say.
    pub(super) users: Option<u64>,
    pub(super) disks: Vec<Disk>,
}

/// A disk, by the highest directory of homes on it.
pub(super) struct Disk {
    pub(super) path: String,
    pub(super) space: std::result::Result<Space, String>,
}

/// Bytes, as `df` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space {
    filesystem: u64,
    pub(super) used: u64,
    pub(super) all: u64,
    /// Percent of bytes or of inodes, whatever is more.
    pub(super) part: u64,
}

impl Default for Overview {
    fn default() -> Self {
        Self {
            disks: DiskSpace::default(),
            asking: Blocking::new(DISKS),
            kept: Mutex::default(),
        }
    }
}

impl Overview {
    /// The figures, which are some seconds old at the most.
    pub(super) async fn figures(&self, accounts: &Arc<Accounts>, calls: &Blocking) -> Arc<Figures> {
        let mut kept = self.kept.lock().await;
        if let Some((at, figures)) = &*kept
            && at.elapsed() < KEPT
        {
            return Arc::clone(figures);
        }
        let counted = Arc::clone(accounts);
        let users = calls.run(move || counted.count()).await.ok();
        let accounts = Arc::clone(accounts);
        let roots = calls.run(move || roots(&accounts)).await;
        let figures = Arc::new(Figures {
            users,
            disks: self.disks(roots.unwrap_or_default()).await,
        });
        *kept = Some((Instant::now(), Arc::clone(&figures)));
        figures
    }

    async fn disks(&self, roots: Vec<PathBuf>) -> Vec<Disk> {
        let asked = roots.into_iter().map(|root| {
            let (disks, path) = (self.disks.clone(), root.clone());
            let asking = self.asking.run(move || disks.beneath(&path));
            async move {
                let space = asking.await;
                Disk {
                    path: root.display().to_string(),
                    space: space
                        .map(Space::of)
                        .map_err(|error| error.message().to_owned()),
                }
            }
        });
        once_each(join_all(asked).await)
    }
}

impl Disk {
    /// Is there little left?
    pub(super) fn is_nearly_full(&self) -> bool {
        matches!(&self.space, Ok(space) if space.part >= NEARLY_FULL)
    }
}

impl Space {
    fn of(info: SpaceInfo) -> Self {
        let bytes = |blocks: u64| blocks.saturating_mul(info.fragment_size);
        let used = info.blocks.saturating_sub(info.blocks_free);
        // What is kept for root is no room for users.
        let all = used.saturating_add(info.blocks_available);
        let used_files = info.files.saturating_sub(info.files_free);
        let parts = [words::part(used, all), words::part(used_files, info.files)];
        Self {
            filesystem: info.filesystem_id,
            used: bytes(used),
            all: bytes(all),
            part: parts.into_iter().flatten().max().unwrap_or(0),
        }
    }

    fn is_of_same_disk(&self, other: &Self) -> bool {
        // Some file systems have no id, but then they differ by their size.
        (self.filesystem, self.all) == (other.filesystem, other.all)
    }
}

/// The directories in which homes are: the configured one, and those of the first users.
fn roots(accounts: &Accounts) -> Result<Vec<PathBuf>> {
    let users = accounts.list(&UserQuery {
        limit: HOMES,
        ..UserQuery::default()
    })?;
    let base = accounts.users_base_dir().map(PathBuf::from);
    let parents = users.iter().filter_map(|user| user.home_dir.parent());
    let roots: BTreeSet<_> = base.into_iter().chain(parents.map(PathBuf::from)).collect();
    Ok(roots.into_iter().take(DISKS).collect())
}

/// Each disk by the first of the directories on it; a shorter one comes before what is in it.
fn once_each(disks: Vec<Disk>) -> Vec<Disk> {
    let mut known: Vec<Disk> = Vec::new();
    for disk in disks {
        let is_known = known.iter().any(|one| match (&one.space, &disk.space) {
            (Ok(one), Ok(other)) => one.is_of_same_disk(other),
            _ => false,
        });
        if !is_known {
            known.push(disk);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> SpaceInfo {
        SpaceInfo {
            fragment_size: 4096,
            blocks: 1000,
            blocks_free: 150,
            blocks_available: 50,
            files: 100,
            files_free: 3,
            filesystem_id: 7,
            ..SpaceInfo::default()
        }
    }

    #[test]
    fn a_disk_is_as_full_as_df_says_or_as_its_inodes_are() {
        let space = Space::of(info());
        assert_eq!((space.used, space.all), (850 * 4096, 900 * 4096));
        assert_eq!(space.part, 97);
        let space = Space::of(SpaceInfo {
            files: 0,
            files_free: 0,
            ..info()
        });
        assert_eq!(space.part, 94);
        assert_eq!(Space::of(SpaceInfo::default()).part, 0);
    }

    #[test]
    fn a_disk_is_shown_once() {
        let disk = |path: &str, space| Disk {
            path: path.to_owned(),
            space,
        };
        let other = SpaceInfo {
            filesystem_id: 8,
            ..info()
        };
        let silent = || Err("the disk does not answer".to_owned());
        let disks = once_each(vec![
            disk("/a", Ok(Space::of(info()))),
            disk("/b", silent()),
            disk("/c", silent()),
            disk("/d", Ok(Space::of(info()))),
            disk("/e", Ok(Space::of(other))),
        ]);
        let paths: Vec<_> = disks.iter().map(|disk| disk.path.as_str()).collect();
        assert_eq!(paths, ["/a", "/b", "/c", "/e"]);
    }
}
