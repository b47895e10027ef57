//! The contract, as served.

use warp::reply::Response;

use crate::response;

const CONTRACT: &str = include_str!("../../../api/openapi.yaml");

const CONTRACT_V2: &str = include_str!("../../../api/openapi-v2.yaml");

/// `GET /openapi/openapi.yaml`, where SFTPGo 2.x has it
pub(crate) fn contract_v2() -> Response {
    response::text("application/yaml; charset=utf-8", CONTRACT_V2)
}

/// `GET /openapi.yaml`
pub(crate) fn contract() -> Response {
    response::text("application/yaml; charset=utf-8", CONTRACT)
}
