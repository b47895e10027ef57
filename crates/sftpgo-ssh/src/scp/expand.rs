//! A word with patterns to the names it matches in the user's home.

use sftpgo_core::{
    Error, ErrorKind, Result, VirtualPath,
    filesystem::FileType,
    session::{Listing, Session},
};

use super::glob::{self, Component};
use crate::shell_words::Word;

/// Bytes of the paths that one word may become: as much as Linux lets a command line have.
const MOST: usize = 2 * 1024 * 1024;
/// Names looked at in one step.
const NAMES: usize = 1000;

/// The search for what a word matches, in steps.
pub(super) struct Expansion {
    components: Vec<Component>,
    /// Directories to search, each with the component that its names have to match.
    pending: Vec<(VirtualPath, usize)>,
    listing: Option<(Listing, usize)>,
    found: Vec<VirtualPath>,
    len: usize,
    denied: Option<Error>,
}

impl Expansion {
    /// The search for `word`; none when it has no pattern.
    pub(super) fn of(word: &Word) -> Option<Self> {
        Some(Self {
            components: glob::components(word)?,
            pending: vec![(VirtualPath::root(), 0)],
            listing: None,
            found: Vec::new(),
            len: 0,
            denied: None,
        })
    }

    /// Searches on and says whether that was all.
    ///
    /// # Errors
    /// Too many names match.
    pub(super) fn step(&mut self, session: &Session) -> Result<bool> {
        let Some((mut listing, at)) = self.listing.take() else {
            return self.open_next(session).map(|opened| !opened);
        };
        for _ in 0..NAMES {
            let Ok(Some(entry)) = listing.next_entry() else {
                return Ok(false);
            };
            let is_match = match self.components.get(at) {
                Some(Component::Pattern(pattern)) => pattern.matches(&entry.name),
                _ => false,
            };
            if !is_match || matches!(entry.name.as_slice(), b"." | b"..") {
                continue;
            }
            let path = listing.path().join(&entry.name)?;
            if at + 1 == self.components.len() {
                self.keep(path)?;
            } else if matches!(
                entry.metadata.file_type,
                FileType::Directory | FileType::Symlink
            ) {
                self.remember(path, at + 1)?;
            }
        }
        self.listing = Some((listing, at));
        Ok(false)
    }

    /// Returns what was found, in order.
    ///
    /// # Errors
    /// Nothing was found, and something could not be searched.
    pub(super) fn finish(mut self) -> Result<Vec<VirtualPath>> {
        match self.denied {
            Some(error) if self.found.is_empty() => Err(error),
            _ => {
                self.found.sort_unstable();
                Ok(self.found)
            }
        }
    }

    /// Opens the next directory; returns false when none is left.
    fn open_next(&mut self, session: &Session) -> Result<bool> {
        let Some((mut path, mut at)) = self.pending.pop() else {
            return Ok(false);
        };
        while let Some(Component::Name(name)) = self.components.get(at) {
            path = path.join(name)?;
            at += 1;
        }
        if at == self.components.len() {
            if session.metadata(&path, false).is_ok() {
                self.keep(path)?;
            }
            return Ok(true);
        }
        match session.open_dir(&path) {
            Ok(listing) => self.listing = Some((listing, at)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                self.denied.get_or_insert(error);
            }
            // As in a shell, what is no directory matches nothing.
            Err(_) => {}
        }
        Ok(true)
    }

    fn keep(&mut self, path: VirtualPath) -> Result<()> {
        self.count(&path)?;
        self.found.push(path);
        Ok(())
    }

    fn remember(&mut self, path: VirtualPath, at: usize) -> Result<()> {
        self.count(&path)?;
        self.pending.push((path, at));
        Ok(())
    }

    fn count(&mut self, path: &VirtualPath) -> Result<()> {
        self.len += path.as_bytes().len() + size_of::<VirtualPath>();
        if self.len > MOST {
            return Err(Error::new(
                ErrorKind::LimitReached,
                "argument list too long",
            ));
        }
        Ok(())
    }
}
