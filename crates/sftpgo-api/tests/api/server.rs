//! A running API.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use serde_json::{Value, json};
use sftpgo_api::{AllowedHosts, ApiState, Metrics, VersionInfo};
use sftpgo_core::{
    Provider,
    accounts::Accounts,
    event::Events,
    explain::Explainer,
    filesystem::{FilesystemFactory, local::LocalHomes},
    quota::{Tracking, UsageManager},
    quota_scan::QuotaScans,
    registry::Connections,
    session::UploadPolicy,
};
use sftpgo_store::MemoryProvider;
use tokio::{net::TcpListener, runtime::Runtime, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::client::{self, Answer};

/// What a test may choose.
pub(crate) struct Settings {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) homes: Arc<dyn FilesystemFactory>,
    pub(crate) manage_users: bool,
    pub(crate) tracking: Tracking,
    pub(crate) users_base_dir: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: Arc::new(MemoryProvider::new()),
            homes: Arc::new(LocalHomes),
            manage_users: true,
            tracking: Tracking::All,
            users_base_dir: None,
        }
    }
}

/// A server on a port of its own, until it is dropped.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Arc<Connections>,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
    pub(crate) runtime: Runtime,
}

impl Api {
    pub(crate) fn start() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let metrics = Metrics::new().unwrap();
        let events = Events::new(vec![Box::new(metrics.clone())]);
        let metrics = Arc::new(metrics);
        let connections = Connections::new(events.clone());
        let quotas = UsageManager::new(Arc::clone(&settings.provider), settings.tracking);
        let state = ApiState {
            accounts: Arc::new(Accounts::new(
                Arc::clone(&settings.provider),
                Arc::clone(&connections),
                Arc::clone(&quotas),
                events,
                settings.manage_users,
                settings.users_base_dir,
            )),
            explainer: Arc::new(Explainer::new(
                Arc::clone(&settings.homes),
                Arc::clone(&quotas),
                UploadPolicy::default(),
            )),
            connections: Arc::clone(&connections),
            scans: QuotaScans::new(settings.homes, quotas),
            provider: Arc::clone(&settings.provider),
            metrics: Arc::clone(&metrics),
            allowed_hosts: AllowedHosts::default(),
            version: VersionInfo {
                version: "1.2.3".into(),
                build_date: "2026-01-02".into(),
                commit_hash: "abc".into(),
            },
        };
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = runtime.spawn(sftpgo_api::serve(
            Arc::new(state),
            listener,
            shutdown.clone(),
        ));
        Self {
            address,
            connections,
            provider: settings.provider,
            metrics,
            shutdown,
            serving,
            runtime,
        }
    }

    /// A call of the API without a body.
    pub(crate) fn call(&self, method: &str, path: &str) -> Answer {
        client::request(self.address, method, &format!("/api/v1{path}"), None)
    }

    /// A call of the API with a JSON body.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send_raw(method, path, body.to_string().as_bytes())
    }

    /// A call of the API with any body.
    pub(crate) fn send_raw(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        client::request(self.address, method, &format!("/api/v1{path}"), Some(body))
    }

    /// Adds what `changes` make of [`user`] and answers it as stored.
    #[track_caller]
    pub(crate) fn add(&self, username: &str, changes: Value) -> Value {
        self.send("POST", "/user", &user(username, changes)).data()
    }

    /// All usernames.
    pub(crate) fn names(&self) -> Vec<String> {
        names(&self.call("GET", "/user").data())
    }
}

/// The names in a listing, in its order.
pub(crate) fn names(users: &Value) -> Vec<String> {
    let name = |user: &Value| user["username"].as_str().unwrap().to_owned();
    users.as_array().unwrap().iter().map(name).collect()
}

/// A hash that is stored as it is: hashing takes most of a test's time.
pub(crate) const HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$+c6q23sQwLpOH1shdbgrn6Ho39DyRbsdY34ab5ZO+fs";
/// An authorized_keys line.
pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMFsrbbCYkKkrwB/cVk5Nclcz/oo3KS7aBKJAfjMsXUH";

/// A user that is valid, with `changes`.
pub(crate) fn user(username: &str, changes: Value) -> Value {
    let mut user = json!({
        "username": username,
        "password": HASH,
        "home_dir": format!("/nonexistent/{username}"),
        "permissions": ["list"],
    });
    for (name, value) in changes.as_object().unwrap() {
        user[name] = value.clone();
    }
    user
}
