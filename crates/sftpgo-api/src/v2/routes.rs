//! Which path and method leads to which handler.

use warp::{Filter, Rejection, filters::BoxedFilter, reply::Response};

use super::{BASE, admins, api_keys, own_account, state, token};
use crate::{
    error::ApiError,
    principal::{Need, allowed_admin},
    response::Reply,
    routes::{between, exactly, query, whole_body},
    state::App,
};

/// Every path of this version.
pub(crate) fn all(app: &App) -> BoxedFilter<(Response,)> {
    tokens(app)
        .or(all_admins(app))
        .unify()
        .or(one_admin(app))
        .unify()
        .or(second_factor_of_another(app))
        .unify()
        .or(own_login(app))
        .unify()
        .or(own_totp(app))
        .unify()
        .or(keys(app))
        .unify()
        .or(what_runs(app))
        .unify()
        .boxed()
}

fn tokens(app: &App) -> BoxedFilter<(Response,)> {
    let with_app = app.clone();
    let give = at("token")
        .and(warp::get())
        .map(move || with_app.clone())
        .and(warp::ext::optional())
        .and(warp::header::headers_cloned())
        .then(token::give);
    let take_back = at("logout")
        .and(warp::get())
        .and(allowed_admin(app, Need::Login))
        .then(token::take_back);
    give.or(refused(at("token"), "GET"))
        .unify()
        .or(take_back)
        .unify()
        .or(refused(at("logout"), "GET"))
        .unify()
        .map(respond)
        .boxed()
}

fn all_admins(app: &App) -> BoxedFilter<(Response,)> {
    let with_app = app.clone();
    let list = at("admins")
        .and(warp::get())
        .and(query())
        .and(allowed_admin(app, Need::ManageAdmins))
        .then(admins::list);
    let add = at("admins")
        .and(warp::post())
        .and(whole_body())
        .and(allowed_admin(app, Need::ManageAdmins))
        .and(warp::ext::optional())
        .map(move |body, allowed, principal| (body, allowed, principal, with_app.clone()))
        .untuple_one()
        .then(admins::add);
    list.or(add)
        .unify()
        .or(refused(at("admins"), "GET, POST"))
        .unify()
        .map(respond)
        .boxed()
}

fn one_admin(app: &App) -> BoxedFilter<(Response,)> {
    let one = || below("admins");
    let show = one()
        .and(warp::get())
        .and(allowed_admin(app, Need::ManageAdmins))
        .then(admins::show);
    let replace = one()
        .and(warp::put())
        .and(whole_body())
        .and(allowed_admin(app, Need::ManageAdmins))
        .then(admins::replace);
    let delete = one()
        .and(warp::delete())
        .and(allowed_admin(app, Need::ManageAdmins))
        .then(admins::delete);
    show.or(replace)
        .unify()
        .or(delete)
        .unify()
        .or(refused(nameless(one()), "GET, PUT, DELETE"))
        .unify()
        .map(respond)
        .boxed()
}

fn second_factor_of_another(app: &App) -> BoxedFilter<(Response,)> {
    let path = || between(format!("{BASE}admins/"), "/2fa/disable".to_owned());
    let disable = path()
        .and(warp::put())
        .and(allowed_admin(app, Need::ManageAdmins))
        .then(admins::disable_second_factor);
    disable
        .or(refused(nameless(path()), "PUT"))
        .unify()
        .map(respond)
        .boxed()
}

fn own_login(app: &App) -> BoxedFilter<(Response,)> {
    let password = at("admin/changepwd")
        .and(warp::put())
        .and(whole_body())
        .and(allowed_admin(app, Need::OwnAccount))
        .then(own_account::change_password);
    let profile = at("admin/profile")
        .and(warp::get())
        .and(allowed_admin(app, Need::OwnAccount))
        .then(own_account::profile);
    let change_profile = at("admin/profile")
        .and(warp::put())
        .and(whole_body())
        .and(allowed_admin(app, Need::OwnAccount))
        .then(own_account::change_profile);
    password
        .or(refused(at("admin/changepwd"), "PUT"))
        .unify()
        .or(profile)
        .unify()
        .or(change_profile)
        .unify()
        .or(refused(at("admin/profile"), "GET, PUT"))
        .unify()
        .map(respond)
        .boxed()
}

