//! What a request brings to prove who sends it: tokens, names with passwords, and who has proved it of late.

mod basic;
mod metrics_readers;
mod salted;
mod signing;
mod tokens;

use std::sync::Arc;

use sftpgo_core::{
    Result,
    admin::{Admin, AdminDraft, AdminLogins, SetupCode},
    credential::htpasswd::Htpasswd,
    event::Actor,
};

pub(crate) use basic::{BasicCredentials, VerifiedBasic};
pub(crate) use metrics_readers::{MetricsReaders, STORE_PATIENCE};
pub(crate) use tokens::{Audience, Claims};
pub use tokens::{TokenSettings, Tokens};
use warp::http::HeaderName;

/// The header of an API key.
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-sftpgo-api-key");

/// What the API needs to know who asks.
pub struct AdminAccess {
    /// Logins of admins, and the admins.
    pub logins: Arc<AdminLogins>,
    /// The tokens that they get when they log in.
    pub tokens: Tokens,
    /// The code by which the first admin is made; none when there was one at the start.
    pub setup_code: Option<SetupCode>,
    /// Is REST 1.2.0 open on every address while there is no admin? The operator has said so in words.
    pub insecure_no_auth: bool,
    /// Names with passwords that open REST 1.2.0 and the metrics, beside the admins: asked at each request.
    pub listed: Option<Box<dyn Fn() -> Arc<Htpasswd> + Send + Sync>>,
    /// Called when the first admin was made, so that what showed the setup code can go.
    pub when_set_up: Box<dyn Fn() + Send + Sync>,
    pub(crate) verified_basic: VerifiedBasic,
    pub(crate) metrics_readers: MetricsReaders,
}

impl AdminAccess {
    /// Access for the admins of `logins`.
    pub fn new(logins: Arc<AdminLogins>, tokens: Tokens) -> Self {
        Self {
            logins,
            tokens,
            setup_code: None,
            insecure_no_auth: false,
            listed: None,
            when_set_up: Box::new(|| {}),
            verified_basic: VerifiedBasic::default(),
            metrics_readers: MetricsReaders::default(),
        }
    }

    /// Makes the first admin, for who knows the setup code.
    ///
    /// # Errors
    /// As [`Admins::add_first`](sftpgo_core::admin::Admins::add_first).
    pub(crate) fn add_first(&self, by: &Actor, draft: AdminDraft) -> Result<Admin> {
        let added = self.logins.admins().add_first(by, draft)?;
        (self.when_set_up)();
        Ok(added)
    }
}
