//! Answers.

use serde::{Serialize, Serializer};
use warp::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    reply::Response,
};

pub(crate) use crate::encoded::{json, text};
use crate::{
    encoded,
    error::{ApiError, ApiResponse},
};

/// The result of a handler.
pub(crate) type Reply = Result<Response, ApiError>;

/// Answers with data.
pub(crate) fn data<T: Serialize + ?Sized>(data: &T) -> Reply {
    Ok(json(StatusCode::OK, data))
}

/// Answers with data that is a list. Its bytes are written where they stay, if no element takes more than `each`.
pub(crate) fn list<T: Serialize>(items: impl ExactSizeIterator<Item = T>, each: usize) -> Reply {
    let mut body = Vec::with_capacity(items.len() * each + 2);
    let written = serde_json::Serializer::new(&mut body).collect_seq(items);
    Ok(encoded::written(StatusCode::OK, written.map(|()| body)))
}

/// Says that it is done, in the contract's words.
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

/// Says that it is done, as the second version of the API says it.
pub(crate) fn message_v2(status: StatusCode, message: &str) -> Response {
    json(status, &serde_json::json!({ "message": message }))
}

/// Has the answer tell where what was made can be found, and what it is called.
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
