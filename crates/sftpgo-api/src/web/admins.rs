//! Admins: listed, added, changed and deleted by one who may do everything.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::{
    Error, ErrorKind,
    admin::{Admin, AdminDraft, AdminPermissions},
};
use warp::http::StatusCode;

use super::{
    answer::{Refusal, Reply, page, see_other, show as answer},
    form::{Faults, Field, FieldKind, Form, not_stored},
    frame::Frame,
    request::Request,
    session::Session,
    texts::{admins as texts, common},
    words,
};
use crate::state::App;

/// Permissions with what each allows; a name that is not here is shown without.
const TEXTS: [(&str, &str); 13] = [
    ("*", texts::ALLOWS_EVERYTHING),
    ("add_users", texts::ADD_USERS),
    ("edit_users", texts::CHANGE_USERS),
    ("del_users", texts::DELETE_USERS),
    ("view_users", texts::SEE_USERS),
    ("view_conns", texts::SEE_CONNECTIONS),
    ("close_conns", texts::CLOSE_CONNECTIONS),
    ("view_status", texts::SEE_STATUS),
    ("quota_scans", texts::START_QUOTA_SCANS),
    ("view_events", texts::SEE_WHAT_HAPPENED),
    ("disable_mfa", texts::SWITCH_FACTORS_OFF),
    ("view_defender", texts::SEE_DEFENDER),
    ("manage_defender", texts::MANAGE_DEFENDER),
];

struct Row {
    username: String,
    status: &'static str,
    permissions: String,
    second_factor: &'static str,
    last_login: String,
}

#[derive(Template)]
#[template(path = "admins.html")]
struct AdminsPage {
    frame: Frame,
    admins: Vec<Row>,
}

struct PermissionBox {
    name: &'static str,
    text: &'static str,
    is_given: bool,
}

struct Switch {
    name: &'static str,
    label: &'static str,
    is_on: bool,
}

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage {
    frame: Frame,
    title: String,
    action: String,
    /// Empty for a new one.
    version: String,
    error: String,
    facts: Vec<(&'static str, String)>,
    fields: Vec<Field>,
    is_enabled: bool,
    status_error: String,
    permissions: Vec<PermissionBox>,
    permissions_error: String,
    switches: Vec<Switch>,
    has_second_factor: bool,
    delete: Option<Field>,
}

/// `GET /web/admins`
pub(super) async fn list(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::ANYTHING)?;
    let query = Form::parse(request.query.as_bytes());
    let state = Arc::clone(&app.state);
    let admins = app
        .calls
        .run(move || state.admins.logins.admins().list())
        .await?;
    let done = match query.get("done") {
        "added" => texts::WAS_ADDED,
        "saved" => texts::WAS_SAVED,
        "deleted" => texts::WAS_DELETED,
        "factor" => texts::FACTOR_IS_OFF,
        _ => "",
    };
    let admins = AdminsPage {
        frame: Frame::for_admin(session, common::ADMINS).noticing(done),
        admins: admins.iter().map(Row::of).collect(),
    };
    page(request, &admins)
}

/// `GET /web/manager`
pub(super) fn show_new(request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::ANYTHING)?;
    let draft = AdminDraft {
        status: 1,
        ..AdminDraft::default()
    };
    let new = new_page(session, &draft, &Faults::default());
    answer(request, StatusCode::OK, &new)
}

/// `POST /web/manager`
pub(super) async fn add(app: &App, request: &Request, session: &Session, form: &Form) -> Reply {
    session.need(AdminPermissions::ANYTHING)?;
    let draft = sent(form);
    let mut faults = Faults::default();
    for fault in draft.faults(true) {
        faults.add_error(&fault);
    }
    let mut status = StatusCode::BAD_REQUEST;
    if faults.is_empty() {
        let (state, by) = (Arc::clone(&app.state), app.by.clone());
        let new = draft.clone();
        let add = move || state.admins.logins.admins().add(&by, &new);
        match app.logins.run(add).await {
            Ok(_) => return Ok(see_other("/web/admins?done=added")),
            Err(error) => status = not_stored(error, &mut faults)?,
        }
    }
    let page = new_page(session, &draft, &faults);
    answer(request, status, &page)
}

