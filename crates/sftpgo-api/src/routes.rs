//! Which path and method leads to which handler. Each resource is one boxed filter, so that types stay short.

use std::{convert::Infallible, future};

use percent_encoding::percent_decode_str;
use warp::{
    Filter, Rejection,
    filters::{BoxedFilter, path::FullPath},
    reply::Response,
};

use crate::{
    body,
    error::ApiError,
    handlers::{connection, explain, quota_scan, status, user},
    openapi,
    principal::{Allowed, Need, allowed},
    response::Reply,
    state::App,
    v2, web,
};

const BASE: &str = "/api/v1/";

/// Says that the server answers. Anybody may ask, by whatever name they reach it: monitoring and balancers often have only
/// an address, and nobody learns more than that.
pub(crate) const HEALTH: &str = "/healthz";

/// Is the path of a resource that anybody may have, or that asks for a login by itself?
pub(crate) fn needs_no_principal(path: &str) -> bool {
    web::is_web(path) || path == HEALTH || path == "/api/v2/token"
}

/// Is this for anybody once there is an admin?
pub(crate) fn is_public(path: &str) -> bool {
    path == OPENAPI_V2
}

/// Is this a path of the API's second version, whose answers have another shape?
pub(crate) fn is_v2(path: &str) -> bool {
    path.starts_with(v2::BASE)
}

/// The second version's document. Anybody may read it.
const OPENAPI_V2: &str = "/openapi/openapi.yaml";

/// Every path of the API; what none of them takes is answered 404.
pub(crate) fn all(app: &App) -> BoxedFilter<(Response,)> {
    status_routes(app)
        .or(connections(app))
        .unify()
        .or(quota_scans(app))
        .unify()
        .or(users(app))
        .unify()
        .or(one_user(app))
        .unify()
        .or(explanations(app))
        .unify()
        .or(ended_scans(app))
        .unify()
        .or(documents(app))
        .unify()
        .or(health())
        .unify()
        .or(v2::all(app))
        .unify()
        .or(web::routes(app))
        .unify()
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
    version
        .or(refused(at("version"), "GET"))
        .unify()
        .or(provider)
        .unify()
        .or(refused(at("providerstatus"), "GET"))
        .unify()
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
    list.or(refused(at("connection"), "GET"))
        .unify()
        .or(close)
        .unify()
        .or(refused(
            below("connection").map(drop).untuple_one(),
            "DELETE",
        ))
        .unify()
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
    list.or(start)
        .unify()
        .or(refused(at("quota_scan"), "GET, POST"))
        .unify()
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
    list.or(add)
        .unify()
        .or(refused(at("user"), "GET, POST"))
        .unify()
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
    show.or(update)
        .unify()
        .or(delete)
        .unify()
        .or(refused(
            below("user").map(drop).untuple_one(),
            "GET, PUT, DELETE",
        ))
        .unify()
        .map(respond)
        .boxed()
}

fn explanations(app: &App) -> BoxedFilter<(Response,)> {
    let show = within("user", "explain")
        .and(warp::get())
        .and(query())
        .and(allowed(app, Need::ViewUsers))
        .then(explain::show);
    show.or(refused(
        within("user", "explain").map(drop).untuple_one(),
        "GET",
    ))
    .unify()
    .map(respond)
    .boxed()
}

fn ended_scans(app: &App) -> BoxedFilter<(Response,)> {
    let last = within("user", "quota_scan")
        .and(warp::get())
        .and(allowed(app, Need::ScanQuotas))
        .then(quota_scan::last);
    last.or(refused(
        within("user", "quota_scan").map(drop).untuple_one(),
        "GET",
    ))
    .unify()
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
    let metrics = exactly("/metrics".to_owned())
        .and(warp::get())
        .and(allowed(app, Need::ViewStatus))
        .map(|app: Allowed| Ok(app?.state.metrics.response()));
    contract
        .or(refused(at("openapi.yaml"), "GET"))
        .unify()
        .or(contract_v2)
        .unify()
        .or(refused(exactly(OPENAPI_V2.to_owned()), "GET"))
        .unify()
        .or(metrics)
        .unify()
        .or(refused(exactly("/metrics".to_owned()), "GET"))
        .unify()
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

/// `path` and nothing behind it; warp's own `path::end` would let a slash pass.
pub(crate) fn exactly(path: String) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    warp::path::full()
        .and_then(move |full: FullPath| {
            future::ready(if full.as_str() == path {
                Ok(())
            } else {
                Err(warp::reject::not_found())
            })
        })
        .untuple_one()
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

pub(crate) fn between(
    prefix: String,
    suffix: String,
) -> impl Filter<Extract = (Result<String, ApiError>,), Error = Rejection> + Clone {
    warp::path::full().and_then(move |full: FullPath| {
        let segment = full
            .as_str()
            .strip_prefix(&prefix)
            .and_then(|rest| rest.strip_suffix(&suffix))
            .filter(|segment| !segment.contains('/'))
            .map(decoded)
            .ok_or_else(warp::reject::not_found);
        future::ready(segment)
    })
}

fn decoded(segment: &str) -> Result<String, ApiError> {
    percent_decode_str(segment)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| ApiError::bad_request("the path is not UTF-8"))
}

pub(crate) fn query() -> impl Filter<Extract = (String,), Error = Infallible> + Clone {
    warp::query::raw().or(warp::any().map(String::new)).unify()
}

pub(crate) fn whole_body()
-> impl Filter<Extract = (Result<Vec<u8>, ApiError>,), Error = Rejection> + Clone {
    warp::body::stream().then(body::read)
}

/// Any other method at `path`.
fn refused(
    path: impl Filter<Extract = (), Error = Rejection> + Clone,
    allow: &'static str,
) -> impl Filter<Extract = (Reply,), Error = Rejection> + Clone {
    path.map(move || Err(ApiError::method_not_allowed(allow)))
}

fn respond(reply: Reply) -> Response {
    reply.unwrap_or_else(ApiError::into_response)
}

/// Every route answers for itself, so a rejection says that there was none.
async fn unrouted(rejection: Rejection) -> Result<Response, Infallible> {
    Ok(if rejection.is_not_found() {
        ApiError::unknown_path()
    } else {
        log::error!("a request was rejected: {rejection:?}");
        ApiError::internal()
    }
    .into_response())
}
