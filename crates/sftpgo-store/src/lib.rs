//! Where the users of `sftpgo-core` are kept: in memory, or in a database.
//!
//! Each database is a feature: `sqlite` (on by default) needs nothing of the system, `postgres` and `mysql` link its
//! libpq and libmariadb, and `bundled` builds those two from source.

#![forbid(unsafe_code)]

mod admin_refusal;
mod column_limits;
mod connect_options;
mod ip_list_refusal;
mod journal;
mod memory;

#[cfg(feature = "database")]
mod admin;
#[cfg(feature = "database")]
mod admin_row;
#[cfg(feature = "database")]
mod admins;
#[cfg(feature = "database")]
mod all_users;
#[cfg(feature = "database")]
mod connect;
#[cfg(feature = "database")]
mod connection;
#[cfg(feature = "database")]
mod database;
#[cfg(feature = "database")]
mod defender_hosts;
#[cfg(feature = "database")]
mod dialect;
#[cfg(feature = "database")]
mod error;
#[cfg(feature = "database")]
mod ip_lists;
#[cfg(feature = "database")]
mod legacy_import;
#[cfg(feature = "database")]
mod listing;
#[cfg(feature = "database")]
mod migrate;
#[cfg(feature = "database")]
mod name_pattern;
#[cfg(feature = "database")]
mod pool;
#[cfg(feature = "database")]
mod quota;
#[cfg(feature = "database")]
mod ran_migrations;
#[cfg(feature = "database")]
mod row;
#[cfg(feature = "database")]
mod row_audit;
#[cfg(feature = "database")]
mod schema;
#[cfg(feature = "database")]
mod sharing;
#[cfg(feature = "database")]
mod user_filters;
#[cfg(feature = "database")]
mod users;
#[cfg(feature = "sqlite")]
mod write_queue;

#[cfg(feature = "database")]
pub use admin::{Migrated, MigrationStatus, drop_takeover_copy, migrate, migration_status, revert};
pub use connect_options::{ConnectOptions, Secret, Server, StoreConfig, Tls};
#[cfg(feature = "database")]
pub use database::DatabaseProvider;
pub use journal::FileJournal;
pub use memory::MemoryProvider;
#[cfg(feature = "database")]
pub use migrate::{Losses, MayLose, Reverted};

/// The databases of this build, as SFTPGo's configuration calls their drivers.
pub const DATABASES: &[&str] = &[
    #[cfg(feature = "sqlite")]
    "sqlite",
    #[cfg(feature = "postgres")]
    "postgresql",
    #[cfg(feature = "mysql")]
    "mysql",
];

// Builds that library from source, and OpenSSL for it.
#[cfg(feature = "bundled")]
use openssl_sys as _;
#[cfg(feature = "postgres")]
use pq_sys as _;
