//! The domain of a file-transfer server: virtual users, login, permissions, quota, files and transfers.
//!
//! Nothing here knows a protocol, a database or a process: a service brings its own
//! [`Provider`] and [`Filesystem`](filesystem::Filesystem) and gets the rest.

#![forbid(unsafe_code)]

pub mod accounts;
pub mod admin;
pub mod auth;
pub mod cluster;
pub mod content;
pub mod credential;
pub mod defender;
pub mod descriptors;
pub mod error;
pub mod event;
pub mod explain;
pub mod fair_pool;
pub mod filesystem;
pub mod gate;
pub mod hex;
pub mod ip_list;
pub mod ledger;
pub mod network;
mod patience;
pub mod permission;
pub mod policy;
pub mod priority;
pub mod provider;
pub mod quota;
pub mod quota_scan;
pub mod random;
pub mod rate_limit;
pub mod recovery;
pub mod registry;
pub mod rule;
pub mod session;
mod session_context;
pub mod storage_usage;
pub mod sync;
pub mod throttle;
pub mod transfer;
pub mod upload_cleanup;
mod uploads;
pub mod usage;
pub mod user;
pub mod user_reconcile;
pub mod vpath;

pub use error::{Error, ErrorKind, Result};
pub use permission::Permissions;
pub use provider::Provider;
pub use rule::Rule;
pub use user::{EffectiveUser, StoredUser, UserDraft, UserId};
pub use vpath::VirtualPath;
