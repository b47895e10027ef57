//! Serves a directory over SFTP from another program: `cargo run --example serve_directory -- DIR`,
//! then `sftp -P 2022 demo@localhost` with the password `demo`.

use std::{error::Error, sync::Arc};

use sftpgo_core::{
    UserDraft,
    auth::{Authenticator, Logins, PasswordLimits, StoredCredentials},
    event::Events,
    filesystem::local::LocalHomes,
    provider::Users,
    quota::{Tracking, UsageManager},
    registry::Connections,
};
use sftpgo_ssh::{HostKey, Server, ServerConfig, Services};
use sftpgo_store::MemoryProvider;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).ok_or("which directory?")?;
    let draft = UserDraft {
        username: "demo".into(),
        password: Some("demo".into()),
        home_dir: std::fs::canonicalize(directory)?
            .to_string_lossy()
            .into_owned(),
        permissions: vec!["*".into()],
        ..UserDraft::default()
    };
    let provider = Arc::new(MemoryProvider::default());
    provider.add_user(&draft.validate(None)?)?;

    let events = Events::default();
    let connections = Connections::new(events.clone());
    let quotas = UsageManager::new(provider.clone(), Tracking::Limited);
    let homes = Arc::new(LocalHomes::default());
    let authenticator = Arc::new(Authenticator::new(
        Arc::new(StoredCredentials::new(provider, false)),
        homes,
        connections.clone(),
        quotas,
    ));
    let logins = Logins::new(authenticator, events.clone(), PasswordLimits::default())?;
    let logins = Arc::new(logins);
    let config = ServerConfig {
        host_keys: vec![HostKey::generate()?],
        ..ServerConfig::default()
    };
    let server = Server::new(
        config,
        Services {
            logins,
            gate: Arc::default(),
            connections,
            events,
        },
    )?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:2022").await?;
    server
        .serve(vec![listener.into()], CancellationToken::new())
        .await;
    Ok(())
}
