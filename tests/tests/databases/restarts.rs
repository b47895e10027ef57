//! Restarts without a pause, on a database that several servers use anyway.

use sftpgo_databases::Database;
use sftpgo_e2e::fifty_transfers_run_through_three_restarts;

use super::{Kind, on_each, start_on};

on_each!(transfers_run_through_restarts);

fn transfers_run_through_restarts(kind: Kind) {
    let database = Database::new(kind);
    let server = start_on(&database, &database.name);
    fifty_transfers_run_through_three_restarts(&server);
}
