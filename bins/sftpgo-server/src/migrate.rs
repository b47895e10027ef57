//! `migrate`: the database without the server.

use std::process::ExitCode;

use sftpgo_store::{MigrationStatus, StoreConfig};

use crate::{
    cli::Migrate,
    compose::of_database,
    config::{self, Problem, settings::Driver},
    logging, terminal,
};

/// A start would change something.
const NOT_UP_TO_DATE: u8 = 3;

/// Does what the command line says, and says what that was.
pub(crate) fn run(migrate: &Migrate) -> ExitCode {
    let options = &migrate.options;
    let loaded = config::load(
        &options.config_dir,
        &options.config_file,
        std::env::vars_os(),
    );
    let settings = match loaded.settings() {
        Ok(settings) => settings,
        Err(problems) => {
            terminal::complain(config::complaint(problems).trim_end());
            return ExitCode::FAILURE;
        }
    };
    let Driver::Database(config) = &settings.data_provider.driver else {
        terminal::say("users are in memory: there is no database");
        return ExitCode::SUCCESS;
    };
    // Who could not be taken over, and why, is in the log; without one this goes on.
    if (migrate.run || migrate.drop_takeover_copy)
        && let Err(error) = logging::start(&options.log_settings(&loaded.directory))
    {
        terminal::complain(&format!("the log cannot be written: {error}"));
    }
    match work(migrate, config) {
        Ok(code) => code,
        Err(problem) => {
            terminal::complain(&format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn work(migrate: &Migrate, config: &StoreConfig) -> Result<ExitCode, Problem> {
    let failed = |error| of_database(config, &error);
    if migrate.check {
        let status = sftpgo_store::migration_status(config).map_err(failed)?;
        terminal::say(&said_of(&status));
        return Ok(if status.is_up_to_date() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(NOT_UP_TO_DATE)
        });
    }
    if migrate.run {
        let done = sftpgo_store::migrate(config).map_err(failed)?;
        if let Some((users, shut_out)) = done.taken_over {
            terminal::say(&format!(
                "took over {users} users of an SFTPGo 0.9 database, {shut_out} of whom cannot log in: the log names them and the reasons"
            ));
        }
        let ran: String = done
            .ran
            .iter()
            .map(|name| format!("ran {name}\n"))
            .collect();
        terminal::say(&format!("{ran}the database is up to date"));
        return Ok(ExitCode::SUCCESS);
    }
    if migrate.drop_takeover_copy {
        let dropped = sftpgo_store::drop_takeover_copy(config).map_err(failed)?;
        terminal::say(&match dropped {
            Some(rows) => format!(
                "dropped users_before_takeover with {rows} rows; backups of the database may have them still"
            ),
            None => "there is no users_before_takeover: nothing to drop".to_owned(),
        });
        return Ok(ExitCode::SUCCESS);
    }
    match sftpgo_store::revert(config, migrate.drop_users) {
        Ok(Some(name)) => terminal::say(&format!("took back {name}")),
        Ok(None) => terminal::say("no migration has been run: there is nothing to take back"),
        Err(error) if error.message().ends_with("users would be lost") => {
            return Err(Problem::new(
                "--revert",
                format!("{error}: make a backup of the database, then add --drop-users"),
            ));
        }
        Err(error) => return Err(failed(error)),
    }
    Ok(ExitCode::SUCCESS)
}

fn said_of(status: &MigrationStatus) -> String {
    let mut lines = Vec::new();
    if !status.exists {
        lines.push("the database does not exist yet: a start makes it".to_owned());
    }
    if status.is_to_be_taken_over {
        lines.push("due: taking over the users of an SFTPGo 0.9 database".to_owned());
    }
    lines.extend(status.due.iter().map(|name| format!("due: {name}")));
    if lines.is_empty() {
        lines.push("the database is up to date".to_owned());
    }
    let unknown = status.unknown.iter();
    lines.extend(unknown.map(|version| format!("a newer server has run {version}")));
    lines.join("\n")
}
