//! Changing modes, owners, times and sizes: by name, on an open file, and of a directory that was just made.

use super::{Session, Shared, check_visible};
use crate::{
    error::{Error, Result},
    filesystem::{Inode, OpenOptions, SetAttributes},
    permission::Permissions,
    transfer::Upload,
    vpath::VirtualPath,
};

/// What becomes of a change of mode, owner or times that the user's permissions do not allow (`setstat_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SetstatMode {
    /// 0: it is refused, and with it the whole request.
    #[default]
    Refuse,
    /// 1: it is left out, and the client hears that all is well. A size is data, and refused all the same.
    Ignore,
}

/// Attributes to change by name or on an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttributeChange {
    /// New length in bytes.
    pub size: Option<u64>,
    /// Everything that is not the size.
    pub other: SetAttributes,
}

impl Session {
    /// Changes attributes by name; the size only where links are followed, since a link has none to change.
    ///
    /// # Errors
    /// Needs `chmod` for the mode, `chown` for the owner, `chtimes` for the times, `upload` and `overwrite` for the size;
    /// nothing is changed when one of them is missing. [`SetstatMode::Ignore`] leaves out what is not allowed.
    pub fn set_attributes(
        &self,
        path: &VirtualPath,
        change: &AttributeChange,
        follow: bool,
    ) -> Result<()> {
        if change.size.is_some() {
            self.need(Permissions::UPLOAD | Permissions::OVERWRITE)?;
        }
        self.shared.connection.touch();
        let other = self.shared.permitted(&change.other)?;
        check_visible(path)?;
        if let Some(upload) = self.shared.own_upload(path) {
            let size = change.size;
            return self.set_upload_attributes(&upload, &AttributeChange { size, other });
        }
        if let Some(size) = change.size {
            if !follow {
                return Err(Error::invalid("size", "cannot be changed of a link itself"));
            }
            self.truncate(path, size)?;
        }
        if other == SetAttributes::default() {
            return Ok(());
        }
        self.shared.filesystem.set_attributes(path, &other, follow)
    }

    /// Gives a directory that this session has made, and knows by its inode, the attributes that it was made for.
    ///
    /// # Errors
    /// Needs `create_dirs`; as [`Session::set_attributes`] when something else has the name by now.
    pub fn finish_new_dir(
        &self,
        path: &VirtualPath,
        made: Inode,
        change: &SetAttributes,
    ) -> Result<()> {
        self.need(Permissions::CREATE_DIRS)?;
        check_visible(path)?;
        if self.shared.filesystem.metadata(path, false)?.inode != made {
            let change = AttributeChange {
                size: None,
                other: *change,
            };
            return self.set_attributes(path, &change, false);
        }
        self.shared.filesystem.set_attributes(path, change, false)
    }

    pub(super) fn truncate(&self, path: &VirtualPath, size: u64) -> Result<()> {
        let options = OpenOptions {
            write: true,
            ..OpenOptions::default()
        };
        let names = self.shared.quota.change_names();
        let file = self.shared.filesystem.open(path, &options)?;
        let (_, count) = self.shared.quota.look_up(|| file.metadata())?;
        drop(names);
        let mut upload = Upload::in_place(count);
        let resized = upload.resize(&self.shared, file.as_ref(), size);
        self.shared.settle(upload.unsettled);
        resized
    }
}

impl Shared {
    /// The part of `change` that the user may make of what is not the user's own open upload.
    ///
    /// # Errors
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) when a part is missing and not to be ignored.
    pub(crate) fn permitted(&self, change: &SetAttributes) -> Result<SetAttributes> {
        let needed = needed_for(change);
        match self.setstat {
            SetstatMode::Refuse => self.need(needed).map(|()| *change),
            SetstatMode::Ignore => {
                let may = |permission| self.user.permissions.contains(permission);
                Ok(SetAttributes {
                    mode: change.mode.filter(|_| may(Permissions::CHMOD)),
                    owner: change.owner.filter(|_| may(Permissions::CHOWN)),
                    times: change.times.filter(|_| may(Permissions::CHTIMES)),
                })
            }
        }
    }
}

fn needed_for(change: &SetAttributes) -> Permissions {
    let when = |is_asked: bool, permission| {
        if is_asked {
            permission
        } else {
            Permissions::empty()
        }
    };
    when(change.mode.is_some(), Permissions::CHMOD)
        | when(change.owner.is_some(), Permissions::CHOWN)
        | when(change.times.is_some(), Permissions::CHTIMES)
}
