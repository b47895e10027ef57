//! The one table from what went wrong to what HTTP says, and the answer that says it.

use std::{error::Error as _, num::NonZeroU32};

use serde::Serialize;
use sftpgo_core::{Error, ErrorKind, gate::Refused};
use warp::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    reply::Response,
};

use crate::{encoded, refusal};

/// SFTPGo's header of an answer to a client that asks too often.
const RETRY_IN: HeaderName = HeaderName::from_static("x-retry-in");

/// Every answer that is not data.
#[derive(Debug, Serialize)]
pub(crate) struct ApiResponse<'a> {
    pub(crate) status: u16,
    pub(crate) message: &'a str,
    pub(crate) error: &'a str,
}

/// A request that was not answered with what it asked for.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    error: String,
    allow: Option<&'static str>,
    header: Option<(HeaderName, &'static str)>,
    /// Milliseconds after which the same may be asked again. Few bytes, as each answer has room for an error.
    retry_in: Option<NonZeroU32>,
    /// The kind of the domain's error, which the second version of the API says otherwise.
    kind: Option<ErrorKind>,
    /// It is the refusal of a login.
    is_login: bool,
}

/// Every answer of the second version of the API that is not data.
#[derive(Serialize)]
struct ApiResponseV2<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    error: &'a str,
}

impl ApiError {
    pub(crate) fn bad_request(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "", error)
    }

    pub(crate) fn cross_site() -> Self {
        Self::forbidden("pages of other sites may not use this API")
    }

    pub(crate) fn forbidden(error: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "", error)
    }

    /// Makes the refusal of a request that proves nobody who may ask.
    pub(crate) fn unauthorized(error: impl Into<String>) -> Self {
        Self {
            header: Some((
                header::WWW_AUTHENTICATE,
                "Basic realm=\"SFTPGo\", charset=\"UTF-8\"",
            )),
            ..Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", error)
        }
    }

    /// Returns the error as that of a login which core has refused and told of.
    pub(crate) fn of_login(self) -> Self {
        Self {
            is_login: true,
            ..self
        }
    }

    /// Returns the error with another header.
    pub(crate) fn with_header(self, name: HeaderName, value: &'static str) -> Self {
        Self {
            header: Some((name, value)),
            ..self
        }
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let error = format!("the body is longer than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "", error)
    }

    pub(crate) fn too_slow() -> Self {
        let error = "the body did not arrive in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "", error)
    }

    pub(crate) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found", "there is no such path")
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "Method Not Allowed",
                format!("the path allows {allow}"),
            )
        }
    }

    pub(crate) fn internal() -> Self {
        let error = "internal error, see the server's log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "", error)
    }

    /// Is it because the store does not answer?
    pub(crate) fn is_unavailable(&self) -> bool {
        self.kind == Some(ErrorKind::Unavailable)
    }

    /// Returns what is wrong, for a person.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns what is wrong, for a person.
    pub(crate) fn text(&self) -> &str {
        &self.error
    }

    pub(crate) fn into_response(self) -> Response {
        let body = ApiResponse {
            status: self.status.as_u16(),
            message: &self.message,
            error: &self.error,
        };
        let response = encoded::json(self.status, &body);
        self.with_headers(response)
    }

    /// Makes the response as the second version of the API says it.
    pub(crate) fn into_v2_response(mut self) -> Response {
        if let Some(kind) = self.kind {
            self.status = v2_status(kind);
        }
        let reason = self.status.canonical_reason().unwrap_or_default();
        let body = ApiResponseV2 {
            message: reason,
            error: &self.error,
        };
        let response = if self.allow.is_some() {
            encoded::empty(self.status)
        } else {
            encoded::json(self.status, &body)
        };
        self.with_headers(response)
    }

    fn with_headers(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if let Some((name, value)) = self.header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(retry_in) = self.retry_in {
            // The first in whole seconds (RFC 9110, 10.2.3); the second is SFTPGo's, as Go writes durations.
            let seconds = HeaderValue::from(retry_in.get().div_ceil(1000));
            headers.insert(header::RETRY_AFTER, seconds);
            let exact = f64::from(retry_in.get()) / 1000.0;
            if let Ok(exact) = HeaderValue::try_from(format!("{exact:.3}s")) {
                headers.insert(RETRY_IN, exact);
            }
        }
        if self.status == StatusCode::REQUEST_TIMEOUT {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        match self.is_login {
            true => refusal::of_login(response),
            false => response,
        }
    }

    fn new(status: StatusCode, message: &str, error: impl Into<String>) -> Self {
        Self {
            status,
            message: message.to_owned(),
            error: error.into(),
            allow: None,
            header: None,
            retry_in: None,
            kind: None,
            is_login: false,
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Banned => Self::forbidden("this address is refused"),
            Refused::NotListed | Refused::Full(_) | Refused::ByHook => {
                Self::forbidden("this address may not connect")
            }
            Refused::TooMany { retry_in } => Self {
                retry_in: u32::try_from(retry_in.as_millis())
                    .map_or(Some(NonZeroU32::MAX), NonZeroU32::new)
                    .or(Some(NonZeroU32::MIN)),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "Too Many Requests",
                    "too many requests came in a time",
                )
            },
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let status = status(error.kind());
        if status.is_server_error() {
            log_with_causes(&error);
        }
        // The contract words this refusal as a message.
        let message = if status == StatusCode::CONFLICT {
            error.message()
        } else {
            ""
        };
        Self {
            kind: Some(error.kind()),
            ..Self::new(status, message, error.message())
        }
    }
}

fn v2_status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::AlreadyExists => StatusCode::CONFLICT,
        ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
        other => status(other),
    }
}

fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid | ErrorKind::AlreadyExists => StatusCode::BAD_REQUEST,
        ErrorKind::PermissionDenied | ErrorKind::Unsupported => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(crate) fn log_with_causes(error: &Error) {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    log::error!("a request failed: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_a_request_can_meet_has_its_status() {
        for (kind, expected) in [
            (ErrorKind::Invalid, 400),
            (ErrorKind::AlreadyExists, 400),
            (ErrorKind::PermissionDenied, 403),
            (ErrorKind::Unsupported, 403),
            (ErrorKind::NotFound, 404),
            (ErrorKind::Conflict, 409),
            (ErrorKind::Unavailable, 500),
            (ErrorKind::LimitReached, 500),
            (ErrorKind::Internal, 500),
        ] {
            assert_eq!(status(kind).as_u16(), expected, "{kind:?}");
        }
    }
}
