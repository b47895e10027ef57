//! The one place where a request gets its principal.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use sftpgo_core::{
    Result,
    admin::{Admin, PasswordVerdict, RefusedAdmin},
    fair_pool::Bell,
};
use tokio::time::timeout;
use warp::http::{HeaderMap, HeaderName, header};

use crate::{
    arrival::{Arrival, ClientAddress, Reach},
    auth::{API_KEY, Audience, BasicCredentials, STORE_PATIENCE},
    error::ApiError,
    path_kind,
    principal::{AdminSession, By, Need, Principal},
    state::App,
};

const SETUP_CODE: HeaderName = HeaderName::from_static("x-sftpgo-setup-code");

/// Returns who sends a request with these headers to this path.
///
/// # Errors
/// What was sent to prove it does not, or nothing was and something has to be.
pub(crate) async fn authenticate(
    app: &App,
    path: &str,
    headers: &HeaderMap,
    arrival: &Arrival,
) -> std::result::Result<Principal, ApiError> {
    if path_kind::needs_no_principal(path) {
        return Ok(Principal::Nobody);
    }
    let remote = remote(arrival);
    let listed = match path_kind::is_v2(path) {
        true => Listed::No,
        false => listed(app, headers, remote).await?,
    };
    let wrong = match listed {
        Listed::Right(name) => return Ok(Principal::Listed(name)),
        Listed::Wrong(took) => Some(took),
        Listed::No => None,
    };
    if !app.state.admins.logins.admins().is_known_to_be_set_up() {
        // A wrong name or password of the operator's file is refused as an admin's is, and counted.
        return match BasicCredentials::of(headers) {
            Some(sent) if app.state.admins.listed.is_some() && !path_kind::is_v2(path) => {
                by_password(app, sent, remote, wrong).await
            }
            _ => before_setup(app, path, headers, arrival),
        };
    }
    if path_kind::is_public(path) {
        return Ok(Principal::Nobody);
    }
    if path == path_kind::METRICS {
        return metrics_reader(app, headers, remote, wrong).await;
    }
    by_credentials(app, headers, remote, wrong).await
}

/// An admin, or while the store does not answer who was one of late.
async fn metrics_reader(
    app: &App,
    headers: &HeaderMap,
    remote: SocketAddr,
    wrong_of_list: Option<Duration>,
) -> std::result::Result<Principal, ApiError> {
    let access = &app.state.admins;
    let readers = &access.metrics_readers;
    let proof = readers.proof(headers, remote.ip());
    // Before the store is asked: a change that it does not know of yet counts.
    let changes = access.logins.admins().changes();
    let asked = by_credentials(app, headers, remote, wrong_of_list);
    let answered = if readers.knows(&proof, changes) && !has_expired(app, headers, remote) {
        match timeout(STORE_PATIENCE, asked).await {
            Err(_) => return Ok(Principal::MetricsReader),
            Ok(Err(error)) if error.is_unavailable() => return Ok(Principal::MetricsReader),
            Ok(answered) => answered,
        }
    } else {
        asked.await
    };
    match &answered {
        Ok(Principal::Admin(session)) if session.check(Need::ReadMetrics).is_ok() => {
            readers.remember(proof, session.by.expires_at(), changes);
        }
        Err(error) if error.is_unavailable() => {}
        _ => readers.forget(&proof),
    }
    answered
}

/// Is it a token that passes no more? That is known without the store.
fn has_expired(app: &App, headers: &HeaderMap, remote: SocketAddr) -> bool {
    let tokens = &app.state.admins.tokens;
    bearer(headers).is_some_and(|token| tokens.check(Audience::Api, &token, remote.ip()).is_none())
}

