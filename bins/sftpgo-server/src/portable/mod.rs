//! `portable`: one directory, one user, now.
//!
//! Users are in memory, and nothing is written but the log, if one is asked for, and the host keys. These are kept where the
//! user of the system keeps what programs remember, so that clients know the server the second time.

mod advertise;
mod live;
pub(crate) mod options;
mod summary;
mod user;

use std::{
    env, fs, io,
    net::IpAddr,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use rustix::{fs::Mode, process::umask};
use serde_json::json;
use sftpgo_core::event::Actor;
use tokio::{runtime::Runtime, task::spawn_blocking};

use self::{
    options::Options,
    summary::Summary,
    user::{Login, Password},
};
use crate::{
    compose::{self, Parts},
    config::{self, Fixed, Problem, Settings},
    grace::EndTimes,
    listen,
    logging::{self, LogSettings},
    open_files,
    shutdown::{self, HangUp, LAST_ACTIONS, LAST_WORK},
    terminal,
};

/// What `portable` says in the place of a configuration.
const COMMAND: &str = "portable";
/// A client offers all its keys before its user is asked for a password.
const AUTH_TRIES: u32 = 12;

/// Serves until it is told to stop.
pub(crate) fn run(options: &Options) -> ExitCode {
    match start_and_serve(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            terminal::complain(config::complaint(&problems).trim_end());
            ExitCode::FAILURE
        }
    }
}

fn start_and_serve(options: &Options) -> Result<(), Vec<Problem>> {
    if let Some((flag, reason)) = options.others.refused() {
        return Err(vec![Problem::new(flag, reason)]);
    }
    let login = Login::of(options).map_err(one)?;
    let state = state_directory().map_err(one)?;
    let settings = settings(options, &state)?;
    umask(Mode::from_raw_mode(settings.sftpd.umask));
    open_files::raise_limit();
    if !options.log_file_path.is_empty() {
        start_log(options).map_err(one)?;
    }
    let runtime = Runtime::new().map_err(|error| one(of_system(&error)))?;
    let served = runtime.block_on(serve(options, login, &settings, &state));
    runtime.shutdown_timeout(LAST_WORK);
    served.map_err(one)
}

fn one(problem: Problem) -> Vec<Problem> {
    vec![problem]
}

fn of_system(error: &io::Error) -> Problem {
    Problem::new("system", error.to_string())
}

/// Returns the settings as the configuration has them, if there is one, but for what makes this `portable`.
fn settings(options: &Options, state: &Path) -> Result<Settings, Vec<Problem>> {
    // There is no configuration beside the host keys.
    let (directory, name) = options.configuration().unwrap_or((state, ""));
    if !directory.is_dir() {
        return Err(one(Problem::new(
            "--config-dir",
            format!(
                "{} is not a directory; SSH commands are chosen by --ssh-commands",
                directory.display()
            ),
        )));
    }
    let fixed = |key, value, by| Fixed { key, value, by };
    let commands: Vec<_> = options
        .ssh_commands
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
        .collect();
    let loaded = config::load_with(
        directory,
        name,
        env::vars_os(),
        vec![
            fixed("sftpd.bindings", json!([]), COMMAND),
            fixed("sftpd.bind_port", json!(options.sftpd_port), "--sftpd-port"),
            fixed(
                "sftpd.enabled_ssh_commands",
                json!(commands),
                "--ssh-commands",
            ),
            fixed("sftpd.enable_scp", json!(false), COMMAND),
            fixed("sftpd.password_authentication", json!(true), COMMAND),
            fixed(
                "sftpd.keyboard_interactive_authentication",
                json!(true),
                COMMAND,
            ),
            fixed("httpd.bindings", json!([]), COMMAND),
            fixed("httpd.bind_port", json!(0), COMMAND),
            fixed("data_provider.driver", json!("memory"), COMMAND),
            fixed("data_provider.name", json!(""), COMMAND),
            fixed("data_provider.track_quota", json!(0), COMMAND),
            fixed("data_provider.manage_users", json!(1), COMMAND),
        ],
        state,
    );
    let mut settings = loaded.into_settings()?;
    if settings.sftpd.max_auth_tries == 0 {
        settings.sftpd.max_auth_tries = AUTH_TRIES;
    }
    Ok(settings)
}

