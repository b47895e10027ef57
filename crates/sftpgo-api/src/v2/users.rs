//! What there is of users: switching off a second factor. The rest of them is at the first version of the API.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{
    error::ApiError,
    principal::AllowedAdmin,
    response::{Reply, message_v2},
};

/// `PUT /users/{username}/2fa/disable`
pub(super) async fn disable_second_factor(
    username: Result<String, ApiError>,
    allowed: AllowedAdmin,
) -> Reply {
    let ((app, _), username) = (allowed?, username?);
    let (accounts, by) = (Arc::clone(&app.state.accounts), app.by.clone());
    app.calls
        .run(move || accounts.disable_totp(&by, accounts.by_name(&username)?.id))
        .await?;
    Ok(message_v2(StatusCode::OK, "2FA disabled"))
}
