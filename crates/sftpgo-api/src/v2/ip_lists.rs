//! Lists of addresses.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sftpgo_core::{
    Error,
    event::Actor,
    ip_list::{EntryDraft, IpLists, ListEntry, ListType},
    network::Network,
    user::now_ms,
};
use warp::http::StatusCode;

use super::page::{LIMIT, is_descending, limit};
use crate::{
    body,
    error::ApiError,
    principal::AllowedAdmin,
    response::{self, Reply, data, message_v2},
    state::App,
};

/// An entry as it is sent. The type is the path's.
#[derive(Deserialize, Default)]
#[serde(default)]
struct EntryBody {
    ipornet: String,
    description: String,
    mode: i64,
    protocols: i64,
}

#[derive(Serialize)]
struct EntryAnswer {
    ipornet: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    r#type: i64,
    mode: i64,
    protocols: u8,
    created_at: i64,
    updated_at: i64,
}

impl From<ListEntry> for EntryAnswer {
    fn from(entry: ListEntry) -> Self {
        Self {
            ipornet: entry.network.to_string(),
            description: entry.description,
            r#type: entry.list.number(),
            mode: entry.mode.number(),
            protocols: entry.protocols.bits(),
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        }
    }
}

/// `filter`, `from`, `limit` and `order` of a listing.
#[derive(Debug, PartialEq, Eq)]
struct Query {
    /// With which the texts of networks begin.
    filter: String,
    /// Behind this text.
    from: String,
    limit: usize,
    is_descending: bool,
}

impl Query {
    fn parse(query: &str) -> Result<Self, ApiError> {
        let mut parsed = Self {
            filter: String::new(),
            from: String::new(),
            limit: LIMIT,
            is_descending: false,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "filter" => parsed.filter = value.into_owned(),
                "from" => parsed.from = value.into_owned(),
                "limit" => parsed.limit = limit(&value)?,
                "order" => parsed.is_descending = is_descending(&value)?,
                _ => {}
            }
        }
        Ok(parsed)
    }

    /// That part of `all`, which is in ascending order of texts.
    fn of(&self, mut all: Vec<EntryAnswer>) -> Vec<EntryAnswer> {
        if self.is_descending {
            all.reverse();
        }
        let is_behind = |text: &str| {
            self.from.is_empty()
                || (if self.is_descending {
                    text < self.from.as_str()
                } else {
                    text > self.from.as_str()
                })
        };
        all.into_iter()
            .filter(|entry| entry.ipornet.starts_with(&self.filter) && is_behind(&entry.ipornet))
            .take(self.limit)
            .collect()
    }
}

/// `GET /iplists/{type}`
pub(super) async fn list(list: ListType, query: String, allowed: AllowedAdmin) -> Reply {
    let (app, _) = allowed?;
    let query = Query::parse(&query)?;
    let lists = Arc::clone(&app.state.ip_lists);
    let entries = app
        .calls
        .run(move || lists.store().list_entries(list))
        .await?;
    let all = entries.into_iter().map(EntryAnswer::from).collect();
    data(&query.of(all))
}

/// `POST /iplists/{type}`
pub(super) async fn add(
    list: ListType,
    body: Result<Vec<u8>, ApiError>,
    allowed: AllowedAdmin,
) -> Reply {
    let (app, _) = allowed?;
    let entry = draft(&body?, None)?.validate(list, now_ms())?;
    let id = entry.network.to_string();
    change(&app, move |lists, by| lists.add(by, &entry)).await?;
    let location = format!(
        "/api/v2/iplists/{}/{}",
        list.number(),
        id.replace('/', "%2F")
    );
    Ok(response::at(
        message_v2(StatusCode::CREATED, "Entry added"),
        &location,
        &id,
    ))
}

/// `GET /iplists/{type}/{ipornet}`
pub(super) async fn show(
    list: ListType,
    network: Result<String, ApiError>,
    allowed: AllowedAdmin,
) -> Reply {
    let ((app, _), network) = (allowed?, network_of(&network?)?);
    let lists = Arc::clone(&app.state.ip_lists);
    let found = app
        .calls
        .run(move || lists.store().list_entry(list, network))
        .await?;
    let entry = found.ok_or_else(|| Error::not_found("no such entry"))?;
    data(&EntryAnswer::from(entry))
}

/// `PUT /iplists/{type}/{ipornet}`: all but the type and the network.
pub(super) async fn replace(
    list: ListType,
    network: Result<String, ApiError>,
    body: Result<Vec<u8>, ApiError>,
    allowed: AllowedAdmin,
) -> Reply {
    let ((app, _), network) = (allowed?, network_of(&network?)?);
    let entry = draft(&body?, Some(network))?.validate(list, now_ms())?;
    change(&app, move |lists, by| lists.replace(by, &entry)).await?;
    Ok(message_v2(StatusCode::OK, "Entry updated"))
}

/// `DELETE /iplists/{type}/{ipornet}`
pub(super) async fn delete(
    list: ListType,
    network: Result<String, ApiError>,
    allowed: AllowedAdmin,
) -> Reply {
    let ((app, _), network) = (allowed?, network_of(&network?)?);
    change(&app, move |lists, by| lists.delete(by, list, network)).await?;
    Ok(message_v2(StatusCode::OK, "Entry deleted"))
}

fn draft(body: &[u8], network: Option<Network>) -> Result<EntryDraft, ApiError> {
    let body = body::json_object::<EntryBody>(body)?;
    Ok(EntryDraft {
        network: network.map_or(body.ipornet, |network| network.to_string()),
        mode: body.mode,
        protocols: body.protocols,
        description: body.description,
    })
}

async fn change(
    app: &App,
    change: impl FnOnce(&IpLists, &Actor) -> sftpgo_core::Result<()> + Send + 'static,
) -> sftpgo_core::Result<()> {
    let (lists, by) = (Arc::clone(&app.state.ip_lists), app.by.clone());
    app.calls.run(move || change(&lists, &by)).await
}

fn network_of(text: &str) -> Result<Network, ApiError> {
    let network: Network = text
        .parse()
        .map_err(|error| ApiError::bad_request(format!("ipornet: {error}")))?;
    Ok(network.masked())
}
