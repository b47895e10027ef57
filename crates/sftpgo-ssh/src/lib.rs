//! The SSH side of a file-transfer server: logins, channels, SFTP, scp and a few commands over `sftpgo-core`.

#![forbid(unsafe_code)]

mod algorithms;
pub mod commands;
pub mod config;
mod connection;
mod error_text;
mod exec;
pub mod exec_program;
pub mod host_key;
mod key_file;
mod offered;
pub mod receipt;
mod receive_queue;
pub mod scp;
mod server;
mod session;
pub mod sftp;
pub mod shell_words;
mod unauthenticated_limiter;
mod user_certificates;

pub use algorithms::{KnownNames, known_names};
pub use commands::SshCommand;
pub use config::{Limits, ServerConfig};
pub use host_key::HostKey;
pub use server::{Binding, GOODBYE, Server, ServerHandle, Services};
pub use user_certificates::UserCertificates;
