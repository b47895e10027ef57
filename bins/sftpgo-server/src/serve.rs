//! `serve`: from the settings to open ports, and from a signal to an orderly end.

mod read_again;

use std::{
    net::SocketAddr,
    process::ExitCode,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::{Duration, Instant},
};

use rustix::{fs::Mode, process::umask};
use sftpgo_api::ApiState;
use sftpgo_core::{UserId, quota::LedgerWriter, sync::lock};
use sftpgo_ssh::GOODBYE;
use tokio::{
    runtime::Runtime,
    sync::Notify,
    task::{JoinHandle, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

use self::read_again::{register_audit_log, register_ssh, watch_tls};
use crate::{
    actions, admin_access,
    audit_log::AuditLog,
    cli::Serve,
    cluster_task,
    compose::{self, Parts, Queues},
    config::{self, LoadedConfig, Problem, settings::Settings},
    confinement::{self, Confinement},
    grace::EndTimes,
    health,
    listen::{HttpListening, SocketFile, Sockets, listen_http, listen_sftp},
    logging::{self, LogSettings},
    memory_return, open_files, own_program,
    receipts::KeptReceipts,
    reload::Reload,
    restart::{Predecessors, Restarts, Succession},
    sharing::Sharing,
    shutdown::{self, HangUp, LAST_ACTIONS, LAST_WORK},
    startup_banner::{StartupBanner, listed},
    startup_tasks, systemd, terminal,
};

/// The time after which the usage that transfers changed is in the database, at the latest.
const WRITE_USAGE_WITHIN: Duration = Duration::from_secs(1);
/// Receipts leave the last actions this much of their time.
const LEFT_FOR_ACTIONS: Duration = Duration::from_secs(1);

/// Serves until it is told to stop.
pub(crate) fn run(serve: &Serve) -> ExitCode {
    let mut succession = match serve.succeed.then(Succession::of_process).transpose() {
        Ok(succession) => succession,
        Err(error) => {
            terminal::complain(&format!("error: {}: {error}", own_program::SUCCEED));
            return ExitCode::FAILURE;
        }
    };
    let options = &serve.options;
    let loaded = options.load();
    let settings = match loaded.settings() {
        Ok(settings) => settings,
        Err(problems) => {
            terminal::complain_if_any(&config::warnings(&loaded));
            let complaint = config::complaint(problems);
            refuse(succession.as_ref(), complaint.trim_end());
            terminal::complain(complaint.trim_end());
            return ExitCode::FAILURE;
        }
    };
    let log = options.log_settings(&loaded.directory);
    let start = Start {
        loaded: &loaded,
        settings,
        log: &log,
        ends: EndTimes::of(&serve.grace, &serve.drain),
    };
    match start.run(&mut succession) {
        Ok(code) => code,
        Err(problem) => {
            refuse(succession.as_ref(), &problem.to_string());
            log::error!("the server does not start: {problem}");
            terminal::complain(&format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

/// Tells the server before, if there is one, why this one does not start.
fn refuse(succession: Option<&Succession>, reason: &str) {
    if let Some(succession) = succession {
        succession.refuse(reason);
    }
}

/// What a server starts from.
struct Start<'a> {
    loaded: &'a LoadedConfig,
    settings: &'a Settings,
    log: &'a LogSettings,
    ends: EndTimes,
}

impl Start<'_> {
    /// Serves. What follows another server is taken from `succession` once this one serves.
    fn run(&self, succession: &mut Option<Succession>) -> Result<ExitCode, Problem> {
        umask(Mode::from_raw_mode(self.settings.sftpd.umask));
        open_files::raise_limit();
        logging::start(self.log).map_err(|error| {
            let directory = self.loaded.directory.as_path();
            let path = self.log.file.as_deref().unwrap_or(directory);
            Problem::new(
                "--log-file-path",
                format!(
                    "{} cannot be written: {error}; name another file, or \"\" for standard error",
                    path.display()
                ),
            )
        })?;
        let sockets = match succession {
            Some(succession) => {
                if self.makes_host_keys() {
                    succession.check_host_keys(&self.loaded.directory)?;
                }
                succession.take_sockets()
            }
            None => Sockets::passed()?,
        };
        // Before another thread runs, and after the log may be written.
        let confinement = confinement::begin(self.loaded, self.settings, self.log)?;
        if let Some(confinement) = &confinement {
            confinement.log();
        }
        let runtime = Runtime::new().map_err(|error| no_threads(&error))?;
        let served = runtime.block_on(self.serve(succession, sockets, confinement));
        // Closes the database; a scan of a huge home must not hold up the end.
        runtime.shutdown_timeout(LAST_WORK);
        served
    }

    /// From a process that is ready to serve to one whose last connection has ended.
    async fn serve(
        &self,
        succession: &mut Option<Succession>,
        mut sockets: Sockets,
        confinement: Option<Confinement>,
    ) -> Result<ExitCode, Problem> {
        let reload = Reload::default();
        let restart = Arc::new(Notify::new());
        let shutdown = self.hear_signals(&reload, &restart)?;
        let parts = self.compose(confinement)?;
        register_audit_log(&reload, &parts);
        register_ssh(&reload, self.settings, &parts);
        let dirty =
            find_dirty(&parts).map_err(|error| Problem::new("data_provider", error.to_string()))?;
        let writer = LedgerWriter::start(Arc::clone(&parts.quotas), WRITE_USAGE_WITHIN)
            .map_err(|error| no_threads(&error))?;
        let mut bound = Bound {
            sftp: listen_sftp(&self.settings.sftpd.bindings, &mut sockets).await?,
            http: listen_http(&self.settings.httpd.bindings, &mut sockets).await?,
        };
        let restarts = self.followable(&parts, sockets, &bound, &shutdown);
        self.announce(succession, &restarts, &mut bound, &parts)?;
        let watching = Watching::start(&parts, dirty);
        tokio::spawn(Arc::clone(&restarts).watch(restart));
        let told = tokio::spawn(tell_end(Arc::clone(&restarts), self.ends.stop));
        watch_tls(&reload, &bound.http, &shutdown);

        let Parts {
            ssh,
            api,
            sharing,
            queues,
            audit_log,
            receipts,
            ..
        } = parts;
        let stop_accepting = &restarts.stop_accepting;
        let sftp = bound.sftp.into_iter().map(|(binding, _)| binding);
        tokio::join!(
            ssh.serve_until(sftp.collect(), stop_accepting.clone(), shutdown.clone()),
            serve_rest(api, bound.http, &restarts),
            self.end_predecessors(&restarts),
        );
        if shutdown.is_cancelled() {
            // Where nothing is to be waited for, the end is faster than the word of it.
            let _ = told.await;
        }
        watching.end().await;
        let last_work = move || {
            do_last_work(
                writer,
                &sharing,
                &queues,
                receipts.as_deref(),
                audit_log.as_deref(),
            );
        };
        let _ = spawn_blocking(last_work).await;
        log::info!("stopped");
        Ok(restarts.exit_code())
    }

    /// Listens for signals from here on; the token fires when one of them ends the server.
    fn hear_signals(
        &self,
        reload: &Reload,
        restart: &Arc<Notify>,
    ) -> Result<CancellationToken, Problem> {
        reload.register("the log file", || {
            logging::reopen();
            Ok(())
        });
        let on_hang_up = HangUp::Reloads {
            reload: reload.clone(),
            restart: Arc::clone(restart),
        };
        shutdown::on_signals(self.ends.stop, on_hang_up)
            .map_err(|error| Problem::new("system", format!("signals cannot be received: {error}")))
    }

    fn compose(&self, confinement: Option<Confinement>) -> Result<Parts, Problem> {
        let directory = &self.loaded.directory;
        let log = self.log.file.as_deref();
        let confinement = confinement.map(|confinement| confinement.to_string());
        compose::compose(self.settings, directory, self.ends, log, confinement)
    }

    /// Are host keys made that are missing? None are that the configuration names.
    fn makes_host_keys(&self) -> bool {
        self.settings.sftpd.host_keys.is_empty()
    }

    fn say_where(&self, bound: &Bound, parts: &Parts) {
        StartupBanner {
            sftp: &bound.sftp_addresses(),
            http: bound.http.iter().map(|http| &http.at).collect(),
            loaded: self.loaded,
            settings: self.settings,
            log: self.log,
            host_keys: &parts.host_keys,
            setup_code: parts.api.admins.setup_code.as_ref(),
        }
        .say();
    }

    /// What another process needs to follow this one.
    fn followable(
        &self,
        parts: &Parts,
        sockets: Sockets,
        bound: &Bound,
        shutdown: &CancellationToken,
    ) -> Arc<Restarts> {
        let predecessors = Arc::new(Predecessors::default());
        parts
            .connections
            .add_elsewhere(Arc::clone(&predecessors) as _);
        let made = parts.host_keys.iter().filter(|_| self.makes_host_keys());
        let names = made.filter_map(|key| key.path()?.file_name()?.to_str());
        Arc::new(Restarts {
            sharing: Arc::clone(&parts.sharing),
            connections: Arc::clone(&parts.connections),
            kept: Mutex::new(sockets.into_kept()),
            predecessors,
            stop_accepting: shutdown.child_token(),
            shutdown: shutdown.clone(),
            host_keys: names.map(str::to_owned).collect(),
            status: format!("SFTP on {}", listed(&bound.sftp_addresses())),
            is_followed: AtomicBool::new(false),
            is_orphaned: AtomicBool::new(false),
        })
    }

    /// Tells the operator, systemd and the server before, if there is one, that clients are served from here on.
    ///
    /// # Errors
    /// It was told to stop before it served, and another one serves.
    fn announce(
        &self,
        succession: &mut Option<Succession>,
        restarts: &Restarts,
        bound: &mut Bound,
        parts: &Parts,
    ) -> Result<(), Problem> {
        let follows = succession.is_some();
        if follows && restarts.shutdown.is_cancelled() {
            return Err(Problem::new(
                "system",
                "the new process was told to stop before it served".to_owned(),
            ));
        }
        let driver = &self.settings.data_provider.driver;
        admin_access::publish_setup_code(driver, &self.loaded.directory, &parts.api.admins);
        self.say_where(bound, parts);
        systemd::ready(&restarts.status, follows, restarts.stop_accepting.clone());
        if let Some(succession) = succession.take() {
            restarts.predecessors.follow(succession);
            let files = bound.http.iter_mut();
            files
                .filter_map(|listening| listening.file.as_mut())
                .for_each(SocketFile::own);
        } else if let Some(hook) = &self.settings.common.startup_hook {
            actions::startup(hook, &self.settings.programs, &parts.queues.actions);
        }
        Ok(())
    }

    /// When nobody can connect here any more the servers before end, but for those that the next one has taken over.
    async fn end_predecessors(&self, restarts: &Restarts) {
        restarts.stop_accepting.cancelled().await;
        // What an end of theirs takes at the most.
        let within = self.ends.stop + GOODBYE + LAST_ACTIONS + LAST_WORK;
        let predecessors = Arc::clone(&restarts.predecessors);
        let _ = spawn_blocking(move || predecessors.stop(within)).await;
    }
}

/// Where the server listens.
struct Bound {
    sftp: Vec<(sftpgo_ssh::Binding, SocketAddr)>,
    http: Vec<HttpListening>,
}

impl Bound {
    fn sftp_addresses(&self) -> Vec<SocketAddr> {
        self.sftp.iter().map(|(_, address)| *address).collect()
    }
}

/// What goes on beside serving clients.
struct Watching {
    cluster: JoinHandle<()>,
    sessions_are_over: CancellationToken,
}

impl Watching {
    /// Looks at the database's health, at other servers and at memory that can go back, and does what an earlier run has left
    /// for this one.
    fn start(parts: &Parts, dirty: Vec<UserId>) -> Self {
        tokio::spawn(health::watch(
            Arc::clone(&parts.provider),
            parts.metrics.clone(),
        ));
        startup_tasks::start(parts, dirty);
        tokio::spawn(memory_return::watch(Arc::clone(&parts.connections)));
        let sessions_are_over = CancellationToken::new();
        Self {
            cluster: tokio::spawn(cluster_task::watch(parts, sessions_are_over.clone())),
            sessions_are_over,
        }
    }

    /// Whoever says that this server is alive must not do so after it has left.
    async fn end(self) {
        self.sessions_are_over.cancel();
        let _ = self.cluster.await;
    }
}

/// Returns the users whom earlier runs left dirty, before anybody logs in.
fn find_dirty(parts: &Parts) -> sftpgo_core::Result<Vec<UserId>> {
    if let Some(heartbeat) = parts.sharing.heartbeat() {
        heartbeat.send()?;
    }
    parts.quotas.left_dirty()
}

/// Serves HTTP until nobody may connect any more. Socket files stay where another process listens on them.
async fn serve_rest(api: Arc<ApiState>, http: Vec<HttpListening>, restarts: &Restarts) {
    let (bindings, files): (Vec<_>, Vec<_>) = http
        .into_iter()
        .map(|HttpListening { binding, file, .. }| (binding, file))
        .unzip();
    sftpgo_api::serve(api, bindings, restarts.stop_accepting.clone()).await;
    if restarts.is_followed() {
        files.into_iter().flatten().for_each(SocketFile::leave);
    }
}

/// What is left when the last session has ended. Waits for the database, programs and disks.
fn do_last_work(
    writer: LedgerWriter,
    sharing: &Sharing,
    queues: &Queues,
    receipts: Option<&KeptReceipts>,
    audit_log: Option<&AuditLog>,
) {
    drop(writer);
    if let Some(heartbeat) = sharing.heartbeat()
        && let Err(error) = heartbeat.leave()
    {
        log::warn!(
            "the database was not told that this node has stopped, so the other nodes notice it only when its heartbeat is missing: {error}"
        );
    }
    // Both together take no longer than the actions alone, for which whoever waits for this server is ready.
    let until = Instant::now() + LAST_ACTIONS;
    if let Some(receipts) = receipts {
        receipts.drain(LAST_ACTIONS.saturating_sub(LEFT_FOR_ACTIONS));
    }
    queues.drain(until.saturating_duration_since(Instant::now()));
    if let Some(audit_log) = audit_log {
        audit_log.stop();
    }
}

/// When the server is to end, its sockets are closed everywhere, and systemd hears of it.
async fn tell_end(restarts: Arc<Restarts>, grace: Duration) {
    restarts.shutdown.cancelled().await;
    lock(&restarts.kept).clear();
    if !restarts.is_followed() {
        systemd::stopping(grace);
    }
}

fn no_threads(error: &std::io::Error) -> Problem {
    Problem::new("system", format!("no threads can be started: {error}"))
}
