//! Second factors of users: beside the contract's 1.2.0.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sftpgo_core::{StoredUser, accounts::NewTotp, user::TotpProtocols};
use warp::http::StatusCode;

use super::user::user_id;
use crate::{
    body,
    error::ApiError,
    principal::Allowed,
    response::{Reply, data, message},
};

/// The protocol for which a second factor is needed where none is named: the one that is spoken here.
const SSH: &str = "SSH";

#[derive(Deserialize, Default)]
#[serde(default)]
struct EnableBody {
    config_name: Option<String>,
    protocols: Option<Vec<String>>,
}

#[derive(Serialize)]
struct TotpAnswer {
    enabled: bool,
    config_name: String,
    protocols: Vec<&'static str>,
    recovery_codes_left: usize,
}

impl From<&StoredUser> for TotpAnswer {
    fn from(user: &StoredUser) -> Self {
        let totp = user.filters.totp.as_ref();
        let codes = user.filters.recovery_codes.iter();
        Self {
            enabled: totp.is_some(),
            config_name: totp
                .map(|totp| totp.secret.config_name.clone())
                .unwrap_or_default(),
            protocols: totp.map(|totp| totp.protocols.names()).unwrap_or_default(),
            recovery_codes_left: codes.filter(|code| !code.used).count(),
        }
    }
}

#[derive(Serialize)]
struct EnabledAnswer {
    config_name: String,
    issuer: String,
    secret: String,
    url: String,
    /// PNG in Base64.
    qr_code: String,
    protocols: Vec<&'static str>,
    recovery_codes: Vec<String>,
}

impl EnabledAnswer {
    fn of(made: NewTotp, protocols: TotpProtocols) -> Self {
        let codes = made.recovery_codes.into_iter();
        Self {
            config_name: made.config.name,
            issuer: made.config.issuer,
            secret: made.generated.secret,
            url: made.generated.url,
            qr_code: STANDARD.encode(made.generated.qr_code),
            protocols: protocols.names(),
            recovery_codes: codes.map(|code| code.code).collect(),
        }
    }
}

/// `GET /user/{userID}/totp`: never the secret.
pub(crate) async fn show(id: Result<String, ApiError>, app: Allowed) -> Reply {
    let app = app?;
    let id = user_id(id)?;
    let accounts = app.state.accounts.clone();
    let user = app.calls.run(move || accounts.by_id(id)).await?;
    data(&TotpAnswer::from(&user))
}

/// `POST /user/{userID}/totp`: the one answer with the secret.
pub(crate) async fn enable(
    id: Result<String, ApiError>,
    body: Result<Vec<u8>, ApiError>,
    app: Allowed,
) -> Reply {
    let app = app?;
    let id = user_id(id)?;
    let sent: EnableBody = body::json_object(&body?)?;
    let protocols = sent.protocols.unwrap_or_else(|| vec![SSH.to_owned()]);
    let protocols = TotpProtocols::from_names(&protocols)?;
    let (accounts, by) = (app.state.accounts.clone(), app.by.clone());
    let enable = move || {
        let first = accounts.totp_configs().first();
        let default = || first.map(|config| config.name.clone()).unwrap_or_default();
        let config_name = sent.config_name.unwrap_or_else(default);
        accounts.enable_totp(&by, id, &config_name, protocols)
    };
    let made = app.calls.run(enable).await?;
    data(&EnabledAnswer::of(made, protocols))
}

/// `DELETE /user/{userID}/totp`
pub(crate) async fn disable(id: Result<String, ApiError>, app: Allowed) -> Reply {
    let app = app?;
    let id = user_id(id)?;
    let (accounts, by) = (app.state.accounts.clone(), app.by.clone());
    let disable = move || accounts.disable_totp(&by, id);
    app.calls.run(disable).await?;
    message(StatusCode::OK, "2FA disabled")
}
