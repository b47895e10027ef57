//! The login: a password, then a code where the admin has a second factor.

use std::sync::Arc;

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sftpgo_core::admin::{Admin, PasswordVerdict};
use warp::http::StatusCode;

use super::{
    answer::{Refusal, Reply, see_other, show as answer},
    form::{Faults, Field, FieldKind, Form},
    frame::Frame,
    request::Request,
    session,
    texts::{common, sign_in as texts},
};
use crate::{
    auth::BasicCredentials,
    authenticate::{check_password, remote, wait_until},
    refusal,
    state::App,
};

/// One sentence for everything that can be wrong, so that nobody learns what it was.
const WRONG: &str = texts::WRONG_NAME_OR_PASSWORD;
const WRONG_CODE: &str = texts::WRONG_CODE;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    fields: Vec<Field>,
    next: String,
    error: &'static str,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    frame: Frame,
    passcode: Field,
    recovery_code: Field,
    next: String,
    error: &'static str,
}

/// Returns the address of the login that leads back to the page of this request.
pub(super) fn address_for(request: &Request) -> String {
    if !request.is_read() || request.path.is_empty() || request.path.ends_with("/events") {
        return "/web/login".to_owned();
    }
    let query = if request.query.is_empty() { "" } else { "?" };
    let page = format!("/web{}{query}{}", request.path, request.query);
    let page = utf8_percent_encode(&page, NON_ALPHANUMERIC);
    format!("/web/login?next={page}")
}

/// A page of ours to go on with, and no other.
fn next_page(form: &Form) -> &str {
    let asked = form.get("next");
    let is_ours = asked.starts_with("/web/")
        && asked
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !asked.contains("//")
        && !asked.contains("/..");
    if is_ours { asked } else { "/web" }
}

/// `GET /web/login`
pub(super) async fn show(app: &App, request: &Request) -> Reply {
    let query = Form::parse(request.query.as_bytes());
    if session::session(app, request).await?.is_some() {
        return Ok(see_other(next_page(&query)));
    }
    answer(request, StatusCode::OK, &login_page(&query, ""))
}

/// `POST /web/login`
pub(super) async fn submit(app: &App, request: &Request, form: &Form) -> Reply {
    let sent = BasicCredentials {
        username: form.get("username").to_owned(),
        password: form.get("password").to_owned(),
    };
    let next = next_page(form);
    match check_password(app, &sent, remote(&request.arrival)).await? {
        PasswordVerdict::LoggedIn(admin) => {
            Ok(session::begin(app, request, &admin, see_other(next)))
        }
        PasswordVerdict::NeedsCode(admin) => {
            let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
            let code = see_other(&format!("/web/twofactor?next={next}"));
            Ok(session::begin_half(app, request, &admin, code))
        }
        PasswordVerdict::Refused(at) => {
            wait_until(at).await;
            let page = answer(request, StatusCode::FORBIDDEN, &login_page(form, WRONG));
            page.map(refusal::of_login)
        }
        PasswordVerdict::Closing => Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            texts::BEING_STOPPED,
        )),
    }
}

/// `GET /web/twofactor`
pub(super) async fn show_code(app: &App, request: &Request) -> Reply {
    let query = Form::parse(request.query.as_bytes());
    if session::half_logged_in(app, request).await?.is_none() {
        return Ok(see_other("/web/login"));
    }
    answer(request, StatusCode::OK, &code_page(&query, ""))
}

/// `POST /web/twofactor`
pub(super) async fn submit_code(app: &App, request: &Request, form: &Form) -> Reply {
    let Some(admin) = session::half_logged_in(app, request).await? else {
        return Ok(see_other("/web/login"));
    };
    let passcode = form.get("passcode").trim();
    let code = if passcode.is_empty() {
        form.get("recovery_code").trim()
    } else {
        passcode
    };
    match check_code(app, request, admin, code.to_owned()).await? {
        Some(admin) => {
            let next = see_other(next_page(form));
            Ok(session::begin(app, request, &admin, next))
        }
        None => {
            let page = answer(request, StatusCode::FORBIDDEN, &code_page(form, WRONG_CODE));
            page.map(refusal::of_login)
        }
    }
}

async fn check_code(
    app: &App,
    request: &Request,
    admin: Admin,
    code: String,
) -> Result<Option<Admin>, Refusal> {
    let state = Arc::clone(&app.state);
    let remote = remote(&request.arrival);
    let check = move || state.admins.logins.check_code(&admin, &code, remote);
    match app.calls.run(check).await? {
        Ok(admin) => Ok(Some(admin)),
        Err(at) => {
            wait_until(at).await;
            Ok(None)
        }
    }
}

fn login_page(form: &Form, error: &'static str) -> LoginPage {
    let none = Faults::default();
    LoginPage {
        frame: Frame::of(None, ""),
        fields: vec![
            Field::new("username", common::USERNAME, FieldKind::Text)
                .autocomplete("username")
                .required()
                .filled(form.get("username"), &none),
            Field::new("password", common::PASSWORD, FieldKind::Password)
                .autocomplete("current-password")
                .required(),
        ],
        next: next_page(form).to_owned(),
        error,
    }
}

fn code_page(form: &Form, error: &'static str) -> CodePage {
    CodePage {
        frame: Frame::of(None, ""),
        passcode: Field::new("passcode", common::CODE, FieldKind::Number)
            .hint(texts::PASSCODE_HINT)
            .autocomplete("one-time-code"),
        recovery_code: Field::new("recovery_code", texts::OR_A_RECOVERY_CODE, FieldKind::Text)
            .hint(texts::RECOVERY_HINT),
        next: next_page(form).to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_goes_on_with_a_page_of_ours_only() {
        for (sent, goes_on) in [
            ("next=/web/users", "/web/users"),
            ("next=/web/users%3Fq%3Da", "/web/users?q=a"),
            ("", "/web"),
            ("next=https://evil.test/web/", "/web"),
            ("next=//evil.test/web/", "/web"),
            ("next=/web//evil.test", "/web"),
            ("next=/web/../api", "/web"),
            ("next=/web/%0d%0aSet-Cookie:a", "/web"),
            ("next=/web/%5C%5Cevil.test", "/web"),
        ] {
            assert_eq!(next_page(&Form::parse(sent.as_bytes())), goes_on, "{sent}");
        }
    }
}