fn start_log(options: &Options) -> Result<(), Problem> {
    let settings = LogSettings {
        file: Some(PathBuf::from(&options.log_file_path)),
        max_size: 0,
        max_backups: 0,
        max_age: 0,
        compress: false,
        level: options.log_level.into(),
    };
    logging::start(&settings).map_err(|error| {
        Problem::new(
            "--log-file-path",
            format!("{} cannot be written: {error}", options.log_file_path),
        )
    })
}

/// Returns where host keys are kept, by the XDG base directory specification; made for this user alone.
fn state_directory() -> Result<PathBuf, Problem> {
    let absolute = |name: &str| {
        let path = PathBuf::from(env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let base = absolute("XDG_STATE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local/state")))
        .ok_or_else(|| {
            Problem::new(
                "HOME",
                "there is no home directory to keep the host key in: set XDG_STATE_HOME to another",
            )
        })?;
    let directory = base.join("sftpgo");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .map_err(|error| {
            Problem::new(
                &directory.display().to_string(),
                format!("the host key cannot be kept there: {error}; set XDG_STATE_HOME to another directory"),
            )
        })?;
    Ok(directory)
}

async fn serve(
    options: &Options,
    login: Login,
    settings: &Settings,
    state: &Path,
) -> Result<(), Problem> {
    let ends = EndTimes::of_stop(&options.grace);
    let shutdown =
        shutdown::on_signals(ends.stop, HangUp::Ends).map_err(|error| of_system(&error))?;
    let parts = compose::compose(settings, state, ends, None, None)?;
    add_user(&parts, &login)?;
    let bindings = &settings.sftpd.bindings;
    let of_none = || Problem::new("--sftpd-port", "there is no port to listen on");
    let binding = bindings.first().ok_or_else(of_none)?;
    let listening = listen::bind(&binding.endpoint).await;
    let (listener, address) = listening
        .and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((listener, address))
        })
        .map_err(|error| {
            let port = options.sftpd_port;
            let reason = format!("port {port} cannot be listened on: {error}");
            Problem::new("--sftpd-port", reason)
        })?;
    let announced = if options.advertise_service {
        let credentials = options.advertise_credentials.then_some(&login);
        Some(advertise::announce(address, credentials)?)
    } else {
        None
    };
    let draft = &login.draft;
    let commands = settings.sftpd.command_names();
    let permissions: Vec<_> = draft.permissions.iter().map(String::as_str).collect();
    let summary = Summary {
        directory: &draft.home_dir,
        username: &draft.username,
        password: &login.password,
        keys: draft.public_keys.len(),
        permissions: &permissions,
        commands: &commands,
        listens_on: address,
        has_scp: settings.sftpd.enable_scp,
        host_keys: &parts.host_keys,
    };
    terminal::say(&summary.text(&own_addresses()));
    warn(state, draft.home_dir.as_ref(), options, &login.password);

    if terminal::is_seen() {
        tokio::spawn(live::draw(parts.connections.clone(), shutdown.clone()));
    }
    parts.ssh.serve(vec![listener.into()], shutdown).await;
    let last_work = move || {
        if let Some(announced) = announced {
            announced.end();
        }
        parts.queues.drain(LAST_ACTIONS);
    };
    let _ = spawn_blocking(last_work).await;
    log::info!("stopped");
    Ok(())
}

/// Adds the user, and looks whether a login would find the directory.
fn add_user(parts: &Parts, login: &Login) -> Result<(), Problem> {
    let user = parts
        .api
        .accounts
        .add(&Actor::program(), login.draft.clone())
        .map_err(|error| Problem::new(COMMAND, error.to_string()))?;
    let home = parts.homes.existing_home(&user.effective());
    home.map(drop)
        .map_err(|error| Problem::new("--directory", error.to_string()))
}

fn warn(state: &Path, directory: &Path, options: &Options, password: &Password) {
    let state = fs::canonicalize(state).unwrap_or_else(|_| state.to_owned());
    if state.starts_with(directory) {
        terminal::complain(&format!(
            "WARNING: the server's host keys are in the directory that is served ({}): whoever may download there can pose as this server",
            state.display()
        ));
    }
    if options.advertise_service && options.advertise_credentials && *password != Password::None {
        terminal::complain("WARNING: the password is told to everybody in the network");
    }
}

/// Returns the addresses of all interfaces; none when the system does not say.
fn own_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces.iter().map(if_addrs::Interface::ip).collect()
}
