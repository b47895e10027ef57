//! What protocols without requests for it have to find out before they open a file.

use super::{Session, check_visible};
use crate::{
    content::Content,
    error::Result,
    event::Attempt,
    filesystem::{File, FileType, Metadata, OpenOptions},
    policy::Access,
    rule::Rule,
    vpath::{VirtualPath, stays_inside},
};

impl Session {
    /// What is under the name an upload is meant for, links followed; none when nothing is.
    ///
    /// It tells whether to write the name or into the directory of this name, so it is part of uploading.
    ///
    /// # Errors
    /// Needs `upload`.
    pub fn upload_target(&self, path: &VirtualPath) -> Result<Option<Metadata>> {
        let found = self
            .check(Access::Upload, path)
            .and_then(|()| self.shared.find(path, true));
        self.shared.told(Attempt::Upload, path, found)
    }

    /// Is the directory of `link` there, and its name free? It tells what a client means that makes a link, so it is part
    /// of that.
    ///
    /// # Errors
    /// Needs `create_symlinks`.
    pub fn link_can_be_made(&self, link: &VirtualPath) -> Result<bool> {
        let is_name = self.can_be_link(link)?;
        let Some(directory) = link.parent().filter(|_| is_name) else {
            return Ok(false);
        };
        let found = self.shared.filesystem.metadata(&directory, true);
        let is_directory = found.is_ok_and(|found| found.file_type == FileType::Directory);
        Ok(is_directory && matches!(self.shared.find(link, false), Ok(None)))
    }

    /// Is there something where a link to `target` would lead? Likewise.
    ///
    /// # Errors
    /// Needs `create_symlinks`.
    pub fn link_would_lead(&self, target: &[u8], link: &VirtualPath) -> Result<bool> {
        let is_name = self.can_be_link(link)?;
        let directory = link.parent_or_root();
        if !is_name || target.is_empty() || !stays_inside(&directory, target) {
            return Ok(false);
        }
        Ok(directory.join(target).is_ok_and(|target| {
            check_visible(&target).is_ok() && self.shared.filesystem.metadata(&target, true).is_ok()
        }))
    }

    /// Is this a name that a link can have? That the name is reserved is an answer, not a refusal: only a guess is made.
    fn can_be_link(&self, link: &VirtualPath) -> Result<bool> {
        self.shared.connection.touch();
        let decision = self.shared.user.policy.decide(Access::CreateLink, link);
        match decision.rule {
            Rule::ReservedName => Ok(false),
            _ => {
                let checked = decision.check(Access::CreateLink);
                let told = self.shared.told(Attempt::Symlink, link, checked);
                told.map(|()| true)
            }
        }
    }

    /// Is the old file to be emptied when it is opened for a whole new content? So it is where that goes to a hidden file
    /// until all of it is there, and where the storage writes files only anew. Else the new content is written over the old
    /// one, as in every upload mode through a link, and where the owner of the file could not be kept.
    pub fn begins_anew(&self, path: &VirtualPath) -> bool {
        if !self.shared.filesystem.capabilities().random_writes {
            return true;
        }
        let found = self.shared.filesystem.metadata(path, false);
        let is_replaced = |found: Metadata| {
            found.file_type != FileType::Symlink && self.can_replace(&path.parent_or_root(), &found)
        };
        self.shared.stages_uploads() && found.map_or(true, is_replaced)
    }

    /// Opens a file to compute something from its content, such as a checksum: no transfer is listed or logged.
    ///
    /// # Errors
    /// Needs `download`.
    pub fn open_content(&self, path: &VirtualPath) -> Result<Box<dyn File>> {
        let options = OpenOptions {
            read: true,
            ..OpenOptions::default()
        };
        let opened = self
            .check(Access::Download, path)
            .and_then(|()| self.shared.filesystem.open(path, &options));
        self.shared.told(Attempt::Download, path, opened)
    }

    /// Opens a file for somebody who vouches for what it holds: no transfer is listed or logged.
    ///
    /// # Errors
    /// Needs `download`, unless this session has uploaded all that the file holds. As [`Content::open`].
    pub fn open_to_vouch(&self, path: &VirtualPath) -> Result<Content> {
        let opened = match self.check(Access::Download, path) {
            Ok(()) => Content::open(&self.shared.filesystem, path, self.shared.quota.writers()),
            Err(refused) => self.shared.open_known_upload(path).ok_or(refused),
        };
        self.shared.told(Attempt::Download, path, opened)
    }
}
