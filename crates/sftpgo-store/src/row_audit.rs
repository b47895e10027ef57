//! Saying which users cannot log in because of what their rows hold.

use std::{collections::HashSet, mem, ops::ControlFlow, sync::Mutex};

use sftpgo_core::{Result, sync::lock};

use crate::{all_users, pool::Pool};

/// Names of users whose flaw was logged when the table was taken over.
pub(crate) type AlreadyTold = Mutex<HashSet<String>>;

/// Logs every row that gives no user who can log in, but for those in `already_told`, which is empty from then on.
pub(crate) fn report(pool: &Pool, already_told: &AlreadyTold) -> Result<()> {
    let already_told = mem::take(&mut *lock(already_told));
    all_users::visit(pool, |row| {
        match row {
            Ok(row) if already_told.contains(row.username()) => {}
            Ok(row) => {
                if let Some(flaw) = row.flaw() {
                    log::warn!("the user {:?} cannot log in: {flaw}", row.username());
                }
            }
            Err(error) => log::warn!(
                "a row of the table users cannot be read, so its user cannot log in: {error}"
            ),
        }
        ControlFlow::Continue(())
    })
}
