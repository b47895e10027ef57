//! `serve`: from the settings to open ports, and from a signal to an orderly end.

use std::{
    process::ExitCode,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use rustix::{fs::Mode, process::umask};
use sftpgo_core::{UserId, quota::LedgerWriter, sync::lock};
use sftpgo_ssh::GOODBYE;
use tokio::{runtime::Runtime, sync::Notify, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::{
    actions, admin_access,
    cli::Serve,
    cluster_task,
    compose::{self, Parts},
    config::{self, LoadedConfig, Problem, settings::Settings},
    confinement::{self, Confinement},
    grace::EndTimes,
    health,
    listen::{HttpListening, SocketFile, Sockets, listen_http, listen_sftp},
    logging::{self, LogSettings},
    open_files, own_program,
    reload::Reload,
    restart::{Predecessors, Restarts, Succession},
    shutdown::{self, HangUp, LAST_ACTIONS, LAST_WORK},
    startup_banner::{StartupBanner, listed},
    startup_tasks, systemd, terminal,
};

/// The time after which the usage that transfers changed is in the database, at the latest.
const WRITE_USAGE_WITHIN: Duration = Duration::from_secs(1);

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
            Some(succession) => succession.take_sockets(),
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

    async fn serve(
        &self,
        succession: &mut Option<Succession>,
        mut sockets: Sockets,
        confinement: Option<Confinement>,
    ) -> Result<ExitCode, Problem> {
        let reload = Reload::default();
        reload.register("the log file", || {
            logging::reopen();
            Ok(())
        });
        let restart = Arc::new(Notify::new());
        let on_hang_up = HangUp::Reloads {
            reload: reload.clone(),
            restart: Arc::clone(&restart),
        };
        let shutdown = shutdown::on_signals(self.ends.stop, on_hang_up).map_err(|error| {
            Problem::new("system", format!("signals cannot be received: {error}"))
        })?;
        let stop_accepting = shutdown.child_token();
        let directory = &self.loaded.directory;
        let log = self.log.file.as_deref();
        let confinement = confinement.map(|confinement| confinement.to_string());
        let parts = compose::compose(self.settings, directory, self.ends, log, confinement)?;
        if let Some(audit_log) = parts.audit_log.clone() {
            audit_log.follow_rotation();
            reload.register("the audit log", move || {
                audit_log.reloads();
                Ok(())
            });
        }
        register_ssh(&reload, self.settings, &parts);
        let dirty =
            find_dirty(&parts).map_err(|error| Problem::new("data_provider", error.to_string()))?;
        let writer = LedgerWriter::start(Arc::clone(&parts.quotas), WRITE_USAGE_WITHIN)
            .map_err(|error| no_threads(&error))?;
        let sftp = listen_sftp(&self.settings.sftpd.bindings, &mut sockets).await?;
        let mut http = listen_http(&self.settings.httpd.bindings, &mut sockets).await?;
        let sftp_addresses: Vec<_> = sftp.iter().map(|(_, address)| *address).collect();
        let driver = &self.settings.data_provider.driver;
        admin_access::publish_setup_code(driver, directory, &parts.api.admins);
        StartupBanner {
            sftp: &sftp_addresses,
            http: http.iter().map(|listening| &listening.at).collect(),
            loaded: self.loaded,
            settings: self.settings,
            log: self.log,
            host_keys: &parts.host_keys,
            setup_code: parts.api.admins.setup_code.as_ref(),
        }
        .say();

        tokio::spawn(health::watch(
            Arc::clone(&parts.provider),
            parts.metrics.clone(),
        ));
        startup_tasks::start(&parts, dirty);
        let sessions_are_over = CancellationToken::new();
        let watching = tokio::spawn(cluster_task::watch(&parts, sessions_are_over.clone()));

        let predecessors = Arc::new(Predecessors::default());
        parts
            .connections
            .add_elsewhere(Arc::clone(&predecessors) as _);
        let restarts = Arc::new(Restarts {
            sharing: Arc::clone(&parts.sharing),
            connections: Arc::clone(&parts.connections),
            kept: Mutex::new(sockets.into_kept()),
            predecessors: Arc::clone(&predecessors),
            stop_accepting: stop_accepting.clone(),
            shutdown: shutdown.clone(),
            status: format!("SFTP on {}", listed(&sftp_addresses)),
            is_followed: AtomicBool::new(false),
            is_orphaned: AtomicBool::new(false),
        });
        if succession.is_some() && shutdown.is_cancelled() {
            return Err(Problem::new(
                "system",
                "the new process was told to stop before it served".to_owned(),
            ));
        }
        systemd::ready(
            &restarts.status,
            succession.is_some(),
            stop_accepting.clone(),
        );
        if let Some(succession) = succession.take() {
            predecessors.follow(succession);
            http.iter_mut()
                .filter_map(|listening| listening.file.as_mut())
                .for_each(SocketFile::own);
        } else if let Some(hook) = &self.settings.common.startup_hook {
            actions::startup(hook, &self.settings.programs, &parts.queues.actions);
        }
        tokio::spawn(Arc::clone(&restarts).watch(restart));
        let told = tokio::spawn(tell_end(Arc::clone(&restarts), self.ends.stop));

        let tls: Vec<_> = http
            .iter()
            .filter_map(|listening| listening.binding.options.tls.clone())
            .collect();
        for tls in &tls {
            let tls = Arc::clone(tls);
            reload.register("TLS of HTTP", move || {
                tls.reload()
                    .map_err(|error| Problem::new("httpd", error.to_string()))
            });
        }
        tokio::spawn(sftpgo_api::watch_tls(tls, shutdown.clone()));

        let rest_until = stop_accepting.clone();
        let serve_rest = async {
            let (bindings, socket_files): (Vec<_>, Vec<_>) = http
                .into_iter()
                .map(|HttpListening { binding, file, .. }| (binding, file))
                .unzip();
            sftpgo_api::serve(parts.api, bindings, rest_until).await;
            if restarts.is_followed() {
                socket_files
                    .into_iter()
                    .flatten()
                    .for_each(SocketFile::leave);
            }
        };
        let sftp = sftp.into_iter().map(|(binding, _)| binding).collect();
        let end_predecessors = async {
            stop_accepting.cancelled().await;
            // What an end of theirs takes at the most.
            let within = self.ends.stop + GOODBYE + LAST_ACTIONS + LAST_WORK;
            let _ = spawn_blocking(move || predecessors.stop(within)).await;
        };
        tokio::join!(
            parts
                .ssh
                .serve_until(sftp, stop_accepting.clone(), shutdown.clone()),
            serve_rest,
            end_predecessors
        );
        if shutdown.is_cancelled() {
            // Where nothing is to be waited for, the end is faster than the word of it.
            let _ = told.await;
        }
        sessions_are_over.cancel();
        // Whoever says that this server is alive must not do so after it has left.
        let _ = watching.await;
        let (sharing, queues, audit_log) = (parts.sharing, parts.queues, parts.audit_log);
        let last_work = move || {
            drop(writer);
            if let Some(heartbeat) = sharing.heartbeat()
                && let Err(error) = heartbeat.leave()
            {
                log::warn!(
                    "the database was not told that this node has stopped, so the other nodes notice it only when its heartbeat is missing: {error}"
                );
            }
            queues.drain(LAST_ACTIONS);
            if let Some(audit_log) = audit_log {
                audit_log.stop();
            }
        };
        let _ = spawn_blocking(last_work).await;
        log::info!("stopped");
        Ok(restarts.exit_code())
    }
}

/// Returns the users whom earlier runs left dirty, before anybody logs in.
fn find_dirty(parts: &Parts) -> sftpgo_core::Result<Vec<UserId>> {
    if let Some(heartbeat) = parts.sharing.heartbeat() {
        heartbeat.send()?;
    }
    parts.quotas.left_dirty()
}

/// Registers what is read again of SSH.
fn register_ssh(reload: &Reload, settings: &Settings, parts: &Parts) {
    let ssh = parts.ssh.handle();
    reload.register("certificates of host keys", move || {
        ssh.reload_host_certificates()
            .map_err(|error| Problem::new("sftpd", error.to_string()))
    });
    let user_certificates = settings.sftpd.user_certificates.clone();
    reload.register("the authorities of certificates", move || {
        user_certificates
            .reload()
            .map_err(|error| Problem::new("sftpd", error.to_string()))
    });
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
