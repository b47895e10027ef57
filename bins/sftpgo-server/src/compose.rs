//! The parts of the server, made from the settings and put together.

mod ssh;
mod stores;

use std::{
    iter,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::process::{Resource, getrlimit};
use sftpgo_api::{Activity, AllowedHosts, ApiState, Metrics};
use sftpgo_core::{
    Error, Provider,
    accounts::Accounts,
    auth::{Authenticator, Logins, PasswordLimits, StoredCredentials, refusal::RefusalTime},
    defender::Defender,
    descriptors::Descriptors,
    event::{ConnectionProtocol, Events, Observer},
    explain::Explainer,
    filesystem::{BoundedHomes, FilesystemFactory, local::LocalHomes},
    gate::Gate,
    ip_list::{IpLists, ListEntry, ListType},
    ledger::MemoryJournal,
    provider::NodeId,
    quota::UsageManager,
    quota_scan::QuotaScans,
    rate_limit::RateLimits,
    registry::{ConnectionLimits, Connections},
};
use sftpgo_ssh::{HostKey, ServerConfig, Services};

pub(crate) use self::stores::{of_database, stores};
use self::{
    ssh::{host_keys, ssh_config, ssh_info},
    stores::{Stores, driver_name, follow, journal},
};
use crate::{
    actions::{Disconnections, FileActions, Queue, UserActions},
    admin_access,
    audit_log::{AuditLog, AuditObserver},
    config::{
        Problem,
        settings::{Common, Settings},
    },
    connect_hook::ConnectHook,
    event_log::{EventLog, LogFiles},
    grace::EndTimes,
    hook::http::Client,
    receipts::{KeptReceipts, OnDemand},
    sharing::Sharing,
    version,
};

/// Everything that serves, not listening yet.
pub(crate) struct Parts {
    pub(crate) ssh: sftpgo_ssh::Server,
    pub(crate) api: Arc<ApiState>,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) homes: Arc<dyn FilesystemFactory>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) ip_lists: Arc<IpLists>,
    pub(crate) quotas: Arc<UsageManager>,
    pub(crate) sharing: Arc<Sharing>,
    pub(crate) refusal_time: Arc<RefusalTime>,
    pub(crate) metrics: Metrics,
    pub(crate) queues: Queues,
    /// None where it is off.
    pub(crate) audit_log: Option<Arc<AuditLog>>,
    /// Of uploads; none where they are not kept.
    pub(crate) receipts: Option<Arc<KeptReceipts>>,
    pub(crate) host_keys: Vec<HostKey>,
}

/// What is still to be done after something has happened.
pub(crate) struct Queues {
    pub(crate) actions: Arc<Queue>,
    /// Of `post_disconnect_hook`, if there is one.
    disconnections: Option<Arc<Queue>>,
}

impl Queues {
    /// Waits until nothing is left to be done, but no longer than `limit`.
    pub(crate) fn drain(&self, limit: Duration) {
        let until = Instant::now() + limit;
        for queue in iter::once(&self.actions).chain(&self.disconnections) {
            queue.drain(until.saturating_duration_since(Instant::now()));
        }
    }
}

