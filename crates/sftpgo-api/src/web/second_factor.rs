//! The second factor of an admin: set up with a picture for the phone, proved by a code, switched off by one.

use std::sync::Arc;

use askama::Template;
use qrcodegen::{QrCode, QrCodeEcc};
use sftpgo_core::{
    Error, ErrorKind,
    admin::{GeneratedTotp, RecoveryCode, TotpSecret},
};
use warp::http::StatusCode;

use super::{
    answer::{Refusal, Reply, see_other, show as answer},
    form::{Faults, Field, FieldKind, Form},
    frame::Frame,
    request::Request,
    session::Session,
    texts::{common, second_factor as texts},
};
use crate::{
    authenticate::{remote, wait_until},
    state::App,
};

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SecondFactorPage {
    frame: Frame,
    is_required: bool,
    is_on: bool,
    /// The number of recovery codes that are not used yet.
    codes_left: usize,
    configs: Vec<String>,
    passcode: Field,
}

#[derive(Template)]
#[template(path = "second_factor_setup.html")]
struct SetupPage {
    frame: Frame,
    config_name: String,
    secret: String,
    picture: String,
    size: i32,
    passcode: Field,
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct CodesPage {
    frame: Frame,
    codes: Vec<String>,
}

/// `GET /web/mfa`
pub(super) fn show(app: &App, request: &Request, session: &Session) -> Reply {
    let query = Form::parse(request.query.as_bytes());
    let mut page = state_page(app, session, &Faults::default());
    if query.get("done") == "off" {
        page.frame = page.frame.noticing(texts::IS_OFF);
    }
    answer(request, StatusCode::OK, &page)
}

/// `POST /web/mfa/setup`: a new secret, which is kept by nobody yet.
pub(super) fn set_up(app: &App, request: &Request, session: &Session, form: &Form) -> Reply {
    check_has_none(session)?;
    let admins = app.state.admins.logins.admins();
    let made = admins.generate_totp(&session.admin.username, form.get("config_name"))?;
    let page = setup_page(session, form.get("config_name"), &made, &Faults::default())?;
    answer(request, StatusCode::OK, &page)
}

/// `POST /web/mfa`: the phone has the secret, as its code shows.
pub(super) async fn save(app: &App, request: &Request, session: &Session, form: &Form) -> Reply {
    check_has_none(session)?;
    let totp = TotpSecret {
        config_name: form.get("config_name").to_owned(),
        secret: form.get("secret").to_owned(),
    };
    let mut faults = Faults::default();
    let state = Arc::clone(&app.state);
    let (by, code) = (app.by.clone(), code_of(form));
    let sent = totp.clone();
    let save = move || {
        let admins = state.admins.logins.admins();
        admins.validate_totp(by.admin_name(), &sent, &code)?;
        admins.save_totp(&by, Some(&sent))
    };
    match app.calls.run(save).await {
        Ok(admin) => return show_codes(request, session, &admin.recovery_codes),
        Err(error) => tell(error, &mut faults)?,
    }
    let admins = app.state.admins.logins.admins();
    let again = admins.show_totp(&session.admin.username, &totp)?;
    let page = setup_page(session, &totp.config_name, &again, &faults)?;
    answer(request, StatusCode::BAD_REQUEST, &page)
}

/// `POST /web/mfa/codes`: other recovery codes, by a code, because one of them switches the second factor off.
pub(super) async fn make_codes(
    app: &App,
    request: &Request,
    session: &Session,
    form: &Form,
) -> Reply {
    if session.admin.totp.is_none() {
        return Ok(see_other("/web/mfa"));
    }
    let mut faults = Faults::default();
    if !prove_again(app, request, session, form, &mut faults).await? {
        let page = state_page(app, session, &faults);
        return answer(request, StatusCode::BAD_REQUEST, &page);
    }
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    let make = move || state.admins.logins.admins().make_recovery_codes(&by);
    let codes = app.calls.run(make).await?;
    show_codes(request, session, &codes)
}

/// `POST /web/mfa/disable`: by a code, so that an open page is not enough.
pub(super) async fn switch_off(
    app: &App,
    request: &Request,
    session: &Session,
    form: &Form,
) -> Reply {
    if session.admin.totp.is_none() {
        return Ok(see_other("/web/mfa"));
    }
    let mut faults = Faults::default();
    if prove_again(app, request, session, form, &mut faults).await? {
        let (state, by) = (Arc::clone(&app.state), app.by.clone());
        let switch_off = move || state.admins.logins.admins().save_totp(&by, None);
        match app.calls.run(switch_off).await {
            Ok(_) => return Ok(see_other("/web/mfa?done=off")),
            Err(error) => tell(error, &mut faults)?,
        }
    }
    let page = state_page(app, session, &faults);
    answer(request, StatusCode::BAD_REQUEST, &page)
}

/// Does the form have a code of the admin's second factor? Otherwise says at the field that it is wrong.
async fn prove_again(
    app: &App,
    request: &Request,
    session: &Session,
    form: &Form,
    faults: &mut Faults,
) -> Result<bool, Refusal> {
    let state = Arc::clone(&app.state);
    let (admin, code) = (session.admin.clone(), code_of(form));
    let remote = remote(&request.arrival);
    let prove = move || state.admins.logins.prove_again(&admin, &code, remote);
    if let Err(at) = app.calls.run(prove).await? {
        wait_until(at).await;
        faults.add("passcode", texts::WRONG_CODE);
        return Ok(false);
    }
    Ok(true)
}

/// Whoever has come by an open page does not put a phone of their own in the place of the admin's.
fn check_has_none(session: &Session) -> Result<(), Refusal> {
    match session.admin.totp {
        None => Ok(()),
        Some(_) => Err(Refusal::new(StatusCode::CONFLICT, texts::IS_ON_ALREADY)),
    }
}

fn code_of(form: &Form) -> String {
    form.get("passcode").trim().to_owned()
}

/// Says at the code what is wrong, whatever it is.
fn tell(error: Error, faults: &mut Faults) -> Result<(), Refusal> {
    if error.kind() != ErrorKind::Invalid {
        return Err(error.into());
    }
    let (_, text) = error
        .message()
        .split_once(": ")
        .unwrap_or(("", error.message()));
    faults.add("passcode", text);
    Ok(())
}

fn passcode(faults: &Faults) -> Field {
    Field::new("passcode", common::CODE, FieldKind::Number)
        .hint(texts::CODE_HINT)
        .autocomplete("one-time-code")
        .required()
        .filled("", faults)
}

fn state_page(app: &App, session: &Session, faults: &Faults) -> SecondFactorPage {
    let admin = &session.admin;
    let configs = app.state.admins.logins.admins().totp_configs().iter();
    let left = admin.recovery_codes.iter().filter(|code| !code.used);
    SecondFactorPage {
        frame: Frame::for_admin(session, common::SECOND_FACTOR),
        is_required: admin.require_two_factor,
        is_on: admin.totp.is_some(),
        codes_left: left.count(),
        configs: configs.map(|config| config.name.clone()).collect(),
        passcode: passcode(faults),
    }
}

fn setup_page(
    session: &Session,
    config_name: &str,
    made: &GeneratedTotp,
    faults: &Faults,
) -> Result<SetupPage, Refusal> {
    let (picture, size) = picture(&made.url)?;
    Ok(SetupPage {
        frame: Frame::for_admin(session, common::SECOND_FACTOR),
        config_name: config_name.to_owned(),
        secret: made.secret.clone(),
        picture,
        size,
        passcode: passcode(faults),
    })
}

/// The dark squares of a QR code as the path of a picture, and how many there are on a side, with the quiet zone.
pub(super) fn picture(text: &str) -> Result<(String, i32), Refusal> {
    const QUIET: i32 = 4;
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)
        .map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, texts::SECRET_TOO_LONG))?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in 0..code.size() {
            if code.get_module(x, y) {
                path += &format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET);
            }
        }
    }
    Ok((path, code.size() + 2 * QUIET))
}

fn show_codes(request: &Request, session: &Session, codes: &[RecoveryCode]) -> Reply {
    let unused = codes.iter().filter(|code| !code.used);
    let page = CodesPage {
        frame: Frame::for_admin(session, common::SECOND_FACTOR),
        codes: unused.map(|code| code.code.clone()).collect(),
    };
    answer(request, StatusCode::OK, &page)
}
