//! How the server does.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::admin::AdminPermissions;

use super::{
    answer::{Reply, page},
    frame::Frame,
    kept::Kept,
    overview::Figures,
    request::Request,
    session::Session,
    texts::{attention, common, status as texts},
};
use crate::{
    arrival::Reach,
    state::{App, HostKeyInfo},
};

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
pub(super) async fn show(app: &App, kept: &Kept, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::VIEW_STATUS)?;
    let overview = kept.overview.figures(&app.state.accounts, &app.calls).await;
    let warnings = warnings(app, request, &overview).await;
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
        frame: Frame::for_admin(session, common::STATUS),
        warnings,
        facts: vec![
            (texts::DATA_PROVIDER, app.state.driver.clone()),
            (texts::SESSIONS, connections.len().to_string()),
            (texts::TRANSFERS, transfers.to_string()),
            (
                common::QUOTA_SCANS,
                app.state.scans.list().len().to_string(),
            ),
            (
                texts::CONFINEMENT,
                app.state
                    .confinement
                    .clone()
                    .unwrap_or_else(|| texts::NOT_CONFINED.to_owned()),
            ),
            (texts::VERSION, version.version.clone()),
            (texts::BUILT, known(&version.build_date)),
            (texts::COMMIT, known(&version.commit_hash)),
        ],
        bindings: bindings
            .map(|(address, port)| format!("{address} port {port}"))
            .collect(),
        host_keys: &ssh.host_keys,
    };
    page(request, &status)
}

/// Returns what wants attention.
pub(super) async fn warnings(app: &App, request: &Request, overview: &Figures) -> Vec<String> {
    let state = Arc::clone(&app.state);
    let mut warnings = Vec::new();
    if let Err(error) = app.calls.run(move || state.provider.check()).await {
        warnings.push(attention::store_away(&error.to_string()));
    }
    if !app.in_clear.is_empty() {
        warnings.push(attention::listens_in_clear(&app.in_clear.join(", ")));
    } else if request.arrival.reach == Reach::Network && !request.arrival.is_encrypted {
        warnings.push(attention::CAME_IN_CLEAR.to_owned());
    }
    for disk in &overview.disks {
        match &disk.space {
            Ok(space) if disk.is_nearly_full() => {
                warnings.push(attention::disk_nearly_full(&disk.path, space.part));
            }
            Ok(_) => {}
            Err(problem) => warnings.push(attention::disk_silent(&disk.path, problem)),
        }
    }
    match app.state.metrics.audit_log_losses() {
        (true, lost) => warnings.push(attention::audit_log_fails(lost)),
        (false, 0) => {}
        (false, lost) => warnings.push(attention::audit_lines_lost(lost)),
    }
    let (failed, last) = app.state.activity.failed_actions(request.now);
    if failed > 0 {
        warnings.push(attention::actions_failed(failed, &last));
    }
    warnings
}
