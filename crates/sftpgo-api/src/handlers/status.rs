//! What is running here, and does its database answer.

use std::slice;

use warp::{http::StatusCode, reply::Response};

use crate::{
    principal::Allowed,
    response::{Reply, data, message, text},
};

/// `GET` and `HEAD /healthz`, as SFTPGo 2.x has it.
pub(crate) fn healthy() -> Response {
    text("text/plain; charset=utf-8", "ok")
}

/// `GET /version`: the contract wants a list of one.
pub(crate) async fn version(app: Allowed) -> Reply {
    let app = app?;
    data(slice::from_ref(&app.state.version))
}

/// `GET /providerstatus`
pub(crate) async fn provider(app: Allowed) -> Reply {
    let app = app?;
    let state = app.state.clone();
    app.calls.run(move || state.provider.check()).await?;
    message(StatusCode::OK, "Alive")
}
