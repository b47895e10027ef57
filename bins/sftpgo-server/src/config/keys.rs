//! Every configuration key with its default, as files and the environment write it.

mod audit;
mod defender;
mod hooks;
mod httpd;
mod rate_limiters;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sftpgo_core::admin::TotpConfig;
use sftpgo_ssh::SshCommand;

use self::httpd::HttpHeader;
pub(crate) use self::httpd::{HttpBinding, Httpd, Security};
pub(crate) use self::{
    audit::Audit,
    defender::Defender,
    hooks::{Command, Http},
    rate_limiters::RateLimiter,
};

/// The whole configuration, not validated yet.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Keys {
    pub(crate) common: Common,
    pub(crate) sftpd: Sftpd,
    pub(crate) data_provider: DataProvider,
    pub(crate) httpd: Httpd,
    pub(crate) mfa: Mfa,
    pub(crate) command: Command,
    pub(crate) http: Http,
}

/// Second factors, of SFTPGo since 2.2.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Mfa {
    pub(crate) totp: Vec<Totp>,
}

/// A kind of second factor by time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Totp {
    pub(crate) name: String,
    pub(crate) issuer: String,
    /// sha1, sha256 or sha512.
    pub(crate) algo: String,
}

impl Default for Mfa {
    fn default() -> Self {
        let offered = TotpConfig::default();
        Self {
            totp: vec![Totp {
                name: offered.name,
                issuer: offered.issuer,
                algo: "sha1".to_owned(),
            }],
        }
    }
}

/// Of SFTPGo since 1.1.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Common {
    /// 0 is no limit.
    pub(crate) max_total_connections: i64,
    /// 0 is no limit, and the default here; in SFTPGo it is 20.
    pub(crate) max_per_host_connections: i64,
    /// 0: no PROXY headers, 1: there may be, 2: there have to be.
    pub(crate) proxy_protocol: i64,
    /// Proxies that are believed; in SFTPGo before 2.5 none was all.
    pub(crate) proxy_allowed: Vec<String>,
    /// Of SFTPGo since 2.5: peers that never send a header.
    pub(crate) proxy_skipped: Vec<String>,
    /// Of SFTPGo since 2.5: 1 lets in nobody but who is in the allow list.
    pub(crate) allowlist_status: i64,
    /// A URL or the path of a program, as the next ones.
    pub(crate) startup_hook: String,
    pub(crate) post_connect_hook: String,
    /// Of SFTPGo since 2.2.
    pub(crate) post_disconnect_hook: String,
    /// Of SFTPGo since 2.1.
    pub(crate) rate_limiters: Vec<RateLimiter>,
    /// Not in SFTPGo.
    pub(crate) confine_to: Vec<String>,
    pub(crate) defender: Defender,
    pub(crate) audit: Audit,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sftpd {
    /// Of SFTPGo since 2.0. Where there are any, `bind_port` and `bind_address` mean nothing.
    pub(crate) bindings: Vec<SftpBinding>,
    pub(crate) bind_port: i64,
    pub(crate) bind_address: String,
    /// Minutes; 0 is never.
    pub(crate) idle_timeout: i64,
    pub(crate) max_auth_tries: i64,
    /// Of SFTPGo 2.x.
    pub(crate) password_authentication: bool,
    /// Of SFTPGo 2.x.
    pub(crate) keyboard_interactive_authentication: bool,
    /// Octal, as text.
    pub(crate) umask: String,
    pub(crate) banner: String,
    pub(crate) upload_mode: i64,
    /// Not in SFTPGo. Left out, it follows `upload_mode`.
    pub(crate) sync_uploads: Option<bool>,
    pub(crate) actions: Actions,
    pub(crate) keys: Vec<HostKey>,
    /// Of SFTPGo since 1.1: the same as paths.
    pub(crate) host_keys: Vec<String>,
    /// Of SFTPGo 2.x.
    pub(crate) host_certificates: Vec<String>,
    pub(crate) enable_scp: bool,
    /// Not in SFTPGo.
    pub(crate) receipts: bool,
    /// Not in SFTPGo. Empty: none are kept.
    pub(crate) receipts_dir: String,
    /// Not in SFTPGo. Days; 0 is for ever.
    pub(crate) receipts_days: i64,
    /// Not in SFTPGo.
    pub(crate) receipts_per_user: i64,
    /// Not in SFTPGo 0.9.3.
    pub(crate) enabled_ssh_commands: Vec<String>,
    pub(crate) kex_algorithms: Vec<String>,
    pub(crate) ciphers: Vec<String>,
    pub(crate) macs: Vec<String>,
    /// Of SFTPGo 2.x.
    pub(crate) host_key_algorithms: Vec<String>,
    /// Of SFTPGo 2.x.
    pub(crate) public_key_algorithms: Vec<String>,
    /// Of SFTPGo 2.x.
    pub(crate) trusted_user_ca_keys: Vec<String>,
    /// Of SFTPGo 2.x.
    pub(crate) revoked_user_certs_file: String,
    pub(crate) login_banner_file: String,
    /// Not in SFTPGo before 0.9.4.
    pub(crate) setstat_mode: i64,
    /// Of SFTPGo 0.9.6; see [`super::unsupported`].
    pub(crate) keyboard_interactive_auth_program: String,
    /// Of SFTPGo 0.9.6 and 1.0, which have it here; `common.proxy_protocol` comes first.
    pub(crate) proxy_protocol: i64,
    /// Of SFTPGo 0.9.6 and 1.0; goes with `proxy_protocol`.
    pub(crate) proxy_allowed: Vec<String>,
}