/// Opens the database and the host keys, making them in `directory` at the first start, and connects the parts. Transfers
/// have the times of `ends` to finish. Old events are in the file `log`, if there is one. `confinement` says what
/// holds the process, for those who ask for its status.
///
/// # Errors
/// Names the key, and what is wrong.
pub(crate) fn compose(
    settings: &Settings,
    directory: &Path,
    ends: EndTimes,
    log: Option<&Path>,
    confinement: Option<String>,
) -> Result<Parts, Problem> {
    let Stores {
        provider,
        admins,
        ip_lists,
        defender_hosts,
    } = stores(&settings.data_provider.driver)?;
    let host_keys = host_keys(&settings.sftpd, directory)?;
    let metrics = Metrics::new().map_err(of_key("httpd"))?;
    let activity = Activity::default();
    let client = Client::new(settings.http.clone());
    let programs = &settings.programs;
    let queue = || {
        let told = activity.clone();
        let failed = Arc::new(move |failure: &str| told.action_failed(failure));
        Queue::start(client.clone(), failed)
            .map_err(|error| Problem::new("actions", format!("no threads can be started: {error}")))
    };
    let actions = queue()?;
    let refusal_time = RefusalTime::of_unknown_users();
    let audit_log = settings.common.audit.as_ref();
    let audit_log = audit_log
        .map(|asked| AuditLog::start(asked, Some(metrics.clone())))
        .transpose()?;
    let mut observers: Vec<Box<dyn Observer>> = vec![
        Box::new(Arc::clone(&refusal_time)),
        Box::new(EventLog),
        Box::new(metrics.clone()),
        Box::new(activity.clone()),
        Box::new(FileActions::new(
            settings.sftpd.actions.clone(),
            programs.clone(),
            Arc::clone(&actions),
        )),
        Box::new(UserActions::new(
            settings.data_provider.actions.clone(),
            programs.clone(),
            Arc::clone(&actions),
            sftpgo_api::user_json,
        )),
    ];
    if let Some(audit_log) = &audit_log {
        audit_log.started();
        observers.push(Box::new(AuditObserver(Arc::clone(audit_log))));
    }
    let mut disconnections = None;
    if let Some(hook) = &settings.common.post_disconnect_hook {
        let queue = disconnections.insert(queue()?);
        observers.push(Box::new(Disconnections::new(
            hook.clone(),
            programs.clone(),
            Arc::clone(queue),
        )));
    }
    let events = Events::new(observers);
    let ip_lists = Arc::new(IpLists::new(ip_lists, events.clone()));
    ip_lists.refresh().map_err(of_key("data_provider"))?;
    let server = NodeId::random();
    let connections = Connections::of_server(events.clone(), Arc::clone(&provider), server);
    let descriptors = Descriptors::of_limit(open_files_limit());
    connections.set_limits(ConnectionLimits {
        total: settings.common.max_total_connections,
        per_host: settings.common.max_per_host_connections,
        descriptors: Arc::clone(&descriptors),
    });
    let journal = journal(&settings.data_provider.driver, directory)?;
    let is_shared = Arc::clone(&provider).shared().is_some();
    // Where a server is alone, nobody asks who it was.
    let former = journal
        .as_ref()
        .filter(|_| is_shared)
        .map(|journal| follow(journal, server))
        .unwrap_or_default();
    let quotas = UsageManager::of_server(
        Arc::clone(&provider),
        settings.data_provider.tracking,
        server,
        match &journal {
            Some(journal) => Arc::clone(journal) as _,
            None => Arc::new(MemoryJournal::default()),
        },
    );
    let sharing = Sharing::new(
        Arc::clone(&provider),
        Arc::clone(&connections),
        Arc::clone(&quotas),
        journal,
        server,
    );
    if let Some(heartbeat) = sharing.heartbeat() {
        for former in former {
            heartbeat.succeed(former).map_err(of_key("data_provider"))?;
        }
    }
    let homes = LocalHomes::within(Arc::clone(&descriptors));
    let homes: Arc<dyn FilesystemFactory> = Arc::new(BoundedHomes::new(Arc::new(homes)));

    let credentials = StoredCredentials::new(
        Arc::clone(&provider),
        settings.data_provider.rehash_on_login,
    );
    let authenticator = Authenticator::new(
        Arc::new(credentials.with_totp_configs(settings.totp.clone())),
        Arc::clone(&homes),
        Arc::clone(&connections),
        Arc::clone(&quotas),
    );
    let authenticator = Arc::new(authenticator.with_refusal_time(Arc::clone(&refusal_time)));
    let defender = settings.common.defender.as_ref().map(|asked| {
        let config = asked.config.clone();
        let defender = Defender::new(config, Arc::clone(&ip_lists), events.clone());
        Arc::new(defender.with_store(asked.is_shared.then_some(defender_hosts)))
    });
    if let Some(defender) = &defender {
        defender.exchange().map_err(of_key("data_provider"))?;
    }
    let logins = Logins::new(authenticator, events.clone(), PasswordLimits::default());
    let logins = logins.map_err(of_key("sftpd"))?;
    let logins = Arc::new(logins.with_defender(defender.clone()));
    let gate = gate(&settings.common, defender, &ip_lists, &events)?;
    let gate = Arc::new(match &settings.common.post_connect_hook {
        Some(hook) => {
            let hook = ConnectHook::new(hook.clone(), programs.clone(), client);
            gate.with_hook(Arc::new(hook)).map_err(of_key("common"))?
        }
        None => gate,
    });

    let receipt_key = host_keys.first();
    let receipts = receipt_key
        .zip(settings.sftpd.upload_receipts.as_ref())
        .map(|(key, asked)| KeptReceipts::start(asked, key))
        .transpose()?;
    let receipts_on_demand = receipt_key
        .filter(|_| settings.sftpd.receipts || receipts.is_some())
        .map(|key| OnDemand {
            homes: Arc::clone(&homes),
            quotas: Arc::clone(&quotas),
            key: key.clone(),
            kept: receipts.clone(),
        });
    let accounts = Accounts::new(
        Arc::clone(&provider),
        Arc::clone(&connections),
        Arc::clone(&quotas),
        events.clone(),
        settings.data_provider.manage_users,
        settings.data_provider.users_base_dir.clone(),
    );
    let api = Arc::new(ApiState {
        admins: admin_access::access(
            settings,
            directory,
            admins,
            Arc::clone(&logins),
            events.clone(),
        )?,
        driver: driver_name(&settings.data_provider.driver).to_owned(),
        confinement,
        ssh: ssh_info(&settings.sftpd, &host_keys),
        accounts: Arc::new(accounts.with_totp_configs(settings.totp.clone())),
        explainer: Arc::new(Explainer::new(
            Arc::clone(&homes),
            Arc::clone(&quotas),
            settings.sftpd.uploads,
        )),
        receipts: receipts_on_demand.map(|given| Arc::new(given) as _),
        connections: Arc::clone(&connections),
        gate: Arc::clone(&gate),
        ip_lists: Arc::clone(&ip_lists),
        scans: QuotaScans::new(Arc::clone(&homes), Arc::clone(&quotas)),
        provider: Arc::clone(&provider),
        events: events.clone(),
        activity,
        event_archive: log.map(|path| Arc::new(LogFiles::of(path.to_owned())) as _),
        metrics: Arc::new(metrics.clone()),
        allowed_hosts: AllowedHosts::new(settings.httpd.allowed_hosts.iter().cloned()),
        version: version::info(),
    });
    let services = Services {
        logins,
        gate,
        connections: Arc::clone(&connections),
        events,
    };
    let ssh = ServerConfig {
        shutdown_grace: ends.stop,
        drain_time: ends.drain,
        proxies: settings.common.proxies.clone(),
        ..ssh_config(
            &settings.sftpd,
            host_keys.clone(),
            &descriptors,
            receipts.clone().map(|kept| kept as _),
        )
    };
    let ssh = sftpgo_ssh::Server::new(ssh, services).map_err(of_key("sftpd"))?;
    Ok(Parts {
        ssh,
        api,
        provider,
        homes,
        connections,
        ip_lists,
        quotas,
        sharing: Arc::new(sharing),
        refusal_time,
        metrics,
        queues: Queues {
            actions,
            disconnections,
        },
        audit_log,
        receipts,
        host_keys,
    })
}

