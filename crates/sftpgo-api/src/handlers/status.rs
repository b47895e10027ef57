//! What is running here, and does its database answer.

use std::slice;

use warp::http::StatusCode;

use crate::{
    response::{Reply, data, message},
    state::App,
};

/// `GET /version`: the contract wants a list of one.
pub(crate) async fn version(app: App) -> Reply {
    data(slice::from_ref(&app.state.version))
}

/// `GET /providerstatus`
pub(crate) async fn provider(app: App) -> Reply {
    let state = app.state.clone();
    app.calls.run(move || state.provider.check()).await?;
    message(StatusCode::OK, "Alive")
}
