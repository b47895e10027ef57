//! Which page answers a request: the setup while there is no admin, the login without a session, and behind both the pages
//! of an admin.

use std::sync::Arc;

use warp::{http::Method, reply::Response};

use super::{
    admins,
    answer::{Refusal, Reply, secured, see_other},
    api_keys, assets, connections, dashboard, defender, events,
    form::Form,
    kept::Kept,
    maintenance, multipart, profile,
    request::Request,
    scans, second_factor,
    session::{Session, end, session},
    setup, sign_in, status, users,
};
use crate::{error::ApiError, state::App};

/// The answer to a request, whatever becomes of it.
pub(super) async fn answer(
    app: &App,
    kept: &Kept,
    request: Request,
    body: Result<Vec<u8>, ApiError>,
) -> Response {
    let asset = match request.segments().as_slice() {
        ["static", name] if request.is_read() => assets::asset(&request, name),
        _ => None,
    };
    if let Some(asset) = asset {
        return secured(asset);
    }
    let form = match form(&request, body).await {
        Ok(form) => form,
        Err(error) => return secured(refused(app, &request, error).await),
    };
    let response = match open(app, &request, &form).await {
        Ok(Some(response)) => Ok(response),
        Ok(None) => return secured(of_admin(app, kept, &request, &form).await),
        Err(refusal) => Err(refusal),
    };
    secured(response.unwrap_or_else(|refusal| refusal.page(&request, None)))
}

async fn form(request: &Request, body: Result<Vec<u8>, ApiError>) -> Result<Form, ApiError> {
    multipart::form(request, body?)
        .await
        .map_err(ApiError::bad_request)
}

/// The page about a body that is not looked at.
async fn refused(app: &App, request: &Request, error: ApiError) -> Response {
    let session = session(app, request).await.ok().flatten();
    let refusal = maintenance::refused_body(request, session.is_some(), &error);
    refusal.page(request, session.as_ref())
}

/// Answers what needs no session; `None` for what does.
async fn open(app: &App, request: &Request, form: &Form) -> Result<Option<Response>, Refusal> {
    let state = Arc::clone(&app.state);
    let is_set_up = app
        .calls
        .run(move || state.admins.logins.admins().is_set_up())
        .await?;
    let page = request.path.as_str();
    if !is_set_up {
        return Ok(Some(match (page, request.is_read()) {
            ("/setup", true) => setup::show(app, request)?,
            ("/setup", false) if request.method == Method::POST => {
                setup::submit(app, request, form).await?
            }
            _ => see_other("/web/setup"),
        }));
    }
    Ok(match (page, &request.method) {
        ("/setup", _) => Some(see_other("/web/login")),
        ("/login", &Method::GET | &Method::HEAD) => Some(sign_in::show(app, request).await?),
        ("/login", &Method::POST) => Some(sign_in::submit(app, request, form).await?),
        ("/twofactor", &Method::GET | &Method::HEAD) => {
            Some(sign_in::show_code(app, request).await?)
        }
        ("/twofactor", &Method::POST) => Some(sign_in::submit_code(app, request, form).await?),
        ("/login" | "/twofactor", _) => return Err(Refusal::wrong_method("GET, POST")),
        _ => None,
    })
}

async fn of_admin(app: &App, kept: &Kept, request: &Request, form: &Form) -> Response {
    match session(app, request).await {
        Ok(Some(session)) => {
            let app = app.acting_for(request.actor(session.identity()));
            let reply = page(&app, kept, request, &session, form).await;
            reply.unwrap_or_else(|refusal| refusal.page(request, Some(&session)))
        }
        Ok(None) => see_other(&sign_in::address_for(request)),
        Err(refusal) => refusal.page(request, None),
    }
}

async fn page(app: &App, kept: &Kept, request: &Request, session: &Session, form: &Form) -> Reply {
    let segments = request.segments();
    if request.is_read() {
        return read(app, kept, request, session, &segments).await;
    }
    if request.method != Method::POST {
        return Err(Refusal::wrong_method("GET, POST"));
    }
    session.check_form(app, request, form)?;
    change(app, kept, request, session, &segments, form).await
}

