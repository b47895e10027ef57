//! What a receipt says: one line of JSON.

use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::Value;
use sftpgo_core::hex::hex;

/// What is said of a file.
pub(super) struct Facts<'a> {
    pub(super) server_key: &'a str,
    pub(super) username: &'a str,
    pub(super) path: &'a [u8],
    pub(super) size: u64,
    pub(super) sha256: &'a [u8],
    /// Of an upload: did all of it come by that?
    pub(super) upload_is_whole: Option<bool>,
    pub(super) time: SystemTime,
}

/// What has to be known of a statement that was made earlier.
pub(super) struct Stated {
    username: String,
    path: String,
    path_hex: Option<String>,
    upload: Option<String>,
}

impl Stated {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            username: text("username")?,
            path: text("path")?,
            path_hex: text("path_hex"),
            upload: text("upload"),
        })
    }

    /// Is it of an upload of this user to this path?
    pub(super) fn is_of(&self, username: &str, path: &[u8]) -> bool {
        let is_path = match &self.path_hex {
            Some(bytes) => *bytes == hex(path),
            None => self.path.as_bytes() == path,
        };
        self.upload.is_some() && self.username == username && is_path
    }

    /// Did all that the file held come by the upload?
    pub(super) fn is_whole(&self) -> bool {
        self.upload.as_deref() == Some(WHOLE)
    }
}

const WHOLE: &str = "whole";
const PART: &str = "part";

/// A path that is not UTF-8 has its bytes besides.
pub(super) fn statement(facts: &Facts<'_>) -> String {
    let text = |text: &str| Value::from(text).to_string();
    let shown = String::from_utf8_lossy(facts.path);
    let bytes = match std::str::from_utf8(facts.path) {
        Ok(_) => String::new(),
        Err(_) => format!(",\"path_hex\":\"{}\"", hex(facts.path)),
    };
    let upload = match facts.upload_is_whole {
        None => String::new(),
        Some(true) => format!(",\"upload\":\"{WHOLE}\""),
        Some(false) => format!(",\"upload\":\"{PART}\""),
    };
    let time = Timestamp::try_from(facts.time).unwrap_or(Timestamp::MAX);
    format!(
        "{{\"receipt\":1,\"server_key\":{},\"username\":{},\"path\":{}{bytes},\"size\":{},\"sha256\":\"{}\"{upload},\"time\":\"{time:.0}\"}}\n",
        text(facts.server_key),
        text(facts.username),
        text(&shown),
        facts.size,
        hex(facts.sha256),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts<'static> {
        Facts {
            server_key: "ssh-ed25519 AAAA",
            username: "a\"b",
            path: b"/x\n\xff",
            size: 7,
            sha256: &[0xab, 0x01],
            upload_is_whole: None,
            time: SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_statement_is_one_line_whatever_the_name_is() {
        assert_eq!(
            statement(&facts()),
            "{\"receipt\":1,\"server_key\":\"ssh-ed25519 AAAA\",\"username\":\"a\\\"b\",\"path\":\"/x\\n\u{fffd}\",\"path_hex\":\"2f780aff\",\"size\":7,\"sha256\":\"ab01\",\"time\":\"1970-01-01T00:00:00Z\"}\n"
        );
    }

    #[test]
    fn a_statement_of_an_upload_is_known_by_its_user_and_path() {
        let said = statement(&Facts {
            upload_is_whole: Some(false),
            ..facts()
        });
        assert!(said.contains("\"sha256\":\"ab01\",\"upload\":\"part\",\"time\""));
        let stated = Stated::parse(&said).unwrap();
        assert!(stated.is_of("a\"b", b"/x\n\xff") && !stated.is_whole());
        assert!(!stated.is_of("a", b"/x\n\xff") && !stated.is_of("a\"b", b"/x\n\xfe"));
        let of_file = Stated::parse(&statement(&facts())).unwrap();
        assert!(!of_file.is_of("a\"b", b"/x\n\xff"));
    }
}
