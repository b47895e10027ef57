//! Whom the defender has banned, and letting somebody in again.

use std::{net::IpAddr, sync::Arc};

use askama::Template;
use sftpgo_core::{
    admin::AdminPermissions,
    defender::{DefenderHost, HostStanding},
};

use super::{
    answer::{Refusal, Reply, page, see_other},
    form::Form,
    frame::Frame,
    request::Request,
    session::Session,
    texts::{common, defender as texts},
    words,
};
use crate::state::App;

#[derive(Template)]
#[template(path = "defender.html")]
struct DefenderPage {
    frame: Frame,
    is_on: bool,
    may_let_in: bool,
    hosts: Vec<Row>,
}

struct Row {
    address: String,
    standing: String,
}

/// `GET /web/defender`
pub(super) fn show(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::VIEW_DEFENDER)?;
    let defender = app.state.gate.defender();
    let hosts = defender.map(|defender| defender.hosts()).into_iter();
    let mut frame = Frame::for_admin(session, common::DEFENDER);
    if Form::parse(request.query.as_bytes()).get("done") == "letin" {
        frame = frame.noticing(texts::MAY_CONNECT_AGAIN);
    }
    page(
        request,
        &DefenderPage {
            frame,
            is_on: defender.is_some(),
            may_let_in: session.may(AdminPermissions::MANAGE_DEFENDER),
            hosts: hosts.flatten().map(Row::from).collect(),
        },
    )
}

/// `POST /web/defender`: takes back the ban or the score of an address.
pub(super) async fn let_in(app: &App, session: &Session, form: &Form) -> Reply {
    session.need(AdminPermissions::MANAGE_DEFENDER)?;
    let address: IpAddr = form
        .get("address")
        .parse()
        .map_err(|_| Refusal::not_found())?;
    let (gate, by) = (Arc::clone(&app.state.gate), app.by.clone());
    let forget = move || match gate.defender() {
        Some(defender) => defender.forget(&by, address),
        None => Ok(false),
    };
    app.calls.run(forget).await?;
    Ok(see_other("/web/defender?done=letin"))
}

impl From<DefenderHost> for Row {
    fn from(host: DefenderHost) -> Self {
        Self {
            address: host.address.to_string(),
            standing: match host.standing {
                HostStanding::Score(score) => texts::score(score.into()),
                HostStanding::BannedUntil(until) => texts::banned_until(&words::moment(until, "")),
            },
        }
    }
}
