//! The last logins, failures, transfers and changes, and their export; older ones from the archive when asked.

use askama::Template;
use sftpgo_core::{Error, ErrorKind, admin::AdminPermissions};
use warp::{
    http::{HeaderValue, header},
    reply::Response,
};

use super::{
    answer::{Refusal, Reply, page, sized},
    form::Form,
    frame::Frame,
    query::address,
    request::Request,
    session::Session,
    texts::{common, events as texts},
    words,
};
use crate::{
    activity::{Kind, RecentEvent},
    event_archive::PastEvents,
    state::App,
};

/// Events of a page.
const SHOWN: usize = 200;
/// Events of an export, some 200 bytes each.
const EXPORTED: usize = 50_000;
/// The fields of the search.
const FIELDS: [&str; 4] = ["kind", "username", "address", "archive"];

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
    /// Older ones can be asked for.
    has_archive: bool,
    /// They were.
    of_archive: bool,
    /// See [`PastEvents`].
    is_cut_short: bool,
    export: String,
}

/// `GET /web/events`
pub(super) async fn show(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::VIEW_EVENTS)?;
    let query = Form::parse(request.query.as_bytes());
    let past = wanted(app, &query, SHOWN).await?;
    let pairs = FIELDS.map(|name| (name, query.get(name)));
    let events = EventsPage {
        frame: Frame::for_admin(session, common::EVENTS),
        events: past.events.into_iter().map(Row::from).collect(),
        kinds: Kind::ALL
            .iter()
            .map(|kind| (kind.name(), kind.label()))
            .collect(),
        kind: query.get("kind").to_owned(),
        username: query.get("username").to_owned(),
        address: query.get("address").to_owned(),
        has_archive: app.state.event_archive.is_some(),
        of_archive: app.state.event_archive.is_some() && !query.get("archive").trim().is_empty(),
        is_cut_short: past.is_cut_short,
        export: address("/web/events/export", &pairs),
    };
    page(request, &events)
}

/// `GET /web/events/export`: an event a line, as JSON.
pub(super) async fn export(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::VIEW_EVENTS)?;
    let query = Form::parse(request.query.as_bytes());
    let mut lines = String::new();
    for event in wanted(app, &query, EXPORTED).await?.events {
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

async fn wanted(app: &App, query: &Form, most: usize) -> Result<PastEvents, Refusal> {
    let [kind, username, address, archive] = FIELDS.map(|name| query.get(name).trim().to_owned());
    let is = |asked: &str, value: &str| asked.is_empty() || asked == value;
    let is_wanted = move |event: &RecentEvent| {
        is(&kind, event.kind.name())
            && (username.is_empty() || event.concerns(&username))
            && is(&address, &event.address)
    };
    let asked = app.state.event_archive.clone();
    let Some(asked) = asked.filter(|_| !archive.is_empty()) else {
        return Ok(PastEvents {
            events: app.state.activity.recent(most, is_wanted),
            is_cut_short: false,
        });
    };
    let look = move || {
        asked.last(most, &is_wanted).map_err(|error| {
            Error::new(ErrorKind::Unavailable, texts::LOG_UNREADABLE).with_source(error)
        })
    };
    Ok(app.archive.run(look).await?)
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
