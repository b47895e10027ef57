//! The parts of the server, made from the settings and put together.

use std::{path::Path, sync::Arc, time::Duration};

use rustix::process::{Resource, getrlimit};
use sftpgo_api::{Activity, AllowedHosts, ApiState, HostKeyInfo, Metrics, SshInfo};
use sftpgo_core::{
    Error, Provider,
    accounts::Accounts,
    admin::AdminStore,
    auth::{Authenticator, Logins, PasswordLimits, StoredCredentials, refusal::RefusalTime},
    cluster::Heartbeat,
    defender::{Defender, DefenderStore},
    descriptors::Descriptors,
    event::{ConnectionProtocol, Events},
    explain::Explainer,
    filesystem::{BoundedHomes, FilesystemFactory, local::LocalHomes},
    gate::Gate,
    ip_list::{IpListStore, IpLists, ListEntry, ListType},
    ledger::MemoryJournal,
    provider::NodeId,
    quota::UsageManager,
    quota_scan::QuotaScans,
    registry::{ConnectionLimits, Connections},
};
use sftpgo_ssh::{HostKey, Limits, ServerConfig, Services, UserCertificates, host_key};
use sftpgo_store::{ConnectOptions, DatabaseProvider, FileJournal, MemoryProvider, StoreConfig};

use crate::{
    actions::{FileActions, Queue, UserActions},
    admin_access,
    config::{
        Problem,
        settings::{Common, Driver, Settings, Sftpd},
    },
    event_log::{EventLog, LogFiles},
    stack_trim, version,
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
    /// The heartbeat; none where this server is alone.
    pub(crate) heartbeat: Option<Arc<Heartbeat>>,
    pub(crate) refusal_time: Arc<RefusalTime>,
    pub(crate) metrics: Metrics,
    pub(crate) actions: Arc<Queue>,
    pub(crate) host_keys: Vec<HostKey>,
    pub(crate) user_certificates: UserCertificates,
}

/// Opens the database and the host keys, making them in `directory` at the first start, and connects the parts. Transfers
/// have `grace` to finish once the server is to stop. Old events are in the file `log`, if there is one.
///
/// # Errors
/// Names the key, and what is wrong.
pub(crate) fn compose(
    settings: &Settings,
    directory: &Path,
    grace: Duration,
    log: Option<&Path>,
) -> Result<Parts, Problem> {
    let Stores {
        provider,
        admins,
        ip_lists,
        defender_hosts,
    } = stores(&settings.data_provider.driver)?;
    let ip_lists = Arc::new(IpLists::new(ip_lists));
    ip_lists.refresh().map_err(of_key("data_provider"))?;
    let host_keys = host_keys(&settings.sftpd, directory)?;
    let user_certificates = user_certificates(&settings.sftpd)?;
    let metrics = Metrics::new().map_err(of_key("httpd"))?;
    let activity = Activity::default();
    let told = activity.clone();
    let actions = Queue::start(Arc::new(move |failure: &str| told.action_failed(failure)))
        .map_err(|error| Problem::new("actions", format!("no threads can be started: {error}")))?;
    let refusal_time = RefusalTime::of_unknown_users();
    let events = Events::new(vec![
        Box::new(Arc::clone(&refusal_time)),
        Box::new(EventLog),
        Box::new(metrics.clone()),
        Box::new(activity.clone()),
        Box::new(FileActions::new(
            settings.sftpd.actions.clone(),
            Arc::clone(&actions),
        )),
        Box::new(UserActions::new(
            settings.data_provider.actions.clone(),
            Arc::clone(&actions),
            sftpgo_api::user_json,
        )),
    ]);
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
        .and_then(|journal| follow(journal, server));
    let quotas = UsageManager::of_server(
        Arc::clone(&provider),
        settings.data_provider.tracking,
        server,
        match journal {
            Some(journal) => journal,
            None => Arc::new(MemoryJournal::default()),
        },
    );
    let heartbeat = Heartbeat::of(&connections, &quotas);
    if let (Some(heartbeat), Some(former)) = (&heartbeat, former) {
        heartbeat.succeed(former).map_err(of_key("data_provider"))?;
    }
    let homes = LocalHomes::within(Arc::clone(&descriptors));
    let homes: Arc<dyn FilesystemFactory> = Arc::new(BoundedHomes::new(Arc::new(homes)));

    let authenticator = Authenticator::new(
        Arc::new(StoredCredentials::new(
            Arc::clone(&provider),
            settings.data_provider.rehash_on_login,
        )),
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
    let gate = gate(&settings.common, defender, &ip_lists)?;

    let api = Arc::new(ApiState {
        admins: admin_access::access(
            settings,
            directory,
            admins,
            Arc::clone(&logins),
            events.clone(),
        )?,
        driver: driver_name(&settings.data_provider.driver).to_owned(),
        ssh: ssh_info(&settings.sftpd, &host_keys),
        accounts: Arc::new(Accounts::new(
            Arc::clone(&provider),
            Arc::clone(&connections),
            Arc::clone(&quotas),
            events.clone(),
            settings.data_provider.manage_users,
            settings.data_provider.users_base_dir.clone(),
        )),
        explainer: Arc::new(Explainer::new(
            Arc::clone(&homes),
            Arc::clone(&quotas),
            settings.sftpd.uploads,
        )),
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
        shutdown_grace: grace,
        proxies: settings.common.proxies.clone(),
        user_certificates: user_certificates.clone(),
        ..ssh_config(&settings.sftpd, host_keys.clone(), &descriptors)
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
        heartbeat: heartbeat.map(Arc::new),
        refusal_time,
        metrics,
        actions,
        host_keys,
        user_certificates,
    })
}

/// Says in the log when nobody could manage the server any more.
fn gate(
    common: &Common,
    defender: Option<Arc<Defender>>,
    lists: &Arc<IpLists>,
) -> Result<Arc<Gate>, Problem> {
    let gate = Gate::new(defender);
    if !common.allow_list_only {
        return Ok(Arc::new(gate));
    }
    let allowed = lists.store().list_entries(ListType::Allow);
    let allowed = allowed.map_err(of_key("data_provider"))?;
    let opens_http = |entry: &ListEntry| entry.protocols.include(ConnectionProtocol::Http);
    if !allowed.iter().any(opens_http) {
        log::warn!(
            "no admin can reach this server, because common.allowlist_status is 1 and list 1 lets nobody use HTTP; add an entry by a server on the same database with allowlist_status 0, such as sftpgo-cli iplist add allow 192.0.2.0/24"
        );
    }
    Ok(Arc::new(gate.with_allow_list(Arc::clone(lists))))
}

/// What is kept: users, admins, lists of addresses, and what the defenders of several servers share.
pub(crate) struct Stores {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) admins: Arc<dyn AdminStore>,
    pub(crate) ip_lists: Arc<dyn IpListStore>,
    pub(crate) defender_hosts: Arc<dyn DefenderStore>,
}

