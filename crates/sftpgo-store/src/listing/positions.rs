//! What is remembered of the order of names, so that a page far into a long list costs what one near its beginning does.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
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
use crate::{connection::Connection, schema::users};

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
pub(crate) struct Positions {
    /// Held for moments only, never while the database is asked.
    known: Mutex<Option<Arc<Known>>>,
    is_counting: AtomicBool,
}

#[derive(Clone)]
pub(super) struct Known {
    buckets: Buckets,
    /// The last change of names that is counted.
    change: i64,
    believed_until: Instant,
}

/// That somebody counts, for as long as this lives.
struct Counting<'a>(&'a AtomicBool);

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
    /// What is known now. It has to be asked before the transaction in which [`Self::find`] uses it begins: what others
    /// learn later may be of changes that the transaction does not see.
    pub(super) fn known(&self) -> Option<Arc<Known>> {
        self.lock().clone()
    }

    /// Where the page begins that comes after `offset` names, in the list as the transaction sees it. All names are
    /// counted first if they were not, or not of late.
    pub(super) fn find(
        &self,
        connection: &mut Connection,
        known: Option<Arc<Known>>,
        offset: u32,
        order: Order,
    ) -> QueryResult<Answer> {
        let current = match known {
            Some(known) => up_to_date(known, connection)?,
            None => None,
        };
        let current = match current {
            Some(current) => current,
            None => match Counting::begin(&self.is_counting) {
                Some(_counting) => Arc::new(count(connection)?),
                // To walk takes less than to wait.
                None => return Ok(Answer::Unknown),
            },
        };
        let start = current.buckets.start(offset as usize, order);
        self.learn(current);
        Ok(start.map_or(Answer::Nowhere, Answer::At))
    }

    /// Keeps this unless more is known already.
    fn learn(&self, current: Arc<Known>) {
        let mut known = self.lock();
        let age = |known: &Known| (known.believed_until, known.change);
        if known
            .as_deref()
            .is_none_or(|known| age(known) < age(&current))
        {
            *known = Some(current);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Counting<'a> {
    /// None when another counts.
    fn begin(is_counting: &'a AtomicBool) -> Option<Self> {
        (!is_counting.swap(true, Ordering::AcqRel)).then(|| Self(is_counting))
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// With what has changed since; none when it is time to count anew.
fn up_to_date(
    mut known: Arc<Known>,
    connection: &mut Connection,
) -> QueryResult<Option<Arc<Known>>> {
    if Instant::now() > known.believed_until {
        return Ok(None);
    }
    let Some(changes) = changes::after(connection, known.change)? else {
        return Ok(None);
    };
    if !changes.is_empty() {
        let known = Arc::make_mut(&mut known);
        for (number, username, delta) in changes {
            known.buckets.apply(&username, delta);
            known.change = number;
        }
    }
    Ok(Some(known).filter(|known| known.buckets.largest() <= TOO_MANY))
}

/// Reads the order of all names, within a transaction that sees them as they are at one moment.
fn count(connection: &mut Connection) -> QueryResult<Known> {
    let started = Instant::now();
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
}
