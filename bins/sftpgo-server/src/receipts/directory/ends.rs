//! What ends a kept receipt: its age, and the number of a user's. Nothing is removed whose name is not one that the server
//! gives.

use std::{
    ffi::OsStr,
    fs::{self, DirEntry},
    io::{self, ErrorKind},
    path::Path,
    time::{Duration, SystemTime},
};

use ring::digest::SHA256;
use sftpgo_core::sync::lock;

use super::{Directory, UNFINISHED};

/// An unfinished one that is older was left by a crash.
pub(super) const LEFT_OVER: Duration = Duration::from_secs(60 * 60);

impl Directory {
    /// Removes receipts that are too old, and what crashes left.
    pub(in super::super) fn remove_old(&self) {
        if let Err(error) = self.try_to_remove_old() {
            log::warn!(
                "old receipts cannot be removed from {}, which is tried again in a day: {error}",
                self.path.display()
            );
        }
    }

    fn try_to_remove_old(&self) -> io::Result<()> {
        for of_user in fs::read_dir(&self.path)? {
            let of_user = of_user?;
            if !is_of_user(&of_user) {
                continue;
            }
            match self.remove_old_in(&of_user.path()) {
                // Another server removed it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => log::warn!(
                    "old receipts cannot be removed from {}, which is tried again in a day: {error}",
                    of_user.path().display()
                ),
                Ok(()) => {}
            }
        }
        lock(&self.counts).clear();
        Ok(())
    }

    fn remove_old_in(&self, of_user: &Path) -> io::Result<()> {
        for entry in fs::read_dir(of_user)? {
            let entry = entry?;
            if self.is_over(&entry)? {
                remove(&entry.path())?;
            }
        }
        // Refused unless it is empty. Whoever writes to it makes it again.
        let _ = fs::remove_dir(of_user);
        Ok(())
    }

    fn is_over(&self, entry: &DirEntry) -> io::Result<bool> {
        let longest = match &entry.file_name() {
            name if is_unfinished(name) => Some(LEFT_OVER),
            name if is_receipt(name) => self.longest,
            _ => None,
        };
        let Some(longest) = longest else {
            return Ok(false);
        };
        let Some(written_at) = written_at(entry)? else {
            return Ok(false);
        };
        let age = SystemTime::now().duration_since(written_at);
        Ok(age.is_ok_and(|age| age > longest))
    }
}

/// Is it a directory of a user's receipts?
fn is_of_user(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let id = name.to_str().and_then(|name| name.parse::<i32>().ok());
    id.is_some_and(|id| *id.to_string() == *name)
        && entry.file_type().is_ok_and(|found| found.is_dir())
}

fn is_receipt(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.len() == 2 * SHA256.output_len()
        && name
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_unfinished(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes())
}

pub(super) fn receipts_in(of_user: &Path) -> impl Iterator<Item = DirEntry> {
    let entries = fs::read_dir(of_user).into_iter().flatten().flatten();
    entries.filter(|entry| is_receipt(&entry.file_name()))
}

/// None of what is no file, or is gone by now.
fn written_at(entry: &DirEntry) -> io::Result<Option<SystemTime>> {
    match entry.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Ok(found) if !found.is_file() => Ok(None),
        found => Ok(Some(found?.modified()?)),
    }
}

/// Removes the oldest, so that a tenth of `most` is free again, and returns how many are left.
pub(super) fn remove_oldest(of_user: &Path, most: usize) -> usize {
    let mut receipts: Vec<_> = receipts_in(of_user)
        .filter_map(|entry| Some((written_at(&entry).ok()??, entry.path())))
        .collect();
    receipts.sort();
    let to_keep = most - most.div_ceil(10);
    let too_many = receipts.len().saturating_sub(to_keep);
    if receipts.len() > most {
        log::info!(
            "the oldest {too_many} receipts in {} are removed, because there are more than sftpd.receipts_per_user",
            of_user.display()
        );
        for (_, path) in receipts.drain(..too_many) {
            if let Err(error) = remove(&path) {
                log::warn!(
                    "the old receipt {} cannot be removed: {error}",
                    path.display()
                );
            }
        }
    }
    receipts.len()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