async fn by_credentials(
    app: &App,
    headers: &HeaderMap,
    remote: SocketAddr,
    wrong_of_list: Option<Duration>,
) -> std::result::Result<Principal, ApiError> {
    if let Some(key) = headers.get(API_KEY) {
        let key = key.to_str().unwrap_or_default().to_owned();
        return by_key(app, key, remote).await;
    }
    if let Some(token) = bearer(headers) {
        return by_token(app, token, remote).await;
    }
    match BasicCredentials::of(headers) {
        Some(sent) => by_password(app, sent, remote, wrong_of_list).await,
        None => Err(ApiError::unauthorized("a login is needed")),
    }
}

/// While there is no admin REST 1.2.0 is open to this machine, as it always was.
fn before_setup(
    app: &App,
    path: &str,
    headers: &HeaderMap,
    arrival: &Arrival,
) -> std::result::Result<Principal, ApiError> {
    let access = &app.state.admins;
    if let Some(sent) = headers.get(SETUP_CODE) {
        let is_right = access
            .setup_code
            .as_ref()
            .zip(sent.to_str().ok())
            .is_some_and(|(code, sent)| code.is(sent));
        return if is_right {
            Ok(Principal::Setup)
        } else {
            Err(ApiError::unauthorized("the setup code is wrong"))
        };
    }
    let is_local = match (arrival.reach, arrival.client) {
        (Reach::Loopback | Reach::UnixSocket, ClientAddress::Told(client)) => client.is_loopback(),
        (Reach::Loopback | Reach::UnixSocket, _) => true,
        (Reach::Network, _) => false,
    };
    if !is_local && !access.insecure_no_auth {
        return Err(ApiError::forbidden(
            "there is no admin yet: make the first one at /web/setup, with the code that the server printed when it started",
        ));
    }
    if path_kind::is_v2(path) {
        return Err(ApiError::unauthorized(
            "there is no admin yet: make the first one at /web/setup, or with the header X-SFTPGO-SETUP-CODE",
        ));
    }
    if access.listed.is_some() {
        return Err(ApiError::unauthorized(
            "a name and a password of httpd.auth_user_file are needed",
        ));
    }
    Ok(Principal::Anyone)
}

/// What the operator's file says of a name and a password.
enum Listed {
    /// The name is not in it, or none was sent.
    No,
    /// They are in it.
    Right(String),
    /// The name has another password in it, as a check has found that took so long.
    Wrong(Duration),
}

