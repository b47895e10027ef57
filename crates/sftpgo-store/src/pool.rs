//! A bounded set of connections.

use std::time::Duration;

use diesel::r2d2::{self, ConnectionManager, CustomizeConnection, PooledConnection};
use sftpgo_core::Result;

use crate::{connection::Connection, dialect, error};

/// SQLite writes one at a time, and reads of single rows are short: more connections would only wait.
const DEFAULT_SIZE: u32 = 8;

/// Callers hold a connection for milliseconds; past this the database is gone or overwhelmed.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(3);

/// Connections to one database, handed out to one caller at a time.
#[derive(Clone)]
pub(crate) struct Pool(r2d2::Pool<ConnectionManager<Connection>>);

#[derive(Debug)]
struct OnConnect;

impl Pool {
    /// At most `size` connections to `url` (0 is the default number), opened as they are needed.
    pub(crate) fn new(url: &str, size: u32) -> Self {
        let size = if size == 0 { DEFAULT_SIZE } else { size };
        Self(
            r2d2::Pool::builder()
                .max_size(size)
                .min_idle(Some(0))
                .connection_timeout(WAIT_FOR_CONNECTION)
                .test_on_check_out(dialect::CONNECTIONS_BREAK)
                .connection_customizer(Box::new(OnConnect))
                .build_unchecked(ConnectionManager::new(url)),
        )
    }

    /// A connection, once one is free.
    pub(crate) fn connection(&self) -> Result<PooledConnection<ConnectionManager<Connection>>> {
        self.0.get().map_err(error::of_connecting)
    }
}

impl CustomizeConnection<Connection, r2d2::Error> for OnConnect {
    fn on_acquire(&self, connection: &mut Connection) -> Result<(), r2d2::Error> {
        dialect::on_connect(connection).map_err(r2d2::Error::QueryError)
    }
}
