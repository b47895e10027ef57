//! Real database servers for tests, with a data directory and a port of their own.
//!
//! [`Database::new`] makes a database on a server that all tests of one run share: the first that wants it starts it.
//! [`Server::start`] starts one for a test that stops or freezes it. A server never outlives who wants it, the test
//! runner or the test, even when that is killed: `keep.sh` sees to it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod held;
pub mod old;
mod programs;
mod server;
mod shared;

pub use held::Held;
pub use server::{Server, make_certificates};
pub use shared::Database;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    Mariadb,
}

impl Kind {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Postgres, Self::Mariadb];

    /// As `data_provider.driver` calls it.
    pub fn driver(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::Mariadb => "mysql",
        }
    }
}

/// Who may do everything on these servers.
pub const USER: &str = "sftpgo";
/// With characters that mean something in URLs, connection strings and SQL.
pub const PASSWORD: &str = r#"p@ss:/w?o r&d='%41"\;#"#;
