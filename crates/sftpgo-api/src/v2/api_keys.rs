//! API keys.

use std::sync::Arc;

use serde_json::json;
use warp::http::StatusCode;

use super::{
    dto::{ApiKeyAnswer, ApiKeyBody},
    page::Page,
};
use crate::{
    body,
    error::ApiError,
    principal::AllowedAdmin,
    response::{self, Reply, data, message_v2},
};

/// `GET /apikeys`
pub(super) async fn list(query: String, allowed: AllowedAdmin) -> Reply {
    let (app, _) = allowed?;
    let page = Page::parse(&query)?;
    let state = Arc::clone(&app.state);
    let keys = app
        .calls
        .run(move || state.admins.logins.admins().api_keys())
        .await?;
    let answers: Vec<_> = page.of(keys).iter().map(ApiKeyAnswer::from).collect();
    data(&answers)
}

/// `POST /apikeys`: the key is answered this once.
pub(super) async fn add(body: Result<Vec<u8>, ApiError>, allowed: AllowedAdmin) -> Reply {
    let (app, _) = allowed?;
    let draft = body::json_object::<ApiKeyBody>(&body?)?.into_draft()?;
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    let key = app
        .calls
        .run(move || state.admins.logins.admins().add_api_key(&by, &draft))
        .await?;
    let said = "API key created. This is the only time the API key is visible, please save it.";
    let answer = response::json(
        StatusCode::CREATED,
        &json!({"message": said, "key": key.text}),
    );
    let id = &key.stored.id;
    Ok(response::at(answer, &format!("/api/v2/apikeys/{id}"), id))
}

/// `GET /apikeys/{id}`
pub(super) async fn show(id: Result<String, ApiError>, allowed: AllowedAdmin) -> Reply {
    let ((app, _), id) = (allowed?, id?);
    let state = Arc::clone(&app.state);
    let key = app
        .calls
        .run(move || state.admins.logins.admins().api_key(&id))
        .await?;
    data(&ApiKeyAnswer::from(&key))
}

/// `PUT /apikeys/{id}`
pub(super) async fn replace(
    id: Result<String, ApiError>,
    body: Result<Vec<u8>, ApiError>,
    allowed: AllowedAdmin,
) -> Reply {
    let ((app, _), id) = (allowed?, id?);
    let draft = body::json_object::<ApiKeyBody>(&body?)?.into_draft()?;
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    app.calls
        .run(move || {
            let admins = state.admins.logins.admins();
            admins.replace_api_key(&by, &id, &draft)
        })
        .await?;
    Ok(message_v2(StatusCode::OK, "API key updated"))
}

/// `DELETE /apikeys/{id}`
pub(super) async fn delete(id: Result<String, ApiError>, allowed: AllowedAdmin) -> Reply {
    let ((app, _), id) = (allowed?, id?);
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    app.calls
        .run(move || state.admins.logins.admins().delete_api_key(&by, &id))
        .await?;
    Ok(message_v2(StatusCode::OK, "API key deleted"))
}