/// Opens what keeps them.
///
/// # Errors
/// The database cannot be used.
pub(crate) fn stores(driver: &Driver) -> Result<Stores, Problem> {
    match driver {
        Driver::Memory => Ok(all_in(MemoryProvider::new())),
        Driver::Database(config) => match DatabaseProvider::open(config) {
            Ok(store) => Ok(all_in(store)),
            Err(error) => Err(of_database(config, &error)),
        },
    }
}

fn all_in<S>(store: S) -> Stores
where
    S: Provider + AdminStore + IpListStore + DefenderStore + 'static,
{
    let store = Arc::new(store);
    Stores {
        provider: Arc::clone(&store) as Arc<dyn Provider>,
        admins: Arc::clone(&store) as Arc<dyn AdminStore>,
        ip_lists: Arc::clone(&store) as Arc<dyn IpListStore>,
        defender_hosts: store,
    }
}

/// Returns the driver's name as the configuration has it.
fn driver_name(driver: &Driver) -> &'static str {
    match driver {
        Driver::Memory => "memory",
        Driver::Database(config) => match config.connect_options {
            ConnectOptions::Sqlite(_) => "sqlite",
            ConnectOptions::PostgresText(_) | ConnectOptions::Postgres(_) => "postgresql",
            ConnectOptions::Mysql(_) => "mysql",
        },
    }
}

fn ssh_info(sftpd: &Sftpd, host_keys: &[HostKey]) -> SshInfo {
    let host_key = |key: &HostKey| HostKeyInfo {
        path: key
            .path()
            .map(|path| path.display().to_string())
            .unwrap_or_default(),
        fingerprint: key.fingerprint(),
        algorithms: match key.algorithm().as_str() {
            "ssh-rsa" => vec!["rsa-sha2-512".to_owned(), "rsa-sha2-256".to_owned()],
            other => vec![other.to_owned()],
        },
    };
    SshInfo {
        bindings: sftpd
            .bindings
            .iter()
            .map(|binding| {
                let endpoint = &binding.endpoint;
                (endpoint.address.clone(), endpoint.port)
            })
            .collect(),
        host_keys: host_keys.iter().map(host_key).collect(),
        ssh_commands: sftpd
            .command_names()
            .into_iter()
            .map(str::to_owned)
            .collect(),
    }
}

