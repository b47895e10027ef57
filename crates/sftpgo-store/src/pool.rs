//! A bounded set of connections.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use diesel::r2d2::{
    self, ManageConnection, NopErrorHandler, PooledConnection, R2D2Connection as _,
};
use sftpgo_core::{Error, ErrorKind, Result};

#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::watch::{Watch, Watched};
use crate::{
    connection::Connection,
    dialect, error,
    establish::{Established, Target},
    turns::{Turn, Turns},
};

/// Callers hold a connection for milliseconds; past this the database is gone or overwhelmed.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(3);

/// Each who writes before takes milliseconds, and at the most the time that a database is waited for.
const WAIT_FOR_TURN: Duration = Duration::from_secs(10);

/// How long whoever ends waits for connections that other threads are opening or closing.
const WAIT_FOR_END: Duration = Duration::from_secs(5);

/// Connections to one database, handed out to one caller at a time.
pub(crate) struct Pool {
    connections: r2d2::Pool<Manager>,
    /// Of those who write, where only one can.
    turns: Option<Turns>,
    /// After them, as fields go.
    _end: End,
}

/// Held by everything that has to do with connections.
type Alive = Arc<()>;

/// Waits until nothing has to do with connections any more: at the end of the process their libraries clean up, and a
/// thread that opens or closes one meanwhile would crash.
struct End(Alive);

/// A connection in use; it goes back when this is dropped.
pub(crate) struct InUse {
    connection: PooledConnection<Manager>,
    /// Held until after the connection is back, as fields go.
    turn: Option<Turn>,
}

struct Manager {
    target: Arc<Target>,
    alive: Alive,
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    watch: Watch,
}

/// A connection of the pool.
pub(crate) struct Pooled {
    connection: Connection,
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    watched: Option<Watched>,
    /// After the connection, as fields go.
    _alive: Alive,
}

impl Pool {
    /// At most `size` connections (0 is the default number), opened as they are needed.
    pub(crate) fn new(target: Arc<Target>, size: u32) -> Self {
        let size = if size == 0 {
            target.default_pool_size()
        } else {
            size
        };
        let alive = Alive::default();
        let turns = target.has_one_writer().then(Turns::default);
        let manager = Manager {
            target,
            alive: Arc::clone(&alive),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            watch: Watch::default(),
        };
        Self {
            connections: r2d2::Pool::builder()
                .max_size(size)
                .min_idle(Some(0))
                .connection_timeout(WAIT_FOR_CONNECTION)
                // Whoever waits for a connection says why there is none; this would say it ten times a second.
                .error_handler(Box::new(NopErrorHandler))
                .build_unchecked(manager),
            turns,
            _end: End(alive),
        }
    }

    /// A connection to write with, once it is this caller's turn. Who waits for that has no connection yet, so that
    /// readers find one.
    pub(crate) fn to_write(&self) -> Result<InUse> {
        let turn = match &self.turns {
            None => None,
            Some(turns) => Some(turns.take(WAIT_FOR_TURN).ok_or_else(|| {
                let seconds = WAIT_FOR_TURN.as_secs();
                Error::new(
                    ErrorKind::Unavailable,
                    format!("others have been writing to the database for {seconds} seconds"),
                )
            })?),
        };
        let mut in_use = self.connection()?;
        in_use.turn = turn;
        Ok(in_use)
    }

    /// A connection, once one is free.
    pub(crate) fn connection(&self) -> Result<InUse> {
        let connection = self
            .connections
            .get()
            .map_err(|error| self.why_none(error))?;
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        if let Some(watched) = &connection.watched {
            watched.begin();
        }
        Ok(InUse {
            connection,
            turn: None,
        })
    }

    fn why_none(&self, error: r2d2::PoolError) -> Error {
        let state = self.connections.state();
        if state.connections < self.connections.max_size() {
            return error::of_connecting(error);
        }
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "all {} connections to the database were busy for {} seconds",
                state.connections,
                WAIT_FOR_CONNECTION.as_secs()
            ),
        )
        .with_source(error)
    }
}

impl Pooled {
    /// Does the connection look as if it could be used? None when it takes a question to know.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    fn looks_sound(&self) -> Option<bool> {
        match &self.watched {
            Some(watched) => watched.looks_sound(),
            None if dialect::connections_end(&self.connection) => None,
            None => Some(true),
        }
    }

    /// One to a file does not end by itself.
    #[cfg(not(any(feature = "postgres", feature = "mysql")))]
    #[allow(clippy::unused_self, reason = "connections to servers end")]
    fn looks_sound(&self) -> Option<bool> {
        Some(true)
    }

    fn ask(&mut self) -> Result<(), r2d2::Error> {
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        let _asking = self.watched.as_ref().map(Watched::while_asking);
        self.connection.ping().map_err(r2d2::Error::QueryError)
    }
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<Pooled, r2d2::Error> {
        let Established {
            mut connection,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            cord,
        } = self
            .target
            .establish()
            .map_err(r2d2::Error::ConnectionError)?;
        dialect::on_connect(&mut connection).map_err(r2d2::Error::QueryError)?;
        Ok(Pooled {
            connection,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            watched: cord.map(|cord| self.watch.add(cord)),
            _alive: Arc::clone(&self.alive),
        })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), r2d2::Error> {
        match pooled.looks_sound() {
            Some(true) => Ok(()),
            Some(false) => Err(r2d2::Error::ConnectionError(
                diesel::ConnectionError::BadConnection(
                    "the server closed the connection".to_owned(),
                ),
            )),
            None => pooled.ask(),
        }
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        thread::panicking() || pooled.connection.is_broken() || pooled.looks_sound() == Some(false)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let until = Instant::now() + WAIT_FOR_END;
        while Arc::strong_count(&self.0) > 1 && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        if let Some(watched) = &self.connection.watched {
            watched.end();
        }
    }
}

impl Deref for InUse {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection.connection
    }
}

impl DerefMut for InUse {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection.connection
    }
}
