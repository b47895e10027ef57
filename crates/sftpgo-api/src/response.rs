//! Answers.

use bytes::Bytes;
use serde::{Serialize, Serializer};
use warp::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    reply::Response,
};

use crate::error::{ApiError, ApiResponse};

/// What a handler comes to.
pub(crate) type Reply = Result<Response, ApiError>;

const JSON: &str = "application/json; charset=utf-8";

/// Data.
pub(crate) fn data<T: Serialize + ?Sized>(data: &T) -> Reply {
    Ok(json(StatusCode::OK, data))
}

/// Data that is a list. Its bytes are written where they stay, if no element takes more than `each`.
pub(crate) fn list<T: Serialize>(items: impl ExactSizeIterator<Item = T>, each: usize) -> Reply {
    let mut body = Vec::with_capacity(items.len() * each + 2);
    let written = serde_json::Serializer::new(&mut body).collect_seq(items);
    Ok(answer(StatusCode::OK, written.map(|()| body)))
}

/// It is done, in the contract's words.
pub(crate) fn message(status: StatusCode, message: &str) -> Reply {
    Ok(json(
        status,
        &ApiResponse {
            status: status.as_u16(),
            message,
            error: "",
        },
    ))
}

/// It is done, as the second version of the API says it.
pub(crate) fn message_v2(status: StatusCode, message: &str) -> Response {
    json(status, &serde_json::json!({ "message": message }))
}

/// The answer tells where what was made can be found, and what it is called.
pub(crate) fn at(mut response: Response, location: &str, id: &str) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::LOCATION, location),
        (HeaderName::from_static("x-object-id"), id),
    ] {
        // Names and ids are plain text.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// No body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

/// Text of another type than JSON.
pub(crate) fn text(content_type: &'static str, text: impl Into<Bytes>) -> Response {
    typed(StatusCode::OK, content_type, text.into())
}

/// JSON with any status.
pub(crate) fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    answer(status, serde_json::to_vec(value))
}

fn answer(status: StatusCode, written: serde_json::Result<Vec<u8>>) -> Response {
    match written {
        Ok(body) => typed(status, JSON, body.into()),
        Err(fault) => {
            log::error!("a response could not be written as JSON: {fault}");
            ApiError::internal().into_response()
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
