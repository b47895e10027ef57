//! The list of users: searched, filtered, a page at a time however many there are.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::{StoredUser, admin::AdminPermissions, provider::Order};

use super::{
    super::{
        answer::{Reply, page},
        form::Form,
        frame::Frame,
        query::address,
        request::Request,
        session::Session,
        texts::{common, users as texts},
        words,
    },
    search::{FILTERS, Search, used},
};
use crate::state::App;

struct Row {
    id: i32,
    name: String,
    status: &'static str,
    is_active: bool,
    size: String,
    size_part: Option<u64>,
    files: String,
    files_part: Option<u64>,
    last_login: String,
}

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    frame: Frame,
    may_add: bool,
    can_select: bool,
    actions: Vec<(&'static str, &'static str)>,
    search: String,
    show: &'static str,
    filters: [(&'static str, &'static str); 4],
    is_descending: bool,
    users: Vec<Row>,
    is_first: bool,
    has_more: bool,
    is_searching: bool,
    first: String,
    next: String,
}

/// `GET /web/users`
pub(in super::super) async fn show(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::VIEW_USERS)?;
    let query = Form::parse(request.query.as_bytes());
    let search = Search::of(&query, request.now);
    let (typed, show, order) = (search.typed.clone(), search.show, search.order);
    let address_of = |place: [(&str, &str); 2]| {
        let order = match order {
            Order::Ascending => "",
            Order::Descending => "DESC",
        };
        let pairs = [("search", typed.as_str()), ("show", show), ("order", order)];
        address("/web/users", &[&pairs[..], &place].concat())
    };
    let is_first = ["part", "after"]
        .iter()
        .all(|key| query.get(key).is_empty());
    let accounts = Arc::clone(&app.state.accounts);
    let now = search.now;
    let found = app.calls.run(move || search.find(&accounts)).await?;
    let next = found.next.map(|place| address_of(place.in_address()));
    let first = address_of([("part", ""), ("after", "")]);
    let actions = super::selected::actions(session);
    let users_page = UsersPage {
        frame: Frame::for_admin(session, common::USERS).noticing(notice(query.get("done"))),
        may_add: session.may(AdminPermissions::ADD_USERS),
        can_select: !actions.is_empty(),
        actions,
        search: typed,
        show,
        filters: FILTERS,
        is_descending: order == Order::Descending,
        users: found.users.iter().map(|user| Row::of(user, now)).collect(),
        is_first,
        has_more: next.is_some(),
        is_searching: found.is_searching,
        first,
        next: next.unwrap_or_default(),
    };
    page(request, &users_page)
}

fn notice(done: &str) -> &'static str {
    match done {
        "added" => texts::WAS_ADDED,
        "saved" => texts::WAS_SAVED,
        "factor" => texts::FACTOR_IS_OFF,
        "deleted" => texts::DELETED,
        "enable" => texts::ARE_ENABLED,
        "disable" => texts::ARE_DISABLED,
        "rescan" => texts::SCANS_HAVE_STARTED,
        _ => "",
    }
}

impl Row {
    fn of(user: &StoredUser, now: i64) -> Self {
        let (size, files) = used(user);
        let of = |used: String, limit: u64, shown: String| match limit {
            0 => used,
            _ => format!("{used} of {shown}"),
        };
        Self {
            id: user.id.0,
            name: user.username.clone(),
            status: match (user.enabled, user.is_expired_at(now)) {
                (false, _) => common::DISABLED,
                (true, true) => texts::EXPIRED,
                (true, false) => common::ENABLED,
            },
            is_active: user.enabled && !user.is_expired_at(now),
            size: of(
                words::size(size),
                user.quota_size,
                words::size(user.quota_size),
            ),
            size_part: words::part(size, user.quota_size),
            files: of(
                files.to_string(),
                user.quota_files.into(),
                user.quota_files.to_string(),
            ),
            files_part: words::part(files, user.quota_files.into()),
            last_login: words::moment(user.last_login, "never"),
        }
    }
}
