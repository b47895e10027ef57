//! What the API needs of the rest of the program.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::json;
use sftpgo_core::{
    Provider,
    accounts::Accounts,
    event::{Actor, Events},
    explain::Explainer,
    gate::Gate,
    ip_list::IpLists,
    quota_scan::QuotaScans,
    registry::Connections,
};

use crate::{
    activity::Activity, auth::AdminAccess, blocking::Blocking, event_archive::EventArchive,
    host::AllowedHosts, metrics::Metrics, receipts::Receipts,
};

/// Calls into the domain at once: the dearest, hashing a password, takes a core and some 20 MiB.
const DOMAIN_CALLS: usize = 8;
/// Quota scans at once; further ones are listed and wait for their turn.
const QUOTA_SCANS: usize = 2;
/// Receipts at once: a file of any size may be read for each.
const RECEIPTS: usize = 2;
/// Logins at once that wait for their turn to be verified.
const LOGINS: usize = 64;

/// What the API serves.
pub struct ApiState {
    /// Management of users.
    pub accounts: Arc<Accounts>,
    /// Tells what users may do, and why.
    pub explainer: Arc<Explainer>,
    /// Gives receipts of users' files; none where they are off.
    pub receipts: Option<Arc<dyn Receipts>>,
    /// Live connections.
    pub connections: Arc<Connections>,
    /// Says who may connect, and has the defender.
    pub gate: Arc<Gate>,
    /// Lists of addresses.
    pub ip_lists: Arc<IpLists>,
    /// Running quota scans.
    pub scans: Arc<QuotaScans>,
    /// The store, which is asked whether it answers.
    pub provider: Arc<dyn Provider>,
    /// Told what is changed here and nowhere in core.
    pub events: Events,
    /// What happened of late, for the web admin; an observer too.
    pub activity: Activity,
    /// Asked for older events than those; none where they are kept nowhere.
    pub event_archive: Option<Arc<dyn EventArchive>>,
    /// Served at `/metrics`, and told of every request.
    pub metrics: Arc<Metrics>,
    /// The names under which it is reached.
    pub allowed_hosts: AllowedHosts,
    /// The admins, and what else a request is known by.
    pub admins: AdminAccess,
    /// What holds the process, in words; none if nothing does.
    pub confinement: Option<String>,
    /// Answered by `/version`.
    pub version: VersionInfo,
    /// Shown by the status: which kind of store there is, as the configuration calls it.
    pub driver: String,
    /// Shown by the status.
    pub ssh: SshInfo,
}

/// Which program this is.
#[derive(Debug, Clone, Serialize)]
pub struct VersionInfo {
    /// The version, as in `1.2.3`.
    pub version: String,
    /// When it was built; may be empty.
    pub build_date: String,
    /// The commit that it was built from; may be empty.
    pub commit_hash: String,
}

/// The SSH service, as the status shows it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SshInfo {
    /// The addresses and ports that it listens on.
    #[serde(serialize_with = "bindings")]
    pub bindings: Vec<(String, u16)>,
    /// Its host keys.
    pub host_keys: Vec<HostKeyInfo>,
    /// Commands that it offers beside SFTP.
    pub ssh_commands: Vec<String>,
}

/// A host key.
#[derive(Debug, Clone, Serialize)]
pub struct HostKeyInfo {
    /// The file that it is in.
    pub path: String,
    /// The fingerprint as OpenSSH shows it, `SHA256:…`.
    pub fingerprint: String,
    /// The signatures that it makes.
    pub algorithms: Vec<String>,
}

fn bindings<S: Serializer>(bindings: &[(String, u16)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        bindings
            .iter()
            .map(|(address, port)| json!({"address": address, "port": port})),
    )
}

/// The state, who asks, and the only ways from a request to work that blocks.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) state: Arc<ApiState>,
    /// For whom changes are made.
    pub(crate) by: Arc<Actor>,
    /// Runs everything that a request waits for.
    pub(crate) calls: Blocking,
    /// Runs scans, apart from the calls: one may walk a home for hours.
    pub(crate) scans: Blocking,
    /// Makes receipts, apart from both, as scans are.
    pub(crate) receipts: Blocking,
    /// Runs logins, apart from all: they wait for their turn.
    pub(crate) logins: Blocking,
    /// Looks into the archive of events: each may read long, so there is one at a time.
    pub(crate) archive: Blocking,
    /// Where other machines reach it without TLS.
    pub(crate) in_clear: Arc<[String]>,
}

impl App {
    pub(crate) fn new(state: Arc<ApiState>, in_clear: Vec<String>) -> Self {
        Self {
            state,
            by: Arc::new(Actor::program()),
            calls: Blocking::new(DOMAIN_CALLS),
            scans: Blocking::new(QUOTA_SCANS),
            receipts: Blocking::new(RECEIPTS),
            logins: Blocking::new(LOGINS),
            archive: Blocking::new(1),
            in_clear: in_clear.into(),
        }
    }

    /// The same for another.
    pub(crate) fn acting_for(&self, by: Actor) -> Self {
        Self {
            by: Arc::new(by),
            ..self.clone()
        }
    }
}
