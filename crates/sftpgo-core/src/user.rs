//! Users: as stores keep them, as somebody asks for them, and as a session enforces them.

mod draft;
mod effective;
mod filters;
mod login_methods;
pub(crate) mod rights;
mod stored;

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

pub use self::{
    draft::{FiltersDraft, TotpDraft, UserDraft},
    effective::EffectiveUser,
    filters::{TotpProtocols, UserFilters, UserTotp},
    login_methods::LoginMethods,
    stored::StoredUser,
};

/// The id the provider gave a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub i32);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The time now in Unix milliseconds, as the contract counts it.
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}
