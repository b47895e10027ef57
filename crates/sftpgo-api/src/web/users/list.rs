//! The list of users: searched, filtered, a page at a time however many there are.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::{
    Result, StoredUser,
    accounts::Accounts,
    admin::AdminPermissions,
    provider::{Order, PageStart, UserQuery},
};

use super::super::{
    answer::{Reply, page},
    form::Form,
    frame::Frame,
    query::address,
    request::Request,
    session::Session,
    texts::{common, users as texts},
    words,
};
use crate::state::App;

/// Users of a page.
const PAGE: usize = 100;
/// Users that are read at once when not all of them are shown.
const READ: u32 = 500;
/// Users that are looked at for one page; then the page says so, and the next one goes on from there.
const MOST_READ: usize = 20_000;
/// Percent of a quota above which a user is nearly full.
const NEARLY_FULL: u64 = 90;

const FILTERS: [(&str, &str); 4] = [
    ("", texts::ALL),
    ("disabled", common::DISABLED),
    ("expired", texts::EXPIRED),
    ("full", texts::NEARLY_FULL),
];

/// The users that are to be shown.
struct Search {
    text: String,
    show: &'static str,
    order: Order,
    after: String,
    now: i64,
}

/// A page of it.
struct Found {
    users: Vec<StoredUser>,
    /// The name behind which there may be more; none at the end.
    next: Option<String>,
    /// Is the page not whole, because searching on would take too long?
    is_searching: bool,
}

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
    let address_after = |after: &str| {
        let order = match search.order {
            Order::Ascending => "",
            Order::Descending => "DESC",
        };
        let pairs = [
            ("search", query.get("search")),
            ("show", search.show),
            ("order", order),
            ("after", after),
        ];
        address("/web/users", &pairs)
    };
    let (first, is_first) = (address_after(""), search.after.is_empty());
    let (show, order, now) = (search.show, search.order, search.now);
    let accounts = Arc::clone(&app.state.accounts);
    let text = query.get("search").to_owned();
    let wanted = Search {
        text: search.text.clone(),
        after: search.after.clone(),
        ..search
    };
    let found = app.calls.run(move || find(&accounts, &wanted)).await?;
    let next = found.next.as_deref().map(|after| {
        let order = match order {
            Order::Ascending => "",
            Order::Descending => "DESC",
        };
        let pairs = [
            ("search", text.as_str()),
            ("show", show),
            ("order", order),
            ("after", after),
        ];
        address("/web/users", &pairs)
    });
    let actions = super::selected::actions(session);
    let users_page = UsersPage {
        frame: Frame::for_admin(session, common::USERS).noticing(notice(query.get("done"))),
        may_add: session.may(AdminPermissions::ADD_USERS),
        can_select: !actions.is_empty(),
        actions,
        search: text,
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
        "deleted" => texts::DELETED,
        "enable" => texts::ARE_ENABLED,
        "disable" => texts::ARE_DISABLED,
        "rescan" => texts::SCANS_HAVE_STARTED,
        _ => "",
    }
}

impl Search {
    fn of(query: &Form, now: i64) -> Self {
        let asked = query.get("show");
        let show = FILTERS.iter().find(|(name, _)| *name == asked);
        Self {
            text: query.get("search").trim().to_lowercase(),
            show: show.map_or("", |(name, _)| name),
            order: if query.get("order") == "DESC" {
                Order::Descending
            } else {
                Order::Ascending
            },
            after: query.get("after").to_owned(),
            now,
        }
    }

    fn shows_all(&self) -> bool {
        self.text.is_empty() && self.show.is_empty()
    }

    fn shows(&self, user: &StoredUser) -> bool {
        let is_shown = match self.show {
            "disabled" => !user.enabled,
            "expired" => user.is_expired_at(self.now),
            "full" => is_nearly_full(user),
            _ => true,
        };
        is_shown && (self.text.is_empty() || user.username.to_lowercase().contains(&self.text))
    }
}

fn is_nearly_full(user: &StoredUser) -> bool {
    let (size, files) = used(user);
    let parts = [
        words::part(size, user.quota_size),
        words::part(files, user.quota_files.into()),
    ];
    parts.into_iter().flatten().any(|part| part >= NEARLY_FULL)
}

fn used(user: &StoredUser) -> (u64, u64) {
    let size = u64::try_from(user.usage.size).unwrap_or(0);
    let files = u64::try_from(user.usage.files).unwrap_or(0);
    (size, files)
}

fn find(accounts: &Accounts, search: &Search) -> Result<Found> {
    let mut found = Found {
        users: Vec::new(),
        next: None,
        is_searching: false,
    };
    let limit = if search.shows_all() {
        PAGE as u32 + 1
    } else {
        READ
    };
    let mut after = search.after.clone();
    let mut read = 0;
    loop {
        let start = if after.is_empty() {
            PageStart::Offset(0)
        } else {
            PageStart::After(after.clone())
        };
        let users = accounts.list(&UserQuery {
            start,
            limit,
            order: search.order,
            username: None,
        })?;
        let is_last = users.len() < limit as usize;
        read += users.len();
        for user in users {
            if found.users.len() == PAGE && search.shows(&user) {
                found.next = found.users.last().map(|last| last.username.clone());
                return Ok(found);
            }
            after.clone_from(&user.username);
            if search.shows(&user) {
                found.users.push(user);
            }
        }
        if is_last {
            return Ok(found);
        }
        if read >= MOST_READ {
            found.next = Some(after);
            found.is_searching = true;
            return Ok(found);
        }
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
