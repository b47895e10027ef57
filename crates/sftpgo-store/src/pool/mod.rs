//! A bounded set of connections, and the one way to them: a call that runs with one.

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod call;
#[cfg(feature = "sqlite")]
mod file;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod workers;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use diesel::result::QueryResult;
use sftpgo_core::{Error, ErrorKind, Result};

use crate::{connect::Target, connection::Connection, dialect};

/// Callers hold a connection for milliseconds; past this the database is gone or overwhelmed.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(3);

/// The time for which the end of a pool waits for connections that other threads are opening or closing.
const WAIT_FOR_END: Duration = Duration::from_secs(5);

/// Connections to one database, each with one caller at a time.
pub(crate) struct Pool {
    kind: Kind,
    /// Dropped after the connections, in the order of the fields.
    _end: End,
}

enum Kind {
    #[cfg(feature = "sqlite")]
    File(file::Connections),
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    Server(server::Connections),
}

/// Held by everything that has to do with connections.
type Alive = Arc<()>;

/// Waits until nothing has to do with connections any more: at the end of the process their libraries clean up, and a
/// thread that opens or closes one meanwhile would crash.
struct End(Alive);

/// Is a call that runs still waited for?
type IsWaitedFor<'a> = &'a dyn Fn() -> bool;

impl Pool {
    /// Makes a pool of at most `size` connections (0 is the default number), opened as they are needed.
    pub(crate) fn new(target: Target, size: u32) -> Self {
        let size = if size == 0 {
            target.default_pool_size()
        } else {
            size
        };
        let alive = Alive::default();
        Self {
            kind: Kind::new(target, size, Arc::clone(&alive)),
            _end: End(alive),
        }
    }

    /// Runs `work` with a connection, once one is free.
    ///
    /// # Errors
    /// What `work` says, as core's; [`Unavailable`](sftpgo_core::ErrorKind::Unavailable) when there is no connection, or
    /// a server does not answer in time. Then what `work` changed outside of transactions may stay.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        match &self.kind {
            #[cfg(feature = "sqlite")]
            Kind::File(file) => file.call(work),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Kind::Server(server) => server.call(move |connection, _| work(connection)),
        }
    }

    /// As [`Pool::call`], to write. Where only one can write at a time, the others wait in line, without a connection, so
    /// that readers find one.
    ///
    /// # Errors
    /// As [`Pool::call`].
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        self.work(move |connection, _| work(connection))
    }

    /// Runs `work` in a transaction that writes. It may run more than once; only the last time counts.
    ///
    /// # Errors
    /// As [`Pool::call`]. After an error the transaction may have been committed, but not later than this returns, unless
    /// a server had been told to commit by then.
    pub(crate) fn transaction<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Connection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        self.work(move |connection, is_waited_for| dialect::write(connection, is_waited_for, work))
    }

    /// As [`Pool::transaction`], and what was committed so far survives a power cut once this returns.
    ///
    /// # Errors
    /// As [`Pool::transaction`].
    pub(crate) fn durable_transaction<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Connection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        self.work(move |connection, is_waited_for| {
            dialect::write_durably(connection, is_waited_for, work)
        })
    }

    fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, IsWaitedFor<'_>) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        match &self.kind {
            #[cfg(feature = "sqlite")]
            Kind::File(file) => file.write(|connection| work(connection, &|| true)),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Kind::Server(server) => server.call(work),
        }
    }
}

impl Kind {
    fn new(target: Target, size: u32, alive: Alive) -> Self {
        match target {
            #[cfg(feature = "sqlite")]
            Target::Sqlite(file) => Self::File(file::Connections::new(file, size, alive)),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            target => Self::Server(server::Connections::new(target, size, alive)),
        }
    }
}

/// Returns why there is no connection: each of the `count` that there may be had something else to do.
fn all_busy(count: impl std::fmt::Display, waited: Duration) -> Error {
    let seconds = waited.as_secs();
    Error::new(
        ErrorKind::Unavailable,
        format!("all {count} connections to the database were busy for {seconds} seconds"),
    )
}

impl Drop for End {
    fn drop(&mut self) {
        let until = Instant::now() + WAIT_FOR_END;
        while Arc::strong_count(&self.0) > 1 && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
