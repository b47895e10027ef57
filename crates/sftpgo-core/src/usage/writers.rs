//! Which files are open to be written to, by whichever user: whoever vouches for what a file holds has to know.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use crate::{filesystem::FileId, sync::lock};

/// The files that users of this server have open to write to them.
#[derive(Debug, Default)]
pub struct Writers(Mutex<Openings>);

#[derive(Debug, Default)]
struct Openings {
    files: HashMap<FileId, Opened>,
    /// The number of openings so far, so that no two have the same number.
    count: u64,
}

#[derive(Debug, Default)]
struct Opened {
    /// Handles that write now.
    open: usize,
    /// The number of the newest opening.
    newest: u64,
    watches: usize,
}

impl Writers {
    /// Says that a file is open to be written to, until what is returned is dropped.
    pub(crate) fn open(self: &Arc<Self>, file_id: FileId) -> Writing {
        let mut openings = lock(&self.0);
        openings.count += 1;
        let number = openings.count;
        let opened = openings.files.entry(file_id).or_default();
        opened.open += 1;
        opened.newest = number;
        Writing {
            writers: Arc::clone(self),
            file_id,
            number,
            began_alone: opened.open == 1,
        }
    }

    /// Watches a file; none while somebody has it open to write to it.
    pub(crate) fn watch(self: &Arc<Self>, file_id: FileId) -> Option<Watch> {
        self.watch_besides(0, file_id)
    }

    /// Watches a file that this many handles write to.
    fn watch_besides(self: &Arc<Self>, handles: usize, file_id: FileId) -> Option<Watch> {
        let mut openings = lock(&self.0);
        let opened = openings.files.entry(file_id).or_default();
        if opened.open > handles {
            return None;
        }
        opened.watches += 1;
        Some(Watch {
            writers: Arc::clone(self),
            file_id,
            newest: opened.newest,
        })
    }

    /// Returns the number of the newest opening of a file that somebody writes to or watches.
    fn newest(&self, file_id: FileId) -> Option<u64> {
        lock(&self.0)
            .files
            .get(&file_id)
            .map(|opened| opened.newest)
    }

    fn change(&self, file_id: FileId, change: impl FnOnce(&mut Opened)) {
        let mut openings = lock(&self.0);
        if let Some(opened) = openings.files.get_mut(&file_id) {
            change(opened);
            if opened.open == 0 && opened.watches == 0 {
                openings.files.remove(&file_id);
            }
        }
    }
}

/// A handle that writes to a file.
#[derive(Debug)]
pub(crate) struct Writing {
    writers: Arc<Writers>,
    file_id: FileId,
    number: u64,
    began_alone: bool,
}

impl Writing {
    /// Has no other handle written to the file since this one began?
    pub(crate) fn is_alone(&self) -> bool {
        self.began_alone && self.writers.newest(self.file_id) == Some(self.number)
    }

    /// Ends, and watches the file from there on; none while others have it open to write to it.
    pub(crate) fn end(self) -> Option<Watch> {
        self.writers.watch_besides(1, self.file_id)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.writers.change(self.file_id, |opened| opened.open -= 1);
    }
}

/// A file that nobody had open to write to it when this began.
#[derive(Debug)]
pub(crate) struct Watch {
    writers: Arc<Writers>,
    file_id: FileId,
    newest: u64,
}

impl Watch {
    /// Has nobody opened the file to write to it since?
    pub(crate) fn is_unwritten(&self) -> bool {
        self.writers.newest(self.file_id) == Some(self.newest)
    }
}

impl Clone for Watch {
    fn clone(&self) -> Self {
        self.writers
            .change(self.file_id, |opened| opened.watches += 1);
        Self {
            writers: Arc::clone(&self.writers),
            file_id: self.file_id,
            newest: self.newest,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.writers
            .change(self.file_id, |opened| opened.watches -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> FileId {
        FileId::new(1, 2)
    }

    #[test]
    fn a_watch_sees_each_opening_and_none_begins_while_somebody_writes() {
        let writers = Arc::new(Writers::default());
        let writing = writers.open(file());
        assert!(writers.watch(file()).is_none());
        drop(writing);
        let watch = writers.watch(file()).unwrap();
        let other = writers.open(FileId::new(1, 3));
        assert!(watch.is_unwritten());
        let writing = writers.open(file());
        assert!(!watch.is_unwritten());
        drop((writing, other));
        assert!(!watch.is_unwritten());
        drop(watch);
        assert!(lock(&writers.0).files.is_empty());
    }

    #[test]
    fn only_one_who_writes_from_its_beginning_to_its_end_is_alone() {
        let writers = Arc::new(Writers::default());
        let first = writers.open(file());
        assert!(first.is_alone());
        let second = writers.open(file());
        assert!(!first.is_alone() && !second.is_alone());
        assert!(first.end().is_none());
        assert!(!second.is_alone());
        let watch = second.end().unwrap();
        assert!(watch.is_unwritten());
        let third = writers.open(file());
        assert!(third.is_alone());
        assert!(third.end().is_some_and(|watch| watch.is_unwritten()));
        assert!(!watch.is_unwritten());
    }
}
