//! The SSH side of a file-transfer server: logins, channels and the SFTP engine over `sftpgo-core`.

#![forbid(unsafe_code)]

mod algorithms;
mod auth;
mod channel;
pub mod config;
pub mod host_key;
mod password_pool;
mod pending;
mod server;
pub mod sftp;
mod transport;

pub use algorithms::known_names;
pub use config::{Limits, ServerConfig};
pub use host_key::HostKey;
pub use server::{Server, Services};
