//! One user, the user's files and quota: every file operation with its permission check.

mod attributes;
mod in_order;
mod links;
mod listing;
mod open;
mod own_uploads;
mod pending;
mod staging;
mod upload_lookup;

use std::sync::{Arc, Mutex};

use crate::{
    auth::LoggedIn,
    content::UploadWitness,
    error::{Error, ErrorKind, Result},
    event::{Attempt, Command, Event, Events},
    filesystem::{FileType, Metadata, OwnerIds, Replace, SpaceInfo},
    policy::{Access, names_unfinished_upload},
    registry::ConnectionGuard,
    rule::Rule,
    session_context::SessionContext,
    storage_usage::UsageDelta,
    throttle::Throttle,
    transfer::name_is_taken,
    user::UserId,
    vpath::VirtualPath,
};

pub(crate) use self::links::target_of_link;
pub use self::{listing::Listing, open::OpenRequest};
pub use crate::session_context::{AttributeChange, SetstatMode, UploadMode, UploadPolicy};

/// One listed session of a logged-in user.
pub struct Session {
    pub(crate) shared: Arc<SessionContext>,
}

impl Session {
    /// A session of `logged_in`, listed as `connection`, that refuses changes of attributes that are not permitted.
    pub fn new(
        logged_in: &LoggedIn,
        connection: ConnectionGuard,
        events: Events,
        uploads: UploadPolicy,
    ) -> Self {
        Self::with_setstat_mode(
            logged_in,
            connection,
            events,
            uploads,
            SetstatMode::default(),
        )
    }

    /// Opens a session where an operator decides what becomes of changes of attributes that are not allowed.
    pub fn with_setstat_mode(
        logged_in: &LoggedIn,
        connection: ConnectionGuard,
        events: Events,
        uploads: UploadPolicy,
        setstat: SetstatMode,
    ) -> Self {
        Self {
            shared: Arc::new(SessionContext {
                user: Arc::clone(&logged_in.user),
                filesystem: Arc::clone(&logged_in.filesystem),
                quota: Arc::clone(&logged_in.quota),
                connection,
                events,
                uploads,
                setstat,
                own_uploads: Mutex::default(),
                witness: None,
                remembers_uploads: false,
                known_uploads: Mutex::default(),
            }),
        }
    }

