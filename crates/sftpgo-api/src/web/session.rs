//! Who a request of the web admin is of: a signed cookie of 12 hours at most, which ends at once when the admin is disabled,
//! deleted or has to log in again.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use sftpgo_core::{
    admin::{Admin, AdminPermissions},
    event::Identity,
};
use warp::{
    http::{HeaderValue, StatusCode, header},
    reply::Response,
};

use super::{answer::Refusal, form::Form, request::Request, texts::session as texts};
use crate::{
    auth::{Audience, Claims},
    authenticate::remote,
    state::App,
};

/// The cookie that the session is in.
const COOKIE: &str = "sftpgo-web";
/// The cookie that says that the password was right, until the second factor is there too.
const PARTIAL_COOKIE: &str = "sftpgo-web-login";
/// A session lasts so long at the most.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// The second factor has to be there so soon.
const FOR_CODE: Duration = Duration::from_secs(5 * 60);
/// The hidden field of a form of ours.
pub(super) const CSRF_FIELD: &str = "csrf_token";

/// An admin who has logged in to the web.
pub(super) struct Session {
    pub(super) admin: Admin,
    /// The value for the forms of the page that is made now.
    pub(super) csrf: String,
    claims: Claims,
}

impl Session {
    /// As whom the admin changes something.
    pub(super) fn identity(&self) -> Identity {
        Identity::Admin(self.admin.username.clone())
    }

    /// Do the admin's permissions allow this?
    pub(super) fn may(&self, needed: AdminPermissions) -> bool {
        self.admin.permissions.allow(needed)
    }

    /// Refuses what the admin's permissions do not allow.
    ///
    /// # Errors
    /// They do not.
    pub(super) fn need(&self, needed: AdminPermissions) -> Result<(), Refusal> {
        if self.may(needed) {
            Ok(())
        } else {
            Err(Refusal::not_allowed())
        }
    }

    /// Is there nothing that the admin has to do first?
    pub(super) fn is_ready(&self) -> bool {
        let needs_factor = self.admin.require_two_factor && self.admin.totp.is_none();
        !(self.admin.require_password_change || needs_factor)
    }

    /// Refuses a form that is not of a page that this admin was shown.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn check_form(
        &self,
        app: &App,
        request: &Request,
        form: &Form,
    ) -> Result<(), Refusal> {
        let client = request.arrival.client.ip();
        let tokens = &app.state.admins.tokens;
        let claims = tokens.check(Audience::WebForm, form.get(CSRF_FIELD), client);
        match claims {
            Some(claims) if self.is_of(&claims) => Ok(()),
            _ => Err(Refusal::new(StatusCode::FORBIDDEN, texts::FORM_TOO_OLD)),
        }
    }

    fn is_of(&self, claims: &Claims) -> bool {
        claims.sub == self.admin.username && claims.since() == self.admin.sessions_since
    }

    /// Returns by what a session that goes on without requests is known: [`still`] says whether it does.
    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }
}

/// The session of a request, if it has one that still holds.
///
/// # Errors
/// The store does not answer.
pub(super) async fn session(app: &App, request: &Request) -> Result<Option<Session>, Refusal> {
    let Some((admin, claims)) = current(app, request, COOKIE, Audience::Web).await? else {
        return Ok(None);
    };
    let client = request.arrival.client.ip();
    let tokens = &app.state.admins.tokens;
    let form = tokens.issue(Audience::WebForm, &admin, client, LONGEST);
    Ok(form.map(|(csrf, _)| Session {
        admin,
        csrf,
        claims,
    }))
}

/// The admin whose password was right a moment ago.
///
/// # Errors
/// The store does not answer.
pub(super) async fn half_logged_in(app: &App, request: &Request) -> Result<Option<Admin>, Refusal> {
    let found = current(app, request, PARTIAL_COOKIE, Audience::WebPartial).await?;
    Ok(found.map(|(admin, _)| admin))
}

async fn current(
    app: &App,
    request: &Request,
    cookie: &str,
    audience: Audience,
) -> Result<Option<(Admin, Claims)>, Refusal> {
    let Some(token) = request.cookie(cookie) else {
        return Ok(None);
    };
    let client = request.arrival.client.ip();
    let Some(claims) = app.state.admins.tokens.check(audience, token, client) else {
        return Ok(None);
    };
    let (username, since) = (claims.sub.clone(), claims.since());
    let admin = still(app, username, since, remote(&request.arrival)).await?;
    Ok(admin.map(|admin| (admin, claims)))
}

/// The admin who logged in at `since`, if that still holds.
///
/// # Errors
/// The store does not answer.
pub(super) async fn still(
    app: &App,
    username: String,
    since: i64,
    remote: SocketAddr,
) -> sftpgo_core::Result<Option<Admin>> {
    let state = Arc::clone(&app.state);
    let look = move || {
        let logins = &state.admins.logins;
        logins.current(&username, Some(since), remote)
    };
    app.calls.run(look).await
}

/// Adds the session of an admin who has proved everything.
pub(super) fn begin(app: &App, request: &Request, admin: &Admin, response: Response) -> Response {
    let response = with_token(
        app,
        request,
        admin,
        (COOKIE, Audience::Web, LONGEST),
        response,
    );
    with_cookie(request, PARTIAL_COOKIE, "", Duration::ZERO, response)
}

/// Remembers that the password was right.
pub(super) fn begin_half(
    app: &App,
    request: &Request,
    admin: &Admin,
    response: Response,
) -> Response {
    let cookie = (PARTIAL_COOKIE, Audience::WebPartial, FOR_CODE);
    with_token(app, request, admin, cookie, response)
}

/// Ends the session; its cookie passes no more, wherever it is.
pub(super) fn end(app: &App, request: &Request, session: &Session, response: Response) -> Response {
    app.state.admins.tokens.give_back(&session.claims);
    with_cookie(request, COOKIE, "", Duration::ZERO, response)
}

fn with_token(
    app: &App,
    request: &Request,
    admin: &Admin,
    (cookie, audience, lifetime): (&str, Audience, Duration),
    response: Response,
) -> Response {
    let client = request.arrival.client.ip();
    let tokens = &app.state.admins.tokens;
    match tokens.issue(audience, admin, client, lifetime) {
        Some((token, _)) => with_cookie(request, cookie, &token, lifetime, response),
        None => response,
    }
}

fn with_cookie(
    request: &Request,
    name: &str,
    value: &str,
    lifetime: Duration,
    mut response: Response,
) -> Response {
    let secure = if request.arrival.is_encrypted {
        "; Secure"
    } else {
        ""
    };
    let seconds = lifetime.as_secs();
    let cookie =
        format!("{name}={value}; Path=/web; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
