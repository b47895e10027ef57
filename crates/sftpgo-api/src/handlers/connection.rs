//! Live connections.

use warp::http::StatusCode;

use crate::{
    dto::connection::ConnectionBody,
    error::ApiError,
    response::{Reply, data, message},
    state::App,
};

/// `GET /connection`
pub(crate) async fn list(app: App) -> Reply {
    let connections = app.state.connections.list();
    data(
        &connections
            .into_iter()
            .map(ConnectionBody::from)
            .collect::<Vec<_>>(),
    )
}

/// `DELETE /connection/{connectionID}`
pub(crate) async fn close(id: Result<String, ApiError>, app: App) -> Reply {
    let id = id?;
    if id.is_empty() {
        return Err(ApiError::bad_request("connectionID: must not be empty"));
    }
    app.state.connections.close(&id)?;
    message(StatusCode::OK, "Connection closed")
}
