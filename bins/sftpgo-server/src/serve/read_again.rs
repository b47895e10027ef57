//! What is read again while the server serves, each part registered when it is there.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    compose::Parts,
    config::{Problem, settings::Settings},
    listen::HttpListening,
    reload::Reload,
};

/// The audit log is put aside with the log, and has a line of each reload.
pub(super) fn register_audit_log(reload: &Reload, parts: &Parts) {
    if let Some(audit_log) = parts.audit_log.clone() {
        audit_log.follow_rotation();
        reload.register("the audit log", move || {
            audit_log.reloads();
            Ok(())
        });
    }
}

/// Registers what is read again of SSH.
pub(super) fn register_ssh(reload: &Reload, settings: &Settings, parts: &Parts) {
    let ssh = parts.ssh.handle();
    reload.register("certificates of host keys", move || {
        ssh.reload_host_certificates()
            .map_err(|error| Problem::new("sftpd", error.to_string()))
    });
    let user_certificates = settings.sftpd.user_certificates.clone();
    reload.register("the authorities of certificates", move || {
        user_certificates
            .reload()
            .map_err(|error| Problem::new("sftpd", error.to_string()))
    });
}

/// Reads certificates of HTTP again, when they are told to be and when their files change.
pub(super) fn watch_tls(reload: &Reload, http: &[HttpListening], shutdown: &CancellationToken) {
    let bindings = http.iter();
    let tls: Vec<_> = bindings
        .filter_map(|listening| listening.binding.options.tls.clone())
        .collect();
    for tls in &tls {
        let tls = Arc::clone(tls);
        reload.register("TLS of HTTP", move || {
            tls.reload()
                .map_err(|error| Problem::new("httpd", error.to_string()))
        });
    }
    tokio::spawn(sftpgo_api::watch_tls(tls, shutdown.clone()));
}
