//! The second factor of a user: given and shown once, taken away.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::{accounts::NewTotp, admin::AdminPermissions, user::TotpProtocols};
use warp::http::StatusCode;

use super::{
    super::{
        answer::{Refusal, Reply, see_other, show as answer},
        form::Form,
        frame::Frame,
        request::Request,
        second_factor::picture,
        session::Session,
        texts::{common, users as texts},
    },
    user_id,
};
use crate::state::App;

#[derive(Template)]
#[template(path = "user_second_factor.html")]
struct NewFactorPage {
    frame: Frame,
    title: String,
    secret: String,
    picture: String,
    size: i32,
    codes: Vec<String>,
    user: String,
}

/// `POST /web/user/{id}/mfa`: the one page with the secret.
pub(in super::super) async fn enable(
    app: &App,
    request: &Request,
    session: &Session,
    id: &str,
    form: &Form,
) -> Reply {
    session.need(AdminPermissions::EDIT_USERS)?;
    session.need(AdminPermissions::VIEW_USERS)?;
    let id = user_id(id)?;
    let (accounts, by) = (Arc::clone(&app.state.accounts), app.by.clone());
    let config_name = form.get("config_name").to_owned();
    let enable = move || accounts.enable_totp(&by, id, &config_name, TotpProtocols::SSH);
    let made = app.calls.run(enable).await?;
    answer(request, StatusCode::OK, &page_of(session, made)?)
}

/// `POST /web/user/{id}/mfa/disable`
pub(in super::super) async fn disable(app: &App, session: &Session, id: &str) -> Reply {
    session.need(AdminPermissions::EDIT_USERS)?;
    session.need(AdminPermissions::VIEW_USERS)?;
    let id = user_id(id)?;
    let (accounts, by) = (Arc::clone(&app.state.accounts), app.by.clone());
    app.calls
        .run(move || accounts.disable_totp(&by, id))
        .await?;
    Ok(see_other("/web/users?done=factor"))
}

fn page_of(session: &Session, made: NewTotp) -> Result<NewFactorPage, Refusal> {
    let (picture, size) = picture(&made.generated.url)?;
    Ok(NewFactorPage {
        frame: Frame::for_admin(session, common::USERS),
        title: texts::second_factor_of(&made.user.username),
        secret: made.generated.secret,
        picture,
        size,
        codes: made
            .recovery_codes
            .into_iter()
            .map(|code| code.code)
            .collect(),
        user: format!("/web/user/{}", made.user.id),
    })
}
