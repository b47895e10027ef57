//! Requests that a page of another site makes a browser send: the API has no login a browser could
//! lack, so any page that is open on the server's machine could add users.

use warp::http::{HeaderMap, HeaderName, header};

/// A header that only browsers send (W3C Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Does a browser send this for a page that is not the server's own? Other clients send neither header.
pub(crate) fn is_cross_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if matches!(text(SEC_FETCH_SITE), Some("cross-site" | "same-site")) {
        return true;
    }
    match headers.get(header::ORIGIN) {
        None => false,
        Some(origin) => {
            let authority = origin
                .to_str()
                .ok()
                .and_then(|origin| origin.split_once("://"));
            authority.map(|(_, authority)| authority) != text(header::HOST)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(pairs: &[(&str, &str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), value.parse().unwrap()));
        is_cross_site(&headers.collect())
    }

    #[test]
    fn only_a_browsers_foreign_page_is_cross_site() {
        let host = ("host", "127.0.0.1:8080");
        assert!(!judged(&[host]));
        assert!(!judged(&[host, ("origin", "http://127.0.0.1:8080")]));
        assert!(!judged(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(!judged(&[host, ("sec-fetch-site", "none")]));
        assert!(judged(&[host, ("origin", "https://example.com")]));
        assert!(judged(&[host, ("origin", "http://127.0.0.1:8081")]));
        assert!(judged(&[host, ("origin", "null")]));
        assert!(judged(&[host, ("sec-fetch-site", "cross-site")]));
    }
}
