//! Users.

use sftpgo_core::{UserId, provider::UserQuery};
use warp::http::StatusCode;

use crate::{
    body,
    dto::{
        user::{UserAnswer, UserRequest},
        user_query,
    },
    error::ApiError,
    principal::Allowed,
    response::{self, Reply, data, message},
};

/// `GET /user`
pub(crate) async fn list(query: String, app: Allowed) -> Reply {
    let app = app?;
    let query: UserQuery = user_query::parse(&query)?;
    let accounts = app.state.accounts.clone();
    // The answer is written there too: hundreds of users are not handed from thread to thread.
    app.calls
        .run(move || {
            let users = accounts.list(&query)?;
            Ok(response::list(
                users.iter().map(UserAnswer::from),
                UserAnswer::USUAL_SIZE,
            ))
        })
        .await?
}

/// `POST /user`
pub(crate) async fn add(body: Result<Vec<u8>, ApiError>, app: Allowed) -> Reply {
    let app = app?;
    let draft = to_be_stored(&body?)?.into_draft();
    let (accounts, by) = (app.state.accounts.clone(), app.by.clone());
    let user = app.calls.run(move || accounts.add(&by, draft)).await?;
    data(&UserAnswer::from(&user))
}

/// `GET /user/{userID}`
pub(crate) async fn show(id: Result<String, ApiError>, app: Allowed) -> Reply {
    let app = app?;
    let id = user_id(id)?;
    let accounts = app.state.accounts.clone();
    let user = app.calls.run(move || accounts.by_id(id)).await?;
    data(&UserAnswer::from(&user))
}

/// `PUT /user/{userID}`
pub(crate) async fn update(
    id: Result<String, ApiError>,
    body: Result<Vec<u8>, ApiError>,
    app: Allowed,
) -> Reply {
    let app = app?;
    let id = user_id(id)?;
    let request = to_be_stored(&body?)?;
    request.check_id(id)?;
    let (accounts, by) = (app.state.accounts.clone(), app.by.clone());
    app.calls
        .run(move || {
            accounts.update(&by, id, |draft| {
                request.clone().merge_into(draft);
                Ok(())
            })
        })
        .await?;
    message(StatusCode::OK, "User updated")
}

/// `DELETE /user/{userID}`
pub(crate) async fn delete(id: Result<String, ApiError>, app: Allowed) -> Reply {
    let app = app?;
    let id = user_id(id)?;
    let (accounts, by) = (app.state.accounts.clone(), app.by.clone());
    app.calls.run(move || accounts.delete(&by, id)).await?;
    message(StatusCode::OK, "User deleted")
}

/// Reads a user who is to be stored.
///
/// # Errors
/// The body is none, or has a restriction of later versions of SFTPGo that would not hold here.
fn to_be_stored(body: &[u8]) -> Result<UserRequest, ApiError> {
    let request = body::json_object(body)?;
    match sftpgo_dump::not_enforced(&body::json_object(body)?) {
        Some(part) => Err(ApiError::bad_request(format!(
            "{part}: cannot be enforced by this server, so the user would have more than is asked for"
        ))),
        None => Ok(request),
    }
}

/// Digits only: Rust's parser would take `+1` for the 1 that it is.
pub(super) fn user_id(segment: Result<String, ApiError>) -> Result<UserId, ApiError> {
    let segment = segment?;
    Some(&segment)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .map(UserId)
        .ok_or_else(|| ApiError::bad_request(format!("userID: {segment:?} is not a user's id")))
}
