//! Maintenance: a dump of the users to keep, and the import of one.

mod apply;
mod download;
mod import;
mod imports;
mod preview;

use askama::Template;
use sftpgo_core::admin::AdminPermissions;
use warp::http::StatusCode;

pub(super) use self::{
    download::download,
    import::{begin, confirm, progress},
    imports::Imports,
};
use super::{
    answer::{Refusal, Reply, show as answer, words as sentence},
    frame::Frame,
    request::Request,
    session::{Session, session},
    texts::maintenance as texts,
    words,
};
use crate::{body, error::ApiError, state::App};

/// Where a dump is sent to; the one page whose body may be a large one.
const IMPORT: &str = "/maintenance/import";
/// The largest dump that is taken, in bytes: SFTPGo 1.x takes the same.
const LARGEST_DUMP: usize = 10 << 20;
/// What is around the dump in a form.
const FORM: usize = 64 << 10;

#[derive(Template)]
#[template(path = "maintenance.html")]
struct MaintenancePage {
    frame: Frame,
    may_see_passwords: bool,
    may_import: bool,
    may_update: bool,
    error: String,
    largest: usize,
    largest_shown: String,
}

/// `GET /web/maintenance`
pub(super) fn show(request: &Request, session: &Session) -> Reply {
    answer(request, StatusCode::OK, &page(session, String::new())?)
}

/// The page, with what was wrong with a dump.
///
/// # Errors
/// The admin may do nothing of what is there.
fn page(session: &Session, error: String) -> Result<MaintenancePage, Refusal> {
    session.need(AdminPermissions::VIEW_USERS)?;
    Ok(MaintenancePage {
        frame: Frame::for_admin(session, texts::TITLE),
        may_see_passwords: session.may(AdminPermissions::ANYTHING),
        may_import: session.may(AdminPermissions::ADD_USERS),
        may_update: session.may(AdminPermissions::EDIT_USERS),
        error,
        largest: LARGEST_DUMP,
        largest_shown: words::size(LARGEST_DUMP as u64),
    })
}

/// How long the body of a request may be: only an admin may send a dump, or much at all, so that nobody else fills the memory.
pub(super) async fn body_bounds(app: &App, request: &Request) -> body::Bounds {
    let is_admin = matches!(session(app, request).await, Ok(Some(_)));
    match (is_admin, request.path == IMPORT) {
        (true, true) => body::Bounds::of_upload(LARGEST_DUMP + FORM),
        (true, false) => body::Bounds::default(),
        (false, _) => body::Bounds::of_stranger(),
    }
}

/// Why the body of a request is not looked at, for people.
pub(super) fn refused_body(request: &Request, is_admin: bool, error: &ApiError) -> Refusal {
    let status = error.status();
    if is_admin && request.path == IMPORT && status == StatusCode::PAYLOAD_TOO_LARGE {
        let largest = words::size(LARGEST_DUMP as u64);
        return Refusal::new(status, texts::dump_too_large(&largest));
    }
    Refusal::new(status, sentence(error.text()))
}
