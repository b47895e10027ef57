//! Keys that say how programs are run and URLs called.

use serde::{Deserialize, Serialize};

/// How programs are run, of SFTPGo since 2.3.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Command {
    /// Seconds.
    pub(crate) timeout: i64,
    /// Each `NAME=VALUE`.
    pub(crate) env: Vec<String>,
    pub(crate) commands: Vec<OneCommand>,
}

/// The same of one program.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OneCommand {
    pub(crate) path: String,
    /// Seconds; 0 is that of all.
    pub(crate) timeout: i64,
    pub(crate) env: Vec<String>,
    pub(crate) args: Vec<String>,
    /// Empty is every hook.
    pub(crate) hook: String,
}

impl Default for Command {
    fn default() -> Self {
        Self {
            timeout: 30,
            env: Vec::new(),
            commands: Vec::new(),
        }
    }
}

/// How URLs are called.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// Seconds.
    pub(crate) timeout: f64,
    /// Seconds.
    pub(crate) retry_wait_min: i64,
    /// Seconds.
    pub(crate) retry_wait_max: i64,
    pub(crate) retry_max: i64,
    pub(crate) ca_certificates: Vec<String>,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) skip_tls_verify: bool,
    pub(crate) headers: Vec<Header>,
}

/// A client's certificate.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Certificate {
    pub(crate) cert: String,
    pub(crate) key: String,
}

/// A header of requests.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) key: String,
    pub(crate) value: String,
    /// URLs that begin so; empty is all.
    pub(crate) url: String,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            timeout: 20.0,
            retry_wait_min: 2,
            retry_wait_max: 30,
            retry_max: 3,
            ca_certificates: Vec::new(),
            certificates: Vec::new(),
            skip_tls_verify: false,
            headers: Vec::new(),
        }
    }
}
