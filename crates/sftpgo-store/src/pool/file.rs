//! Connections to an SQLite file. Calls run on their callers' threads: a file answers or fails.

use std::{sync::Arc, thread, time::Duration};

use diesel::{
    r2d2::{self, ManageConnection, NopErrorHandler, R2D2Connection as _},
    result::QueryResult,
};
use sftpgo_core::{Error, ErrorKind, Result};

use super::{Alive, WAIT_FOR_CONNECTION};
use crate::{
    connect::File,
    connection::Connection,
    dialect,
    error::{self, of_query},
    write_queue::WriteQueue,
};

/// The time that a write waits for its turn. Each one before it takes milliseconds, and at the most the time that a
/// database is waited for.
const WAIT_FOR_TURN: Duration = Duration::from_secs(10);

/// Connections, and a line of those who write.
pub(super) struct Connections {
    connections: r2d2::Pool<Manager>,
    write_queue: WriteQueue,
}

struct Manager {
    file: File,
    alive: Alive,
}

/// A connection of the pool.
struct Pooled {
    connection: Connection,
    /// Dropped after the connection, in the order of the fields.
    _alive: Alive,
}

impl Connections {
    pub(super) fn new(file: File, size: u32, alive: Alive) -> Self {
        Self {
            connections: r2d2::Pool::builder()
                .max_size(size)
                .min_idle(Some(0))
                .connection_timeout(WAIT_FOR_CONNECTION)
                // Whoever waits for a connection says why there is none; this would say it ten times a second.
                .error_handler(Box::new(NopErrorHandler))
                .build_unchecked(Manager { file, alive }),
            write_queue: WriteQueue::default(),
        }
    }

    pub(super) fn call<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> QueryResult<T>,
    ) -> Result<T> {
        let mut pooled = self
            .connections
            .get()
            .map_err(|error| self.why_none(error))?;
        work(&mut pooled.connection).map_err(of_query)
    }

    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> QueryResult<T>,
    ) -> Result<T> {
        let Some(_turn) = self.write_queue.take(WAIT_FOR_TURN) else {
            let seconds = WAIT_FOR_TURN.as_secs();
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!("others have been writing to the database for {seconds} seconds"),
            ));
        };
        self.call(work)
    }

    fn why_none(&self, error: r2d2::PoolError) -> Error {
        let state = self.connections.state();
        if state.connections < self.connections.max_size() {
            return error::of_connecting(error);
        }
        super::all_busy(state.connections, WAIT_FOR_CONNECTION).with_source(error)
    }
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<Pooled, r2d2::Error> {
        let mut connection = self.file.connect().map_err(r2d2::Error::ConnectionError)?;
        dialect::on_connect(&mut connection).map_err(r2d2::Error::QueryError)?;
        Ok(Pooled {
            connection,
            _alive: Arc::clone(&self.alive),
        })
    }

    /// Says yes: a connection to a file does not end by itself.
    fn is_valid(&self, _: &mut Pooled) -> Result<(), r2d2::Error> {
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        thread::panicking() || pooled.connection.is_broken()
    }
}
