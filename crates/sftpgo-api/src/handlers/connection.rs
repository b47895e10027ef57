//! Live connections.

use warp::http::StatusCode;

use crate::{
    dto::connection::ConnectionBody,
    error::ApiError,
    principal::Allowed,
    response::{Reply, data, message},
};

/// `GET /connection`
pub(crate) async fn list(app: Allowed) -> Reply {
    let app = app?;
    let connections = app.state.connections.list();
    data(
        &connections
            .into_iter()
            .map(ConnectionBody::from)
            .collect::<Vec<_>>(),
    )
}

/// `DELETE /connection/{connectionID}`
pub(crate) async fn close(id: Result<String, ApiError>, app: Allowed) -> Reply {
    let app = app?;
    let id = id?;
    if id.is_empty() {
        return Err(ApiError::bad_request("connectionID: must not be empty"));
    }
    app.state.connections.close(&app.by, &id)?;
    message(StatusCode::OK, "Connection closed")
}
