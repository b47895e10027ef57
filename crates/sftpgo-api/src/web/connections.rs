//! Who is connected, as it changes, and closing connections.

use std::{convert::Infallible, sync::Arc, time::Duration};

use askama::Template;
use futures_util::{Stream, stream};
use sftpgo_core::{
    ErrorKind,
    admin::AdminPermissions,
    registry::{ConnectionStatus, TransferRates, TransferStatus},
    user::now_ms,
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, MissedTickBehavior, interval},
};
use warp::{
    Reply as _,
    http::{HeaderValue, StatusCode, header},
    sse,
};

use super::{
    answer::{Refusal, Reply, page, see_other},
    form::Form,
    frame::Frame,
    kept::Kept,
    request::Request,
    session::{Session, still},
    texts::{common, connections as texts},
    words,
};
use crate::{auth::Claims, authenticate::remote, state::App};

/// A page is told so often.
const TICK: Duration = Duration::from_secs(1);
/// A connection of HTTP takes no request after two minutes: the browser asks anew before.
const AGE: Duration = Duration::from_secs(100);

struct ConnectionRow {
    id: String,
    username: String,
    protocol: String,
    client: String,
    address: String,
    since: String,
    transfers: Vec<TransferRow>,
}

struct TransferRow {
    direction: &'static str,
    path: String,
    size: String,
    rate: String,
}

#[derive(Template)]
#[template(path = "connections.html")]
struct ConnectionsPage {
    frame: Frame,
    connections: Vec<ConnectionRow>,
    may_close: bool,
    csrf: String,
}

#[derive(Template)]
#[template(path = "connection_list.html")]
struct ConnectionList {
    connections: Vec<ConnectionRow>,
    may_close: bool,
    csrf: String,
}

/// `GET /web/connections`
pub(super) fn show(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::VIEW_CONNECTIONS)?;
    let query = Form::parse(request.query.as_bytes());
    let notice = match query.get("done") {
        "closed" => texts::CLOSED,
        _ => "",
    };
    let connections = ConnectionsPage {
        frame: Frame::for_admin(session, common::CONNECTIONS).noticing(notice),
        connections: rows(
            &mut TransferRates::default(),
            request.now,
            app.state.connections.list(),
        ),
        may_close: session.may(AdminPermissions::CLOSE_CONNECTIONS),
        csrf: session.csrf.clone(),
    };
    page(request, &connections)
}

/// `POST /web/connections`
pub(super) async fn close(app: &App, session: &Session, form: &Form) -> Reply {
    session.need(AdminPermissions::CLOSE_CONNECTIONS)?;
    let (state, by) = (Arc::clone(&app.state), app.by.clone());
    let closed = if form.get("close") == "all" {
        let username = form.get("username").to_owned();
        let close = move || {
            let user = state.accounts.by_name(&username)?;
            state.connections.close_all_of(&by, &user);
            Ok(())
        };
        app.calls.run(close).await
    } else {
        state.connections.close(&by, form.get("connection_id"))
    };
    match closed {
        Ok(()) => {}
        // It ended by itself meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    Ok(see_other("/web/connections?done=closed"))
}

/// `GET /web/connections/events`: the list whenever it changes, until the session ends.
pub(super) fn events(app: &App, kept: &Kept, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::VIEW_CONNECTIONS)?;
    let place = Arc::clone(&kept.watched_pages)
        .try_acquire_owned()
        .map_err(|_| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, texts::TOO_MANY_PAGES))?;
    let watch = Watch::new(app, request, session, place);
    let mut response = sse::reply(watch.events()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would keep events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// A page that is kept up to date.
struct Watch {
    app: App,
    session: Claims,
    remote: std::net::SocketAddr,
    csrf: String,
    rates: TransferRates,
    ticks: tokio::time::Interval,
    ends: Instant,
    last: String,
    has_ended: bool,
    _place: OwnedSemaphorePermit,
}

impl Watch {
    fn new(app: &App, request: &Request, session: &Session, place: OwnedSemaphorePermit) -> Self {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            app: app.clone(),
            session: session.claims().clone(),
            remote: remote(&request.arrival),
            csrf: session.csrf.clone(),
            rates: TransferRates::default(),
            ticks,
            ends: Instant::now() + AGE,
            last: String::new(),
            has_ended: false,
            _place: place,
        }
    }

    fn events(self) -> impl Stream<Item = Result<sse::Event, Infallible>> {
        stream::unfold(self, |mut watch| async move {
            let event = watch.next().await?;
            Some((Ok(event), watch))
        })
    }

    async fn next(&mut self) -> Option<sse::Event> {
        if self.has_ended {
            return None;
        }
        loop {
            self.ticks.tick().await;
            if Instant::now() >= self.ends {
                return None;
            }
            let Some(may_close) = self.may_close().await else {
                self.has_ended = true;
                return Some(sse::Event::default().event("end").data("session"));
            };
            let list = ConnectionList {
                connections: rows(&mut self.rates, now_ms(), self.app.state.connections.list()),
                may_close,
                csrf: self.csrf.clone(),
            };
            let html = list.render().ok()?;
            if html != self.last {
                self.last.clone_from(&html);
                let retry = Duration::from_millis(500);
                return Some(sse::Event::default().retry(retry).data(html));
            }
        }
    }

    /// May the admin close connections? `None` when nothing may be seen any more.
    async fn may_close(&self) -> Option<bool> {
        if !self.app.state.admins.tokens.passes_still(&self.session) {
            return None;
        }
        let (username, since) = (self.session.sub.clone(), self.session.since());
        let admin = still(&self.app, username, since, self.remote)
            .await
            .ok()??;
        let may = |needed| admin.permissions.allow(needed);
        may(AdminPermissions::VIEW_CONNECTIONS).then(|| may(AdminPermissions::CLOSE_CONNECTIONS))
    }
}

fn rows(
    rates: &mut TransferRates,
    now: i64,
    connections: Vec<ConnectionStatus>,
) -> Vec<ConnectionRow> {
    let rates = rates.look(&connections, now);
    let rows = connections.into_iter().zip(rates);
    rows.map(|(connection, rates)| ConnectionRow {
        transfers: connection
            .transfers
            .iter()
            .zip(rates)
            .map(|(transfer, rate)| TransferRow::of(transfer, rate))
            .collect(),
        since: format!("{} UTC", words::moment(connection.connected_at, "")),
        id: connection.connection_id,
        username: connection.username,
        protocol: connection.protocol.to_string(),
        client: connection.client_version,
        address: connection.remote.to_string(),
    })
    .collect()
}

impl TransferRow {
    fn of(transfer: &TransferStatus, rate: u64) -> Self {
        Self {
            direction: match transfer.operation {
                sftpgo_core::event::Operation::Upload => texts::UPLOAD,
                sftpgo_core::event::Operation::Download => texts::DOWNLOAD,
            },
            path: transfer.path.clone(),
            size: words::size(transfer.size),
            rate: format!("{}/s", words::size(rate)),
        }
    }
}
