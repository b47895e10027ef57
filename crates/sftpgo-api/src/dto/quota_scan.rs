//! `QuotaScan`.

use serde::Serialize;

/// A running scan.
#[derive(Serialize)]
pub(crate) struct QuotaScanBody {
    username: String,
    start_time: i64,
}

impl From<(String, i64)> for QuotaScanBody {
    fn from((username, start_time): (String, i64)) -> Self {
        Self {
            username,
            start_time,
        }
    }
}
