//! Uploads to a storage that does not write at offsets: each is a whole new content, and nobody sees it before its end.

use std::sync::Arc;

use super::{
    Session,
    open::{OpenRequest, check_replaceable, exists},
};
use crate::{
    error::{Error, Result},
    filesystem::File,
    policy::Access,
    transfer::{Content, InOrderUpload, Upload},
    usage::Standing,
    vpath::VirtualPath,
};

impl Session {
    /// Begins a new content. Called with the names held.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) to read besides, to append, or to write on in a file that is there; else as
    /// [`Session::open`].
    pub(super) fn open_in_order(
        &self,
        path: &VirtualPath,
        request: &OpenRequest,
    ) -> Result<(Box<dyn File>, Upload)> {
        let filesystem = &self.shared.filesystem;
        let capabilities = filesystem.capabilities();
        if request.read || request.append {
            capabilities.check_write_on()?;
        }
        let found = self.shared.find(path, true)?;
        if let Some(found) = &found {
            check_replaceable(found)?;
            if request.create && request.exclusive {
                return Err(exists());
            }
            self.check(Access::Overwrite, path)?;
            if !request.truncate {
                capabilities.check_write_on()?;
            }
        } else if !request.create {
            return Err(Error::not_found("no such file or directory"));
        }
        // What has the name may be a link: the file is written where that leads.
        let path = match capabilities.links {
            true => filesystem.resolve(path.as_bytes())?,
            false => path.clone(),
        };
        let overwrite = self.shared.decide_name(Access::Overwrite, &path)?;
        let leans_on = match &found {
            Some(found) => self.pledge(|| filesystem.metadata(&path, false), found)?,
            None => None,
        };
        // A file with another name stays where it is: the upload is one more.
        let replaces = found.as_ref().is_some_and(|found| found.links < 2);
        let begun = self
            .shared
            .make_with_usage(Standing::Unnamed, replaces, || {
                let writer = filesystem.begin_upload(&path, request.mode)?;
                Ok((writer, self.shared.quota.share_unnamed()))
            });
        let (writer, file_usage, _) = begun.inspect_err(|_| {
            if let Some((leans_on, _)) = &leans_on {
                self.shared.quota.set_pledged(leans_on, 0);
            }
        })?;
        let owner = filesystem.owner_of_new_files();
        let content = Arc::new(Content::new(writer, request.mode, owner));
        let leans_on = leans_on.map(|(leans_on, credit)| {
            self.shared.quota.set_credit(&file_usage, credit);
            leans_on
        });
        let upload = InOrderUpload {
            content: Arc::clone(&content),
            path,
            exclusive: request.create && request.exclusive,
            overwrite,
            leans_on,
        };
        Ok((Box::new(content), Upload::in_order(upload, file_usage)))
    }

    /// Stores an empty file under a name.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(super) fn store_empty(&self, path: &VirtualPath, create: bool) -> Result<()> {
        let request = OpenRequest {
            write: true,
            truncate: true,
            create,
            ..OpenRequest::default()
        };
        let names = self.shared.quota.lock_namespace_for_storage();
        let (_file, mut upload) = self.open_in_order(path, &request)?;
        drop(names);
        let stored = upload.store(&self.shared);
        self.shared.commit(upload.uncommitted);
        stored
    }
}
