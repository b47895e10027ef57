//! One form of a request, by whatever version of HTTP it came.

use warp::http::{HeaderValue, Request, Uri, Version, header};

/// HTTP/2 says the host as part of the target (RFC 9113, section 8.3.1). It is put where HTTP/1.1 has it, so that whoever
/// looks for it does so at one place.
pub(crate) fn use_one_form<B>(request: &mut Request<B>) {
    if request.version() != Version::HTTP_2 {
        return;
    }
    let Some(host) = request.uri().authority() else {
        return;
    };
    let host = HeaderValue::from_str(host.as_str());
    let is_said_twice = request
        .headers()
        .get(header::HOST)
        .is_some_and(|said| Some(said) != host.as_ref().ok());
    // Two different hosts stay two, and are refused as in HTTP/1.1.
    if let Ok(host) = host
        && !is_said_twice
    {
        request.headers_mut().insert(header::HOST, host);
    }
    // CONNECT has no path.
    if let Some(path) = request.uri().path_and_query().cloned()
        && !is_said_twice
    {
        *request.uri_mut() = Uri::from(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::AllowedHosts;

    fn request(version: Version, uri: &str, host: Option<&str>) -> Request<()> {
        let mut request = Request::builder().version(version).uri(uri);
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        let mut request = request.body(()).unwrap();
        use_one_form(&mut request);
        request
    }

    #[test]
    fn a_request_of_http_2_looks_like_one_of_http_1_1() {
        let request = request(Version::HTTP_2, "https://localhost:8443/healthz?a=b", None);
        assert_eq!(request.uri().to_string(), "/healthz?a=b");
        assert_eq!(request.headers()["host"], "localhost:8443");
        assert!(AllowedHosts::default().check(&request).is_ok());
    }

    #[test]
    fn both_hosts_of_a_request_count() {
        let allowed = AllowedHosts::default();
        for (target, host) in [
            ("https://localhost/", "evil.test"),
            ("https://evil.test/", "localhost"),
        ] {
            let request = request(Version::HTTP_2, target, Some(host));
            assert!(allowed.check(&request).is_err(), "{target} {host}");
        }
    }

    #[test]
    fn older_versions_stay_as_they_are() {
        let request = request(Version::HTTP_11, "http://evil.test/", Some("localhost"));
        assert_eq!(request.uri().to_string(), "http://evil.test/");
        assert!(AllowedHosts::default().check(&request).is_err());
    }
}
