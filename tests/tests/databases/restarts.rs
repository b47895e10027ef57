//! Restarts without a pause, on a database that several servers use anyway.

use sftpgo_databases::Database;
use sftpgo_e2e::{self as e2e, Server};

use super::{Kind, on_each, start_on};

on_each!(
    transfers_run_through_restarts,
    sessions_and_quota_hold_in_both_processes_together,
    who_is_closed_or_disabled_is_so_in_both_processes,
);

fn on(kind: Kind, test: fn(&Server)) {
    let database = Database::new(kind);
    test(&start_on(&database, &database.name));
}

fn transfers_run_through_restarts(kind: Kind) {
    on(kind, e2e::fifty_transfers_run_through_three_restarts);
}

fn sessions_and_quota_hold_in_both_processes_together(kind: Kind) {
    on(
        kind,
        e2e::sessions_and_quota_hold_in_both_processes_together,
    );
}

fn who_is_closed_or_disabled_is_so_in_both_processes(kind: Kind) {
    on(kind, e2e::who_is_closed_or_disabled_is_so_in_both_processes);
}
