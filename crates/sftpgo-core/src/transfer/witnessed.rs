//! Telling of an upload that is done whoever vouches for what came.

use std::{sync::Arc, time::SystemTime};

use super::Transfer;
use crate::{
    content::{Content, Known, UploadWitness, Uploaded, open_to_read},
    error::{Error, ErrorKind, Result},
    policy::Access,
    usage::Watch,
};

impl Transfer {
    /// Tells of the upload, which is under its name. While another handle writes to the same file, the upload is not done.
    pub(super) fn tell_witness(&mut self) {
        let shared = Arc::clone(&self.shared);
        if shared.witness.is_none() && !shared.remembers_uploads {
            return;
        }
        let Some(upload) = self.upload.take() else {
            return;
        };
        let begins_anew = upload.begins_anew;
        let Some(writing) = upload.writing else {
            if let Some(witness) = &shared.witness {
                let why = Error::new(
                    ErrorKind::Unsupported,
                    "the storage does not tell whether a file changes",
                );
                witness.unreadable(&shared.user.username, &self.path, &why);
            }
            return;
        };
        let is_whole = begins_anew && writing.is_alone();
        let Some(watch) = writing.end() else {
            return;
        };
        if shared.remembers_uploads && is_whole {
            self.remember(watch.clone());
        }
        if let Some(witness) = &shared.witness {
            self.hand_over(witness.as_ref(), watch, is_whole);
        }
    }

    /// Whoever may download the file needs not to be known for its uploader.
    fn remember(&self, watch: Watch) {
        let may_download = self.shared.decide(Access::Download, &self.path);
        if may_download.is_ok_and(|decision| decision.allowed) {
            return;
        }
        if let Ok(known) = Known::of(&self.path, self.file.as_ref(), watch) {
            self.shared.remember_upload(known);
        }
    }

    fn hand_over(&mut self, witness: &dyn UploadWitness, watch: Watch, is_whole: bool) {
        match self.read_back(watch) {
            Ok(content) => witness.uploaded(Uploaded {
                user: self.shared.user.id,
                username: self.shared.user.username.clone(),
                content,
                is_whole,
                at: SystemTime::now(),
            }),
            Err(why) => witness.unreadable(&self.shared.user.username, &self.path, &why),
        }
    }

    /// Opens the file for reading: the upload's own handle need not be for that.
    fn read_back(&mut self, watch: Watch) -> Result<Content> {
        let filesystem = &self.shared.filesystem;
        let written = self.file.metadata()?.file_id;
        let file = open_to_read(filesystem.as_ref(), &self.path)?;
        let content = Content::of(filesystem, &self.path, file, watch)?;
        if content.file_id() != written {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the file has lost its name already",
            ));
        }
        Ok(content.holding(self._permit.take()))
    }
}
