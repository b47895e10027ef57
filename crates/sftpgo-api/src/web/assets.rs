//! Styles, script and picture, which are in the binary.

use warp::{
    http::{HeaderValue, StatusCode, header},
    reply::Response,
};

use super::{answer::sized, request::Request};

const STYLE: &[u8] = include_bytes!("assets/style.css");
const SCRIPT: &[u8] = include_bytes!("assets/script.js");
const ICON: &[u8] = include_bytes!("assets/icon.svg");

/// A number in the address of each, so that a browser keeps them until the server is another one.
const VERSION: u64 = fingerprint(
    ICON,
    fingerprint(SCRIPT, fingerprint(STYLE, 0xcbf2_9ce4_8422_2325)),
);

/// FNV-1a.
const fn fingerprint(mut bytes: &[u8], mut hash: u64) -> u64 {
    while let Some((first, rest)) = bytes.split_first() {
        hash = (hash ^ *first as u64).wrapping_mul(0x0100_0000_01b3);
        bytes = rest;
    }
    hash
}

/// Returns what is behind `?` in the addresses of assets.
pub(super) fn version() -> String {
    format!("{VERSION:016x}")
}

/// The asset of this name.
pub(super) fn asset(request: &Request, name: &str) -> Option<Response> {
    let (content_type, bytes) = match name {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "script.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return None,
    };
    let tag = format!("W/\"{}\"", version());
    let mut response = if request.has_version(&tag) {
        let mut unchanged = Response::default();
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        unchanged
    } else {
        sized(request, content_type, bytes.to_vec())
    };
    let caching = if request.query == version() {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    // The same for everybody, compressed or not.
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    Some(response)
}
