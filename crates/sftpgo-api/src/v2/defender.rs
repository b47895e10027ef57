//! What the defender has counted, and whom it has banned.

use std::{net::IpAddr, sync::Arc};

use serde::Serialize;
use sftpgo_core::{
    defender::{Defender, DefenderHost, HostStanding},
    hex::hex,
};
use warp::http::StatusCode;

use crate::{
    error::ApiError,
    principal::AllowedAdmin,
    response::{Reply, data, message_v2},
    state::App,
};

/// A host has either a score or a ban.
#[derive(Serialize)]
struct HostAnswer {
    /// The address in hexadecimal digits of its text.
    id: String,
    ip: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ban_time: Option<String>,
}

impl From<DefenderHost> for HostAnswer {
    fn from(host: DefenderHost) -> Self {
        let ip = host.address.to_string();
        let (score, ban_time) = match host.standing {
            HostStanding::Score(score) => (Some(score), None),
            HostStanding::BannedUntil(until) => (None, Some(rfc3339(until))),
        };
        Self {
            id: hex(ip.as_bytes()),
            ip,
            score,
            ban_time,
        }
    }
}

fn rfc3339(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .unwrap_or(jiff::Timestamp::MAX)
        .to_string()
}

/// `GET /defender/hosts`
pub(super) async fn list(allowed: AllowedAdmin) -> Reply {
    let (app, _) = allowed?;
    let hosts = app.state.gate.defender().map(|defender| defender.hosts());
    let answers: Vec<_> = hosts.into_iter().flatten().map(HostAnswer::from).collect();
    data(&answers)
}

/// `GET /defender/hosts/{id}`
pub(super) async fn show(id: Result<String, ApiError>, allowed: AllowedAdmin) -> Reply {
    let ((app, _), address) = (allowed?, address_of(&id?)?);
    let host = defender(&app)?.host(address).ok_or_else(unknown)?;
    data(&HostAnswer::from(host))
}

/// `DELETE /defender/hosts/{id}`: takes its ban or its score back.
pub(super) async fn delete(id: Result<String, ApiError>, allowed: AllowedAdmin) -> Reply {
    let ((app, _), address) = (allowed?, address_of(&id?)?);
    let (gate, by) = (Arc::clone(&app.state.gate), app.by.clone());
    let forget = move || match gate.defender() {
        Some(defender) => defender.forget(&by, address),
        None => Ok(false),
    };
    if !app.calls.run(forget).await? {
        return Err(unknown());
    }
    Ok(message_v2(StatusCode::OK, "OK"))
}

fn defender(app: &App) -> Result<&Defender, ApiError> {
    let defender = app.state.gate.defender();
    defender.map(AsRef::as_ref).ok_or_else(unknown)
}

fn unknown() -> ApiError {
    sftpgo_core::Error::not_found("Not found").into()
}

/// The address whose text has these hexadecimal digits.
fn address_of(id: &str) -> Result<IpAddr, ApiError> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = id.as_bytes().chunks(2);
    let text: Option<Vec<u8>> = pairs
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        })
        .collect();
    text.and_then(|text| String::from_utf8(text).ok())
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            ApiError::bad_request("the id is not an IP address in hexadecimal digits of its text")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_text_of_an_address_and_leads_back_to_it() {
        for (address, id) in [
            ("192.0.2.7", "3139322e302e322e37"),
            ("2001:db8::", "323030313a6462383a3a"),
        ] {
            let host = DefenderHost {
                address: address.parse().unwrap(),
                standing: HostStanding::BannedUntil(1_000),
            };
            let answer = HostAnswer::from(host);
            assert_eq!((answer.id.as_str(), answer.score), (id, None));
            assert_eq!(answer.ban_time.as_deref(), Some("1970-01-01T00:00:01Z"));
            assert_eq!(address_of(id).unwrap().to_string(), address);
        }
        for bad in ["", "3", "zz", "313932", "ff", "é"] {
            assert!(address_of(bad).is_err(), "{bad}");
        }
    }
}