/// What the operator's file says of who asks. Asked where the file may be read, and the password waits for its turn.
async fn listed(
    app: &App,
    headers: &HeaderMap,
    remote: SocketAddr,
) -> std::result::Result<Listed, ApiError> {
    if app.state.admins.listed.is_none() {
        return Ok(Listed::No);
    }
    let Some(sent) = BasicCredentials::of(headers) else {
        return Ok(Listed::No);
    };
    let state = Arc::clone(&app.state);
    let name = sent.username.clone();
    let look = move || {
        let names = state.admins.listed.as_ref().map(|listed| listed());
        let Some(hash) = names.and_then(|names| names.hash_of(&sent.username).cloned()) else {
            return Ok(Some(None));
        };
        let check = move || hash.verify(sent.password.as_bytes());
        let bell = Arc::<Bell>::default();
        let logins = &state.admins.logins;
        let verified = logins.verify_in_turn(&sent.username, remote, &bell, check);
        Ok(verified.map(Some))
    };
    let verified = app.logins.run(look).await?;
    Ok(match verified.ok_or_else(ApiError::internal)? {
        None => Listed::No,
        Some((true, _)) => Listed::Right(name),
        Some((false, took)) => Listed::Wrong(took),
    })
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

async fn by_token(
    app: &App,
    token: String,
    remote: SocketAddr,
) -> std::result::Result<Principal, ApiError> {
    let refused = || ApiError::unauthorized("the token is not valid, or not any more");
    let tokens = &app.state.admins.tokens;
    let claims = tokens
        .check(Audience::Api, &token, remote.ip())
        .ok_or_else(refused)?;
    let since = tokens.sessions_since(&claims);
    let state = Arc::clone(&app.state);
    let username = claims.sub.clone();
    let admin = app
        .calls
        .run(move || state.admins.logins.current(&username, since, remote))
        .await?
        .ok_or_else(refused)?;
    Ok(session(admin, By::Token(claims)))
}

async fn by_key(
    app: &App,
    key: String,
    remote: SocketAddr,
) -> std::result::Result<Principal, ApiError> {
    let state = Arc::clone(&app.state);
    let checked = app
        .calls
        .run(move || Ok(state.admins.logins.with_api_key(&key, remote)))
        .await?;
    match checked {
        Ok((admin, key)) => Ok(session(
            admin,
            By::ApiKey {
                id: key.id,
                expires_at: key.expires_at,
            },
        )),
        Err(RefusedAdmin::Unknown) => Err(ApiError::bad_request("the API key is not valid")),
        Err(RefusedAdmin::Wrong) => {
            Err(ApiError::unauthorized("the API key is wrong or has expired").of_login())
        }
        Err(RefusedAdmin::NotAllowed) => {
            Err(ApiError::forbidden("the API key may not be used for this admin").of_login())
        }
        Err(RefusedAdmin::Failed(error)) => Err(error.into()),
    }
}

async fn by_password(
    app: &App,
    sent: BasicCredentials,
    remote: SocketAddr,
    wrong_of_list: Option<Duration>,
) -> std::result::Result<Principal, ApiError> {
    let verified = &app.state.admins.verified_basic;
    if let Some(since) = verified.get(&sent) {
        let state = Arc::clone(&app.state);
        let username = sent.username.clone();
        let current = app
            .calls
            .run(move || state.admins.logins.current(&username, Some(since), remote))
            .await?;
        if let Some(admin) = current.filter(|admin| admin.totp.is_none()) {
            return Ok(session(admin, By::Password));
        }
    }
    match check_password_of(app, &sent, remote, wrong_of_list).await? {
        PasswordVerdict::LoggedIn(admin) => {
            verified.remember(&sent, admin.sessions_since);
            Ok(session(*admin, By::Password))
        }
        PasswordVerdict::NeedsCode(_) => Err(ApiError::unauthorized(
            "this admin has a second factor: get a token with it at /api/v2/token",
        )),
        PasswordVerdict::Refused(at) => {
            wait_until(at).await;
            Err(ApiError::unauthorized("wrong name or password").of_login())
        }
        PasswordVerdict::Closing => Err(ApiError::internal()),
    }
}

/// Checks a name and a password in a thread that may wait for its turn; a refusal says when it is to be answered.
///
/// # Errors
/// The store does not answer.
pub(crate) async fn check_password(
    app: &App,
    sent: &BasicCredentials,
    remote: SocketAddr,
) -> Result<PasswordVerdict> {
    check_password_of(app, sent, remote, None).await
}

/// The same where the operator's file has another password for the name, as a check has found that took so long.
async fn check_password_of(
    app: &App,
    sent: &BasicCredentials,
    remote: SocketAddr,
    wrong_of_list: Option<Duration>,
) -> Result<PasswordVerdict> {
    let state = Arc::clone(&app.state);
    let (username, password) = (sent.username.clone(), sent.password.clone());
    app.logins
        .run(move || {
            let bell = Arc::<Bell>::default();
            let logins = &state.admins.logins;
            let password = password.as_bytes();
            logins.check_password(&username, password, remote, &bell, wrong_of_list)
        })
        .await
}

fn session(admin: Admin, by: By) -> Principal {
    Principal::Admin(Arc::new(AdminSession { admin, by }))
}

/// The client's address with whatever is known of its port.
pub(crate) fn remote(arrival: &Arrival) -> SocketAddr {
    match arrival.client {
        ClientAddress::Peer(peer) => peer,
        client => SocketAddr::new(client.ip(), 0),
    }
}

/// Waits until a refusal is to be answered.
pub(crate) async fn wait_until(at: Instant) {
    tokio::time::sleep_until(at.into()).await;
}
