//! Receipts of users' files.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sftpgo_core::{Error, ErrorKind};

use crate::{
    dto::receipt::{self, ReceiptAnswer},
    error::ApiError,
    principal::AllowedAdmin,
    response::{Reply, data},
};

/// Says that nobody waits for the answer any more when it is dropped, as a request is whose client has gone.
struct Waits(Arc<AtomicBool>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// `GET /users/{username}/receipt`
pub(super) async fn show(
    username: Result<String, ApiError>,
    query: String,
    allowed: AllowedAdmin,
) -> Reply {
    let ((app, _), username) = (allowed?, username?);
    let (path, of_what) = receipt::parse(&query)?;
    let receipts = app.state.receipts.clone().ok_or_else(|| {
        ApiError::forbidden("there are no receipts: sftpd.receipts and sftpd.receipts_dir are off")
    })?;
    let accounts = Arc::clone(&app.state.accounts);
    let is_awaited = Arc::new(AtomicBool::new(true));
    let waits = Waits(Arc::clone(&is_awaited));
    let asked = path.clone();
    let given = app.receipts.run(move || {
        let user = accounts.by_name(&username)?;
        let is_awaited = || is_awaited.load(Ordering::Relaxed);
        let given = receipts.receipt(&user, &asked, of_what, &is_awaited);
        Ok((user.username, given.map_err(of_file)?))
    });
    let (username, receipt) = given.await?;
    drop(waits);
    data(&ReceiptAnswer::new(username, &path, receipt))
}

/// What leads nowhere is not there, and a name of something else than a file is a wrong request.
fn of_file(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NotADirectory | ErrorKind::Unresolvable => {
            Error::not_found(error.message().to_owned())
        }
        ErrorKind::IsADirectory | ErrorKind::Invalid | ErrorKind::Unsupported => {
            Error::invalid("path", error.message())
        }
        _ => error,
    }
}
