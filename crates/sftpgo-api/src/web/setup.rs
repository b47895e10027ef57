//! The first admin: with the code that the server printed when it started.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::{admin::AdminDraft, event::Identity};
use warp::http::StatusCode;

use super::{
    answer::{Reply, see_other, show as answer},
    form::{Faults, Field, FieldKind, Form},
    frame::Frame,
    request::Request,
    session,
    texts::{common, setup as texts},
};
use crate::state::App;

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    frame: Frame,
    code: Field,
    /// Did the code come with the address? Then it need not be typed.
    has_code: bool,
    fields: Vec<Field>,
    error: String,
}

/// `GET /web/setup`
pub(super) fn show(app: &App, request: &Request) -> Reply {
    let query = Form::parse(request.query.as_bytes());
    let is_right = is_code(app, query.get("code"));
    let page = setup_page(&query, &Faults::default(), is_right);
    answer(request, StatusCode::OK, &page)
}

/// `POST /web/setup`
pub(super) async fn submit(app: &App, request: &Request, form: &Form) -> Reply {
    let mut faults = Faults::default();
    let is_right = is_code(app, form.get("code"));
    if !is_right {
        faults.add("code", texts::NOT_THE_CODE);
    }
    if form.get("password") != form.get("confirm_password") {
        faults.add("confirm_password", common::NOT_THE_SAME_PASSWORD);
    }
    if form.get("password").is_empty() {
        faults.add("password", texts::MUST_NOT_BE_EMPTY);
    }
    let draft = AdminDraft {
        username: form.get("username").to_owned(),
        password: form.get("password").to_owned(),
        ..AdminDraft::default()
    };
    if let Err(error) = draft.check_username() {
        faults.add_error(&error);
    }
    if faults.is_empty() {
        let state = Arc::clone(&app.state);
        let by = request.actor(Identity::SetupCode);
        let add = move || state.admins.add_first(&by, draft);
        match app.calls.run(add).await {
            Ok(admin) => {
                return Ok(session::begin(app, request, &admin, see_other("/web")));
            }
            Err(error) => faults.add_error(&error),
        }
    }
    let page = setup_page(form, &faults, is_right);
    answer(request, StatusCode::BAD_REQUEST, &page)
}

fn is_code(app: &App, sent: &str) -> bool {
    let code = app.state.admins.setup_code.as_ref();
    code.is_some_and(|code| code.is(sent))
}

fn setup_page(form: &Form, faults: &Faults, has_code: bool) -> SetupPage {
    let password = |name, label| {
        Field::new(name, label, FieldKind::Password)
            .autocomplete("new-password")
            .required()
            .filled("", faults)
    };
    SetupPage {
        frame: Frame::of(None, ""),
        code: Field::new("code", texts::SETUP_CODE, FieldKind::Text)
            .hint(texts::CODE_HINT)
            .required()
            .filled(form.get("code"), faults),
        has_code,
        fields: vec![
            Field::new("username", common::USERNAME, FieldKind::Text)
                .autocomplete("username")
                .required()
                .filled(form.get("username"), faults),
            password("password", common::PASSWORD),
            password("confirm_password", texts::THE_PASSWORD_AGAIN),
        ],
        error: faults.of(""),
    }
}
