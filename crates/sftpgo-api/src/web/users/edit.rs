//! One user: added, changed, cloned, explained and deleted.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::{
    Error, ErrorKind, StoredUser, UserDraft, UserId, admin::AdminPermissions,
    credential::public_key::AuthorizedKey, explain::Action,
};
use warp::http::StatusCode;

use super::{
    super::{
        answer::{Refusal, Reply, see_other, show as answer, words as sentence},
        form::{Faults, Field, FieldKind, Form, not_stored},
        frame::Frame,
        query::address,
        request::Request,
        session::Session,
        texts::{common, users as texts},
        words,
    },
    user_form::{UserForm, apply, login_methods, permissions, version},
    user_id,
};
use crate::{dto::explain, state::App};

struct PermissionBox {
    name: &'static str,
    text: &'static str,
    is_given: bool,
}

struct Explain {
    operations: Vec<&'static str>,
    operation: String,
    path: String,
    target: String,
    /// Empty before a question.
    answer: String,
    is_allowed: bool,
}

/// The second factor of a stored user.
struct Factor {
    is_on: bool,
    is_for_ssh: bool,
    /// Recovery codes that are not used yet.
    codes_left: usize,
    /// Kinds to choose from.
    configs: Vec<String>,
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    frame: Frame,
    title: String,
    action: String,
    /// Empty for a user that is not there yet.
    clone: String,
    /// See [`version`]; empty for a new user.
    version: String,
    may_save: bool,
    error: String,
    facts: Vec<(&'static str, String)>,
    username: Field,
    is_enabled: bool,
    status_error: String,
    login: Vec<Field>,
    keys: Vec<String>,
    permissions: Vec<PermissionBox>,
    permissions_error: String,
    login_methods: Vec<PermissionBox>,
    login_methods_error: String,
    files: Vec<Field>,
    limits: Vec<Field>,
    factor: Option<Factor>,
    explain: Option<Explain>,
    delete: Option<Field>,
}

/// `GET /web/user`, of a new user, who may begin as another one is.
pub(in super::super) async fn show_new(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::ADD_USERS)?;
    let query = Form::parse(request.query.as_bytes());
    let mut draft = UserDraft {
        permissions: vec!["*".to_owned()],
        ..UserDraft::default()
    };
    if query.has("clone") {
        session.need(AdminPermissions::VIEW_USERS)?;
        let like = load(app, user_id(query.get("clone"))?).await?;
        draft = UserDraft {
            username: String::new(),
            password: None,
            public_keys: Vec::new(),
            home_dir: String::new(),
            ..UserDraft::from(&like)
        };
    }
    let form = UserForm::of(&draft);
    let new = new_page(session, &form, &Faults::default());
    answer(request, StatusCode::OK, &new)
}

/// `POST /web/user`
pub(in super::super) async fn add(
    app: &App,
    request: &Request,
    session: &Session,
    form: &Form,
) -> Reply {
    session.need(AdminPermissions::ADD_USERS)?;
    let mut draft = UserDraft::default();
    let mut faults = apply(form, &mut draft);
    let (accounts, by) = (Arc::clone(&app.state.accounts), app.by.clone());
    for fault in accounts.faults(&draft, None) {
        faults.add_error(&fault);
    }
    let mut status = StatusCode::BAD_REQUEST;
    if faults.is_empty() {
        match app.calls.run(move || accounts.add(&by, draft)).await {
            Ok(_) if session.may(AdminPermissions::VIEW_USERS) => {
                return Ok(see_other("/web/users?done=added"));
            }
            Ok(_) => return Ok(see_other("/web/user")),
            Err(error) => status = not_stored(error, &mut faults)?,
        }
    }
    let page = new_page(session, &UserForm::sent(form), &faults);
    answer(request, status, &page)
}

/// `GET /web/user/{id}`
pub(in super::super) async fn show(
    app: &App,
    request: &Request,
    session: &Session,
    id: &str,
) -> Reply {
    session.need(AdminPermissions::VIEW_USERS)?;
    let user = load(app, user_id(id)?).await?;
    let explain = explained(app, request, &user).await?;
    let draft = UserDraft::from(&user);
    let form = UserForm::of(&draft);
    let mut page = page_of(session, &user, &form, &Faults::default());
    page.explain = Some(explain);
    page.factor = Some(factor_of(app, &user));
    page.version = version(&draft);
    answer(request, StatusCode::OK, &page)
}