/// Says in the log when nobody could manage the server any more.
fn gate(
    common: &Common,
    defender: Option<Arc<Defender>>,
    lists: &Arc<IpLists>,
    events: &Events,
) -> Result<Gate, Problem> {
    let mut gate = Gate::new(defender);
    if !common.rate_limits.is_empty() {
        let (limits, lists) = (common.rate_limits.clone(), Arc::clone(lists));
        let limits = RateLimits::new(limits, common.sources, lists, events.clone());
        gate = gate.with_rate_limits(limits);
    }
    if !common.allow_list_only {
        return Ok(gate);
    }
    let allowed = lists.store().list_entries(ListType::Allow);
    let allowed = allowed.map_err(of_key("data_provider"))?;
    let opens_http = |entry: &ListEntry| entry.protocols.include(ConnectionProtocol::Http);
    if !allowed.iter().any(opens_http) {
        log::warn!(
            "no admin can reach this server, because common.allowlist_status is 1 and list 1 lets nobody use HTTP; add an entry by a server on the same database with allowlist_status 0, such as sftpgo-cli iplist add allow 192.0.2.0/24"
        );
    }
    Ok(gate.with_allow_list(Arc::clone(lists)))
}

/// Returns what the process may have open at once, once that was raised.
fn open_files_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn of_key(key: &'static str) -> impl Fn(Error) -> Problem {
    move |error| Problem::new(key, error.to_string())
}
