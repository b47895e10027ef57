//! Admins at the start: the first one from the environment, or the code by which it is made.

use std::{
    env, fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use sftpgo_api::{AdminAccess, Tokens};
use sftpgo_core::{
    Error, ErrorKind,
    admin::{AdminDraft, AdminLogins, AdminStore, Admins, SetupCode},
    auth::Logins,
    event::{Actor, Events},
};
use sftpgo_store::ConnectOptions;

use crate::{
    config::{
        Problem,
        settings::{Driver, Settings},
    },
    user_file::UserFile,
};

/// The name of the file with the setup code, beside the database.
const CODE_FILE: &str = "setup-code";
const USERNAME: &str = "SFTPGO_DEFAULT_ADMIN_USERNAME";
const PASSWORD: &str = "SFTPGO_DEFAULT_ADMIN_PASSWORD";

/// Returns who may manage this server over HTTP. While nobody may, a code for the first one is made, which
/// [`publish_setup_code`] writes to a file.
///
/// # Errors
/// The store does not answer, or the first admin cannot be made from the environment.
pub(crate) fn access(
    settings: &Settings,
    directory: &Path,
    store: Arc<dyn AdminStore>,
    logins: Arc<Logins>,
    events: Events,
) -> Result<AdminAccess, Problem> {
    let admins = Arc::new(Admins::new(store, settings.totp.clone(), events));
    let failed = |error: Error| Problem::new("data_provider", error.to_string());
    if settings.data_provider.create_default_admin && !admins.is_set_up().map_err(failed)? {
        add_default(&admins)?;
    }
    let is_set_up = admins.is_set_up().map_err(failed)?;
    let tokens = Tokens::new(settings.httpd.tokens.clone())
        .map_err(|error| Problem::new("httpd", error.to_string()))?;
    let mut access = AdminAccess::new(Arc::new(AdminLogins::new(admins, logins)), tokens);
    access.insecure_no_auth = settings.httpd.insecure_no_auth;
    if let Some(path) = &settings.httpd.auth_user_file {
        let file = UserFile::open(path).map_err(|why| {
            Problem::new("httpd.auth_user_file", format!("{}: {why}", path.display()))
        })?;
        access.listed = Some(Box::new(move || file.names()));
    }
    if settings.httpd.bindings.is_empty() {
        return Ok(access);
    }
    let file = code_file(&settings.data_provider.driver, directory);
    if is_set_up {
        forget(&file);
        return Ok(access);
    }
    access.setup_code = Some(SetupCode::generate());
    access.when_set_up = Box::new(move || forget(&file));
    Ok(access)
}

/// Writes the setup code, if there is one, to its file. Only a server that listens does so: one whose start fails would leave a
/// code there that the server which runs does not know.
pub(crate) fn publish_setup_code(driver: &Driver, directory: &Path, access: &AdminAccess) {
    let Some(code) = &access.setup_code else {
        return;
    };
    let file = code_file(driver, directory);
    if let Err(error) = write(&file, code) {
        log::warn!(
            "the setup code is not in {}, which cannot be written: {error}",
            file.display()
        );
    }
}

/// The first admin, from the environment; another server may have made one meanwhile.
fn add_default(admins: &Admins) -> Result<(), Problem> {
    let variable = |name: &str| {
        env::var(name)
            .ok()
            .filter(|value| !value.is_empty())
            .ok_or_else(|| {
                Problem::new(
                    "data_provider.create_default_admin",
                    format!("needs the environment variables {USERNAME} and {PASSWORD}"),
                )
            })
    };
    let draft = AdminDraft {
        username: variable(USERNAME)?,
        password: variable(PASSWORD)?,
        ..AdminDraft::default()
    };
    match admins.add_first(&Actor::program(), draft) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        Err(error) => Err(Problem::new(
            "data_provider.create_default_admin",
            error.to_string(),
        )),
    }
}

fn code_file(driver: &Driver, directory: &Path) -> PathBuf {
    let database = match driver {
        Driver::Database(config) => match &config.connect_options {
            ConnectOptions::Sqlite(file) => file.parent(),
            _ => None,
        },
        Driver::Memory => None,
    };
    database.unwrap_or(directory).join(CODE_FILE)
}

/// Writes the code for the owner of this process alone. An old one is replaced, whosever it is.
fn write(file: &Path, code: &SetupCode) -> io::Result<()> {
    forget(file);
    let mut options = fs::OpenOptions::new();
    let mut opened = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    writeln!(opened, "{}", code.reveal())
}

fn forget(file: &Path) {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            log::warn!(
                "the setup code, which passes no more, stays in {}: {error}",
                file.display()
            );
        }
        _ => {}
    }
}
