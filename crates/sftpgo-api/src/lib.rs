//! The REST API v1.2.0 under `/api/v1`, what there is of SFTPGo's 2.x under `/api/v2`, Prometheus metrics under `/metrics`, and `/healthz`.
//!
//! Knows HTTP and JSON and, of the rest, only `sftpgo-core`: neither where users are kept nor how files travel.

#![forbid(unsafe_code)]

mod access_log;
mod activity;
mod arrival;
mod auth;
mod authenticate;
mod binding;
mod blocking;
mod body;
mod csrf;
mod dto;
mod encoded;
mod error;
mod event_archive;
mod forwarded;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod handlers;
mod host;
mod listener;
mod metrics;
mod openapi;
mod path_kind;
mod paths;
mod principal;
mod receipts;
mod refusal;
mod request;
mod response;
mod routes;
mod server;
mod state;
mod streamed;
mod tls;
mod v2;
mod web;

pub use activity::{Activity, RecentEvent};
pub use arrival::{Arrival, ClientAddress, Reach};
pub use auth::{AdminAccess, TokenSettings, Tokens};
pub use binding::{Binding, BindingOptions, Socket, StrictTransport};
pub use dto::user::user_json;
pub use event_archive::{EventArchive, PastEvents};
pub use forwarded::Proxies;
pub use host::AllowedHosts;
pub use metrics::Metrics;
pub use receipts::{OfWhat, ReceiptText, Receipts};
pub use server::serve;
pub use state::{ApiState, HostKeyInfo, SshInfo, VersionInfo};
pub use tls::{ClientCertificates, Tls, TlsError, TlsOptions, TlsPart, TlsVersion, watch_tls};
