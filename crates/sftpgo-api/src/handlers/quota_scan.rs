//! Quota scans.

use sftpgo_core::{
    Result,
    event::{Change, Event},
};
use warp::http::StatusCode;

use super::user::user_id;
use crate::{
    body,
    dto::{
        quota_scan::{EndedScanBody, QuotaScanBody},
        user::UserRequest,
    },
    error::ApiError,
    principal::Allowed,
    response::{Reply, data, message},
    state::App,
};

/// `GET /quota_scan`
pub(crate) async fn list(app: Allowed) -> Reply {
    let app = app?;
    let scans = app.state.scans.list();
    data(
        &scans
            .into_iter()
            .map(QuotaScanBody::from)
            .collect::<Vec<_>>(),
    )
}

/// `POST /quota_scan`: answers once the scan is listed; it goes on by itself.
pub(crate) async fn start(body: Result<Vec<u8>, ApiError>, app: Allowed) -> Reply {
    let app = app?;
    let username = body::json_object::<UserRequest>(&body?)?.into_username()?;
    begin(&app, username).await?;
    message(StatusCode::CREATED, "Scan started")
}

/// Lists a scan of this user, which then goes on by itself.
///
/// # Errors
/// There is no such user, or a scan of it is running.
pub(crate) async fn begin(app: &App, username: String) -> Result<()> {
    let (state, by) = (app.state.clone(), app.by.clone());
    let name = username.clone();
    let begin = move || {
        let user = state.accounts.by_name(&name)?;
        let id = user.id.to_string();
        let scan = state.scans.begin(user)?;
        state.events.emit(&Event::Change {
            change: Change::QuotaScanStarted,
            username: &name,
            id: &id,
            by: &by,
        });
        Ok(scan)
    };
    let scan = app.calls.run(begin).await?;
    let app = app.clone();
    tokio::spawn(async move {
        if let Err(error) = app.scans.run(move || scan.run()).await {
            log::warn!("the quota scan of {username:?} failed: {error}");
        }
    });
    Ok(())
}

/// `GET /user/{userID}/quota_scan`: how the last scan ended, beside the contract's 1.2.0.
pub(crate) async fn last(id: Result<String, ApiError>, app: Allowed) -> Reply {
    let app = app?;
    let id = user_id(id)?;
    let (accounts, scans) = (app.state.accounts.clone(), app.state.scans.clone());
    let ended = app
        .calls
        .run(move || {
            let username = accounts.by_id(id)?.username;
            Ok(scans.last(&username))
        })
        .await?;
    data(&ended.map(EndedScanBody::from).as_slice())
}
