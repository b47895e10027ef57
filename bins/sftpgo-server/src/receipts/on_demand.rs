//! Receipts that admins ask for: the kept one of an upload, or one of the file as it is.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use sftpgo_api::{OfWhat, ReceiptText, Receipts};
use sftpgo_core::{
    Error, ErrorKind, Result, StoredUser, VirtualPath, content::Content,
    filesystem::FilesystemFactory, quota::UsageManager,
};
use sftpgo_ssh::{
    HostKey,
    receipt::{Found, Progress, Reading, UploadReceipts},
};

use super::KeptReceipts;

/// Read at once: whether anybody still waits is looked at in between.
const PIECE: usize = 1024 * 1024;
/// The receipt of an upload that is being made is waited for so long.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Gives admins receipts of users' files.
pub(crate) struct OnDemand {
    pub(crate) homes: Arc<dyn FilesystemFactory>,
    pub(crate) quotas: Arc<UsageManager>,
    pub(crate) key: HostKey,
    /// None where none are kept.
    pub(crate) kept: Option<Arc<KeptReceipts>>,
}

impl Receipts for OnDemand {
    fn receipt(
        &self,
        user: &StoredUser,
        path: &VirtualPath,
        of_what: OfWhat,
        is_awaited: &dyn Fn() -> bool,
    ) -> Result<ReceiptText> {
        let kept = match of_what {
            OfWhat::Now => None,
            OfWhat::Any | OfWhat::Upload => self.of_upload(user, path, is_awaited)?,
        };
        match (kept, of_what) {
            (Some(kept), _) => Ok(kept),
            (None, OfWhat::Upload) => Err(Error::not_found(
                "no receipt of an upload to this path is kept",
            )),
            (None, _) => self.of_file(user, path, is_awaited),
        }
    }
}

impl OnDemand {
    fn of_upload(
        &self,
        user: &StoredUser,
        path: &VirtualPath,
        is_awaited: &dyn Fn() -> bool,
    ) -> Result<Option<ReceiptText>> {
        let Some(kept) = &self.kept else {
            return Ok(None);
        };
        let until = Instant::now() + PATIENCE;
        loop {
            match kept.find(user.id, &user.username, path)? {
                Found::Nothing => return Ok(None),
                Found::Receipt { receipt, .. } => {
                    return Ok(Some(ReceiptText {
                        is_of_upload: true,
                        statement: receipt.statement,
                        signature: receipt.signature,
                    }));
                }
                Found::BeingMade if is_awaited() && Instant::now() < until => {
                    thread::sleep(LOOK_AGAIN);
                }
                Found::BeingMade => {
                    return Err(Error::new(
                        ErrorKind::Conflict,
                        "the receipt of the last upload is still being made, ask again",
                    ));
                }
            }
        }
    }

    fn of_file(
        &self,
        user: &StoredUser,
        path: &VirtualPath,
        is_awaited: &dyn Fn() -> bool,
    ) -> Result<ReceiptText> {
        let home = self.homes.existing_home(&user.effective())?;
        let home = home.ok_or_else(|| {
            Error::not_found("the user has no home directory yet, and so no files")
        })?;
        let home = Arc::from(home);
        let content = Content::open(&home, path, self.quotas.writers())?;
        let mut reading = Reading::of_file(&user.username, content);
        loop {
            if !is_awaited() {
                return Err(Error::new(ErrorKind::Conflict, "nobody waits for it"));
            }
            match reading.go_on(PIECE)? {
                Progress::Wait(wait) => thread::sleep(wait),
                Progress::More => {}
                Progress::Done => break,
            }
        }
        let receipt = reading.finish(&self.key)?;
        Ok(ReceiptText {
            is_of_upload: false,
            statement: receipt.statement,
            signature: receipt.signature,
        })
    }
}