async fn read(
    app: &App,
    kept: &Kept,
    request: &Request,
    session: &Session,
    segments: &[&str],
) -> Reply {
    match segments {
        ["profile"] => return profile::show(request, session),
        ["mfa"] => return second_factor::show(app, request, session),
        // What has to be done first is on one of these two.
        _ if session.admin.require_password_change => return Ok(see_other("/web/profile")),
        _ if !session.is_ready() => return Ok(see_other("/web/mfa")),
        _ => {}
    }
    match segments {
        [] if request.path.is_empty() => dashboard::show(app, kept, request, session).await,
        [""] => Ok(see_other("/web")),
        ["users"] => users::list::show(app, request, session).await,
        ["user"] => users::edit::show_new(app, request, session).await,
        ["user", id] => users::edit::show(app, request, session, id).await,
        ["connections"] => connections::show(app, request, session),
        ["connections", "events"] => connections::events(app, kept, request, session),
        ["admins"] => admins::list(app, request, session).await,
        ["manager"] => admins::show_new(request, session),
        ["manager", name] => admins::show(app, request, session, name).await,
        ["apikeys"] => api_keys::list(app, request, session).await,
        ["apikeys", id] => api_keys::show(app, request, session, id).await,
        ["quotascans"] => scans::show(app, request, session),
        ["defender"] => defender::show(app, request, session),
        ["events"] => events::show(app, request, session).await,
        ["events", "export"] => events::export(app, request, session).await,
        ["maintenance"] => maintenance::show(request, session),
        ["maintenance", "dump"] => maintenance::download(app, request, session).await,
        ["maintenance", "import", id] => maintenance::progress(kept, request, session, id),
        ["status"] => status::show(app, kept, request, session).await,
        ["logout"] => Err(Refusal::wrong_method("POST")),
        _ => Err(Refusal::not_found()),
    }
}

async fn change(
    app: &App,
    kept: &Kept,
    request: &Request,
    session: &Session,
    segments: &[&str],
    form: &Form,
) -> Reply {
    match segments {
        ["logout"] => return Ok(end(app, request, session, see_other("/web/login"))),
        ["profile"] => return profile::save(app, request, session, form).await,
        ["profile", "password"] => {
            return profile::change_password(app, request, session, form).await;
        }
        ["mfa"] => return second_factor::save(app, request, session, form).await,
        ["mfa", "setup"] => return second_factor::set_up(app, request, session, form),
        ["mfa", "codes"] => return second_factor::make_codes(app, request, session, form).await,
        ["mfa", "disable"] => return second_factor::switch_off(app, request, session, form).await,
        _ => {}
    }
    if !session.is_ready() {
        return Err(Refusal::not_allowed());
    }
    match segments {
        ["users"] => users::selected::submit(app, request, session, form).await,
        ["user"] => users::edit::add(app, request, session, form).await,
        ["user", id] => users::edit::save(app, request, session, id, form).await,
        ["user", id, "mfa"] => users::second_factor::enable(app, request, session, id, form).await,
        ["user", id, "mfa", "disable"] => users::second_factor::disable(app, session, id).await,
        ["user", id, "delete"] => users::edit::delete(app, request, session, id, form).await,
        ["connections"] => connections::close(app, session, form).await,
        ["manager"] => admins::add(app, request, session, form).await,
        ["manager", name] => admins::save(app, request, session, name, form).await,
        ["manager", name, "delete"] => admins::delete(app, request, session, name, form).await,
        ["manager", name, "mfa"] => admins::switch_off_factor(app, session, name).await,
        ["apikeys"] => api_keys::add(app, request, session, form).await,
        ["apikeys", id, "delete"] => api_keys::delete(app, request, session, id, form).await,
        ["maintenance", "import"] => maintenance::begin(app, kept, request, session, form).await,
        ["maintenance", "import", id] => maintenance::confirm(app, kept, request, session, id),
        ["quotascans"] => scans::start(app, request, session, form).await,
        ["defender"] => defender::let_in(app, session, form).await,
        _ => Err(Refusal::not_found()),
    }
}
