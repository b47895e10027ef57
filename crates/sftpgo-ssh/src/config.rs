//! What an operator or an embedding service decides, and every limit with its default and its reason.

use std::{path::PathBuf, sync::Arc, time::Duration};

use sftpgo_core::{
    fair_pool::half_of_the_cores,
    session::{SetstatMode, UploadPolicy},
};
use sftpgo_proxy_protocol::Policy;

use crate::{
    commands::SshCommand,
    host_key::HostKey,
    receipt::{Terms, UploadReceipts},
    user_certificates::UserCertificates,
};

/// Settings of one SSH server.
#[derive(Clone)]
pub struct ServerConfig {
    /// The server's keys, at least one; the client chooses by its own preference.
    pub host_keys: Vec<HostKey>,
    /// Files with certificates of the host keys, a line each, for clients that know their authority.
    pub host_certificates: Vec<PathBuf>,
    /// Failed logins before the connection is closed; 0 means 6.
    pub max_auth_tries: u32,
    /// Is the method `password` offered?
    pub password_authentication: bool,
    /// Is the method `keyboard-interactive` offered, which asks for the password?
    pub keyboard_interactive_authentication: bool,
    /// Software version of the identification line; empty for the default.
    pub software_version: String,
    /// Shown by the client before it logs in.
    pub login_banner: Option<String>,
    /// A session without activity ends after this.
    pub idle_timeout: Option<Duration>,
    /// Key exchanges, best first; empty for the default.
    pub kex_algorithms: Vec<String>,
    /// Ciphers, best first; empty for the default.
    pub ciphers: Vec<String>,
    /// MACs, best first; empty for the default.
    pub macs: Vec<String>,
    /// Signatures of the host keys, best first; empty for the default.
    pub host_key_algorithms: Vec<String>,
    /// Signatures of users' keys; empty for the default.
    pub public_key_algorithms: Vec<String>,
    /// Whose certificates log users in; of nobody by default.
    pub user_certificates: UserCertificates,
    /// Is scp's own protocol offered, which `scp -O` and old clients speak?
    pub enable_scp: bool,
    /// SSH commands that are offered beside it.
    pub ssh_commands: Vec<SshCommand>,
    /// Do users get receipts of files, signed with the first host key?
    pub receipts: bool,
    /// Makes a receipt of each upload, and has those that were made; none are without.
    pub upload_receipts: Option<Arc<dyn UploadReceipts>>,
    /// How uploads are stored.
    pub uploads: UploadPolicy,
    /// What happens to changes of attributes that the user's permissions do not allow.
    pub setstat: SetstatMode,
    /// The proxies that say whose connections they pass on.
    pub proxies: Policy,
    /// See [`Limits`].
    pub limits: Limits,
    /// The time for which running transfers may go on after a shutdown is asked for.
    pub shutdown_grace: Duration,
    /// The time for which connections may go on when nobody can connect any more and the server is not to stop; none is
    /// without limit.
    pub drain_time: Option<Duration>,
    /// Called on a connection's own thread when it has had nothing to do for a second: a program can give memory back
    /// to the system there that belongs to the thread.
    pub when_quiet: fn(),
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host_keys: Vec::new(),
            host_certificates: Vec::new(),
            max_auth_tries: 0,
            password_authentication: true,
            keyboard_interactive_authentication: true,
            software_version: String::new(),
            login_banner: None,
            idle_timeout: Some(Duration::from_secs(15 * 60)),
            kex_algorithms: Vec::new(),
            ciphers: Vec::new(),
            macs: Vec::new(),
            host_key_algorithms: Vec::new(),
            public_key_algorithms: Vec::new(),
            user_certificates: UserCertificates::default(),
            enable_scp: false,
            ssh_commands: SshCommand::ALL.to_vec(),
            receipts: false,
            upload_receipts: None,
            uploads: UploadPolicy::default(),
            setstat: SetstatMode::default(),
            proxies: Policy::default(),
            limits: Limits::default(),
            shutdown_grace: Duration::from_secs(30),
            drain_time: None,
            when_quiet: || {},
        }
    }
}

impl ServerConfig {
    /// Returns how users get receipts, if they do.
    pub(crate) fn receipt_terms(&self) -> Option<Terms> {
        let key = self.host_keys.first().filter(|_| self.receipts)?;
        Some(Terms {
            key: key.clone(),
            uploads: self.upload_receipts.clone(),
        })
    }
}

/// What one client, or all together, may take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The time from the first byte to a successful login.
    pub login_grace: Duration,
    /// Connections that are not logged in, in all. One that has not finished a key exchange makes room for a new one, so
    /// that silent clients cannot keep others out; nobody who has asked for a login does.
    pub unauthenticated: usize,
    /// Connections that are not logged in from one IPv4 address or one IPv6 /64.
    pub unauthenticated_per_address: usize,
    /// Sessions (channels) of one connection.
    pub sessions_per_connection: usize,
    /// Open files and directories of one session: what OpenSSH's server has with the usual limit of descriptors.
    pub handles_per_session: usize,
    /// How many of these may be directories. One that is being read holds 14 KiB and two descriptors, and
    /// no client needs more than one for each of its threads.
    pub directories_per_session: usize,
    /// Bytes of what the sessions of one connection have to do and can do, but for a slow disk or a bandwidth limit; above
    /// it the connection is not read from.
    pub queued_bytes: usize,
    /// Bytes of what waits in all sessions of one connection because the client does not read its replies, with what they
    /// are working on; above it the connection is closed. READ requests take 33 bytes, so this is a prefetch of some 15
    /// GiB.
    pub queued_bytes_unread: usize,
    /// Key exchanges over finite fields at the same time, of clients that are not logged in; the others wait their turn.
    pub dear_exchanges: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            login_grace: Duration::from_secs(120),
            unauthenticated: 1024,
            unauthenticated_per_address: 256,
            sessions_per_connection: 10,
            handles_per_session: 1024,
            directories_per_session: 128,
            queued_bytes: 2 * 1024 * 1024,
            queued_bytes_unread: 16 * 1024 * 1024,
            dear_exchanges: half_of_the_cores(),
        }
    }
}
