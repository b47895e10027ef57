//! The server on PostgreSQL and MariaDB.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bans;
mod metrics;
mod outage;
mod restarts;
mod several_servers;
mod standstill;
mod start;
mod takeover;

use sftpgo_databases::Kind;
use sftpgo_e2e::Server;

/// By which the usage of everybody in a database is counted.
fn settings_of(server: &sftpgo_databases::Server, database: &str) -> Vec<(String, String)> {
    let mut settings = server.settings(database);
    let everybody = ("SFTPGO_DATA_PROVIDER__TRACK_QUOTA", "1");
    settings.push((everybody.0.to_owned(), everybody.1.to_owned()));
    settings
}

/// A server of ours whose users are in a database of a server of theirs, and whose usage is counted.
fn start_on(server: &sftpgo_databases::Server, database: &str) -> Server {
    start_with(server, database, &[])
}

/// The same with more settings.
fn start_with(server: &sftpgo_databases::Server, database: &str, more: &[(&str, &str)]) -> Server {
    let settings = settings_of(server, database);
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .chain(more.iter().copied())
        .collect();
    Server::start_with(&settings)
}

/// One module of tests for each database.
macro_rules! on_each {
    ($($test:ident),* $(,)?) => {
        mod postgresql {
            $(#[test] fn $test() { super::$test(super::Kind::Postgres); })*
        }
        mod mariadb {
            $(#[test] fn $test() { super::$test(super::Kind::Mariadb); })*
        }
    };
}

use on_each;
