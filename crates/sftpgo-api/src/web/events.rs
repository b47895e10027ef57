//! The last logins, failures, transfers and changes, and their export.

use askama::Template;
use sftpgo_core::admin::AdminPermissions;
use warp::{
    http::{HeaderValue, header},
    reply::Response,
};

use super::{
    activity::{Kind, RecentEvent},
    answer::{Reply, page, sized},
    form::Form,
    frame::Frame,
    query::address,
    request::Request,
    session::Session,
    words,
};
use crate::state::App;

/// Events of a page.
const SHOWN: usize = 200;

struct Row {
    time: String,
    kind: &'static str,
    username: String,
    address: String,
    text: String,
}

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage {
    frame: Frame,
    events: Vec<Row>,
    kinds: Vec<(&'static str, &'static str)>,
    kind: String,
    username: String,
    address: String,
    export: String,
}

/// `GET /web/events`
pub(super) fn show(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::VIEW_EVENTS)?;
    let query = Form::parse(request.query.as_bytes());
    let events = wanted(app, &query, SHOWN);
    let pairs = ["kind", "username", "address"].map(|name| (name, query.get(name)));
    let events = EventsPage {
        frame: Frame::for_admin(session, "Events"),
        events: events.into_iter().map(Row::from).collect(),
        kinds: Kind::ALL
            .iter()
            .map(|kind| (kind.name(), kind.label()))
            .collect(),
        kind: query.get("kind").to_owned(),
        username: query.get("username").to_owned(),
        address: query.get("address").to_owned(),
        export: address("/web/events/export", &pairs),
    };
    page(request, &events)
}

/// `GET /web/events/export`: an event a line, as JSON.
pub(super) fn export(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::VIEW_EVENTS)?;
    let query = Form::parse(request.query.as_bytes());
    let mut lines = String::new();
    for event in wanted(app, &query, usize::MAX) {
        if let Ok(line) = serde_json::to_string(&event) {
            lines.push_str(&line);
            lines.push('\n');
        }
    }
    Ok(download(request, lines))
}

fn download(request: &Request, lines: String) -> Response {
    let mut response = sized(request, "application/jsonl", lines.into_bytes());
    let headers = response.headers_mut();
    let name = HeaderValue::from_static("attachment; filename=\"events.jsonl\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn wanted(app: &App, query: &Form, most: usize) -> Vec<RecentEvent> {
    let [kind, username, address] =
        ["kind", "username", "address"].map(|name| query.get(name).trim());
    let is = |asked: &str, value: &str| asked.is_empty() || asked == value;
    app.state.activity.recent(most, |event| {
        is(kind, event.kind.name())
            && (username.is_empty() || event.concerns(username))
            && is(address, &event.address)
    })
}

impl From<RecentEvent> for Row {
    fn from(event: RecentEvent) -> Self {
        Self {
            time: words::moment_field(event.time).replace('T', " "),
            kind: event.kind.label(),
            username: event.username,
            address: event.address,
            text: event.text,
        }
    }
}
