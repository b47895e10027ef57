//! The list of users: searched, filtered, a page at a time however many there are.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::{
    StoredUser,
    admin::AdminPermissions,
    provider::{Order, SortBy},
    storage_usage::is_nearly_full,
};

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
    search::{FILTERS, Search, name_of, name_of_order},
};
use crate::state::App;

/// The columns; those by which the list can be sorted with the order that comes first.
const COLUMNS: [(&str, Option<(SortBy, Order)>); 6] = [
    (common::USERNAME, Some((SortBy::Username, Order::Ascending))),
    (common::STATUS, None),
    (texts::SIZE, Some((SortBy::UsedSize, Order::Descending))),
    (texts::FILES, None),
    (
        common::LAST_LOGIN,
        Some((SortBy::LastLogin, Order::Descending)),
    ),
    (
        texts::EXPIRES,
        Some((SortBy::ExpirationDate, Order::Ascending)),
    ),
];

/// The head of a column.
struct Head {
    text: &'static str,
    /// The address of the list sorted by the column, or by it the other way round; empty for none.
    link: String,
    /// As `aria-sort` has it; empty where the list is not sorted by the column.
    direction: &'static str,
}

struct Row {
    id: i32,
    name: String,
    status: &'static str,
    is_active: bool,
    size: String,
    size_part: Option<u64>,
    is_size_full: bool,
    files: String,
    files_part: Option<u64>,
    is_files_full: bool,
    last_login: String,
    expires: String,
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
    sort: &'static str,
    order: &'static str,
    heads: Vec<Head>,
    users: Vec<Row>,
    is_first: bool,
    first: String,
    next: Option<String>,
}

/// `GET /web/users`
pub(in super::super) async fn show(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::VIEW_USERS)?;
    let query = Form::parse(request.query.as_bytes());
    let search = Search::of(&query, request.now);
    let (typed, show) = (search.typed.clone(), search.show);
    let sorted = (search.sort_by, search.order);
    let address_of = |(sort_by, order): (SortBy, Order), place: &[(&str, &str)]| {
        let pairs = [
            ("search", typed.as_str()),
            ("show", show),
            ("sort", name_of(sort_by)),
            ("order", name_of_order(order)),
        ];
        address("/web/users", &[&pairs[..], place].concat())
    };
    let is_first = ["part", "after"]
        .iter()
        .all(|key| query.get(key).is_empty());
    let accounts = Arc::clone(&app.state.accounts);
    let found = app.calls.run(move || search.find(&accounts)).await?;
    let next = found.next.map(|place| {
        let place = place
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        address_of(sorted, &place)
    });
    let first = address_of(sorted, &[]);
    let heads = COLUMNS
        .into_iter()
        .map(|(text, column)| Head::of(text, column, sorted, address_of));
    let heads = heads.collect();
    let actions = super::selected::actions(session);
    let users_page = UsersPage {
        frame: Frame::for_admin(session, common::USERS).noticing(notice(query.get("done"))),
        may_add: session.may(AdminPermissions::ADD_USERS),
        can_select: !actions.is_empty(),
        actions,
        search: typed,
        show,
        filters: FILTERS,
        sort: name_of(sorted.0),
        order: name_of_order(sorted.1),
        heads,
        users: found
            .users
            .iter()
            .map(|user| Row::of(user, request.now))
            .collect(),
        is_first,
        first,
        next,
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

impl Head {
    /// The head of a column in a list that is sorted so.
    fn of(
        text: &'static str,
        column: Option<(SortBy, Order)>,
        sorted: (SortBy, Order),
        address_of: impl Fn((SortBy, Order), &[(&str, &str)]) -> String,
    ) -> Self {
        let Some((sort_by, first_order)) = column else {
            return Self {
                text,
                link: String::new(),
                direction: "",
            };
        };
        let (order, direction) = match sorted {
            (by, _) if by != sort_by => (first_order, ""),
            (_, Order::Ascending) => (Order::Descending, "ascending"),
            (_, Order::Descending) => (Order::Ascending, "descending"),
        };
        Self {
            text,
            link: address_of((sort_by, order), &[]),
            direction,
        }
    }
}

impl Row {
    fn of(user: &StoredUser, now: i64) -> Self {
        let size = u64::try_from(user.usage.size).unwrap_or(0);
        let files = u64::try_from(user.usage.files).unwrap_or(0);
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
            is_size_full: is_nearly_full(user.usage.size, user.quota_size),
            files: of(
                files.to_string(),
                user.quota_files.into(),
                user.quota_files.to_string(),
            ),
            files_part: words::part(files, user.quota_files.into()),
            is_files_full: is_nearly_full(user.usage.files.into(), user.quota_files.into()),
            last_login: words::moment(user.last_login, "never"),
            expires: match user.expiration_date {
                0 => "never".to_owned(),
                date => words::day(date),
            },
        }
    }
}
