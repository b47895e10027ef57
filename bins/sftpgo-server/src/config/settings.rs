//! The configuration once it is valid: what the rest of the program works with.

use std::{path::PathBuf, time::Duration};

use sftpgo_api::{BindingOptions, TokenSettings};
use sftpgo_core::{
    admin::TotpConfig,
    defender::DefenderConfig,
    quota::Tracking,
    rate_limit::{RateLimit, SourcePrefixes},
    session::{SetstatMode, UploadPolicy},
};
use sftpgo_proxy_protocol::Policy;
use sftpgo_ssh::{SshCommand, UserCertificates};
use sftpgo_store::StoreConfig;

use crate::hook::{Hook, Programs, http::ClientSettings};

/// Everything that was configured.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) common: Common,
    pub(crate) sftpd: Sftpd,
    pub(crate) data_provider: DataProvider,
    pub(crate) httpd: Httpd,
    /// Kinds of second factors.
    pub(crate) totp: Vec<TotpConfig>,
    /// How programs are run.
    pub(crate) programs: Programs,
    /// How URLs are called.
    pub(crate) http: ClientSettings,
}

/// What holds for every protocol.
#[derive(Debug)]
pub(crate) struct Common {
    /// 0 is no limit.
    pub(crate) max_total_connections: usize,
    /// 0 is no limit.
    pub(crate) max_per_host_connections: usize,
    /// The proxies whose word about clients' addresses is taken.
    pub(crate) proxies: Policy,
    /// Nobody else but who is in the allow list may connect.
    pub(crate) allow_list_only: bool,
    pub(crate) startup_hook: Option<Hook>,
    pub(crate) post_connect_hook: Option<Hook>,
    pub(crate) post_disconnect_hook: Option<Hook>,
    pub(crate) rate_limits: Vec<RateLimit>,
    /// What is one source for them.
    pub(crate) sources: SourcePrefixes,
    /// The directories to which the server confines itself, with those that it needs itself; it does not if there is none.
    pub(crate) confine_to: Vec<PathBuf>,
    /// The defender; it is off when there is none.
    pub(crate) defender: Option<Defender>,
    /// The audit log; it is off when there is none.
    pub(crate) audit: Option<Audit>,
}

/// The audit log.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    pub(crate) file: PathBuf,
    /// What lines are sealed with; by their hash alone where there is none.
    pub(crate) key_file: Option<PathBuf>,
    /// Bytes; 0 is no limit.
    pub(crate) max_size: u64,
}

/// The defender.
#[derive(Debug)]
pub(crate) struct Defender {
    pub(crate) config: DefenderConfig,
    /// Scores and bans are in the database, for all servers that use it.
    pub(crate) is_shared: bool,
}

/// Receipts of uploads that are kept.
#[derive(Debug)]
pub(crate) struct UploadReceipts {
    /// Absolute.
    pub(crate) directory: PathBuf,
    /// None: they do not end by their age.
    pub(crate) longest: Option<Duration>,
    pub(crate) most_of_user: usize,
}

/// The SSH side.
#[derive(Debug)]
pub(crate) struct Sftpd {
    /// One at least.
    pub(crate) bindings: Vec<SftpBinding>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_auth_tries: u32,
    pub(crate) password_authentication: bool,
    pub(crate) keyboard_interactive_authentication: bool,
    pub(crate) umask: u32,
    pub(crate) banner: String,
    pub(crate) uploads: UploadPolicy,
    pub(crate) setstat: SetstatMode,
    pub(crate) actions: Actions,
    /// Absolute; none means the server's own.
    pub(crate) host_keys: Vec<PathBuf>,
    pub(crate) host_certificates: Vec<PathBuf>,
    pub(crate) enable_scp: bool,
    pub(crate) receipts: bool,
    /// None where those of uploads are not kept.
    pub(crate) upload_receipts: Option<UploadReceipts>,
    pub(crate) ssh_commands: Vec<SshCommand>,
    pub(crate) kex_algorithms: Vec<String>,
    pub(crate) ciphers: Vec<String>,
    pub(crate) macs: Vec<String>,
    pub(crate) host_key_algorithms: Vec<String>,
    pub(crate) public_key_algorithms: Vec<String>,
    pub(crate) user_certificates: UserCertificates,
    pub(crate) login_banner: Option<String>,
}

/// A port of SFTP.
#[derive(Debug, Clone)]
pub(crate) struct SftpBinding {
    /// The key that it comes from, such as `sftpd.bindings[0]`; `sftpd` alone is that of older versions.
    pub(crate) key: String,
    pub(crate) endpoint: Endpoint,
    /// `common.proxy_protocol` holds for it.
    pub(crate) goes_by_proxies: bool,
}

impl SftpBinding {
    /// Returns the keys of its address and port.
    pub(crate) fn names(&self) -> [String; 2] {
        let names = if self.key.ends_with(']') {
            ["address", "port"]
        } else {
            ["bind_address", "bind_port"]
        };
        names.map(|name| format!("{}.{name}", self.key))
    }
}

impl Sftpd {
    /// Returns the names of the commands that are offered beside SFTP.
    pub(crate) fn command_names(&self) -> Vec<&'static str> {
        let commands = self.ssh_commands.iter().map(|command| command.name());
        commands.chain(self.enable_scp.then_some("scp")).collect()
    }
}

/// The users.
#[derive(Debug)]
pub(crate) struct DataProvider {
    pub(crate) driver: Driver,
    pub(crate) manage_users: bool,
    pub(crate) tracking: Tracking,
    pub(crate) users_base_dir: Option<PathBuf>,
    pub(crate) rehash_on_login: bool,
    /// Is the first admin made from the environment?
    pub(crate) create_default_admin: bool,
    pub(crate) actions: Actions,
}

/// Where users are kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    /// Users are in a database.
    Database(StoreConfig),
    /// Users are in memory, until the server stops.
    Memory,
}

/// The REST API.
#[derive(Debug)]
pub(crate) struct Httpd {
    /// Where HTTP listens; it is off when there are none.
    pub(crate) bindings: Vec<HttpBinding>,
    /// Names under which it is reached.
    pub(crate) allowed_hosts: Vec<String>,
    /// REST 1.2.0 is open on every address until there is an admin.
    pub(crate) insecure_no_auth: bool,
    /// Names with passwords that open REST 1.2.0 and the metrics.
    pub(crate) auth_user_file: Option<PathBuf>,
    pub(crate) tokens: TokenSettings,
}

/// One place where HTTP listens.
#[derive(Debug, Clone)]
pub(crate) struct HttpBinding {
    /// The key that it comes from, such as `httpd.bindings[0]`.
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) options: BindingOptions,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Port(Endpoint),
    /// A Unix socket.
    Path(PathBuf),
}

/// A port to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Empty is every address.
    pub(crate) address: String,
    pub(crate) port: u16,
}

/// What to do after something happened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Actions {
    /// Names of what is acted upon.
    pub(crate) execute_on: Vec<String>,
    /// The program to run, by an absolute path.
    pub(crate) command: Option<PathBuf>,
    pub(crate) url: Option<String>,
}

impl Actions {
    /// Is there anything to do after `name` happened?
    pub(crate) fn wants(&self, name: &str) -> bool {
        (self.command.is_some() || self.url.is_some())
            && self.execute_on.iter().any(|wanted| wanted == name)
    }
}
