//! The SSH server's settings and keys, as the configuration says.

use std::{path::Path, sync::Arc};

use sftpgo_api::{HostKeyInfo, SshInfo};
use sftpgo_core::descriptors::Descriptors;
use sftpgo_ssh::{HostKey, Limits, ServerConfig, host_key, receipt::UploadReceipts};

use super::of_key;
use crate::{
    config::{Problem, settings::Sftpd},
    stack_trim,
};

pub(super) fn host_keys(sftpd: &Sftpd, directory: &Path) -> Result<Vec<HostKey>, Problem> {
    if sftpd.host_keys.is_empty() {
        return host_key::load_or_generate(directory).map_err(of_key("sftpd.keys"));
    }
    sftpd
        .host_keys
        .iter()
        .map(|path| host_key::load(path).map_err(of_key("sftpd.keys")))
        .collect()
}

pub(super) fn ssh_config(
    sftpd: &Sftpd,
    host_keys: Vec<HostKey>,
    descriptors: &Descriptors,
    upload_receipts: Option<Arc<dyn UploadReceipts>>,
) -> ServerConfig {
    ServerConfig {
        limits: limits_within(descriptors.most_connections()),
        host_keys,
        host_certificates: sftpd.host_certificates.clone(),
        max_auth_tries: sftpd.max_auth_tries,
        password_authentication: sftpd.password_authentication,
        keyboard_interactive_authentication: sftpd.keyboard_interactive_authentication,
        software_version: sftpd.banner.clone(),
        login_banner: sftpd.login_banner.clone(),
        idle_timeout: sftpd.idle_timeout,
        kex_algorithms: sftpd.kex_algorithms.clone(),
        ciphers: sftpd.ciphers.clone(),
        macs: sftpd.macs.clone(),
        host_key_algorithms: sftpd.host_key_algorithms.clone(),
        public_key_algorithms: sftpd.public_key_algorithms.clone(),
        user_certificates: sftpd.user_certificates.clone(),
        enable_scp: sftpd.enable_scp,
        receipts: sftpd.receipts,
        upload_receipts,
        ssh_commands: sftpd.ssh_commands.clone(),
        uploads: sftpd.uploads,
        setstat: sftpd.setstat,
        when_quiet: stack_trim::give_back,
        ..ServerConfig::default()
    }
}

/// Returns limits that fit so many connections: where the process may have few files open, clients that do not log in leave
/// a quarter of the connections to others.
fn limits_within(most_connections: usize) -> Limits {
    let limits = Limits::default();
    let unauthenticated = limits
        .unauthenticated
        .min(most_connections - most_connections / 4);
    Limits {
        unauthenticated,
        unauthenticated_per_address: limits
            .unauthenticated_per_address
            .min(unauthenticated - unauthenticated / 4),
        ..limits
    }
}

pub(super) fn ssh_info(sftpd: &Sftpd, host_keys: &[HostKey]) -> SshInfo {
    let host_key = |key: &HostKey| HostKeyInfo {
        path: key
            .path()
            .map(|path| path.display().to_string())
            .unwrap_or_default(),
        fingerprint: key.fingerprint(),
        algorithms: match key.algorithm().as_str() {
            "ssh-rsa" => vec!["rsa-sha2-512".to_owned(), "rsa-sha2-256".to_owned()],
            other => vec![other.to_owned()],
        },
    };
    SshInfo {
        bindings: sftpd
            .bindings
            .iter()
            .map(|binding| {
                let endpoint = &binding.endpoint;
                (endpoint.address.clone(), endpoint.port)
            })
            .collect(),
        host_keys: host_keys.iter().map(host_key).collect(),
        ssh_commands: sftpd
            .command_names()
            .into_iter()
            .map(str::to_owned)
            .collect(),
    }
}
