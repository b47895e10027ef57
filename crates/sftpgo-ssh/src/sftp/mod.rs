//! SFTP version 3 over one session: bytes in, replies out.

pub mod proto;

mod begun;
mod dispatch;
mod engine;
mod failure;
mod handle;
mod long_name;
mod requests;
mod status_map;
mod symlink_order;
mod work;

pub use engine::Engine;
pub use failure::SessionEnd;
pub(crate) use work::SftpWork;
