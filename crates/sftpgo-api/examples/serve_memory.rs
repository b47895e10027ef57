//! The REST API over users that live as long as the process:
//! `cargo run -p sftpgo-api --example serve_memory -- 127.0.0.1:8080`

#![allow(clippy::print_stderr, reason = "it talks to who runs it")]

use std::{error::Error, sync::Arc};

use sftpgo_api::{
    Activity, AdminAccess, AllowedHosts, ApiState, Binding, BindingOptions, Metrics, Socket,
    SshInfo, TokenSettings, Tokens, VersionInfo,
};
use sftpgo_core::{
    Provider,
    accounts::Accounts,
    admin::{AdminLogins, Admins, SetupCode, TotpConfig},
    auth::{Authenticator, Logins, PasswordLimits, StoredCredentials},
    event::Events,
    explain::Explainer,
    filesystem::local::LocalHomes,
    ip_list::IpLists,
    quota::{Tracking, UsageManager},
    quota_scan::QuotaScans,
    registry::Connections,
    session::UploadPolicy,
};
use sftpgo_store::MemoryProvider;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let metrics = Metrics::new()?;
    let activity = Activity::default();
    let events = Events::new(vec![Box::new(metrics.clone()), Box::new(activity.clone())]);
    let store = Arc::new(MemoryProvider::new());
    let provider: Arc<dyn Provider> = store.clone();
    let connections = Connections::new(events.clone());
    let quotas = UsageManager::new(Arc::clone(&provider), Tracking::All);
    let authenticator = Authenticator::new(
        Arc::new(StoredCredentials::new(Arc::clone(&provider), false)),
        Arc::new(LocalHomes::default()),
        Arc::clone(&connections),
        Arc::clone(&quotas),
    );
    let logins = Logins::new(
        Arc::new(authenticator),
        events.clone(),
        PasswordLimits::default(),
    )?;
    let admins = Arc::new(Admins::new(
        store.clone(),
        vec![TotpConfig::default()],
        events.clone(),
    ));
    let mut access = AdminAccess::new(
        Arc::new(AdminLogins::new(admins, Arc::new(logins))),
        Tokens::new(TokenSettings::default())?,
    );
    let code = SetupCode::generate();
    eprintln!("make the first admin with the code {}", code.reveal());
    access.setup_code = Some(code);
    let state = ApiState {
        gate: Arc::default(),
        ip_lists: Arc::new(IpLists::new(store.clone(), events.clone())),
        admins: access,
        driver: "memory".to_owned(),
        confinement: None,
        ssh: SshInfo::default(),
        accounts: Arc::new(Accounts::new(
            Arc::clone(&provider),
            Arc::clone(&connections),
            Arc::clone(&quotas),
            events.clone(),
            true,
            None,
        )),
        receipts: None,
        explainer: Arc::new(Explainer::new(
            Arc::new(LocalHomes::default()),
            Arc::clone(&quotas),
            UploadPolicy::default(),
        )),
        connections,
        scans: QuotaScans::new(Arc::new(LocalHomes::default()), quotas),
        provider,
        events,
        activity,
        event_archive: None,
        metrics: Arc::new(metrics),
        allowed_hosts: AllowedHosts::default(),
        version: VersionInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build_date: String::new(),
            commit_hash: String::new(),
        },
    };

    let shutdown = CancellationToken::new();
    let on_ctrl_c = shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            on_ctrl_c.cancel();
        }
    });
    let binding = Binding {
        socket: Socket::Tcp(TcpListener::bind(address).await?),
        options: BindingOptions::default(),
    };
    sftpgo_api::serve(Arc::new(state), vec![binding], shutdown).await;
    Ok(())
}
