//! What an admin changes of its own account: password, profile, second factor.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use sftpgo_core::{
    Result as DomainResult,
    admin::{Admins, TotpSecret},
    event::Actor,
};
use warp::http::StatusCode;

use super::dto::{
    GenerateBody, GeneratedAnswer, PasswordBody, ProfileBody, RecoveryCodeAnswer, SaveTotpBody,
    TotpConfigAnswer, ValidateBody,
};
use crate::{
    arrival::Arrival,
    authenticate::remote,
    body,
    error::ApiError,
    principal::AllowedAdmin,
    response::{Reply, data, message_v2},
};

type Body = Result<Vec<u8>, ApiError>;

/// What `call` makes of the admins and of the one who asks.
async fn with_admins<T: Send + 'static>(
    allowed: AllowedAdmin,
    call: impl FnOnce(&Admins, &Actor) -> DomainResult<T> + Send + 'static,
) -> Result<T, ApiError> {
    let (app, _) = allowed?;
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    let called = app
        .calls
        .run(move || call(state.admins.logins.admins(), &by));
    Ok(called.await?)
}

/// `PUT /admin/changepwd`
pub(super) async fn change_password(
    body: Body,
    arrival: Option<Arrival>,
    allowed: AllowedAdmin,
) -> Reply {
    let (app, _) = allowed?;
    let sent: PasswordBody = body::json_object(&body?)?;
    let remote = remote(&arrival.ok_or_else(ApiError::internal)?);
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    let change = move || {
        let logins = &state.admins.logins;
        logins.change_password(&by, &sent.current_password, &sent.new_password, remote)
    };
    app.calls.run(change).await?;
    Ok(message_v2(StatusCode::OK, "Password updated"))
}

/// `GET /admin/profile`
pub(super) async fn profile(allowed: AllowedAdmin) -> Reply {
    let (_, session) = allowed?;
    data(&ProfileBody {
        email: session.admin.email.clone(),
        description: session.admin.description.clone(),
        allow_api_key_auth: session.admin.allow_api_key_auth,
    })
}

/// `PUT /admin/profile`
pub(super) async fn change_profile(body: Body, allowed: AllowedAdmin) -> Reply {
    let allowed = Ok(allowed?);
    let sent: ProfileBody = body::json_object(&body?)?;
    with_admins(allowed, move |admins, by| {
        admins.change_profile(by, &sent.email, &sent.description, sent.allow_api_key_auth)
    })
    .await?;
    Ok(message_v2(StatusCode::OK, "Profile updated"))
}

/// `GET /admin/totp/configs`
pub(super) async fn totp_configs(allowed: AllowedAdmin) -> Reply {
    let (app, _) = allowed?;
    let configs = app.state.admins.logins.admins().totp_configs();
    data(
        &configs
            .iter()
            .map(TotpConfigAnswer::from)
            .collect::<Vec<_>>(),
    )
}

/// `POST /admin/totp/generate`
pub(super) async fn generate_totp(body: Body, allowed: AllowedAdmin) -> Reply {
    let allowed = Ok(allowed?);
    let sent: GenerateBody = body::json_object(&body?)?;
    let answer = with_admins(allowed, move |admins, by| {
        let made = admins.generate_totp(by.admin_name(), &sent.config_name)?;
        let mut configs = admins.totp_configs().iter();
        let issuer = configs
            .find(|config| config.name == sent.config_name)
            .map(|config| config.issuer.clone());
        Ok(GeneratedAnswer {
            config_name: sent.config_name,
            issuer: issuer.unwrap_or_default(),
            secret: made.secret,
            url: made.url,
            qr_code: STANDARD.encode(made.qr_code),
        })
    })
    .await?;
    data(&answer)
}

/// `POST /admin/totp/validate`
pub(super) async fn validate_totp(body: Body, allowed: AllowedAdmin) -> Reply {
    let allowed = Ok(allowed?);
    let sent: ValidateBody = body::json_object(&body?)?;
    with_admins(allowed, move |admins, by| {
        let totp = TotpSecret {
            config_name: sent.config_name,
            secret: sent.secret,
        };
        admins.validate_totp(by.admin_name(), &totp, &sent.passcode)
    })
    .await?;
    Ok(message_v2(
        StatusCode::OK,
        "Passcode successfully validated",
    ))
}

/// `POST /admin/totp/save`
pub(super) async fn save_totp(body: Body, allowed: AllowedAdmin) -> Reply {
    let allowed = Ok(allowed?);
    let sent: SaveTotpBody = body::json_object(&body?)?;
    let totp = if sent.enabled {
        let secret = sent.secret.unwrap_or_default();
        if !secret.status.is_empty() && secret.status != "Plain" {
            return Err(ApiError::bad_request(
                "secret.status: only \"Plain\" secrets are taken",
            ));
        }
        Some(TotpSecret {
            config_name: sent.config_name,
            secret: secret.payload,
        })
    } else {
        None
    };
    with_admins(allowed, move |admins, by| {
        admins.save_totp(by, totp.as_ref())
    })
    .await?;
    Ok(message_v2(StatusCode::OK, "TOTP configuration saved"))
}

/// `GET /admin/2fa/recoverycodes`
pub(super) async fn recovery_codes(allowed: AllowedAdmin) -> Reply {
    let codes = with_admins(allowed, |admins, by| admins.recovery_codes(by.admin_name())).await?;
    let answer = codes.into_iter().map(|known| RecoveryCodeAnswer {
        code: known.code,
        used: known.used,
    });
    data(&answer.collect::<Vec<_>>())
}

/// `POST /admin/2fa/recoverycodes`
pub(super) async fn make_recovery_codes(allowed: AllowedAdmin) -> Reply {
    let codes = with_admins(allowed, |admins, by| admins.make_recovery_codes(by)).await?;
    let codes: Vec<_> = codes.into_iter().map(|known| known.code).collect();
    data(&codes)
}
