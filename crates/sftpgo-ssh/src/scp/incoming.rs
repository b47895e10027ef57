//! A file that `scp -t` takes, from its first byte until it is stored.

use std::time::Duration;

use sftpgo_core::{
    Result,
    filesystem::SetAttributes,
    session::AttributeChange,
    transfer::{Pending, Transfer},
};

use crate::error_text::error_text;

/// A file that the storage is to begin.
pub(super) struct Opening {
    pub(super) transfer: Pending<Transfer>,
    pub(super) shown: Vec<u8>,
    pub(super) size: u64,
    pub(super) change: SetAttributes,
}

/// A file that is being taken.
pub(super) struct Incoming {
    pub(super) transfer: Transfer,
    pub(super) shown: Vec<u8>,
    pub(super) offset: u64,
    pub(super) left: u64,
    pub(super) change: SetAttributes,
    /// Why it will not be stored; the rest of its data is thrown away.
    pub(super) problem: Option<String>,
}

/// A file of which all has come.
pub(super) struct Storing {
    pub(super) shown: Vec<u8>,
    upload: Pending<()>,
    /// What became of its mode and times.
    changed: Result<()>,
}

impl Incoming {
    /// How long to wait before it is stored, because the database is being asked for room.
    pub(super) fn wait_to_store(&self) -> Option<Duration> {
        match self.problem {
            Some(_) => None,
            None => self.transfer.wait_to_finish(),
        }
    }

    /// Begins to finish the upload; only at the end of that its data is under its name. Of a file that the source could not
    /// read the upload mode says what is kept, and that is no problem of this side: there is nothing to wait for.
    pub(super) fn store(mut self, is_whole: bool) -> Result<Option<Storing>, String> {
        if let Some(problem) = self.problem {
            self.transfer.fail(&problem);
            return Err(problem);
        }
        let cut = self.cut();
        if !is_whole {
            self.transfer.fail("the source could not read all of it");
            return cut.map(|()| None);
        }
        if let Err(problem) = cut {
            self.transfer.fail(&problem);
            return Err(problem);
        }
        let changed = if self.change == SetAttributes::default() {
            Ok(())
        } else {
            self.transfer.set_attributes(&AttributeChange {
                size: None,
                other: self.change,
            })
        };
        Ok(Some(Storing {
            shown: self.shown,
            upload: self.transfer.begin_to_finish(),
            changed,
        }))
    }

    /// Cuts what an old content has behind the new one.
    fn cut(&mut self) -> Result<(), String> {
        let change = AttributeChange {
            size: Some(self.offset),
            other: SetAttributes::default(),
        };
        let cut = match self.transfer.metadata() {
            Ok(found) if found.size > self.offset => self.transfer.set_attributes(&change),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        cut.map_err(|error| error_text(&error))
    }
}

impl Storing {
    /// When to come back; none when the storage has answered.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.upload.wait()
    }

    /// Why the file is not stored, or not as it was sent.
    pub(super) fn outcome(self) -> Result<(), String> {
        self.upload.outcome().map_err(|error| error_text(&error))?;
        let changed = self.changed;
        changed.map_err(|error| format!("Set mode and times: {}", error_text(&error)))
    }
}
