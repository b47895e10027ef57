//! Which path and method leads to which handler.

use std::future;

use sftpgo_core::ip_list::ListType;
use warp::{
    Filter, Rejection,
    filters::{BoxedFilter, path::FullPath},
    reply::Response,
};

use super::{admins, api_keys, defender, ip_lists, own_account, receipts, state, token, users};
use crate::{
    error::ApiError,
    path_kind::V2,
    paths::{between, either, exactly, nameless, query, refused, whole_body},
    principal::{Need, allowed_admin, asked},
    response::Reply,
    state::App,
};

/// Returns every path of this version.
pub(crate) fn all(app: &App) -> BoxedFilter<(Response,)> {
    either!(
        tokens(app),
        all_admins(app),
        one_admin(app),
        second_factor_of_another(app),
        second_factor_of_a_user(app),
        receipt_of_a_user(app),
        own_login(app),
        own_totp(app),
        keys(app),
        hosts_of_defender(app),
        all_ip_lists(app),
        what_runs(app),
        nothing(),
    )
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
        .and(allowed_admin(app, Need::OwnAccount))
        .then(token::take_back);
    either!(
        give,
        refused(at("token"), "GET"),
        take_back,
        refused(at("logout"), "GET"),
    )
    .map(respond)
    .boxed()
}

fn all_admins(app: &App) -> BoxedFilter<(Response,)> {
    let list = at("admins")
        .and(warp::get())
        .and(query())
        .and(allowed_admin(app, Need::ManageAdmins))
        .then(admins::list);
    let add = at("admins")
        .and(warp::post())
        .and(whole_body())
        .and(asked(app))
        .then(admins::add);
    either!(list, add, refused(at("admins"), "GET, POST"),)
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
    either!(
        show,
        replace,
        delete,
        refused(nameless(one()), "GET, PUT, DELETE"),
    )
    .map(respond)
    .boxed()
}

fn second_factor_of_another(app: &App) -> BoxedFilter<(Response,)> {
    let path = || between(format!("{V2}admins/"), "/2fa/disable".to_owned());
    let disable = path()
        .and(warp::put())
        .and(allowed_admin(app, Need::ManageAdmins))
        .then(admins::disable_second_factor);
    either!(disable, refused(nameless(path()), "PUT"),)
        .map(respond)
        .boxed()
}

fn second_factor_of_a_user(app: &App) -> BoxedFilter<(Response,)> {
    let path = || between(format!("{V2}users/"), "/2fa/disable".to_owned());
    let disable = path()
        .and(warp::put())
        .and(allowed_admin(app, Need::DisableSecondFactors))
        .then(users::disable_second_factor);
    either!(disable, refused(nameless(path()), "PUT"),)
        .map(respond)
        .boxed()
}

fn receipt_of_a_user(app: &App) -> BoxedFilter<(Response,)> {
    let path = || between(format!("{V2}users/"), "/receipt".to_owned());
    let show = path()
        .and(warp::get())
        .and(query())
        .and(allowed_admin(app, Need::HaveReceipts))
        .then(receipts::show);
    either!(show, refused(nameless(path()), "GET"),)
        .map(respond)
        .boxed()
}

fn own_login(app: &App) -> BoxedFilter<(Response,)> {
    let password = at("admin/changepwd")
        .and(warp::put())
        .and(whole_body())
        .and(warp::ext::optional())
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
    either!(
        password,
        refused(at("admin/changepwd"), "PUT"),
        profile,
        change_profile,
        refused(at("admin/profile"), "GET, PUT"),
    )
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
    either!(
        configs,
        refused(at("admin/totp/configs"), "GET"),
        generate,
        refused(at("admin/totp/generate"), "POST"),
        validate,
        refused(at("admin/totp/validate"), "POST"),
        save,
        refused(at("admin/totp/save"), "POST"),
        codes,
        make_codes,
        refused(at("admin/2fa/recoverycodes"), "GET, POST"),
    )
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
    either!(
        list,
        add,
        refused(at("apikeys"), "GET, POST"),
        show,
        replace,
        delete,
        refused(nameless(one()), "GET, PUT, DELETE"),
    )
    .map(respond)
    .boxed()
}

fn hosts_of_defender(app: &App) -> BoxedFilter<(Response,)> {
    let one = || below("defender/hosts");
    let list = at("defender/hosts")
        .and(warp::get())
        .and(allowed_admin(app, Need::ViewDefender))
        .then(defender::list);
    let show = one()
        .and(warp::get())
        .and(allowed_admin(app, Need::ViewDefender))
        .then(defender::show);
    let delete = one()
        .and(warp::delete())
        .and(allowed_admin(app, Need::ManageDefender))
        .then(defender::delete);
    either!(
        list,
        refused(at("defender/hosts"), "GET"),
        show,
        delete,
        refused(nameless(one()), "GET, DELETE"),
    )
    .map(respond)
    .boxed()
}

fn all_ip_lists(app: &App) -> BoxedFilter<(Response,)> {
    let [allow, defender, rate_limiter_safe] = ListType::ALL.map(|list| ip_list(app, list));
    either!(allow, defender, rate_limiter_safe).boxed()
}

fn ip_list(app: &App, list: ListType) -> BoxedFilter<(Response,)> {
    let path = format!("iplists/{}", list.number());
    let all = || at(&path).map(move || list);
    let one = || warp::any().map(move || list).and(below(&path));
    let allowed = || allowed_admin(app, Need::ManageIpLists);
    let entries = all()
        .and(warp::get())
        .and(query())
        .and(allowed())
        .then(ip_lists::list);
    let add = all()
        .and(warp::post())
        .and(whole_body())
        .and(allowed())
        .then(ip_lists::add);
    let show = one().and(warp::get()).and(allowed()).then(ip_lists::show);
    let replace = one()
        .and(warp::put())
        .and(whole_body())
        .and(allowed())
        .then(ip_lists::replace);
    let delete = one()
        .and(warp::delete())
        .and(allowed())
        .then(ip_lists::delete);
    either!(
        entries,
        add,
        refused(at(&path), "GET, POST"),
        show,
        replace,
        delete,
        refused(nameless(below(&path)), "GET, PUT, DELETE"),
    )
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
    either!(
        version,
        refused(at("version"), "GET"),
        status,
        refused(at("status"), "GET"),
        connections,
        refused(at("connections"), "GET"),
        close,
        refused(nameless(below("connections")), "DELETE"),
    )
    .map(respond)
    .boxed()
}

/// Answers what is not there, in the words of this version.
fn nothing() -> BoxedFilter<(Response,)> {
    warp::path::full()
        .and_then(|path: FullPath| {
            future::ready(if path.as_str().starts_with(V2) {
                Ok(ApiError::unknown_path().into_v2_response())
            } else {
                Err(warp::reject::not_found())
            })
        })
        .boxed()
}

fn at(name: &str) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<> {
    exactly(format!("{V2}{name}"))
}

fn below(
    name: &str,
) -> impl Filter<Extract = (Result<String, ApiError>,), Error = Rejection> + Clone + use<> {
    between(format!("{V2}{name}/"), String::new())
}

fn respond(reply: Reply) -> Response {
    reply.unwrap_or_else(ApiError::into_v2_response)
}
