//! Quota scans: those that run, and starting one.

use askama::Template;
use sftpgo_core::{ErrorKind, admin::AdminPermissions};
use warp::http::StatusCode;

use super::{
    answer::{Reply, see_other, show as answer},
    form::{Faults, Field, FieldKind, Form},
    frame::Frame,
    request::Request,
    session::Session,
    texts::{common, scans as texts},
    words,
};
use crate::{handlers::quota_scan, state::App};

#[derive(Template)]
#[template(path = "scans.html")]
struct ScansPage {
    frame: Frame,
    /// The users that are scanned, and since when.
    scans: Vec<(String, String)>,
    fields: Vec<Field>,
}

/// `GET /web/quotascans`
pub(super) fn show(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::QUOTA_SCANS)?;
    let query = Form::parse(request.query.as_bytes());
    let mut page = scans_page(app, session, "", &Faults::default());
    if query.get("done") == "started" {
        page.frame = page.frame.noticing(texts::HAS_STARTED);
    }
    answer(request, StatusCode::OK, &page)
}

/// `POST /web/quotascans`
pub(super) async fn start(app: &App, request: &Request, session: &Session, form: &Form) -> Reply {
    session.need(AdminPermissions::QUOTA_SCANS)?;
    let username = form.get("username").trim();
    let error = match quota_scan::begin(app, username.to_owned()).await {
        Ok(()) => return Ok(see_other("/web/quotascans?done=started")),
        Err(error) => error,
    };
    if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) {
        return Err(error.into());
    }
    let mut faults = Faults::default();
    faults.add("username", error.message());
    let page = scans_page(app, session, username, &faults);
    answer(request, StatusCode::BAD_REQUEST, &page)
}

fn scans_page(app: &App, session: &Session, username: &str, faults: &Faults) -> ScansPage {
    let scans = app.state.scans.list().into_iter();
    ScansPage {
        frame: Frame::for_admin(session, common::QUOTA_SCANS),
        scans: scans
            .map(|(username, began)| (username, words::moment(began, "")))
            .collect(),
        fields: vec![
            Field::new("username", common::USERNAME, FieldKind::Text)
                .hint(texts::USERNAME_HINT)
                .required()
                .filled(username, faults),
        ],
    }
}
