//! Where the users of `sftpgo-core` are kept: in memory, or in an SQLite database (feature `sqlite`).

#![forbid(unsafe_code)]

mod journal;
mod memory;

#[cfg(feature = "sqlite")]
mod connection;
#[cfg(feature = "sqlite")]
mod dialect;
#[cfg(feature = "sqlite")]
mod error;
#[cfg(feature = "sqlite")]
mod everybody;
#[cfg(feature = "sqlite")]
mod flaws;
#[cfg(feature = "sqlite")]
mod migrate;
#[cfg(feature = "sqlite")]
mod pool;
#[cfg(feature = "sqlite")]
mod quota;
#[cfg(feature = "sqlite")]
mod row;
#[cfg(feature = "sqlite")]
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod takeover;
#[cfg(feature = "sqlite")]
mod users;

pub use journal::FileJournal;
pub use memory::MemoryProvider;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteProvider, StoreConfig};
