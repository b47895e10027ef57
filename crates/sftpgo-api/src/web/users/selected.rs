//! What is done to several users at once.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::{Error, ErrorKind, Result, UserId, admin::AdminPermissions};
use warp::http::StatusCode;

use super::{
    super::{
        answer::{Refusal, Reply, page, see_other, show as answer, words},
        form::{Faults, Field, FieldKind, Form},
        frame::Frame,
        request::Request,
        session::Session,
        texts::{common, users as texts},
    },
    user_id,
};
use crate::{handlers::quota_scan, state::App};

/// A page has no more.
const MOST: usize = 100;
/// Has to be typed before several users are deleted.
const CONFIRM: &str = "delete";

/// Name, label, and what it needs.
const ACTIONS: [(&str, &str, AdminPermissions); 4] = [
    ("enable", texts::ENABLE, AdminPermissions::EDIT_USERS),
    ("disable", texts::DISABLE, AdminPermissions::EDIT_USERS),
    ("rescan", texts::RESCAN_QUOTA, AdminPermissions::QUOTA_SCANS),
    ("delete", texts::DELETE, AdminPermissions::DELETE_USERS),
];

#[derive(Template)]
#[template(path = "selected.html")]
struct DeletePage {
    frame: Frame,
    users: Vec<(i32, String)>,
    confirm: Field,
}

#[derive(Template)]
#[template(path = "outcome.html")]
struct OutcomePage {
    frame: Frame,
    done: usize,
    all: usize,
    failures: Vec<String>,
}

/// Returns the actions that the admin may use.
pub(super) fn actions(session: &Session) -> Vec<(&'static str, &'static str)> {
    let allowed = ACTIONS.iter().filter(|(_, _, needed)| session.may(*needed));
    allowed.map(|(name, label, _)| (*name, *label)).collect()
}

/// `POST /web/users`
pub(in super::super) async fn submit(
    app: &App,
    request: &Request,
    session: &Session,
    form: &Form,
) -> Reply {
    let known = ACTIONS
        .iter()
        .find(|(name, _, _)| *name == form.get("action"));
    let Some((action, _, needed)) = known else {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, texts::NO_SUCH_ACTION));
    };
    session.need(*needed)?;
    let ids: Result<Vec<UserId>, Refusal> = form.all("id").map(user_id).collect();
    let ids = ids?;
    if ids.is_empty() {
        return Ok(see_other("/web/users"));
    }
    if ids.len() > MOST {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, texts::TOO_MANY));
    }
    if *action == "delete" && form.get("confirm").trim() != CONFIRM {
        return ask(app, request, session, form, ids).await;
    }
    let mut failures = Vec::new();
    let all = ids.len();
    for id in ids {
        if let Err(error) = act(app, action, id).await {
            failures.push(texts::failure_of(id.0, &words(error.message())));
        }
    }
    if failures.is_empty() {
        let done = if *action == "delete" {
            "deleted"
        } else {
            action
        };
        return Ok(see_other(&format!("/web/users?done={done}")));
    }
    let outcome = OutcomePage {
        frame: Frame::for_admin(session, common::USERS),
        done: all - failures.len(),
        all,
        failures,
    };
    page(request, &outcome)
}

async fn act(app: &App, action: &str, id: UserId) -> Result<()> {
    let (accounts, by) = (Arc::clone(&app.state.accounts), app.by.clone());
    match action {
        "rescan" => {
            let user = app.calls.run(move || accounts.by_id(id)).await?;
            quota_scan::begin(app, user.username).await
        }
        "delete" => app.calls.run(move || accounts.delete(&by, id)).await,
        _ => {
            let status = i64::from(action == "enable");
            let change = move || {
                accounts.update(&by, id, |draft| {
                    draft.status = status;
                    Ok(())
                })
            };
            app.calls.run(change).await.map(drop)
        }
    }
}

async fn ask(
    app: &App,
    request: &Request,
    session: &Session,
    form: &Form,
    ids: Vec<UserId>,
) -> Reply {
    let accounts = Arc::clone(&app.state.accounts);
    let look = move || {
        let mut users = Vec::new();
        for id in ids {
            match accounts.by_id(id) {
                Ok(user) => users.push((id.0, user.username)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err::<_, Error>(error),
            }
        }
        Ok(users)
    };
    let users = app.calls.run(look).await?;
    let mut faults = Faults::default();
    let was_asked = form.has("confirm");
    if was_asked {
        faults.add("confirm", texts::NOT_THE_WORD);
    }
    let delete = DeletePage {
        frame: Frame::for_admin(session, common::USERS),
        users,
        confirm: Field::new("confirm", common::CONFIRM, FieldKind::Text)
            .hint(texts::TYPE_THE_WORD)
            .required()
            .filled(form.get("confirm"), &faults),
    };
    let status = if was_asked {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    answer(request, status, &delete)
}
