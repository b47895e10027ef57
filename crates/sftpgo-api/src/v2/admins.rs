//! Admins.

use std::sync::Arc;

use warp::http::StatusCode;

use super::{
    dto::{AdminAnswer, AdminBody},
    page::Page,
};
use crate::{
    body,
    error::ApiError,
    principal::{AllowedAdmin, Need, Principal, admin},
    response::{self, Reply, data, message_v2},
    state::App,
};

/// `GET /admins`
pub(super) async fn list(query: String, allowed: AllowedAdmin) -> Reply {
    let (app, _) = allowed?;
    let page = Page::parse(&query)?;
    let state = Arc::clone(&app.state);
    let admins = app
        .calls
        .run(move || state.admins.logins.admins().list())
        .await?;
    let answers: Vec<_> = page.of(admins).iter().map(AdminAnswer::from).collect();
    data(&answers)
}

/// `POST /admins`, by an admin, or by who knows the setup code for the first one.
pub(super) async fn add(
    body: Result<Vec<u8>, ApiError>,
    (app, principal): (App, Principal),
) -> Reply {
    let is_first = matches!(principal, Principal::Setup);
    if !is_first {
        admin(&principal, Need::ManageAdmins)?;
    }
    let draft = body::json_object::<AdminBody>(&body?)?.into_draft()?;
    let state = Arc::clone(&app.state);
    let by = app.by.clone();
    let added = app
        .calls
        .run(move || {
            if is_first {
                state.admins.add_first(&by, draft)
            } else {
                state.admins.logins.admins().add(&by, &draft)
            }
        })
        .await?;
    let answer = response::json(StatusCode::CREATED, &AdminAnswer::from(&added));
    Ok(response::at(
        answer,
        &format!("/api/v2/admins/{}", added.username),
        &added.username,
    ))
}

/// `GET /admins/{username}`
pub(super) async fn show(username: Result<String, ApiError>, allowed: AllowedAdmin) -> Reply {
    let ((app, _), username) = (allowed?, username?);
    let state = Arc::clone(&app.state);
    let admin = app
        .calls
        .run(move || state.admins.logins.admins().by_name(&username))
        .await?;
    data(&AdminAnswer::from(&admin))
}

/// `PUT /admins/{username}`: the whole admin.
pub(super) async fn replace(
    username: Result<String, ApiError>,
    body: Result<Vec<u8>, ApiError>,
    allowed: AllowedAdmin,
) -> Reply {
    let ((app, _), username) = (allowed?, username?);
    let draft = body::json_object::<AdminBody>(&body?)?.into_draft()?;
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    app.calls
        .run(move || {
            let admins = state.admins.logins.admins();
            admins.replace(&by, &username, &draft)
        })
        .await?;
    Ok(message_v2(StatusCode::OK, "Admin updated"))
}

/// `DELETE /admins/{username}`
pub(super) async fn delete(username: Result<String, ApiError>, allowed: AllowedAdmin) -> Reply {
    let ((app, _), username) = (allowed?, username?);
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    app.calls
        .run(move || {
            let admins = state.admins.logins.admins();
            admins.delete(&by, &username)
        })
        .await?;
    Ok(message_v2(StatusCode::OK, "Admin deleted"))
}

/// `PUT /admins/{username}/2fa/disable`
pub(super) async fn disable_second_factor(
    username: Result<String, ApiError>,
    allowed: AllowedAdmin,
) -> Reply {
    let ((app, session), username) = (allowed?, username?);
    if session.admin.username == username {
        return Err(ApiError::bad_request(
            "username: one's own second factor is switched off at /api/v2/admin/totp/save",
        ));
    }
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    app.calls
        .run(move || {
            let admins = state.admins.logins.admins();
            admins.disable_second_factor(&by, &username)
        })
        .await?;
    Ok(message_v2(StatusCode::OK, "2FA disabled"))
}
