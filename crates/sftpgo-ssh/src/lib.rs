//! The SSH side of a file-transfer server: logins, channels, SFTP, scp and a few commands over `sftpgo-core`.

#![forbid(unsafe_code)]

mod algorithms;
mod auth;
mod channel;
pub mod commands;
pub mod config;
pub mod exec;
pub mod host_key;
mod password_pool;
mod password_queue;
mod pending;
pub mod program;
mod quiet;
mod reason;
pub mod scp;
mod server;
pub mod sftp;
mod source;
mod transport;

pub use algorithms::known_names;
pub use commands::SshCommand;
pub use config::{Limits, ServerConfig};
pub use host_key::HostKey;
pub use server::{Server, Services};
