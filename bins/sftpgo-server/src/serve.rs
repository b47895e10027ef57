//! `serve`: from the settings to open ports, and from a signal to an orderly end.

use std::{process::ExitCode, sync::Arc, time::Duration};

use rustix::{fs::Mode, process::umask};
use sftpgo_core::{UserId, quota::LedgerWriter};
use tokio::{runtime::Runtime, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Serve,
    cluster_task,
    compose::{self, Parts},
    config::{self, LoadedConfig, Problem, settings::Settings},
    health,
    listen::{HttpListening, PassedSockets, listen_http, listen_sftp},
    logging::{self, LogSettings},
    open_files,
    reload::Reload,
    shutdown::{self, HangUp, LAST_ACTIONS, LAST_WORK},
    startup_banner::{StartupBanner, listed},
    startup_tasks, systemd, terminal,
};

/// The time after which the usage that transfers changed is in the database, at the latest.
const WRITE_USAGE_WITHIN: Duration = Duration::from_secs(1);

/// Serves until it is told to stop.
pub(crate) fn run(serve: &Serve) -> ExitCode {
    let options = &serve.options;
    let loaded = options.load();
    let settings = match loaded.settings() {
        Ok(settings) => settings,
        Err(problems) => {
            terminal::complain_if_any(&config::warnings(&loaded));
            terminal::complain(config::complaint(problems).trim_end());
            return ExitCode::FAILURE;
        }
    };
    let log = options.log_settings(&loaded.directory);
    match start_and_serve(&loaded, settings, &log, serve.grace.time()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            log::error!("the server does not start: {problem}");
            terminal::complain(&format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn start_and_serve(
    loaded: &LoadedConfig,
    settings: &Settings,
    log: &LogSettings,
    grace: Duration,
) -> Result<(), Problem> {
    umask(Mode::from_raw_mode(settings.sftpd.umask));
    open_files::raise_limit();
    logging::start(log).map_err(|error| {
        let path = log.file.as_deref().unwrap_or(loaded.directory.as_path());
        Problem::new(
            "--log-file-path",
            format!(
                "{} cannot be written: {error}; name another file, or \"\" for standard error",
                path.display()
            ),
        )
    })?;
    let runtime = Runtime::new()
        .map_err(|error| Problem::new("system", format!("no threads can be started: {error}")))?;
    let served = runtime.block_on(serve(loaded, settings, log, grace));
    // Closes the database; a scan of a huge home must not hold up the end.
    runtime.shutdown_timeout(LAST_WORK);
    served
}

/// Returns the users whom earlier runs left dirty, before anybody logs in.
fn find_dirty(parts: &Parts) -> sftpgo_core::Result<Vec<UserId>> {
    if let Some(heartbeat) = &parts.heartbeat {
        heartbeat.send()?;
    }
    parts.quotas.left_dirty()
}

async fn serve(
    loaded: &LoadedConfig,
    settings: &Settings,
    log: &LogSettings,
    grace: Duration,
) -> Result<(), Problem> {
    let reload = Reload::default();
    reload.register("the log file", || {
        logging::reopen();
        Ok(())
    });
    let shutdown = shutdown::on_signals(grace, HangUp::Reloads(reload.clone()))
        .map_err(|error| Problem::new("system", format!("signals cannot be received: {error}")))?;
    let parts = compose::compose(settings, &loaded.directory, grace, log.file.as_deref())?;
    if let Some(audit_log) = parts.audit_log.clone() {
        audit_log.follow_rotation();
        reload.register("the audit log", move || {
            audit_log.reloads();
            Ok(())
        });
    }
    let user_certificates = settings.sftpd.user_certificates.clone();
    let ssh = parts.ssh.handle();
    reload.register("certificates of host keys", move || {
        ssh.reload_host_certificates()
            .map_err(|error| Problem::new("sftpd", error.to_string()))
    });
    reload.register("the authorities of certificates", move || {
        user_certificates
            .reload()
            .map_err(|error| Problem::new("sftpd", error.to_string()))
    });
    let dirty =
        find_dirty(&parts).map_err(|error| Problem::new("data_provider", error.to_string()))?;
    let writer = LedgerWriter::start(Arc::clone(&parts.quotas), WRITE_USAGE_WITHIN)
        .map_err(|error| Problem::new("system", format!("no threads can be started: {error}")))?;
    let mut passed = PassedSockets::of_process();
    let sftp = listen_sftp(&settings.sftpd.bindings, passed.take("sftpd")?).await?;
    let http = listen_http(&settings.httpd.bindings, passed.take("httpd")?).await?;
    let sftp_addresses: Vec<_> = sftp.iter().map(|(_, address)| *address).collect();
    StartupBanner {
        sftp: &sftp_addresses,
        http: http.iter().map(|listening| &listening.at).collect(),
        loaded,
        settings,
        log,
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

    systemd::ready(&format!("SFTP on {}", listed(&sftp_addresses)));
    let stopping = shutdown.clone();
    let told = tokio::spawn(async move {
        stopping.cancelled().await;
        systemd::stopping(grace);
    });

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

    let rest_until = shutdown.clone();
    let serve_rest = async move {
        let (bindings, socket_files): (Vec<_>, Vec<_>) = http
            .into_iter()
            .map(|HttpListening { binding, file, .. }| (binding, file))
            .unzip();
        sftpgo_api::serve(parts.api, bindings, rest_until).await;
        drop(socket_files);
    };
    let sftp = sftp.into_iter().map(|(binding, _)| binding).collect();
    tokio::join!(parts.ssh.serve(sftp, shutdown), serve_rest);
    // Where nothing is to be waited for, the end is faster than the word of it.
    let _ = told.await;
    sessions_are_over.cancel();
    // Whoever says that this server is alive must not do so after it has left.
    let _ = watching.await;
    let last_work = move || {
        drop(writer);
        if let Some(heartbeat) = &parts.heartbeat
            && let Err(error) = heartbeat.leave()
        {
            log::warn!(
                "the database was not told that this node has stopped, so the other nodes notice it only when its heartbeat is missing: {error}"
            );
        }
        parts.actions.drain(LAST_ACTIONS);
        if let Some(audit_log) = &parts.audit_log {
            audit_log.stop();
        }
    };
    let _ = spawn_blocking(last_work).await;
    log::info!("stopped");
    Ok(())
}
