//! The provider over a database.

use std::sync::{Mutex, atomic::AtomicBool};

use sftpgo_core::{Result, provider::Health};

use crate::{
    StoreConfig, connect::Target, dialect, error, migrate, pool::Pool, row_audit,
    row_audit::AlreadyTold,
};

/// Users in a database.
pub struct DatabaseProvider {
    pub(crate) pool: Pool,
    /// Do several servers use the database at a time?
    pub(crate) is_shared: AtomicBool,
    already_told: AlreadyTold,
}

impl DatabaseProvider {
    /// Opens the database, and creates, takes over or migrates it as needed.
    ///
    /// # Errors
    /// [`Invalid`](sftpgo_core::ErrorKind::Invalid) when the place cannot be used or a foreign table is in the way,
    /// [`Unavailable`](sftpgo_core::ErrorKind::Unavailable) when the database cannot be opened or read.
    pub fn open(config: &StoreConfig) -> Result<Self> {
        let target = Target::of(&config.connect_options)?;
        target.prepare()?;
        // A connection of its own: a pool would retry for its whole timeout before it says why it fails.
        let mut first = target.connect().map_err(error::of_connecting)?;
        dialect::on_connect(&mut first).map_err(error::of_query)?;
        let done = migrate::bring_up_to_date(&mut first)?;
        let already_told = done.taken_over.map(|taken_over| taken_over.shut_out);
        // A server that others follow says so in a database that is otherwise one server's: it may be running still.
        let is_shared = dialect::is_shared(&first)
            || migrate::is_in_use(&mut first).map_err(error::of_query)?;
        Ok(Self {
            is_shared: AtomicBool::new(is_shared),
            pool: Pool::new(target, config.pool_size),
            already_told: Mutex::new(already_told.unwrap_or_default()),
        })
    }
}

impl Health for DatabaseProvider {
    fn check(&self) -> Result<()> {
        self.pool.call(dialect::ping)
    }

    fn report_flaws(&self) -> Result<()> {
        row_audit::report(&self.pool, &self.already_told)
    }
}
