//! How full disks are.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustix::{fs::statvfs, io::Errno};

use super::{errno::error, metadata::space_info};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::SpaceInfo,
    patience,
    sync::lock,
};

/// A disk that has not answered by then is told as one that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks disks how full they are. One that does not answer holds one thread, however often it is asked.
#[derive(Clone, Default)]
pub struct DiskSpace {
    /// The directories that threads wait for.
    waiting: Arc<Mutex<HashSet<PathBuf>>>,
}

impl DiskSpace {
    /// Space of the disk on which a directory is, or would be made. The call blocks for a second at the most.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) when the disk does not answer, or what the system says of it.
    pub fn beneath(&self, directory: &Path) -> Result<SpaceInfo> {
        self.ask(directory, PATIENCE, system_answer)
    }

    fn ask(
        &self,
        directory: &Path,
        patience: Duration,
        answer: impl FnOnce(&Path) -> Result<SpaceInfo> + Send + 'static,
    ) -> Result<SpaceInfo> {
        let silent = || Error::new(ErrorKind::Unavailable, "the disk does not answer");
        if !lock(&self.waiting).insert(directory.to_owned()) {
            return Err(silent());
        }
        let (waiting, asked) = (Arc::clone(&self.waiting), directory.to_owned());
        let answered = patience::run("disk-space", patience, move |_| {
            let answer = answer(&asked);
            lock(&waiting).remove(&asked);
            answer
        });
        match answered {
            Ok(answer) => answer.ok_or_else(silent)?,
            Err(no_thread) => {
                lock(&self.waiting).remove(directory);
                Err(no_thread)
            }
        }
    }
}

fn system_answer(directory: &Path) -> Result<SpaceInfo> {
    let mut directory = directory;
    loop {
        match (statvfs(directory), directory.parent()) {
            (Ok(answer), _) => return Ok(space_info(&answer)),
            (Err(Errno::NOENT), Some(parent)) => directory = parent,
            (Err(errno), _) => return Err(error(errno)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_directory_has_the_space_of_its_disk_and_so_has_one_to_be_made() {
        let directory = tempfile::tempdir().unwrap();
        let space = DiskSpace::default();
        let there = space.beneath(directory.path()).unwrap();
        assert!(there.blocks > 0);
        let to_be = space.beneath(&directory.path().join("a/b")).unwrap();
        assert_eq!(to_be.filesystem_id, there.filesystem_id);
        assert!(lock(&space.waiting).is_empty());
    }

    #[test]
    fn a_disk_that_does_not_answer_holds_one_thread_until_it_does() {
        let space = DiskSpace::default();
        let (answer, hangs) = mpsc::channel::<()>();
        let hanging = move |_: &Path| {
            let _ = hangs.recv();
            Ok(SpaceInfo::default())
        };
        let short = Duration::from_millis(10);
        let asked = space.ask(Path::new("/hung"), short, hanging);
        assert_eq!(asked.unwrap_err().kind(), ErrorKind::Unavailable);
        let again = space.ask(Path::new("/hung"), short, |_| panic!("a second thread"));
        assert_eq!(again.unwrap_err().kind(), ErrorKind::Unavailable);
        drop(answer);
        while !lock(&space.waiting).is_empty() {
            std::thread::yield_now();
        }
        let patient = Duration::from_secs(60);
        let answers = space.ask(Path::new("/hung"), patient, |_| Ok(SpaceInfo::default()));
        assert!(answers.is_ok());
    }
}
