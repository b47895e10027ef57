//! `QuotaScan` and `EndedQuotaScan`.

use serde::Serialize;
use sftpgo_core::{
    VirtualPath,
    quota_scan::{EndedScan, ScanReport},
};

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

/// How a user's last scan ended.
#[derive(Serialize)]
pub(crate) struct EndedScanBody {
    username: String,
    start_time: i64,
    end_time: i64,
    /// Directories as the client sees them.
    unreadable: Vec<String>,
    /// Empty when the files were counted.
    error: String,
}

impl From<EndedScan> for EndedScanBody {
    fn from(scan: EndedScan) -> Self {
        let (report, error) = match scan.outcome {
            Ok(report) => (report, String::new()),
            Err(error) => (ScanReport::default(), error),
        };
        let shown = |path: &VirtualPath| path.to_string_lossy().into_owned();
        Self {
            username: scan.username,
            start_time: scan.start_time,
            end_time: scan.end_time,
            unreadable: report.unreadable.iter().map(shown).collect(),
            error,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_ended_scan_names_the_user_and_what_it_could_not_read() {
        let ended = |outcome| EndedScan {
            username: "alice".to_owned(),
            start_time: 1,
            end_time: 2,
            outcome,
        };
        let path = VirtualPath::parse(b"/d/e").unwrap();
        let report = ScanReport {
            unreadable: vec![path],
        };
        for (outcome, unreadable, error) in [
            (Ok(report), json!(["/d/e"]), ""),
            (Err("no home".to_owned()), json!([]), "no home"),
        ] {
            let body = serde_json::to_value(EndedScanBody::from(ended(outcome))).unwrap();
            let expected = json!({
                "username": "alice", "start_time": 1, "end_time": 2, "unreadable": unreadable, "error": error,
            });
            assert_eq!(body, expected);
        }
    }
}
