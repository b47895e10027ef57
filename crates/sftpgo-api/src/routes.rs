//! Which path and method leads to which handler. Each resource is one boxed filter, so that types stay short.

use std::convert::Infallible;

use warp::{Filter, Rejection, filters::BoxedFilter, reply::Response};

use crate::{
    error::ApiError,
    handlers::{connection, explain, quota_scan, status, totp, user},
    openapi,
    path_kind::{HEALTH, METRICS, OPENAPI_V2},
    paths::{between, either, exactly, nameless, query, refused, whole_body},
    principal::{Allowed, Need, allowed},
    response::Reply,
    state::App,
    v2, web,
};

const BASE: &str = "/api/v1/";

/// Returns every path of the API; what none of them takes is answered 404.
pub(crate) fn all(app: &App) -> BoxedFilter<(Response,)> {
    either!(
        status_routes(app),
        connections(app),
        quota_scans(app),
        users(app),
        one_user(app),
        explanations(app),
        second_factors(app),
        ended_scans(app),
        documents(app),
        health(),
        v2::all(app),
        web::routes(app),
    )
    .recover(unrouted)
    .unify()
    .boxed()
}

fn status_routes(app: &App) -> BoxedFilter<(Response,)> {
    let version = at("version")
        .and(warp::get())
        .and(allowed(app, Need::Login))
        .then(status::version);
    let provider = at("providerstatus")
        .and(warp::get())
        .and(allowed(app, Need::ViewStatus))
        .then(status::provider);
    either!(
        version,
        refused(at("version"), "GET"),
        provider,
        refused(at("providerstatus"), "GET"),
    )
    .map(respond)
    .boxed()
}

fn connections(app: &App) -> BoxedFilter<(Response,)> {
    let list = at("connection")
        .and(warp::get())
        .and(allowed(app, Need::ViewConnections))
        .then(connection::list);
    let close = below("connection")
        .and(warp::delete())
        .and(allowed(app, Need::CloseConnections))
        .then(connection::close);
    either!(
        list,
        refused(at("connection"), "GET"),
        close,
        refused(nameless(below("connection")), "DELETE",),
    )
    .map(respond)
    .boxed()
}

fn quota_scans(app: &App) -> BoxedFilter<(Response,)> {
    let list = at("quota_scan")
        .and(warp::get())
        .and(allowed(app, Need::ScanQuotas))
        .then(quota_scan::list);
    let start = at("quota_scan")
        .and(warp::post())
        .and(whole_body())
        .and(allowed(app, Need::ScanQuotas))
        .then(quota_scan::start);
    either!(list, start, refused(at("quota_scan"), "GET, POST"),)
        .map(respond)
        .boxed()
}

fn users(app: &App) -> BoxedFilter<(Response,)> {
    let list = at("user")
        .and(warp::get())
        .and(query())
        .and(allowed(app, Need::ViewUsers))
        .then(user::list);
    let add = at("user")
        .and(warp::post())
        .and(whole_body())
        .and(allowed(app, Need::AddUsers))
        .then(user::add);
    either!(list, add, refused(at("user"), "GET, POST"),)
        .map(respond)
        .boxed()
}

fn one_user(app: &App) -> BoxedFilter<(Response,)> {
    let show = below("user")
        .and(warp::get())
        .and(allowed(app, Need::ViewUsers))
        .then(user::show);
    let update = below("user")
        .and(warp::put())
        .and(whole_body())
        .and(allowed(app, Need::ChangeUsers))
        .then(user::update);
    let delete = below("user")
        .and(warp::delete())
        .and(allowed(app, Need::DeleteUsers))
        .then(user::delete);
    either!(
        show,
        update,
        delete,
        refused(nameless(below("user")), "GET, PUT, DELETE",),
    )
    .map(respond)
    .boxed()
}

fn explanations(app: &App) -> BoxedFilter<(Response,)> {
    let show = within("user", "explain")
        .and(warp::get())
        .and(query())
        .and(allowed(app, Need::ViewUsers))
        .then(explain::show);
    either!(show, refused(nameless(within("user", "explain")), "GET"),)
        .map(respond)
        .boxed()
}

fn second_factors(app: &App) -> BoxedFilter<(Response,)> {
    let path = || within("user", "totp");
    let show = path()
        .and(warp::get())
        .and(allowed(app, Need::ViewUsers))
        .then(totp::show);
    let enable = path()
        .and(warp::post())
        .and(whole_body())
        .and(allowed(app, Need::ChangeUsers))
        .then(totp::enable);
    let disable = path()
        .and(warp::delete())
        .and(allowed(app, Need::ChangeUsers))
        .then(totp::disable);
    either!(
        show,
        enable,
        disable,
        refused(nameless(path()), "GET, POST, DELETE"),
    )
    .map(respond)
    .boxed()
}

fn ended_scans(app: &App) -> BoxedFilter<(Response,)> {
    let last = within("user", "quota_scan")
        .and(warp::get())
        .and(allowed(app, Need::ScanQuotas))
        .then(quota_scan::last);
    either!(last, refused(nameless(within("user", "quota_scan")), "GET"),)
        .map(respond)
        .boxed()
}

fn documents(app: &App) -> BoxedFilter<(Response,)> {
    let contract = at("openapi.yaml")
        .and(warp::get())
        .map(|| Ok(openapi::contract()));
    let contract_v2 = exactly(OPENAPI_V2.to_owned())
        .and(warp::get())
        .map(|| Ok(openapi::contract_v2()));
    let metrics = exactly(METRICS.to_owned())
        .and(warp::get())
        .and(allowed(app, Need::ReadMetrics))
        .map(|app: Allowed| Ok(app?.state.metrics.response()));
    either!(
        contract,
        refused(at("openapi.yaml"), "GET"),
        contract_v2,
        refused(exactly(OPENAPI_V2.to_owned()), "GET"),
        metrics,
        refused(exactly(METRICS.to_owned()), "GET"),
    )
    .map(respond)
    .boxed()
}

fn health() -> BoxedFilter<(Response,)> {
    let health = || exactly(HEALTH.to_owned());
    health()
        .and(warp::get().or(warp::head()).unify())
        .map(|| Ok(status::healthy()))
        .or(refused(health(), "GET, HEAD"))
        .unify()
        .map(respond)
        .boxed()
}

/// `/api/v1/<name>`.
fn at(name: &str) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<> {
    exactly(format!("{BASE}{name}"))
}

/// `/api/v1/<name>/<segment>` with the decoded segment, which may be empty.
fn below(
    name: &str,
) -> impl Filter<Extract = (Result<String, ApiError>,), Error = Rejection> + Clone + use<> {
    between(format!("{BASE}{name}/"), String::new())
}

/// `/api/v1/<name>/<segment>/<rest>` with the decoded segment, which may be empty.
fn within(
    name: &str,
    rest: &str,
) -> impl Filter<Extract = (Result<String, ApiError>,), Error = Rejection> + Clone + use<> {
    between(format!("{BASE}{name}/"), format!("/{rest}"))
}

fn respond(reply: Reply) -> Response {
    reply.unwrap_or_else(ApiError::into_response)
}

/// Answers what no route took: every route answers for itself, so a rejection says that there was none.
async fn unrouted(rejection: Rejection) -> Result<Response, Infallible> {
    Ok(if rejection.is_not_found() {
        ApiError::unknown_path()
    } else {
        log::error!("a request was rejected: {rejection:?}");
        ApiError::internal()
    }
    .into_response())
}
