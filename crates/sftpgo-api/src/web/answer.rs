//! Answers of the web admin: pages, redirections, refusals, and the headers that all of them have.

use std::io::Write as _;

use askama::Template;
use flate2::{Compression, write::GzEncoder};
use sftpgo_core::{Error, ErrorKind};
use warp::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    reply::Response,
};

use super::{frame::Frame, request::Request, session::Session, texts::answer as texts};
use crate::{error::log_with_causes, refusal};

/// Lets a page load only what this server sends itself, and no script or style inside a page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // With none at all browsers would not say of a form from which site it comes.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (header::VARY, "accept-encoding, cookie"),
];

/// A shorter answer is sent as it is.
const WORTH_COMPRESSING: usize = 1024;

/// Why a page is not shown.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    text: String,
    allow: Option<&'static str>,
}

/// The result of a page.
pub(super) type Reply = Result<Response, Refusal>;

impl Refusal {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            allow: None,
        }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, texts::NO_SUCH_PAGE)
    }

    pub(super) fn not_allowed() -> Self {
        let text = texts::NOT_ALLOWED;
        Self::new(StatusCode::FORBIDDEN, text)
    }

    pub(super) fn wrong_method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, texts::takes_only(allow))
        }
    }

    /// The page that says so.
    pub(super) fn page(self, request: &Request, session: Option<&Session>) -> Response {
        let page = RefusalPage {
            frame: Frame::of(session, ""),
            title: self.status.canonical_reason().unwrap_or(texts::ERROR),
            text: &self.text,
        };
        let mut response = show(request, self.status, &page)
            .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, texts::INTERNAL_ERROR));
        if let Some(allow) = self.allow {
            let allow = HeaderValue::from_static(allow);
            response.headers_mut().insert(header::ALLOW, allow);
        }
        if let Some(session) = session {
            refusal::of(&mut response, || session.identity());
        }
        response
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Invalid | ErrorKind::AlreadyExists => StatusCode::BAD_REQUEST,
            ErrorKind::PermissionDenied | ErrorKind::Unsupported => StatusCode::FORBIDDEN,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            log_with_causes(&error);
        }
        Self::new(status, words(error.message()))
    }
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
}

/// A page.
pub(super) fn page(request: &Request, page: &impl Template) -> Reply {
    show(request, StatusCode::OK, page)
}

/// A page with any status.
pub(super) fn show(request: &Request, status: StatusCode, page: &impl Template) -> Reply {
    let html = page.render().map_err(|error| {
        log::error!("a page could not be written: {error}");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, texts::SEE_THE_LOG)
    })?;
    let mut response = sized(request, "text/html; charset=utf-8", html.into_bytes());
    *response.status_mut() = status;
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}

/// Bytes of a type, compressed when the client takes that.
pub(super) fn sized(request: &Request, content_type: &'static str, bytes: Vec<u8>) -> Response {
    let compressed = (bytes.len() >= WORTH_COMPRESSING && request.takes_gzip())
        .then(|| gzip(&bytes))
        .flatten();
    let is_compressed = compressed.is_some();
    let mut response = Response::new(compressed.unwrap_or(bytes).into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if is_compressed {
        let gzip = HeaderValue::from_static("gzip");
        headers.insert(header::CONTENT_ENCODING, gzip);
    }
    response
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
}

/// Go there, and read it.
pub(super) fn see_other(location: &str) -> Response {
    let mut response = plain(StatusCode::SEE_OTHER, "");
    let location =
        HeaderValue::from_str(location).unwrap_or_else(|_| HeaderValue::from_static("/web"));
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What every answer of the web admin has, but where it says so itself.
pub(super) fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A message of the domain as a sentence.
pub(super) fn words(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    let mut text = first.unwrap_or_default() + chars.as_str();
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}
