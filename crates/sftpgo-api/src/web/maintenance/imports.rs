//! The dumps that admins have sent: what their import would do, does and did. They are in memory, as long as somebody may
//! come back to them.

use std::sync::{Arc, Mutex};

use sftpgo_core::{random, sync::lock};

use super::preview::Preview;

/// So many at once: each may take some 20 MiB.
const MOST: usize = 4;
/// One that nobody has confirmed, or that has ended, is kept so long, in milliseconds.
const KEPT: i64 = 60 * 60 * 1000;

/// All of them.
#[derive(Default)]
pub(in super::super) struct Imports(Mutex<Vec<Arc<Import>>>);

/// One of them.
pub(super) struct Import {
    pub(super) id: String,
    /// Nobody else is shown it.
    admin: String,
    made_at: i64,
    pub(super) preview: Preview,
    progress: Mutex<Progress>,
}

/// How far it is.
#[derive(Clone, Default)]
pub(super) struct Progress {
    pub(super) stage: Stage,
    /// What became of the first steps; none is that it is done.
    pub(super) failures: Vec<Option<String>>,
    /// Why not all was done; empty if nothing stopped it.
    pub(super) stopped: String,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing is done until the admin says so.
    #[default]
    Shown,
    Running,
    Ended,
}

impl Imports {
    /// Keeps a new one; `None` when too many are running.
    pub(super) fn add(&self, admin: &str, preview: Preview, now: i64) -> Option<Arc<Import>> {
        let mut imports = lock(&self.0);
        imports.retain(|import| import.is_kept(now));
        if imports.len() == MOST {
            let oldest = imports.iter().position(|import| !import.is_running())?;
            imports.remove(oldest);
        }
        let import = Arc::new(Import {
            id: random::hex_id(),
            admin: admin.to_owned(),
            made_at: now,
            preview,
            progress: Mutex::default(),
        });
        imports.push(Arc::clone(&import));
        Some(import)
    }

    /// The one of this id, if it is the admin's.
    pub(super) fn find(&self, id: &str, admin: &str, now: i64) -> Option<Arc<Import>> {
        let mut imports = lock(&self.0);
        imports.retain(|import| import.is_kept(now));
        let found = imports
            .iter()
            .find(|import| import.id == id && import.admin == admin);
        found.cloned()
    }
}

impl Import {
    pub(super) fn progress(&self) -> Progress {
        lock(&self.progress).clone()
    }

    /// Begins it; false when somebody has done so already.
    pub(super) fn begin(&self) -> bool {
        let mut progress = lock(&self.progress);
        let begins = progress.stage == Stage::Shown;
        if begins {
            progress.stage = Stage::Running;
        }
        begins
    }

    /// Tells what became of the next step.
    pub(super) fn tell(&self, failure: Option<String>) {
        lock(&self.progress).failures.push(failure);
    }

    /// There is no more to do, or nothing more is done.
    pub(super) fn end(&self, stopped: String) {
        let mut progress = lock(&self.progress);
        progress.stage = Stage::Ended;
        progress.stopped = stopped;
    }

    fn is_running(&self) -> bool {
        lock(&self.progress).stage == Stage::Running
    }

    fn is_kept(&self, now: i64) -> bool {
        self.is_running() || now - self.made_at < KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_unless_it_is_running() {
        let imports = Imports::default();
        let add = |now| imports.add("root", Preview::default(), now);
        let running = add(0).unwrap();
        assert!(running.begin() && !running.begin());
        let second = add(1).unwrap();
        for now in 2..5 {
            add(now).unwrap();
        }
        assert!(imports.find(&running.id, "root", 5).is_some());
        assert!(imports.find(&second.id, "root", 5).is_none());
    }

    #[test]
    fn one_is_for_its_admin_and_for_an_hour() {
        let imports = Imports::default();
        let import = imports.add("root", Preview::default(), 0).unwrap();
        assert!(imports.find(&import.id, "eve", 1).is_none());
        assert!(imports.find(&import.id, "root", KEPT - 1).is_some());
        assert!(imports.find(&import.id, "root", KEPT).is_none());
    }

    #[test]
    fn when_all_are_running_there_is_no_place() {
        let imports = Imports::default();
        for _ in 0..MOST {
            let import = imports.add("root", Preview::default(), 0).unwrap();
            assert!(import.begin());
        }
        assert!(imports.add("root", Preview::default(), 0).is_none());
        // However long it takes.
        assert!(imports.add("root", Preview::default(), 2 * KEPT).is_none());
    }
}