/// `POST /web/user/{id}`
pub(in super::super) async fn save(
    app: &App,
    request: &Request,
    session: &Session,
    id: &str,
    form: &Form,
) -> Reply {
    session.need(AdminPermissions::EDIT_USERS)?;
    session.need(AdminPermissions::VIEW_USERS)?;
    let stored = load(app, user_id(id)?).await?;
    let mut draft = UserDraft::from(&stored);
    let mut faults = apply(form, &mut draft);
    let (accounts, by) = (Arc::clone(&app.state.accounts), app.by.clone());
    for fault in accounts.faults(&draft, Some(&stored)) {
        faults.add_error(&fault);
    }
    let mut status = StatusCode::BAD_REQUEST;
    if faults.is_empty() {
        let (sent, id) = (form.clone(), stored.id);
        let change = move || {
            accounts.update(&by, id, |draft| {
                check_version(&sent, draft)?;
                apply(&sent, draft);
                Ok(())
            })
        };
        match app.calls.run(change).await {
            Ok(_) => return Ok(see_other("/web/users?done=saved")),
            Err(error) => status = not_stored(error, &mut faults)?,
        }
    }
    let mut page = page_of(session, &stored, &UserForm::sent(form), &faults);
    page.version = form.get("version").to_owned();
    answer(request, status, &page)
}

/// `POST /web/user/{id}/delete`
pub(in super::super) async fn delete(
    app: &App,
    request: &Request,
    session: &Session,
    id: &str,
    form: &Form,
) -> Reply {
    session.need(AdminPermissions::DELETE_USERS)?;
    session.need(AdminPermissions::VIEW_USERS)?;
    let user = load(app, user_id(id)?).await?;
    if form.get("confirm") != user.username {
        let mut faults = Faults::default();
        faults.add("confirm", texts::NOT_THE_NAME);
        let draft = UserDraft::from(&user);
        let mut page = page_of(session, &user, &UserForm::of(&draft), &faults);
        page.version = version(&draft);
        page.error = texts::WAS_NOT_DELETED.to_owned();
        return answer(request, StatusCode::BAD_REQUEST, &page);
    }
    let (accounts, by) = (Arc::clone(&app.state.accounts), app.by.clone());
    let delete = move || accounts.delete(&by, user.id);
    app.calls.run(delete).await?;
    Ok(see_other("/web/users?done=deleted"))
}

async fn load(app: &App, id: UserId) -> Result<StoredUser, Refusal> {
    let accounts = Arc::clone(&app.state.accounts);
    Ok(app.calls.run(move || accounts.by_id(id)).await?)
}

fn factor_of(app: &App, user: &StoredUser) -> Factor {
    let codes = user.filters.recovery_codes.iter();
    let configs = app.state.accounts.totp_configs().iter();
    Factor {
        is_on: user.filters.totp.is_some(),
        is_for_ssh: user.filters.totp_for_ssh().is_some(),
        codes_left: codes.filter(|code| !code.used).count(),
        configs: configs.map(|config| config.name.clone()).collect(),
    }
}

/// Refuses to overwrite what somebody else saved since the page was shown.
fn check_version(form: &Form, now: &UserDraft) -> sftpgo_core::Result<()> {
    if form.get("version") == version(now) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, texts::CHANGED_MEANWHILE))
}

fn new_page(session: &Session, form: &UserForm, faults: &Faults) -> UserPage {
    UserPage {
        title: texts::ADD_A_USER.to_owned(),
        action: "/web/user".to_owned(),
        may_save: true,
        ..form_page(session, form, faults, true)
    }
}

