//! `migrate` and `initprovider`: the database without the server.

use std::process::ExitCode;

use sftpgo_store::{Losses, MayLose, MigrationStatus, Reverted, StoreConfig};

use crate::{
    cli::{Migrate, Options},
    compose::of_database,
    config::{self, Problem, settings::Driver},
    logging, terminal,
};

/// A start would change something.
const NOT_UP_TO_DATE: u8 = 3;

/// What to do to the database.
enum Work {
    /// Say what a start would change.
    Check,
    /// Do what a start would do.
    Run,
    /// Drop what a take-over left of the old rows.
    DropTakeoverCopy,
    /// Take back the last migration.
    Revert(MayLose),
}

/// Does what the command line says, and says what that was.
pub(crate) fn run(migrate: &Migrate) -> ExitCode {
    let work = if migrate.check {
        Work::Check
    } else if migrate.run {
        Work::Run
    } else if migrate.drop_takeover_copy {
        Work::DropTakeoverCopy
    } else {
        Work::Revert(MayLose {
            users: migrate.drop_users,
            admins: migrate.drop_admins,
            ip_lists: migrate.drop_ip_lists,
            filters: migrate.drop_filters,
        })
    };
    perform(&work, &migrate.options)
}

/// `initprovider`: makes the tables that a start would make.
pub(crate) fn init(options: &Options) -> ExitCode {
    perform(&Work::Run, options)
}

fn perform(work: &Work, options: &Options) -> ExitCode {
    let loaded = options.load();
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
    if matches!(work, Work::Run | Work::DropTakeoverCopy)
        && let Err(error) = logging::start(&options.log_settings(&loaded.directory))
    {
        terminal::complain(&format!("the log cannot be written: {error}"));
    }
    match work.on(config) {
        Ok(code) => code,
        Err(problem) => {
            terminal::complain(&format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

impl Work {
    fn on(&self, config: &StoreConfig) -> Result<ExitCode, Problem> {
        match self {
            Self::Check => return check(config),
            Self::Run => bring_up_to_date(config)?,
            Self::DropTakeoverCopy => drop_takeover_copy(config)?,
            Self::Revert(may_lose) => revert(config, *may_lose)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn check(config: &StoreConfig) -> Result<ExitCode, Problem> {
    let status = sftpgo_store::migration_status(config).map_err(|e| of_database(config, &e))?;
    terminal::say(&said_of(&status));
    Ok(if status.is_up_to_date() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_UP_TO_DATE)
    })
}

fn bring_up_to_date(config: &StoreConfig) -> Result<(), Problem> {
    let done = sftpgo_store::migrate(config).map_err(|e| of_database(config, &e))?;
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
    Ok(())
}

fn drop_takeover_copy(config: &StoreConfig) -> Result<(), Problem> {
    let dropped = sftpgo_store::drop_takeover_copy(config).map_err(|e| of_database(config, &e))?;
    terminal::say(&match dropped {
        Some(rows) => format!(
            "dropped users_before_takeover with {rows} rows; backups of the database may have them still"
        ),
        None => "there is no users_before_takeover: nothing to drop".to_owned(),
    });
    Ok(())
}

fn revert(config: &StoreConfig, may_lose: MayLose) -> Result<(), Problem> {
    let reverted =
        sftpgo_store::revert(config, may_lose).map_err(|error| of_database(config, &error))?;
    match reverted {
        Reverted::Undone(name) => terminal::say(&format!("took back {name}")),
        Reverted::Nothing => {
            terminal::say("no migration has been run: there is nothing to take back");
        }
        Reverted::WouldLose(losses) => {
            let (lost, flag) = match losses {
                Losses::Users(users) => (format!("{users} users"), "--drop-users"),
                Losses::Admins { admins, api_keys } => (
                    format!("{admins} admins and {api_keys} API keys"),
                    "--drop-admins",
                ),
                Losses::ListEntries(entries) => (
                    format!("{entries} entries of lists of addresses"),
                    "--drop-ip-lists",
                ),
                Losses::Filters(users) => (
                    format!("second factors and denied login methods of {users} users"),
                    "--drop-filters",
                ),
            };
            return Err(Problem::new(
                "--revert",
                format!("{lost} would be lost: make a backup of the database, then add {flag}"),
            ));
        }
    }
    Ok(())
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
