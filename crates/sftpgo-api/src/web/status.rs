//! How the server does.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::admin::AdminPermissions;

use super::{
    answer::{Reply, page},
    frame::Frame,
    request::Request,
    session::Session,
};
use crate::{HostKeyInfo, arrival::Reach, state::App};

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage<'a> {
    frame: Frame,
    warnings: Vec<String>,
    facts: Vec<(&'static str, String)>,
    bindings: Vec<String>,
    host_keys: &'a [HostKeyInfo],
}

/// `GET /web/status`
pub(super) async fn show(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::VIEW_STATUS)?;
    let warnings = warnings(app, request).await;
    let connections = app.state.connections.list();
    let transfers: usize = connections.iter().map(|one| one.transfers.len()).sum();
    let version = &app.state.version;
    let ssh = &app.state.ssh;
    let bindings = ssh.bindings.iter();
    let known = |text: &str| match text {
        "" => "unknown".to_owned(),
        text => text.to_owned(),
    };
    let status = StatusPage {
        frame: Frame::for_admin(session, "Status"),
        warnings,
        facts: vec![
            ("Data provider", app.state.driver.clone()),
            ("Sessions", connections.len().to_string()),
            ("Transfers", transfers.to_string()),
            ("Quota scans", app.state.scans.list().len().to_string()),
            ("Version", version.version.clone()),
            ("Built", known(&version.build_date)),
            ("Commit", known(&version.commit_hash)),
        ],
        bindings: bindings
            .map(|(address, port)| format!("{address} port {port}"))
            .collect(),
        host_keys: &ssh.host_keys,
    };
    page(request, &status)
}

/// What wants attention.
pub(super) async fn warnings(app: &App, request: &Request) -> Vec<String> {
    let state = Arc::clone(&app.state);
    let mut warnings = Vec::new();
    if let Err(error) = app.calls.run(move || state.provider.check()).await {
        warnings.push(format!("The data provider does not answer: {error}."));
    }
    if request.arrival.reach == Reach::Network && !request.arrival.is_encrypted {
        warnings.push(
            "This page came without TLS: passwords of admins and users can be read on the way. Set httpd.certificate_file and httpd.certificate_key_file."
                .to_owned(),
        );
    }
    warnings
}
