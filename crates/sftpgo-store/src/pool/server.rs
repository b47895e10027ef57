//! Connections to a database server, which may go away, or stop answering.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use diesel::{ConnectionError, r2d2::R2D2Connection as _, result::QueryResult};
use sftpgo_core::Result;

use super::{
    Alive, IsWaitedFor, WAIT_FOR_CONNECTION,
    call::Limits,
    workers::{Source, Workers},
};
use crate::{
    connect::Target,
    connection::Connection,
    dialect,
    error::{self, of_query},
};

const LIMITS: Limits = Limits {
    wait: WAIT_FOR_CONNECTION,
    // What a call asks takes milliseconds; with a database that has much to do, seconds.
    call: Duration::from_secs(10),
    idle: Duration::from_secs(600),
};

/// The time without use after which a connection is asked before it is used: the server may have closed it, as it does when
/// it ends, or what lies between may have forgotten it. No server is started again as fast as this.
const ASK_AFTER: Duration = Duration::from_millis(100);

/// The time between two tries to connect.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Connections, each on a thread of its own.
pub(super) struct Connections(Workers<Server>);

struct Server {
    target: Target,
    alive: Alive,
}

/// A connection, as a thread has it.
struct Pooled {
    connection: Connection,
    /// Dropped after the connection, in the order of the fields.
    _alive: Alive,
}

impl Connections {
    pub(super) fn new(target: Target, size: u32, alive: Alive) -> Self {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        Self(Workers::new(Server { target, alive }, size, LIMITS))
    }

    pub(super) fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, IsWaitedFor<'_>) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        self.0.call(move |pooled: &mut Pooled, waiter| {
            work(&mut pooled.connection, &|| waiter.waits()).map_err(of_query)
        })
    }
}

impl Server {
    fn try_to_connect(&self) -> Result<Pooled, ConnectionError> {
        let mut connection = self.target.connect()?;
        dialect::on_connect(&mut connection).map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(Pooled {
            connection,
            _alive: Arc::clone(&self.alive),
        })
    }
}

impl Source for Server {
    type Connection = Pooled;

    fn connect(&self) -> Result<Pooled> {
        let until = Instant::now() + WAIT_FOR_CONNECTION;
        loop {
            match self.try_to_connect() {
                Ok(pooled) => return Ok(pooled),
                Err(error) if Instant::now() + TRY_AGAIN_AFTER > until => {
                    return Err(error::of_connecting(error));
                }
                Err(_) => thread::sleep(TRY_AGAIN_AFTER),
            }
        }
    }

    fn is_sound(&self, pooled: &mut Pooled, unused: Option<Duration>) -> bool {
        !pooled.connection.is_broken()
            && (unused.is_some_and(|unused| unused < ASK_AFTER) || pooled.connection.ping().is_ok())
    }
}
