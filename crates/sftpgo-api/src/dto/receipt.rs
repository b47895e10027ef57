//! Which receipt is asked for, and the answer.

use serde::Serialize;
use sftpgo_core::VirtualPath;

use super::{decoded, once};
use crate::{
    error::ApiError,
    receipts::{OfWhat, ReceiptText},
};

/// The answer; a path that is not UTF-8 is shown with replacement characters, and the statement has its bytes.
#[derive(Debug, Serialize)]
pub(crate) struct ReceiptAnswer {
    username: String,
    path: String,
    of: &'static str,
    statement: String,
    signature: String,
}

impl ReceiptAnswer {
    pub(crate) fn new(username: String, path: &VirtualPath, receipt: ReceiptText) -> Self {
        Self {
            username,
            path: path.to_string_lossy().into_owned(),
            of: match receipt.is_of_upload {
                true => "upload",
                false => "now",
            },
            statement: receipt.statement,
            signature: receipt.signature,
        }
    }
}

/// The file and of what the receipt is to be, in `query`. Parameters it does not know pass; one given twice does not.
pub(crate) fn parse(query: &str) -> Result<(VirtualPath, OfWhat), ApiError> {
    let mut path = None;
    let mut of_what = None;
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match &*decoded(name) {
            b"path" => once(&mut path, "path", decoded(value))?,
            b"of" => once(&mut of_what, "of", decoded(value))?,
            _ => {}
        }
    }
    let path = path.ok_or_else(|| ApiError::bad_request("path: is missing"))?;
    if path.is_empty() {
        return Err(ApiError::bad_request("path: must not be empty"));
    }
    let of_what = match of_what.as_deref() {
        None => OfWhat::Any,
        Some(b"upload") => OfWhat::Upload,
        Some(b"now") => OfWhat::Now,
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            return Err(ApiError::bad_request(format!(
                "of: {other:?} is neither upload nor now"
            )));
        }
    };
    Ok((VirtualPath::parse(&path)?, of_what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_bytes() {
        let (path, of_what) = parse("path=/a+b%2F%FF%26&other=1").unwrap();
        assert_eq!(path.as_bytes(), b"/a b/\xff&");
        assert_eq!(of_what, OfWhat::Any);
        assert_eq!(parse("of=now&path=a").unwrap().1, OfWhat::Now);
        assert_eq!(parse("of=upload&path=a").unwrap().1, OfWhat::Upload);
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for query in [
            "",
            "path=",
            "path=a%00",
            "path=a&path=b",
            "path=a&of=",
            "path=a&of=NOW",
        ] {
            assert!(parse(query).is_err(), "{query} passed");
        }
    }
}
