//! A running API.

use std::{net::SocketAddr, sync::Arc};

use serde_json::{Value, json};
use sftpgo_api::{
    Activity, AdminAccess, AllowedHosts, ApiState, Binding, BindingOptions, Metrics, Socket,
    SshInfo, TokenSettings, Tokens, VersionInfo,
};
use sftpgo_core::{
    admin::{AdminLogins, Admins, SetupCode, TotpConfig},
    credential::htpasswd::Htpasswd,
    defender::{Defender, DefenderConfig},
    gate::Gate,
    ip_list::IpLists,
    session::UploadPolicy,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{ARGON2ID, Service, Settings};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::client::{self, Answer};

/// A server on a port of its own, until it is dropped.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    pub(crate) service: Service,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) setup_code: String,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
    pub(crate) runtime: Runtime,
}

impl Api {
    pub(crate) fn start() -> Self {
        Self::with(Settings::default())
    }

    /// With a file of the operator's that has this text.
    pub(crate) fn listing(text: &str) -> Self {
        let names = Arc::new(Htpasswd::parse(text).unwrap());
        Self::made(Settings::default(), |access| {
            access.listed = Some(Box::new(move || Arc::clone(&names)));
        })
    }

    pub(crate) fn with(settings: Settings) -> Self {
        Self::made(settings, |_| {})
    }

    fn made(mut settings: Settings, change: impl FnOnce(&mut AdminAccess)) -> Self {
        let metrics = Metrics::new().unwrap();
        settings.observers.push(Box::new(metrics.clone()));
        let metrics = Arc::new(metrics);
        let service = Service::new(settings);
        let ip_lists = Arc::new(IpLists::new(
            Arc::new(MemoryProvider::new()),
            service.events.clone(),
        ));
        ip_lists.refresh().unwrap();
        let config = DefenderConfig {
            threshold: 4,
            ..DefenderConfig::default()
        };
        let defender = Defender::new(config, Arc::clone(&ip_lists), service.events.clone());
        let defender = Arc::new(defender);
        let mut admins = access(&service, Arc::clone(&defender));
        change(&mut admins);
        let gate = Arc::new(Gate::new(Some(defender)));
        let state = ApiState {
            accounts: Arc::clone(&service.accounts),
            receipts: None,
            explainer: Arc::new(service.explainer(UploadPolicy::default())),
            connections: Arc::clone(&service.connections),
            gate: Arc::clone(&gate),
            ip_lists,
            scans: Arc::clone(&service.scans),
            provider: Arc::clone(&service.provider),
            events: service.events.clone(),
            activity: Activity::default(),
            event_archive: None,
            metrics: Arc::clone(&metrics),
            allowed_hosts: AllowedHosts::default(),
            admins,
            version: VersionInfo {
                version: "1.2.3".into(),
                build_date: "2026-01-02".into(),
                commit_hash: "abc".into(),
            },
            driver: "memory".into(),
            confinement: None,
            ssh: SshInfo::default(),
        };
        let setup_code = state
            .admins
            .setup_code
            .as_ref()
            .unwrap()
            .reveal()
            .to_owned();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = runtime.spawn(sftpgo_api::serve(
            Arc::new(state),
            vec![Binding {
                socket: Socket::Tcp(listener),
                options: BindingOptions::default(),
            }],
            shutdown.clone(),
        ));
        Self {
            address,
            service,
            metrics,
            gate,
            setup_code,
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

/// Admins in memory, none of them there, who are made with a code.
fn access(service: &Service, defender: Arc<Defender>) -> AdminAccess {
    let admins = Admins::new(
        Arc::new(MemoryProvider::new()),
        vec![TotpConfig::default()],
        service.events.clone(),
    );
    let logins = service.logins().with_defender(Some(defender));
    let logins = AdminLogins::new(Arc::new(admins), Arc::new(logins));
    let tokens = Tokens::new(TokenSettings::default()).unwrap();
    let mut access = AdminAccess::new(Arc::new(logins), tokens);
    access.setup_code = Some(SetupCode::generate());
    access
}

/// The names in a listing, in its order.
pub(crate) fn names(users: &Value) -> Vec<String> {
    let name = |user: &Value| user["username"].as_str().unwrap().to_owned();
    users.as_array().unwrap().iter().map(name).collect()
}

/// A user that is valid, with `changes`.
pub(crate) fn user(username: &str, changes: Value) -> Value {
    let mut user = json!({
        "username": username,
        "password": ARGON2ID,
        "home_dir": format!("/nonexistent/{username}"),
        "permissions": ["list"],
    });
    for (name, value) in changes.as_object().unwrap() {
        user[name] = value.clone();
    }
    user
}