/// `GET /web/manager/{username}`
pub(super) async fn show(app: &App, request: &Request, session: &Session, name: &str) -> Reply {
    session.need(AdminPermissions::ANYTHING)?;
    let admin = load(app, name).await?;
    let draft = AdminDraft::from(&admin);
    let page = page_of(session, &admin, &draft, &Faults::default());
    answer(request, StatusCode::OK, &page)
}

/// `POST /web/manager/{username}`
pub(super) async fn save(
    app: &App,
    request: &Request,
    session: &Session,
    name: &str,
    form: &Form,
) -> Reply {
    session.need(AdminPermissions::ANYTHING)?;
    let stored = load(app, name).await?;
    let draft = AdminDraft {
        username: stored.username.clone(),
        // The form does not show it.
        additional_info: stored.additional_info.clone(),
        ..sent(form)
    };
    let mut faults = Faults::default();
    for fault in draft.faults(false) {
        faults.add_error(&fault);
    }
    let mut status = StatusCode::BAD_REQUEST;
    if faults.is_empty() {
        let state = Arc::clone(&app.state);
        let (by, change) = (app.by.clone(), draft.clone());
        let (username, seen) = (stored.username.clone(), form.get("version").to_owned());
        let save = move || {
            let admins = state.admins.logins.admins();
            admins.replace_seen(&by, &username, &change, |now| {
                (version(now) == seen)
                    .then_some(())
                    .ok_or_else(|| Error::new(ErrorKind::Conflict, texts::CHANGED_MEANWHILE))
            })
        };
        match app.logins.run(save).await {
            Ok(_) => return Ok(see_other("/web/admins?done=saved")),
            Err(error) => status = not_stored(error, &mut faults)?,
        }
    }
    let mut page = page_of(session, &stored, &draft, &faults);
    page.version = form.get("version").to_owned();
    answer(request, status, &page)
}

/// `POST /web/manager/{username}/delete`
pub(super) async fn delete(
    app: &App,
    request: &Request,
    session: &Session,
    name: &str,
    form: &Form,
) -> Reply {
    session.need(AdminPermissions::ANYTHING)?;
    let admin = load(app, name).await?;
    let mut faults = Faults::default();
    if form.get("confirm") == admin.username {
        let state = Arc::clone(&app.state);
        let (by, username) = (app.by.clone(), admin.username.clone());
        let delete = move || state.admins.logins.admins().delete(&by, &username);
        match app.calls.run(delete).await {
            Ok(()) => return Ok(see_other("/web/admins?done=deleted")),
            Err(error) => faults.add("confirm", error.message()),
        }
    } else {
        faults.add("confirm", texts::NOT_THE_NAME);
    }
    let draft = AdminDraft::from(&admin);
    let mut page = page_of(session, &admin, &draft, &faults);
    page.error = texts::WAS_NOT_DELETED.to_owned();
    answer(request, StatusCode::BAD_REQUEST, &page)
}

/// `POST /web/manager/{username}/mfa`
pub(super) async fn switch_off_factor(app: &App, session: &Session, name: &str) -> Reply {
    session.need(AdminPermissions::ANYTHING)?;
    if name == session.admin.username {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            texts::ONES_OWN_FACTOR,
        ));
    }
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    let name = name.to_owned();
    let switch_off = move || {
        let admins = state.admins.logins.admins();
        admins.disable_second_factor(&by, &name)
    };
    app.calls.run(switch_off).await?;
    Ok(see_other("/web/admins?done=factor"))
}

async fn load(app: &App, name: &str) -> Result<Admin, Refusal> {
    let state = Arc::clone(&app.state);
    let name = name.to_owned();
    let look = move || state.admins.logins.admins().by_name(&name);
    Ok(app.calls.run(look).await?)
}

/// Grows with each change that somebody makes of an admin; what a login writes changes it too, and means nothing here.
fn version(admin: &Admin) -> String {
    format!("{}-{}", admin.created_at, admin.updated_at)
}

