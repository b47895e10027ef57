//! What keeps users, admins and lists, opened as the configuration says.

use std::{path::Path, sync::Arc};

use sftpgo_core::{
    Error, Provider, admin::AdminStore, defender::DefenderStore, ip_list::IpListStore,
    provider::NodeId,
};
use sftpgo_store::{ConnectOptions, DatabaseProvider, FileJournal, MemoryProvider, StoreConfig};

use super::of_key;
use crate::config::{Problem, settings::Driver};

/// What is kept: users, admins, lists of addresses, and what the defenders of several servers share.
pub(crate) struct Stores {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) admins: Arc<dyn AdminStore>,
    pub(crate) ip_lists: Arc<dyn IpListStore>,
    pub(crate) defender_hosts: Arc<dyn DefenderStore>,
}

/// Opens what keeps them.
///
/// # Errors
/// The database cannot be used.
pub(crate) fn stores(driver: &Driver) -> Result<Stores, Problem> {
    match driver {
        Driver::Memory => Ok(all_in(MemoryProvider::new())),
        Driver::Database(config) => match DatabaseProvider::open(config) {
            Ok(store) => Ok(all_in(store)),
            Err(error) => Err(of_database(config, &error)),
        },
    }
}

fn all_in<S>(store: S) -> Stores
where
    S: Provider + AdminStore + IpListStore + DefenderStore + 'static,
{
    let store = Arc::new(store);
    Stores {
        provider: Arc::clone(&store) as Arc<dyn Provider>,
        admins: Arc::clone(&store) as Arc<dyn AdminStore>,
        ip_lists: Arc::clone(&store) as Arc<dyn IpListStore>,
        defender_hosts: store,
    }
}

/// Returns the driver's name as the configuration has it.
pub(super) fn driver_name(driver: &Driver) -> &'static str {
    match driver {
        Driver::Memory => "memory",
        Driver::Database(config) => match config.connect_options {
            ConnectOptions::Sqlite(_) => "sqlite",
            ConnectOptions::PostgresText(_) | ConnectOptions::Postgres(_) => "postgresql",
            ConnectOptions::Mysql(_) => "mysql",
        },
    }
}

/// The database cannot be used.
pub(crate) fn of_database(config: &StoreConfig, error: &Error) -> Problem {
    let (key, advice) = match config.connect_options {
        ConnectOptions::Sqlite(_) => (
            "data_provider.name",
            "check who may write it and its directory, or name another file",
        ),
        ConnectOptions::PostgresText(_) => (
            "data_provider",
            "check data_provider.connection_string, and that the database exists",
        ),
        ConnectOptions::Postgres(_) | ConnectOptions::Mysql(_) => (
            "data_provider",
            "check the keys host, port, name, username, password and sslmode, and that the database exists",
        ),
    };
    let place = format!("{key} ({})", config.connect_options);
    // The libraries' messages have lines.
    let error = error.to_string();
    let lines: Vec<_> = error.lines().map(str::trim).collect();
    Problem::new(&place, format!("{}; {advice}", lines.join(" ")))
}

/// Opens the journal of dirty users; none where users are in memory, for it need not outlive them.
pub(super) fn journal(
    driver: &Driver,
    directory: &Path,
) -> Result<Option<Arc<FileJournal>>, Problem> {
    if *driver == Driver::Memory {
        return Ok(None);
    }
    let journal = FileJournal::open(directory).map_err(of_key("--config-dir"))?;
    Ok(Some(Arc::new(journal)))
}

/// The servers that this one follows.
pub(super) fn follow(journal: &FileJournal, server: NodeId) -> Vec<NodeId> {
    journal.succeed(server).unwrap_or_else(|error| {
        log::warn!("a crash while the database does not answer would leave usage wrong: {error}");
        Vec::new()
    })
}
