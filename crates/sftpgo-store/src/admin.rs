//! What an operator does to a database without serving it.

use sftpgo_core::Result;

use crate::{
    StoreConfig,
    connect::Target,
    connection::Connection,
    dialect, error, legacy_import,
    migrate::{MayLose, Reverted, WAIT_FOR_OTHERS, bring_up_to_date, due_and_unknown, undo_last},
};

/// How far a database is behind this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Is there a database at all? One that is a file is made when it is missing.
    pub exists: bool,
    /// Does it hold a table of SFTPGo 0.9.x that is to be taken over?
    pub is_to_be_taken_over: bool,
    /// Names of the migrations that are due.
    pub due: Vec<String>,
    /// Versions of migrations that a newer program has run.
    pub unknown: Vec<String>,
}

/// What was done to a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The users in a table of SFTPGo 0.9.x that was taken over, and how many of them cannot log in.
    pub taken_over: Option<(usize, usize)>,
    /// Names of the migrations that were run.
    pub ran: Vec<String>,
}

impl MigrationStatus {
    /// Would a start change nothing?
    pub fn is_up_to_date(&self) -> bool {
        self.exists && !self.is_to_be_taken_over && self.due.is_empty()
    }
}

/// Returns how far the database is behind. Nothing is changed.
///
/// # Errors
/// [`Invalid`](sftpgo_core::ErrorKind::Invalid) when the place cannot be used or a foreign table is in the way,
/// [`Unavailable`](sftpgo_core::ErrorKind::Unavailable) when the database cannot be opened or read.
pub fn migration_status(config: &StoreConfig) -> Result<MigrationStatus> {
    let target = Target::of(&config.connect_options)?;
    if !target.exists() {
        return Ok(MigrationStatus {
            exists: false,
            is_to_be_taken_over: false,
            due: Vec::new(),
            unknown: Vec::new(),
        });
    }
    let mut connection = target.connect().map_err(error::of_connecting)?;
    let is_to_be_taken_over = legacy_import::is_due(&mut connection)?;
    let (due, unknown) = due_and_unknown(&mut connection)?;
    Ok(MigrationStatus {
        exists: true,
        is_to_be_taken_over,
        due,
        unknown,
    })
}

/// Brings the database up to date, as a start does.
///
/// # Errors
/// As [`migration_status`]; also when another server has been at it for a minute.
pub fn migrate(config: &StoreConfig) -> Result<Migrated> {
    let target = Target::of(&config.connect_options)?;
    target.prepare()?;
    let done = bring_up_to_date(&mut connect(&target)?)?;
    Ok(Migrated {
        taken_over: done
            .taken_over
            .map(|taken_over| (taken_over.users, taken_over.shut_out.len())),
        ran: done.ran,
    })
}

/// Takes the migration back that was run last. One that would lose users, admins or entries of lists is undone
/// only if `may_lose` says so.
///
/// # Errors
/// As [`migrate`].
pub fn revert(config: &StoreConfig, may_lose: MayLose) -> Result<Reverted> {
    let target = Target::of(&config.connect_options)?;
    if !target.exists() {
        return Ok(Reverted::Nothing);
    }
    undo_last(&mut connect(&target)?, may_lose)
}

/// Drops the copy of an SFTPGo table that its take-over left, with the password hashes in it, and returns how many rows it
/// had; none when there is no copy.
///
/// # Errors
/// As [`migrate`]; [`Invalid`](sftpgo_core::ErrorKind::Invalid) while the take-over is not done: the copy may then be the
/// only whole one.
pub fn drop_takeover_copy(config: &StoreConfig) -> Result<Option<i64>> {
    let target = Target::of(&config.connect_options)?;
    if !target.exists() {
        return Ok(None);
    }
    let mut connection = connect(&target)?;
    dialect::erase_what_is_deleted(&mut connection).map_err(error::of_query)?;
    let dropped = dialect::alone(&mut connection, WAIT_FOR_OTHERS, legacy_import::drop_copy)?;
    dialect::forget_what_was_deleted(&mut connection).map_err(error::of_query)?;
    Ok(dropped)
}

fn connect(target: &Target) -> Result<Connection> {
    let mut connection = target.connect().map_err(error::of_connecting)?;
    dialect::on_connect(&mut connection).map_err(error::of_query)?;
    Ok(connection)
}

impl StoreConfig {
    /// Looks whether the place can be one, without going there.
    ///
    /// # Errors
    /// [`Invalid`](sftpgo_core::ErrorKind::Invalid), with what is wrong with it.
    pub fn check(&self) -> Result<()> {
        Target::of(&self.connect_options).map(drop)
    }
}
