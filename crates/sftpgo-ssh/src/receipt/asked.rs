//! A receipt that a user asks for: of the file as it is, or of what the user has uploaded.

use std::{sync::Arc, time::Duration};

use sftpgo_core::{Error, ErrorKind, Result, VirtualPath, session::Session};

use super::{Found, Progress, Reading, Receipt, UploadReceipts};
use crate::host_key::HostKey;

/// The time after which it is looked again whether a receipt is made.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How receipts are given.
#[derive(Clone)]
pub struct Terms {
    /// Signs them.
    pub key: HostKey,
    /// Has those of uploads; none where they are not kept.
    pub uploads: Option<Arc<dyn UploadReceipts>>,
}

/// A receipt that is not made yet.
pub(crate) enum Asked {
    /// Of a file that is being read.
    Reading(Box<Reading>),
    /// Of an upload to this path, of a user who may not read the file: why not.
    Upload(VirtualPath, Error),
}

/// How far it has come.
pub(crate) enum Outcome {
    Wait(Duration),
    More,
    Done(Receipt),
}

impl Asked {
    /// Begins with the file at `path`.
    ///
    /// # Errors
    /// As [`Session::open_to_vouch`].
    pub(crate) fn begin(session: &Session, path: VirtualPath, terms: &Terms) -> Result<Self> {
        match session.open_to_vouch(&path) {
            Ok(content) => {
                let reading = Reading::of_file(session.username(), content);
                Ok(Self::Reading(Box::new(reading)))
            }
            Err(refused)
                if refused.kind() == ErrorKind::PermissionDenied && terms.uploads.is_some() =>
            {
                Ok(Self::Upload(path, refused))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads so many bytes more at the most, or looks whether the receipt is there.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn go_on(
        mut self,
        session: &Session,
        terms: &Terms,
        most: usize,
    ) -> Result<(Option<Self>, Outcome)> {
        match &mut self {
            Self::Reading(reading) => match reading.go_on(most)? {
                Progress::Wait(wait) => return Ok((Some(self), Outcome::Wait(wait))),
                Progress::More => return Ok((Some(self), Outcome::More)),
                Progress::Done => {}
            },
            Self::Upload(..) => {}
        }
        match self {
            Self::Reading(reading) => Ok((None, Outcome::Done(reading.finish(&terms.key)?))),
            Self::Upload(path, refused) => {
                let found = match &terms.uploads {
                    Some(uploads) => uploads.find(session.user_id(), session.username(), &path)?,
                    None => Found::Nothing,
                };
                match found {
                    Found::BeingMade => {
                        Ok((Some(Self::Upload(path, refused)), Outcome::Wait(LOOK_AGAIN)))
                    }
                    Found::Receipt {
                        receipt,
                        is_whole: true,
                    } => Ok((None, Outcome::Done(receipt))),
                    Found::Receipt { .. } | Found::Nothing => Err(refused),
                }
            }
        }
    }
}
