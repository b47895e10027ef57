//! Responses of which only the status and the body are known: no error, no version of the API.

use bytes::Bytes;
use serde::Serialize;
use warp::{
    http::{HeaderValue, StatusCode, header},
    reply::Response,
};

const JSON: &str = "application/json; charset=utf-8";

/// Makes a response without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

/// Makes a response of text of another type than JSON.
pub(crate) fn text(content_type: &'static str, text: impl Into<Bytes>) -> Response {
    typed(StatusCode::OK, content_type, text.into())
}

/// Makes a response of JSON with any status.
pub(crate) fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    written(status, serde_json::to_vec(value))
}

/// Makes a response of what was written as JSON, with any status.
pub(crate) fn written(status: StatusCode, json: serde_json::Result<Vec<u8>>) -> Response {
    match json {
        Ok(body) => typed(status, JSON, body.into()),
        Err(fault) => {
            log::error!("a response could not be written as JSON: {fault}");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

fn typed(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