fn own_totp(app: &App) -> BoxedFilter<(Response,)> {
    let allowed = || allowed_admin(app, Need::OwnAccount);
    let configs = at("admin/totp/configs")
        .and(warp::get())
        .and(allowed())
        .then(own_account::totp_configs);
    let generate = at("admin/totp/generate")
        .and(warp::post())
        .and(whole_body())
        .and(allowed())
        .then(own_account::generate_totp);
    let validate = at("admin/totp/validate")
        .and(warp::post())
        .and(whole_body())
        .and(allowed())
        .then(own_account::validate_totp);
    let save = at("admin/totp/save")
        .and(warp::post())
        .and(whole_body())
        .and(allowed())
        .then(own_account::save_totp);
    let codes = at("admin/2fa/recoverycodes")
        .and(warp::get())
        .and(allowed())
        .then(own_account::recovery_codes);
    let make_codes = at("admin/2fa/recoverycodes")
        .and(warp::post())
        .and(allowed())
        .then(own_account::make_recovery_codes);
    configs
        .or(refused(at("admin/totp/configs"), "GET"))
        .unify()
        .or(generate)
        .unify()
        .or(refused(at("admin/totp/generate"), "POST"))
        .unify()
        .or(validate)
        .unify()
        .or(refused(at("admin/totp/validate"), "POST"))
        .unify()
        .or(save)
        .unify()
        .or(refused(at("admin/totp/save"), "POST"))
        .unify()
        .or(codes)
        .unify()
        .or(make_codes)
        .unify()
        .or(refused(at("admin/2fa/recoverycodes"), "GET, POST"))
        .unify()
        .map(respond)
        .boxed()
}

fn keys(app: &App) -> BoxedFilter<(Response,)> {
    let allowed = || allowed_admin(app, Need::ManageApiKeys);
    let one = || below("apikeys");
    let list = at("apikeys")
        .and(warp::get())
        .and(query())
        .and(allowed())
        .then(api_keys::list);
    let add = at("apikeys")
        .and(warp::post())
        .and(whole_body())
        .and(allowed())
        .then(api_keys::add);
    let show = one().and(warp::get()).and(allowed()).then(api_keys::show);
    let replace = one()
        .and(warp::put())
        .and(whole_body())
        .and(allowed())
        .then(api_keys::replace);
    let delete = one()
        .and(warp::delete())
        .and(allowed())
        .then(api_keys::delete);
    list.or(add)
        .unify()
        .or(refused(at("apikeys"), "GET, POST"))
        .unify()
        .or(show)
        .unify()
        .or(replace)
        .unify()
        .or(delete)
        .unify()
        .or(refused(nameless(one()), "GET, PUT, DELETE"))
        .unify()
        .map(respond)
        .boxed()
}

fn what_runs(app: &App) -> BoxedFilter<(Response,)> {
    let version = at("version")
        .and(warp::get())
        .and(allowed_admin(app, Need::Login))
        .then(state::version);
    let status = at("status")
        .and(warp::get())
        .and(allowed_admin(app, Need::ViewStatus))
        .then(state::status);
    let connections = at("connections")
        .and(warp::get())
        .and(allowed_admin(app, Need::ViewConnections))
        .then(state::connections);
    let close = below("connections")
        .and(warp::delete())
        .and(allowed_admin(app, Need::CloseConnections))
        .then(state::close);
    version
        .or(refused(at("version"), "GET"))
        .unify()
        .or(status)
        .unify()
        .or(refused(at("status"), "GET"))
        .unify()
        .or(connections)
        .unify()
        .or(refused(at("connections"), "GET"))
        .unify()
        .or(close)
        .unify()
        .or(refused(nameless(below("connections")), "DELETE"))
        .unify()
        .map(respond)
        .boxed()
}

fn at(name: &str) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<> {
    exactly(format!("{BASE}{name}"))
}

fn below(
    name: &str,
) -> impl Filter<Extract = (Result<String, ApiError>,), Error = Rejection> + Clone + use<> {
    between(format!("{BASE}{name}/"), String::new())
}

fn nameless(
    path: impl Filter<Extract = (Result<String, ApiError>,), Error = Rejection> + Clone,
) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    path.map(drop).untuple_one()
}

/// Any other method at `path`.
fn refused(
    path: impl Filter<Extract = (), Error = Rejection> + Clone,
    allow: &'static str,
) -> impl Filter<Extract = (Reply,), Error = Rejection> + Clone {
    path.map(move || Err(ApiError::method_not_allowed(allow)))
}

fn respond(reply: Reply) -> Response {
    reply.unwrap_or_else(ApiError::into_v2_response)
}