fn sent(form: &Form) -> AdminDraft {
    let text = |name| form.get(name).to_owned();
    let lines = form.get("allow_list").lines().map(str::trim);
    AdminDraft {
        username: text("username"),
        status: form.get("status").parse().unwrap_or(-1),
        password: text("password"),
        permissions: form.all("permissions").map(str::to_owned).collect(),
        email: text("email"),
        description: text("description"),
        additional_info: String::new(),
        allow_list: lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect(),
        allow_api_key_auth: form.has("allow_api_key_auth"),
        require_password_change: form.has("require_password_change"),
        require_two_factor: form.has("require_two_factor"),
    }
}

fn new_page(session: &Session, draft: &AdminDraft, faults: &Faults) -> AdminPage {
    let mut page = form_page(session, draft, faults, texts::NEEDED_FOR_A_LOGIN);
    page.fields.insert(
        0,
        Field::new("username", common::USERNAME, FieldKind::Text)
            .required()
            .filled(&draft.username, faults),
    );
    page
}

fn page_of(session: &Session, admin: &Admin, draft: &AdminDraft, faults: &Faults) -> AdminPage {
    let is_other = admin.username != session.admin.username;
    let delete = is_other.then(|| {
        Field::new("confirm", common::CONFIRM, FieldKind::Text)
            .hint(texts::TYPE_THE_NAME)
            .required()
            .filled("", faults)
    });
    AdminPage {
        title: texts::admin(&admin.username),
        action: format!("/web/manager/{}", admin.username),
        version: version(admin),
        facts: vec![
            (common::LAST_LOGIN, words::moment(admin.last_login, "never")),
            (texts::ADDED, words::moment(admin.created_at, "unknown")),
            (texts::CHANGED, words::moment(admin.updated_at, "never")),
        ],
        has_second_factor: admin.totp.is_some() && is_other,
        delete,
        ..form_page(session, draft, faults, common::EMPTY_KEEPS_IT)
    }
}

fn form_page(
    session: &Session,
    draft: &AdminDraft,
    faults: &Faults,
    password_hint: &'static str,
) -> AdminPage {
    let permissions = AdminPermissions::known().map(|(name, _)| PermissionBox {
        name,
        text: TEXTS
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, text)| text),
        is_given: draft.permissions.iter().any(|given| given == name),
    });
    let error = match faults.of("") {
        general if !general.is_empty() => general,
        _ if !faults.is_empty() => common::NOTHING_WAS_SAVED.to_owned(),
        none => none,
    };
    let switch = |name, label, is_on| Switch { name, label, is_on };
    AdminPage {
        frame: Frame::for_admin(session, common::ADMINS),
        title: texts::ADD_AN_ADMIN.to_owned(),
        action: "/web/manager".to_owned(),
        version: String::new(),
        error,
        facts: Vec::new(),
        fields: vec![
            Field::new("password", common::PASSWORD, FieldKind::Password)
                .hint(password_hint)
                .autocomplete("new-password")
                .filled("", faults),
            Field::new("email", common::EMAIL, FieldKind::Text).filled(&draft.email, faults),
            Field::new("description", common::DESCRIPTION, FieldKind::Text)
                .filled(&draft.description, faults),
            Field::new("allow_list", texts::MAY_COME_FROM, FieldKind::Lines)
                .hint(texts::NETWORKS_HINT)
                .filled(&draft.allow_list.join("\n"), faults),
        ],
        is_enabled: draft.status == 1,
        status_error: faults.of("status"),
        permissions: permissions.collect(),
        permissions_error: faults.of("permissions"),
        switches: vec![
            switch(
                "allow_api_key_auth",
                texts::KEYS_MAY_ACT,
                draft.allow_api_key_auth,
            ),
            switch(
                "require_password_change",
                texts::MUST_CHANGE_PASSWORD,
                draft.require_password_change,
            ),
            switch(
                "require_two_factor",
                texts::MUST_SET_UP_FACTOR,
                draft.require_two_factor,
            ),
        ],
        has_second_factor: false,
        delete: None,
    }
}

impl Row {
    fn of(admin: &Admin) -> Self {
        Self {
            username: admin.username.clone(),
            status: if admin.enabled {
                common::ENABLED
            } else {
                common::DISABLED
            },
            permissions: admin.permissions.names().join(", "),
            second_factor: if admin.totp.is_some() {
                texts::ON
            } else {
                texts::OFF
            },
            last_login: words::moment(admin.last_login, "never"),
        }
    }
}