/// The database cannot be used.
pub(crate) fn of_database(config: &StoreConfig, error: &Error) -> Problem {
    let (key, advice) = match config.connect_options {
        ConnectOptions::Sqlite(_) => (
            "data_provider.name",
            "check who may write it and its directory, or name another file",
        ),
        ConnectOptions::PostgresText(_) => (
            "data_provider",
            "check data_provider.connection_string, and that the database exists",
        ),
        ConnectOptions::Postgres(_) | ConnectOptions::Mysql(_) => (
            "data_provider",
            "check the keys host, port, name, username, password and sslmode, and that the database exists",
        ),
    };
    let place = format!("{key} ({})", config.connect_options);
    // The libraries' messages have lines.
    let error = error.to_string();
    let lines: Vec<_> = error.lines().map(str::trim).collect();
    Problem::new(&place, format!("{}; {advice}", lines.join(" ")))
}

/// Opens the journal of dirty users; none where users are in memory, for it need not outlive them.
fn journal(driver: &Driver, directory: &Path) -> Result<Option<Arc<FileJournal>>, Problem> {
    if *driver == Driver::Memory {
        return Ok(None);
    }
    let journal = FileJournal::open(directory).map_err(of_key("--config-dir"))?;
    Ok(Some(Arc::new(journal)))
}

/// The server that this one follows, if there was one.
fn follow(journal: &FileJournal, server: NodeId) -> Option<NodeId> {
    journal.succeed(server).unwrap_or_else(|error| {
        log::warn!("a crash while the database does not answer would leave usage wrong: {error}");
        None
    })
}

fn host_keys(sftpd: &Sftpd, directory: &Path) -> Result<Vec<HostKey>, Problem> {
    if sftpd.host_keys.is_empty() {
        return host_key::load_or_generate(directory).map_err(of_key("sftpd.keys"));
    }
    sftpd
        .host_keys
        .iter()
        .map(|path| host_key::load(path).map_err(of_key("sftpd.keys")))
        .collect()
}

fn user_certificates(sftpd: &Sftpd) -> Result<UserCertificates, Problem> {
    let authorities = sftpd.trusted_authorities.clone();
    UserCertificates::read(authorities, sftpd.revoked_certificates.clone())
        .map_err(of_key("sftpd.trusted_user_ca_keys"))
}

/// Returns what the process may have open at once, once that was raised.
fn open_files_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn ssh_config(sftpd: &Sftpd, host_keys: Vec<HostKey>, descriptors: &Descriptors) -> ServerConfig {
    ServerConfig {
        limits: limits_within(descriptors.most_connections()),
        host_keys,
        host_certificates: sftpd.host_certificates.clone(),
        max_auth_tries: sftpd.max_auth_tries,
        password_authentication: sftpd.password_authentication,
        keyboard_interactive_authentication: sftpd.keyboard_interactive_authentication,
        software_version: sftpd.banner.clone(),
        login_banner: sftpd.login_banner.clone(),
        idle_timeout: sftpd.idle_timeout,
        kex_algorithms: sftpd.kex_algorithms.clone(),
        ciphers: sftpd.ciphers.clone(),
        macs: sftpd.macs.clone(),
        host_key_algorithms: sftpd.host_key_algorithms.clone(),
        public_key_algorithms: sftpd.public_key_algorithms.clone(),
        enable_scp: sftpd.enable_scp,
        ssh_commands: sftpd.ssh_commands.clone(),
        uploads: sftpd.uploads,
        setstat: sftpd.setstat,
        when_quiet: stack_trim::give_back,
        ..ServerConfig::default()
    }
}

/// Returns limits that fit so many connections: where the process may have few files open, clients that do not log in leave
/// a quarter of the connections to others.
fn limits_within(most_connections: usize) -> Limits {
    let limits = Limits::default();
    let unauthenticated = limits
        .unauthenticated
        .min(most_connections - most_connections / 4);
    Limits {
        unauthenticated,
        unauthenticated_per_address: limits
            .unauthenticated_per_address
            .min(unauthenticated - unauthenticated / 4),
        ..limits
    }
}

fn of_key(key: &'static str) -> impl Fn(Error) -> Problem {
    move |error| Problem::new(key, error.to_string())
}
