//! What runs, who is connected.

use std::sync::Arc;

use serde_json::json;
use sftpgo_core::user::now_ms;
use warp::http::StatusCode;

use super::dto::{ConnectionAnswer, TotpConfigAnswer};
use crate::{
    error::ApiError,
    principal::AllowedAdmin,
    response::{Reply, data, message_v2},
};

/// `GET /version`
pub(super) async fn version(allowed: AllowedAdmin) -> Reply {
    let (app, _) = allowed?;
    let version = &app.state.version;
    data(&json!({
        "version": version.version,
        "build_date": version.build_date,
        "commit_hash": version.commit_hash,
        "features": ["+metrics"],
    }))
}

/// `GET /status`
pub(super) async fn status(allowed: AllowedAdmin) -> Reply {
    let (app, _) = allowed?;
    let state = Arc::clone(&app.state);
    let checked = app.calls.run(move || Ok(state.provider.check())).await?;
    let configs = app.state.admins.logins.admins().totp_configs();
    let ssh = &app.state.ssh;
    let mut ssh = serde_json::to_value(ssh).map_err(|_| ApiError::internal())?;
    if let Some(ssh) = ssh.as_object_mut() {
        ssh.insert("is_active".to_owned(), true.into());
        ssh.insert(
            "authentications".to_owned(),
            json!(["publickey", "password", "keyboard-interactive"]),
        );
    }
    data(&json!({
        "ssh": ssh,
        "ftp": {"is_active": false},
        "webdav": {"is_active": false},
        "data_provider": {
            "is_active": checked.is_ok(),
            "driver": app.state.driver,
            "error": checked.err().map(|error| error.message().to_owned()).unwrap_or_default(),
        },
        "confinement": {
            "is_active": app.state.confinement.is_some(),
            "description": app.state.confinement.clone().unwrap_or_default(),
        },
        "defender": {"is_active": app.state.gate.defender().is_some()},
        "mfa": {
            "is_active": !configs.is_empty(),
            "totp_configs": configs.iter().map(TotpConfigAnswer::from).collect::<Vec<_>>(),
        },
    }))
}

/// `GET /connections`
pub(super) async fn connections(allowed: AllowedAdmin) -> Reply {
    let (app, _) = allowed?;
    let now = now_ms();
    let connections = app.state.connections.list().into_iter();
    data(
        &connections
            .map(|status| ConnectionAnswer::of(status, now))
            .collect::<Vec<_>>(),
    )
}

/// `DELETE /connections/{id}`
pub(super) async fn close(id: Result<String, ApiError>, allowed: AllowedAdmin) -> Reply {
    let ((app, _), id) = (allowed?, id?);
    app.state.connections.close(&app.by, &id)?;
    Ok(message_v2(StatusCode::OK, "Connection closed"))
}
