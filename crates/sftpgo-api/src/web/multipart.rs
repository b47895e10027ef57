//! Forms as browsers send them: with files as `multipart/form-data` (RFC 7578), else as pairs of a query.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use multer::Multipart;
use warp::http::header;

use super::{form::Form, request::Request, texts::multipart as texts};

/// Fields of a form with a file; one with more is none of ours.
const MOST_FIELDS: usize = 20;

/// The pairs of a form; a file's value is its text.
///
/// # Errors
/// It cannot be read.
pub(super) async fn form(request: &Request, body: Vec<u8>) -> Result<Form, String> {
    let content_type = request.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    match content_type.map(multer::parse_boundary) {
        Some(Ok(boundary)) => parts(boundary, body).await,
        _ => Ok(Form::parse(&body)),
    }
}

async fn parts(boundary: String, body: Vec<u8>) -> Result<Form, String> {
    let broken = |error: multer::Error| texts::unreadable(&error.to_string());
    let body = stream::iter([Ok::<_, Infallible>(Bytes::from(body))]);
    let mut parts = Multipart::new(body, boundary);
    let mut pairs = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        if pairs.len() == MOST_FIELDS {
            return Err(texts::TOO_MANY_FIELDS.to_owned());
        }
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(broken)?;
        let text = String::from_utf8(bytes.into()).map_err(|_| texts::no_text(&name))?;
        pairs.push((name, text));
    }
    Ok(Form::of(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(body: &[u8]) -> Result<Form, String> {
        parts("x".to_owned(), body.to_vec()).await
    }

    #[tokio::test]
    async fn a_file_is_a_field_with_its_text() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
            --x\r\nContent-Disposition: form-data; name=\"dump\"; filename=\"d.json\"\r\n\
            Content-Type: application/json\r\n\r\n{\"users\":\r\n[]}\r\n--x--\r\n";
        let form = read(body).await.unwrap();
        assert_eq!(
            (form.get("a"), form.get("dump")),
            ("1", "{\"users\":\r\n[]}")
        );
    }

    #[tokio::test]
    async fn what_is_cut_off_or_no_text_is_refused() {
        let head = "--x\r\nContent-Disposition: form-data; name=\"dump\"\r\n\r\n";
        for body in [
            format!("{head}abc").as_bytes(),
            &[head.as_bytes(), b"\xff\r\n--x--\r\n"].concat(),
            b"abc",
            &[head.as_bytes(), b"\r\n"].concat().repeat(MOST_FIELDS + 1),
        ] {
            assert!(read(body).await.is_err());
        }
    }
}