fn page_of(session: &Session, user: &StoredUser, form: &UserForm, faults: &Faults) -> UserPage {
    let may = |needed| session.may(needed);
    let id = user.id.to_string();
    let clone = may(AdminPermissions::ADD_USERS).then(|| address("/web/user", &[("clone", &id)]));
    let delete = may(AdminPermissions::DELETE_USERS).then(|| {
        Field::new("confirm", common::CONFIRM, FieldKind::Text)
            .hint(texts::TYPE_THE_NAME)
            .required()
            .filled("", faults)
    });
    let used = |number: i64| u64::try_from(number).unwrap_or(0);
    UserPage {
        title: texts::user(&user.username),
        action: format!("/web/user/{id}"),
        clone: clone.unwrap_or_default(),
        may_save: may(AdminPermissions::EDIT_USERS),
        facts: vec![
            (texts::SIZE, words::size(used(user.usage.size))),
            (texts::FILES, used(user.usage.files.into()).to_string()),
            (common::LAST_LOGIN, words::moment(user.last_login, "never")),
            (
                texts::USAGE_WRITTEN,
                words::moment(user.usage.updated_at, "never"),
            ),
        ],
        keys: user.public_keys.iter().map(|line| key_line(line)).collect(),
        delete,
        ..form_page(session, form, faults, false)
    }
}

fn form_page(session: &Session, form: &UserForm, faults: &Faults, is_new: bool) -> UserPage {
    let permissions = permissions().map(|(name, text)| PermissionBox {
        name,
        text,
        is_given: form.permissions.iter().any(|given| given == name),
    });
    let login_methods = login_methods().map(|(name, text)| PermissionBox {
        name,
        text,
        is_given: form
            .denied_login_methods
            .iter()
            .any(|denied| denied == name),
    });
    let error = match faults.of("") {
        general if !general.is_empty() => general,
        _ if !faults.is_empty() => common::NOTHING_WAS_SAVED.to_owned(),
        none => none,
    };
    UserPage {
        frame: Frame::for_admin(session, common::USERS),
        title: String::new(),
        action: String::new(),
        clone: String::new(),
        version: String::new(),
        may_save: false,
        error,
        facts: Vec::new(),
        username: form.username_field(faults),
        is_enabled: form.is_enabled,
        status_error: faults.of("status"),
        login: form.login_fields(is_new, faults),
        keys: Vec::new(),
        permissions: permissions.collect(),
        permissions_error: faults.of("permissions"),
        login_methods: login_methods.collect(),
        login_methods_error: faults.of("denied_login_methods"),
        files: form.file_fields(faults),
        limits: form.limit_fields(faults),
        factor: None,
        explain: None,
        delete: None,
    }
}

fn key_line(line: &str) -> String {
    AuthorizedKey::parse(line).map_or_else(
        |error| texts::unreadable_key(&error.to_string()),
        |key| key.fingerprint(),
    )
}

async fn explained(app: &App, request: &Request, user: &StoredUser) -> Result<Explain, Refusal> {
    let query = Form::parse(request.query.as_bytes());
    let mut explain = Explain {
        operations: Action::ALL.iter().map(|action| action.name()).collect(),
        operation: query.get("operation").to_owned(),
        path: query.get("path").to_owned(),
        target: query.get("target").to_owned(),
        answer: String::new(),
        is_allowed: false,
    };
    if !query.has("operation") {
        return Ok(explain);
    }
    let question = match explain::parse(&without_empty_target(&request.query)) {
        Ok(question) => question,
        Err(error) => {
            explain.answer = sentence(error.text());
            return Ok(explain);
        }
    };
    let (explainer, user) = (Arc::clone(&app.state.explainer), user.clone());
    let verdict = app
        .calls
        .run(move || explainer.explain(&user, &question))
        .await;
    match verdict {
        Ok(verdict) => {
            let word = if verdict.allowed {
                texts::YES
            } else {
                texts::NO
            };
            explain.answer = format!("{word}: {}", sentence(&verdict.reason));
            explain.is_allowed = verdict.allowed;
        }
        Err(error) => explain.answer = sentence(error.message()),
    }
    Ok(explain)
}

/// A form sends its fields even if they are empty.
fn without_empty_target(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| *pair != "target=");
    pairs.collect::<Vec<_>>().join("&")
}
