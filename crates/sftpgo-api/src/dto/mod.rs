//! What goes over the wire, parsed at the edge.

pub(crate) mod connection;
pub(crate) mod explain;
pub(crate) mod filters;
pub(crate) mod object;
pub(crate) mod quota_scan;
pub(crate) mod receipt;
pub(crate) mod user;
pub(crate) mod user_query;

use percent_encoding::percent_decode;

use crate::error::ApiError;

/// Takes a parameter of a query that may be given once.
fn once<T>(parameter: &mut Option<T>, name: &str, value: T) -> Result<(), ApiError> {
    match parameter.replace(value) {
        None => Ok(()),
        Some(_) => Err(ApiError::bad_request(format!(
            "{name}: is given more than once"
        ))),
    }
}

/// Decodes a part of a query as forms are encoded: `+` is a blank. What comes out is bytes, for paths are.
fn decoded(text: &str) -> Vec<u8> {
    percent_decode(text.replace('+', " ").as_bytes()).collect()
}
