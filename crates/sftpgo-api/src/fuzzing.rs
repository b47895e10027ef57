//! What the fuzz targets need from inside.

use sftpgo_core::UserDraft;

use crate::{body, dto::user::UserRequest};

/// The body of `POST /user` as a draft, if it is one.
pub fn user_draft(body: &[u8]) -> Option<UserDraft> {
    body::json_object::<UserRequest>(body)
        .ok()
        .map(UserRequest::into_draft)
}