    /// Returns a session that has opened nothing yet with somebody who vouches for what files hold: `witness` is told of its
    /// uploads, and [`Session::open_to_vouch`] knows them when `remembers_uploads`.
    #[must_use]
    pub fn vouched_for(
        mut self,
        remembers_uploads: bool,
        witness: Option<Arc<dyn UploadWitness>>,
    ) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.remembers_uploads = remembers_uploads;
            shared.witness = witness;
        }
        self
    }

    /// The listed connection.
    pub fn connection(&self) -> &ConnectionGuard {
        &self.shared.connection
    }

    /// The user of the session.
    pub fn username(&self) -> &str {
        &self.shared.user.username
    }

    /// The id of the session's user.
    pub fn user_id(&self) -> UserId {
        self.shared.user.id
    }

    /// Returns who owns the files that this user makes, where that is known.
    pub fn owner_of_new_files(&self) -> Option<OwnerIds> {
        self.shared.filesystem.owner_of_new_files()
    }

    /// The user's bandwidth, for who sends what was read.
    pub fn throttle(&self) -> &Throttle {
        self.shared.quota.throttle()
    }

    /// Attributes of a name, or of what a final link points to when `follow`.
    ///
    /// # Errors
    /// Needs `list`.
    pub fn metadata(&self, path: &VirtualPath, follow: bool) -> Result<Metadata> {
        let found = self.metadata_as_asked(path, follow);
        self.shared.told(Attempt::Stat, path, found)
    }

    fn metadata_as_asked(&self, path: &VirtualPath, follow: bool) -> Result<Metadata> {
        match follow {
            true => self.check(Access::Stat, path)?,
            false => self.check_name(Access::Stat, path)?,
        }
        match self.shared.own_upload(path) {
            Some(upload) => upload.metadata(),
            None => self.shared.filesystem.metadata(path, follow),
        }
    }

    /// Opens a directory for listing; unfinished uploads do not show.
    ///
    /// # Errors
    /// Needs `list`; or the user has too many open.
    pub fn open_dir(&self, path: &VirtualPath) -> Result<Listing> {
        let opened = self.open_dir_as_asked(path);
        self.shared.told(Attempt::List, path, opened)
    }

    fn open_dir_as_asked(&self, path: &VirtualPath) -> Result<Listing> {
        self.check(Access::List, path)?;
        let permit = self.shared.connection.reserve_handle(self.shared.user.id)?;
        Ok(Listing {
            directory: self.shared.filesystem.read_dir(path)?,
            path: path.clone(),
            own_uploads: self.shared.own_uploads_in(path),
            _permit: permit,
        })
    }

    /// Removes a file or link.
    ///
    /// # Errors
    /// Needs `delete`; a directory is refused.
    pub fn remove(&self, path: &VirtualPath) -> Result<()> {
        let removed = self.remove_as_asked(path);
        self.shared.told(Attempt::Remove, path, removed)
    }

    fn remove_as_asked(&self, path: &VirtualPath) -> Result<()> {
        self.check_name(Access::Delete, path)?;
        match self.shared.own_upload(path) {
            Some(upload) => self.remove_upload(path, &upload)?,
            None => {
                let names = self.shared.quota.lock_namespace();
                let freed = self.remove_named(path)?;
                drop(names);
                self.shared.commit(freed);
            }
        }
        self.tell(Command::Remove, path, None);
        Ok(())
    }

    /// Removes what has the name; called with the names held.
    fn remove_named(&self, path: &VirtualPath) -> Result<UsageDelta> {
        let (found, file_usage) = self.shared.look_up(path)?;
        // With a slash behind it the storage says whether it is a directory or a link to one.
        if found.file_type == FileType::Directory && !path.must_be_directory() {
            return Err(Error::new(ErrorKind::IsADirectory, "is a directory"));
        }
        self.shared.filesystem.remove_file(path)?;
        Ok(self.shared.release(&found, &file_usage))
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// Needs `delete`.
    pub fn remove_dir(&self, path: &VirtualPath) -> Result<()> {
        let removed = self.remove_dir_as_asked(path);
        self.shared.told(Attempt::Rmdir, path, removed)
    }

    fn remove_dir_as_asked(&self, path: &VirtualPath) -> Result<()> {
        self.check_name(Access::Delete, path)?;
        self.shared.filesystem.remove_dir(path)?;
        self.tell(Command::Rmdir, path, None);
        Ok(())
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// Needs `create_dirs`.
    pub fn create_dir(&self, path: &VirtualPath, mode: Option<u32>) -> Result<()> {
        let made = self.create_dir_as_asked(path, mode);
        self.shared.told(Attempt::Mkdir, path, made)
    }

    fn create_dir_as_asked(&self, path: &VirtualPath, mode: Option<u32>) -> Result<()> {
        self.check_name(Access::CreateDir, path)?;
        self.shared.check_not_uploading(&path.as_name())?;
        self.shared.filesystem.create_dir(path, mode)?;
        self.shared.sync_name(path)?;
        self.tell(Command::Mkdir, path, None);
        Ok(())
    }

    /// Renames; a replaced file leaves the quota.
    ///
    /// # Errors
    /// Needs `rename`, and `overwrite` when the target is replaced; [`Unsupported`](ErrorKind::Unsupported) when it would be
    /// on a storage that cannot do that in one step. [`CrossesMounts`](ErrorKind::CrossesMounts), and nothing has changed,
    /// between two mounts.
    pub fn rename(&self, from: &VirtualPath, to: &VirtualPath, replace: Replace) -> Result<()> {
        let renamed = self.rename_as_asked(from, to, replace);
        self.shared
            .told_of_two(Attempt::Rename, (from, Some(to)), renamed)
    }

    fn rename_as_asked(
        &self,
        from: &VirtualPath,
        to: &VirtualPath,
        replace: Replace,
    ) -> Result<()> {
        self.check_name(Access::RenameFrom, from)?;
        self.check_name(Access::RenameTo, to)?;
        let names = self.shared.quota.lock_namespace();
        let own = self.shared.own_upload(from);
        let replaced = self.shared.own_upload(to);
        if replaced.is_some() {
            if replace == Replace::No {
                return Err(name_is_taken());
            }
            self.check_name(Access::Overwrite, to)?;
        }
        let freed = match &own {
            Some(upload) => self.rename_upload(upload, from, to, replace),
            None => self.rename_named(from, to, replace),
        }?;
        if let Some(replaced) = replaced
            && own.as_ref().is_none_or(|own| !Arc::ptr_eq(own, &replaced))
        {
            replaced.remove(&self.shared);
        }
        drop(names);
        self.shared.commit(freed);
        self.shared.sync_name(to)?;
        if from.parent() != to.parent() {
            match self.shared.sync_name(from) {
                // The directory has gone since, or something else has its name: nothing is left to be kept there.
                Err(gone)
                    if matches!(gone.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                synced => synced?,
            }
        }
        self.tell(Command::Rename, from, Some(to));
        Ok(())
    }

    /// Renames what has the name; called with the names held.
    fn rename_named(
        &self,
        from: &VirtualPath,
        to: &VirtualPath,
        replace: Replace,
    ) -> Result<UsageDelta> {
        let (source, file_usage) = self.shared.look_up(from)?;
        let target = self.shared.find_with_usage(to)?;
        let capabilities = self.shared.filesystem.capabilities();
        if target.is_some() {
            if replace == Replace::No {
                return Err(Error::new(ErrorKind::AlreadyExists, "the target exists"));
            }
            self.check_name(Access::Overwrite, to)?;
            capabilities.check_replacing()?;
        }
        // Whoever may not replace anything does not replace what another server or program puts there meanwhile either.
        let may_replace = self.shared.decide_name(Access::Overwrite, to)?.allowed;
        let replace = match may_replace && capabilities.atomic_rename {
            true => replace,
            false => Replace::No,
        };
        let filesystem = &self.shared.filesystem;
        match source.file_type {
            FileType::Symlink => filesystem.rename_link(from, to, replace)?,
            FileType::Directory => {
                filesystem.check_links_from(from, to)?;
                filesystem.rename(from, to, replace)?;
            }
            FileType::File | FileType::Other => filesystem.rename(from, to, replace)?,
        }
        // Renaming one name of a file over another of the same file changes nothing.
        let replaced = target.filter(|(target, _)| target.file_id != source.file_id);
        let freed = replaced.map_or_else(UsageDelta::default, |(replaced, file_usage)| {
            self.shared.release(&replaced, &file_usage)
        });
        self.shared.moved(&source, &file_usage);
        Ok(freed)
    }

    /// Space left beneath `path`: the quota when one is set, else the disk's.
    ///
    /// # Errors
    /// Needs `list`.
    pub fn space(&self, path: &VirtualPath) -> Result<SpaceInfo> {
        let space = self.space_as_asked(path);
        self.shared.told(Attempt::Statvfs, path, space)
    }

    fn space_as_asked(&self, path: &VirtualPath) -> Result<SpaceInfo> {
        self.check(Access::Stat, path)?;
        let disk = match self.shared.own_upload(path) {
            Some(_) => self.shared.filesystem.space(&path.parent_or_root()),
            None => self.shared.filesystem.space(path),
        }?;
        Ok(self.shared.quota.status().shown_in(disk))
    }

    /// May the user do this to what the path leads to? Whoever asks is not idle.
    ///
    /// # Errors
    /// As [`SessionContext::check`].
    fn check(&self, access: Access, path: &VirtualPath) -> Result<()> {
        self.shared.connection.touch();
        self.shared.check(access, path)
    }

    /// Checks an access to the name itself, which may be a link.
    ///
    /// # Errors
    /// As [`SessionContext::check`].
    fn check_name(&self, access: Access, path: &VirtualPath) -> Result<()> {
        self.shared.connection.touch();
        self.shared.check_name(access, path)
    }

    fn tell(&self, command: Command, path: &VirtualPath, target: Option<&VirtualPath>) {
        let target = target.map(|target| self.shared.filesystem.display_path(target));
        self.shared.events.emit(&Event::Command {
            command,
            username: &self.shared.user.username,
            file_path: &self.shared.filesystem.display_path(path),
            target_path: target.as_deref(),
            connection_id: self.shared.connection.id(),
            protocol: self.shared.connection.protocol(),
        });
    }
}

/// Unfinished uploads do not exist for a client.
pub(crate) fn check_visible(path: &VirtualPath) -> Result<()> {
    if names_unfinished_upload(path) {
        return Err(Error::not_found("no such file or directory").decided_by(Rule::ReservedName));
    }
    Ok(())
}
