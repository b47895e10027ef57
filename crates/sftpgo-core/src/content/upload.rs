//! Uploads that are done, for somebody who vouches for what came.

use std::time::SystemTime;

use super::Content;
use crate::{error::Error, user::UserId, vpath::VirtualPath};

/// An upload that its client has closed, and that is under its name.
pub struct Uploaded {
    /// The id of the user whose upload it is.
    pub user: UserId,
    /// The name of the login.
    pub username: String,
    /// The file, watched since the upload was closed.
    pub content: Content,
    /// Did all that the file holds come by this upload, and nothing by anybody else?
    pub is_whole: bool,
    /// When it was closed.
    pub at: SystemTime,
}

/// Something that is told of uploads when they are done. Called by the thread of their connection: hand work to a queue.
pub trait UploadWitness: Send + Sync {
    /// Takes an upload; called once for each that succeeded.
    fn uploaded(&self, upload: Uploaded);

    /// The upload succeeded, and its file cannot be read: why.
    fn unreadable(&self, username: &str, path: &VirtualPath, why: &Error);
}
