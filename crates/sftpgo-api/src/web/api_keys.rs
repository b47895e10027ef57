//! API keys: made, of which the secret part is shown once, and deleted.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::{
    ErrorKind,
    admin::{AdminPermissions, ApiKey, ApiKeyDraft},
};
use warp::http::StatusCode;

use super::{
    answer::{Reply, see_other, show as answer},
    form::{Faults, Field, FieldKind, Form},
    frame::Frame,
    request::Request,
    session::Session,
    texts::{api_keys as texts, common},
    words,
};
use crate::state::App;

struct Row {
    id: String,
    name: String,
    facts: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "api_keys.html")]
struct KeysPage {
    frame: Frame,
    keys: Vec<Row>,
    /// The new one; empty for none.
    made: String,
    error: String,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "api_key.html")]
struct DeletePage {
    frame: Frame,
    key: Row,
    confirm: Field,
}

/// `GET /web/apikeys`
pub(super) async fn list(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::ANYTHING)?;
    let query = Form::parse(request.query.as_bytes());
    let mut page = keys_page(app, session, &Form::default(), &Faults::default()).await?;
    if query.get("done") == "deleted" {
        page.frame = page.frame.noticing(texts::WAS_DELETED);
    }
    answer(request, StatusCode::OK, &page)
}

/// `POST /web/apikeys`
pub(super) async fn add(app: &App, request: &Request, session: &Session, form: &Form) -> Reply {
    session.need(AdminPermissions::ANYTHING)?;
    let mut faults = Faults::default();
    let expires_at = words::parse_moment(form.get("expires_at"));
    if expires_at.is_none() {
        faults.add("expires_at", common::IS_NOT_A_DATE);
    }
    let draft = ApiKeyDraft {
        name: form.get("name").trim().to_owned(),
        description: form.get("description").to_owned(),
        admin: form.get("admin").trim().to_owned(),
        expires_at: expires_at.unwrap_or(0),
    };
    if let Err(error) = draft.check() {
        faults.add_error(&error);
    }
    if faults.is_empty() {
        let (state, by) = (Arc::clone(&app.state), app.by.clone());
        let add = move || state.admins.logins.admins().add_api_key(&by, &draft);
        match app.calls.run(add).await {
            Ok(key) => {
                let mut page = keys_page(app, session, &Form::default(), &faults).await?;
                page.made = key.text;
                return answer(request, StatusCode::OK, &page);
            }
            Err(error) if error.kind() == ErrorKind::Invalid => faults.add_error(&error),
            Err(error) => return Err(error.into()),
        }
    }
    let page = keys_page(app, session, form, &faults).await?;
    answer(request, StatusCode::BAD_REQUEST, &page)
}

/// `GET /web/apikeys/{id}`
pub(super) async fn show(app: &App, request: &Request, session: &Session, id: &str) -> Reply {
    session.need(AdminPermissions::ANYTHING)?;
    let page = delete_page(app, session, id, &Faults::default()).await?;
    answer(request, StatusCode::OK, &page)
}

/// `POST /web/apikeys/{id}/delete`
pub(super) async fn delete(
    app: &App,
    request: &Request,
    session: &Session,
    id: &str,
    form: &Form,
) -> Reply {
    session.need(AdminPermissions::ANYTHING)?;
    let mut faults = Faults::default();
    faults.add("confirm", texts::NOT_THE_NAME);
    let page = delete_page(app, session, id, &faults).await?;
    if form.get("confirm") != page.key.name {
        return answer(request, StatusCode::BAD_REQUEST, &page);
    }
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    let id = id.to_owned();
    let delete = move || state.admins.logins.admins().delete_api_key(&by, &id);
    app.calls.run(delete).await?;
    Ok(see_other("/web/apikeys?done=deleted"))
}

async fn delete_page(
    app: &App,
    session: &Session,
    id: &str,
    faults: &Faults,
) -> Result<DeletePage, super::answer::Refusal> {
    let state = Arc::clone(&app.state);
    let id = id.to_owned();
    let look = move || state.admins.logins.admins().api_key(&id);
    let key = app.calls.run(look).await?;
    Ok(DeletePage {
        frame: Frame::for_admin(session, common::API_KEYS),
        key: Row::of(&key),
        confirm: Field::new("confirm", common::CONFIRM, FieldKind::Text)
            .hint(texts::TYPE_THE_NAME)
            .required()
            .filled("", faults),
    })
}

async fn keys_page(
    app: &App,
    session: &Session,
    form: &Form,
    faults: &Faults,
) -> Result<KeysPage, super::answer::Refusal> {
    let state = Arc::clone(&app.state);
    let look = move || state.admins.logins.admins().api_keys();
    let keys = app.calls.run(look).await?;
    let text = |name, label, hint| {
        Field::new(name, label, FieldKind::Text)
            .hint(hint)
            .filled(form.get(name), faults)
    };
    Ok(KeysPage {
        frame: Frame::for_admin(session, common::API_KEYS),
        keys: keys.iter().map(Row::of).collect(),
        made: String::new(),
        error: faults.of(""),
        fields: vec![
            text("name", texts::NAME, texts::FOR_PEOPLE).required(),
            text("admin", texts::ADMIN, texts::ADMIN_HINT),
            text("description", common::DESCRIPTION, ""),
            Field::new("expires_at", common::EXPIRES_AT_UTC, FieldKind::Moment)
                .hint(common::EMPTY_IS_NEVER)
                .filled(form.get("expires_at"), faults),
        ],
    })
}

impl Row {
    fn of(key: &ApiKey) -> Self {
        let admin = match key.admin.as_str() {
            "" => "any",
            admin => admin,
        };
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            facts: vec![
                (texts::ADMIN, admin.to_owned()),
                (texts::MADE, words::moment(key.created_at, "unknown")),
                (texts::LAST_USED, words::moment(key.last_use_at, "never")),
                (texts::EXPIRES, words::moment(key.expires_at, "never")),
                (common::DESCRIPTION, key.description.clone()),
            ],
        }
    }
}
