//! Administrators: who may manage this server over HTTP, how they prove who they are, and the keys that programs use for
//! them. They are no users: they have no home and no files.

mod api_key;
mod draft;
mod login;
mod management;
mod permission;
mod record;
mod setup;
mod store;

pub use api_key::{ApiKey, ApiKeyDraft, NewApiKey};
pub use draft::AdminDraft;
pub use login::{AdminLogins, PasswordVerdict, RefusedAdmin};
pub use management::Admins;
pub use permission::AdminPermissions;
pub use record::Admin;
pub use setup::SetupCode;
pub use store::{AddWhere, AdminStore, keeps_a_full_admin};

pub use crate::credential::second_factor::{
    GeneratedTotp, RecoveryCode, TotpAlgorithm, TotpConfig, TotpSecret,
};
