//! The contract, as served.

use warp::reply::Response;

use crate::response;

const CONTRACT: &str = include_str!("../../../api/openapi.yaml");

/// `GET /openapi.yaml`
pub(crate) fn contract() -> Response {
    response::text("application/yaml; charset=utf-8", CONTRACT)
}
