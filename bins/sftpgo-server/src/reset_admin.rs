//! `reset-admin`: a new password for an admin who is locked out.

use std::{process::ExitCode, sync::Arc};

use sftpgo_core::{
    admin::Admins,
    event::{Events, Observer},
};

use crate::{
    audit_log::{AuditLog, AuditObserver},
    cli::ResetAdmin,
    compose,
    config::{self, Problem, settings::Driver},
    event_log::EventLog,
    logging, terminal,
};

/// Does it, and says the new password.
pub(crate) fn run(asked: &ResetAdmin) -> ExitCode {
    match try_reset(asked) {
        Ok(password) => {
            terminal::say(&format!(
                "The admin {:?} is enabled, may do everything, has no second factor, and this password:\n\n  {password}\n",
                asked.username
            ));
            ExitCode::SUCCESS
        }
        Err(problem) => {
            terminal::complain(&format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn try_reset(asked: &ResetAdmin) -> Result<String, Problem> {
    let options = &asked.options;
    let loaded = options.load();
    let settings = loaded
        .settings()
        .map_err(|problems| Problem::new("configuration", config::complaint(problems)))?;
    let driver = &settings.data_provider.driver;
    if matches!(driver, Driver::Memory) {
        return Err(Problem::new(
            "data_provider.driver",
            "admins are in memory: restart the server to make the first one again",
        ));
    }
    let mut log = options.log_settings(&loaded.directory);
    // A file that is made here could belong to another account than the server's, which then could not write to it.
    log.file = log.file.filter(|file| file.exists());
    if let Err(error) = logging::start(&log) {
        terminal::complain(&format!("the log cannot be written: {error}"));
    }
    let stores = compose::stores(driver)?;
    let audit_log = settings.common.audit.as_ref();
    let audit_log = audit_log
        .map(|asked| AuditLog::start(asked, None))
        .transpose()?;
    let mut observers: Vec<Box<dyn Observer>> = vec![Box::new(EventLog)];
    if let Some(audit_log) = &audit_log {
        observers.push(Box::new(AuditObserver(Arc::clone(audit_log))));
    }
    let events = Events::new(observers);
    let admins = Admins::new(stores.admins, settings.totp.clone(), events);
    let password = admins.reset(&asked.username);
    if let Some(audit_log) = audit_log {
        audit_log.close();
    }
    password.map_err(|error| Problem::new(&asked.username, error.to_string()))
}
