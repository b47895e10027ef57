//! What is remembered of the order of names, so that a page far into a long list costs what one near its beginning does.

use std::{
    sync::{Mutex, TryLockError},
    time::{Duration, Instant},
};

use diesel::{
    ExpressionMethods, QueryDsl, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::Text,
};
use sftpgo_core::provider::Order;

use super::{
    buckets::{Buckets, Start},
    changes,
};
use crate::{connection::Connection, dialect, schema::users};

/// To pass over so many names costs less than to look up where to begin.
pub(super) const NEAR: u32 = 500;
/// Names in a bucket when it is made.
const BUCKET: usize = 250;
/// Names in a bucket that make it worth while to cut anew.
const TOO_MANY: usize = 4 * BUCKET;
/// What other programs do to the table is nowhere written down: it is noticed within this time, or when counting takes
/// long, within this many times that.
const BELIEVED_FOR: Duration = Duration::from_secs(60);
const BELIEVED_TIMES: u32 = 100;

/// Where names are, if that is known.
#[derive(Default)]
pub(crate) struct Positions(Mutex<Option<Known>>);

struct Known {
    buckets: Buckets,
    /// The last change of names that is counted.
    change: i64,
    believed_until: Instant,
}

#[derive(QueryableByName)]
struct Bound {
    #[diesel(sql_type = Text)]
    username: String,
}

/// An answer to where a page begins.
pub(super) enum Answer {
    /// Here.
    At(Start),
    /// Behind the last name.
    Nowhere,
    /// Nobody knows now.
    Unknown,
}

impl Positions {
    /// Where the page begins that comes after `offset` names. All names are counted first if they were not, or not of
    /// late.
    pub(super) fn find(
        &self,
        connection: &mut Connection,
        offset: u32,
        order: Order,
    ) -> QueryResult<Answer> {
        let mut known = match self.0.try_lock() {
            Ok(known) => known,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody counts: to walk takes less than to wait.
            Err(TryLockError::WouldBlock) => return Ok(Answer::Unknown),
        };
        let current = match known.take() {
            Some(known) => known.up_to_date(connection)?,
            None => None,
        };
        let current = match current {
            Some(current) => current,
            None => count(connection)?,
        };
        let start = current.buckets.start(offset as usize, order);
        *known = Some(current);
        Ok(start.map_or(Answer::Nowhere, Answer::At))
    }
}

impl Known {
    /// With what has changed since; none when it is time to count anew.
    fn up_to_date(mut self, connection: &mut Connection) -> QueryResult<Option<Self>> {
        if Instant::now() > self.believed_until {
            return Ok(None);
        }
        let Some(changes) = changes::after(connection, self.change)? else {
            return Ok(None);
        };
        for (number, username, delta) in changes {
            self.buckets.apply(&username, delta);
            self.change = number;
        }
        Ok(Some(self).filter(|known| known.buckets.largest() <= TOO_MANY))
    }
}

/// Reads the order of all names, as they are at one moment.
fn count(connection: &mut Connection) -> QueryResult<Known> {
    let started = Instant::now();
    dialect::read(connection, |connection| {
        let change = changes::last(connection)?;
        let bounds: Vec<Bound> = sql_query(format!(
            "SELECT username FROM \
             (SELECT username, ROW_NUMBER() OVER (ORDER BY username) AS number FROM users) numbered \
             WHERE number % {BUCKET} = 1 ORDER BY number"
        ))
        .load(connection)?;
        let bounds: Vec<String> = bounds.into_iter().map(|bound| bound.username).collect();
        let in_last: i64 = match bounds.last() {
            Some(last) => users::table
                .filter(users::username.ge(last))
                .count()
                .get_result(connection)?,
            None => 0,
        };
        Ok(Known {
            buckets: Buckets::new(bounds, BUCKET, usize::try_from(in_last).unwrap_or(0)),
            change,
            believed_until: Instant::now() + BELIEVED_FOR.max(started.elapsed() * BELIEVED_TIMES),
        })
    })
}
