//! Tokens: given for a password and a second factor, and given back.

use std::sync::Arc;

use serde_json::json;
use sftpgo_core::admin::{Admin, PasswordVerdict};
use warp::http::{HeaderMap, HeaderName, StatusCode};

use crate::{
    arrival::Arrival,
    auth::{Audience, BasicCredentials},
    authenticate::{check_password, remote, wait_until},
    error::ApiError,
    principal::{AllowedAdmin, By},
    response::{self, Reply},
    state::App,
};

const CODE: HeaderName = HeaderName::from_static("x-sftpgo-otp");

/// `GET /token`: basic authentication, with the code of the second factor or a recovery code in `X-SFTPGO-OTP`.
pub(super) async fn give(app: App, arrival: Option<Arrival>, headers: HeaderMap) -> Reply {
    let arrival = arrival.ok_or_else(ApiError::internal)?;
    if !app.state.admins.logins.admins().is_known_to_be_set_up() {
        return Err(ApiError::unauthorized(
            "there is no admin yet: make the first one at /web/setup",
        ));
    }
    let sent = BasicCredentials::of(&headers)
        .ok_or_else(|| ApiError::unauthorized("a name and a password are needed"))?;
    let from = remote(&arrival);
    let admin = match check_password(&app, &sent, from).await? {
        PasswordVerdict::LoggedIn(admin) => *admin,
        PasswordVerdict::NeedsCode(admin) => {
            let code = headers
                .get(CODE)
                .and_then(|code| code.to_str().ok())
                .filter(|code| !code.is_empty());
            match code {
                Some(code) => with_code(&app, *admin, code.to_owned(), from).await?,
                None => {
                    return Err(ApiError::unauthorized(
                        "a code of the second factor is needed, in the header X-SFTPGO-OTP",
                    )
                    .with_header(CODE, "required"));
                }
            }
        }
        PasswordVerdict::Refused(at) => {
            wait_until(at).await;
            return Err(ApiError::unauthorized("wrong name or password").of_login());
        }
        PasswordVerdict::Closing => return Err(ApiError::internal()),
    };
    let tokens = &app.state.admins.tokens;
    let issued = tokens.issue(
        Audience::Api,
        &admin,
        arrival.client.ip(),
        tokens.lifetime(),
    );
    let (token, claims) = issued.ok_or_else(ApiError::internal)?;
    let expires_at = rfc3339(claims.exp).ok_or_else(ApiError::internal)?;
    Ok(response::json(
        StatusCode::OK,
        &json!({"access_token": token, "expires_at": expires_at}),
    ))
}

async fn with_code(
    app: &App,
    admin: Admin,
    code: String,
    from: std::net::SocketAddr,
) -> Result<Admin, ApiError> {
    let state = Arc::clone(&app.state);
    let checked = app
        .calls
        .run(move || state.admins.logins.check_code(&admin, &code, from))
        .await?;
    match checked {
        Ok(admin) => Ok(admin),
        Err(at) => {
            wait_until(at).await;
            Err(ApiError::unauthorized("the code is wrong").of_login())
        }
    }
}

/// `GET /logout`
pub(super) async fn take_back(allowed: AllowedAdmin) -> Reply {
    let (app, session) = allowed?;
    match &session.by {
        By::Token(claims) => {
            app.state.admins.tokens.give_back(claims);
            Ok(response::message_v2(
                StatusCode::OK,
                "Your token has been invalidated",
            ))
        }
        By::ApiKey { .. } => Err(ApiError::forbidden("an API key may not do this")),
        By::Password => Err(ApiError::bad_request("there is no token to give back")),
    }
}

/// Writes a time in UTC.
fn rfc3339(seconds: u64) -> Option<String> {
    let at = jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(at.to_string())
}