/// One place to listen at, as SFTPGo 2.x has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SftpBinding {
    pub(crate) address: String,
    /// 0 is none.
    pub(crate) port: i64,
    /// Does `common.proxy_protocol` hold for it?
    pub(crate) apply_proxy_config: bool,
}

impl Default for SftpBinding {
    fn default() -> Self {
        Self {
            address: String::new(),
            port: 2022,
            apply_proxy_config: true,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HostKey {
    pub(crate) private_key: String,
}

/// May the number at `path` be written as a text, as in SFTPGo?
pub(super) fn may_be_text(path: &str) -> bool {
    path.ends_with("min_tls_version")
}

/// Returns what an object of the list at `path` is when nothing is said of it. None where the list is one of texts.
pub(super) fn object_of(path: &str) -> Option<Value> {
    match path {
        "sftpd.bindings" => serde_json::to_value(SftpBinding::default()).ok(),
        "sftpd.keys" => serde_json::to_value(HostKey::default()).ok(),
        "common.rate_limiters" => serde_json::to_value(RateLimiter::default()).ok(),
        "command.commands" => serde_json::to_value(hooks::OneCommand::default()).ok(),
        "http.certificates" => serde_json::to_value(hooks::Certificate::default()).ok(),
        "http.headers" => serde_json::to_value(hooks::Header::default()).ok(),
        "mfa.totp" => serde_json::to_value(Totp::default()).ok(),
        "httpd.bindings" => serde_json::to_value(HttpBinding::default()).ok(),
        // Of each of the bindings.
        path if path.ends_with("security.https_proxy_headers") => {
            serde_json::to_value(HttpHeader::default()).ok()
        }
        _ => None,
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Actions {
    pub(crate) execute_on: Vec<String>,
    pub(crate) command: String,
    pub(crate) http_notification_url: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DataProvider {
    pub(crate) driver: String,
    pub(crate) name: String,
    pub(crate) host: String,
    pub(crate) port: i64,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) sslmode: i64,
    /// Not in SFTPGo.
    pub(crate) root_cert_file: String,
    pub(crate) connection_string: String,
    pub(crate) users_table: String,
    pub(crate) manage_users: i64,
    pub(crate) track_quota: i64,
    pub(crate) pool_size: i64,
    pub(crate) users_base_dir: String,
    /// Not in SFTPGo.
    pub(crate) rehash_on_login: bool,
    /// Of SFTPGo since 2.1: makes the first admin from `SFTPGO_DEFAULT_ADMIN_USERNAME` and `_PASSWORD`.
    pub(crate) create_default_admin: bool,
    pub(crate) actions: Actions,
    /// Of SFTPGo 0.9.5; see [`super::unsupported`].
    pub(crate) external_auth_program: String,
    /// Of SFTPGo 0.9.5; without effect while there is no `external_auth_program`.
    pub(crate) external_auth_scope: i64,
    /// Of SFTPGo 0.9.6; says where files would lie that this server does not keep.
    pub(crate) credentials_path: String,
    /// Of SFTPGo 0.9.6; see [`super::unsupported`].
    pub(crate) pre_login_program: String,
}

impl Default for Sftpd {
    fn default() -> Self {
        Self {
            bindings: Vec::new(),
            bind_port: 2022,
            bind_address: String::new(),
            idle_timeout: 15,
            max_auth_tries: 0,
            password_authentication: true,
            keyboard_interactive_authentication: true,
            umask: "0022".to_owned(),
            banner: String::new(),
            upload_mode: 0,
            sync_uploads: None,
            actions: Actions::default(),
            keys: Vec::new(),
            host_keys: Vec::new(),
            host_certificates: Vec::new(),
            enable_scp: false,
            receipts: false,
            receipts_dir: String::new(),
            receipts_days: 90,
            receipts_per_user: 100_000,
            enabled_ssh_commands: SshCommand::ALL
                .iter()
                .map(|command| command.name().to_owned())
                .collect(),
            kex_algorithms: Vec::new(),
            ciphers: Vec::new(),
            macs: Vec::new(),
            host_key_algorithms: Vec::new(),
            public_key_algorithms: Vec::new(),
            trusted_user_ca_keys: Vec::new(),
            revoked_user_certs_file: String::new(),
            login_banner_file: String::new(),
            setstat_mode: 0,
            keyboard_interactive_auth_program: String::new(),
            proxy_protocol: 0,
            proxy_allowed: Vec::new(),
        }
    }
}

impl Default for DataProvider {
    fn default() -> Self {
        Self {
            driver: "sqlite".to_owned(),
            name: "sftpgo.db".to_owned(),
            host: String::new(),
            port: 5432,
            username: String::new(),
            password: String::new(),
            sslmode: 0,
            root_cert_file: String::new(),
            connection_string: String::new(),
            users_table: "users".to_owned(),
            manage_users: 1,
            track_quota: 2,
            pool_size: 0,
            users_base_dir: String::new(),
            rehash_on_login: false,
            create_default_admin: false,
            actions: Actions::default(),
            external_auth_program: String::new(),
            external_auth_scope: 0,
            credentials_path: "credentials".to_owned(),
            pre_login_program: String::new(),
        }
    }
}
