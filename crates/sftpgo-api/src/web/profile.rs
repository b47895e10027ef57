//! What an admin says about itself, and its password.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::{Error, ErrorKind};
use warp::http::StatusCode;

use super::{
    answer::{Refusal, Reply, see_other, show as answer},
    form::{Faults, Field, FieldKind, Form},
    frame::Frame,
    request::Request,
    session::{self, Session},
    texts::{common, profile as texts},
};
use crate::{authenticate::remote, state::App};

#[derive(Template)]
#[template(path = "profile.html")]
struct ProfilePage {
    frame: Frame,
    must_change: bool,
    error: String,
    profile: Vec<Field>,
    allow_api_key_auth: bool,
    passwords: Vec<Field>,
}

/// `GET /web/profile`
pub(super) fn show(request: &Request, session: &Session) -> Reply {
    let query = Form::parse(request.query.as_bytes());
    let mut page = of_stored(session, &Faults::default());
    page.frame = page.frame.noticing(match query.get("done") {
        "saved" => texts::WAS_SAVED,
        "password" => texts::PASSWORD_WAS_CHANGED,
        _ => "",
    });
    answer(request, StatusCode::OK, &page)
}

/// `POST /web/profile`
pub(super) async fn save(app: &App, request: &Request, session: &Session, form: &Form) -> Reply {
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    let [email, description] = ["email", "description"].map(|name| form.get(name).to_owned());
    let allow_keys = form.has("allow_api_key_auth");
    let change = move || {
        let admins = state.admins.logins.admins();
        admins.change_profile(&by, &email, &description, allow_keys)
    };
    let mut faults = Faults::default();
    match app.calls.run(change).await {
        Ok(_) => return Ok(see_other("/web/profile?done=saved")),
        Err(error) => tell(error, &mut faults)?,
    }
    let typed = ["email", "description"].map(|name| form.get(name));
    let page = profile_page(session, typed, allow_keys, &faults);
    answer(request, StatusCode::BAD_REQUEST, &page)
}

/// `POST /web/profile/password`; the session goes on, and all others of the admin end.
pub(super) async fn change_password(
    app: &App,
    request: &Request,
    session: &Session,
    form: &Form,
) -> Reply {
    let mut faults = Faults::default();
    if form.get("new_password") != form.get("confirm_password") {
        faults.add("confirm_password", common::NOT_THE_SAME_PASSWORD);
    }
    if faults.is_empty() {
        let (state, by) = (Arc::clone(&app.state), app.by.clone());
        let [current, new] =
            ["current_password", "new_password"].map(|name| form.get(name).to_owned());
        let remote = remote(&request.arrival);
        let change = move || {
            let logins = &state.admins.logins;
            logins.change_password(&by, &current, &new, remote)
        };
        match app.calls.run(change).await {
            Ok(admin) => {
                let done = see_other("/web/profile?done=password");
                return Ok(session::begin(app, request, &admin, done));
            }
            Err(error) => tell(error, &mut faults)?,
        }
    }
    let page = of_stored(session, &faults);
    answer(request, StatusCode::BAD_REQUEST, &page)
}

fn tell(error: Error, faults: &mut Faults) -> Result<(), Refusal> {
    if error.kind() != ErrorKind::Invalid {
        return Err(error.into());
    }
    faults.add_error(&error);
    Ok(())
}

fn of_stored(session: &Session, faults: &Faults) -> ProfilePage {
    let admin = &session.admin;
    let stored = [admin.email.as_str(), admin.description.as_str()];
    profile_page(session, stored, admin.allow_api_key_auth, faults)
}

fn profile_page(
    session: &Session,
    [email, description]: [&str; 2],
    allow_api_key_auth: bool,
    faults: &Faults,
) -> ProfilePage {
    let password = |name, label, autocomplete| {
        Field::new(name, label, FieldKind::Password)
            .autocomplete(autocomplete)
            .required()
            .filled("", faults)
    };
    ProfilePage {
        frame: Frame::for_admin(session, common::PROFILE),
        must_change: session.admin.require_password_change,
        error: faults.of(""),
        profile: vec![
            Field::new("email", common::EMAIL, FieldKind::Text)
                .autocomplete("email")
                .filled(email, faults),
            Field::new("description", common::DESCRIPTION, FieldKind::Text)
                .filled(description, faults),
        ],
        allow_api_key_auth,
        passwords: vec![
            password(
                "current_password",
                texts::CURRENT_PASSWORD,
                "current-password",
            ),
            password("new_password", texts::NEW_PASSWORD, "new-password"),
            password(
                "confirm_password",
                texts::NEW_PASSWORD_AGAIN,
                "new-password",
            ),
        ],
    }
}
