//! The REST API over HTTP. The only file that names the HTTP library's client.

mod addresses;
mod admins;
mod receipts;

use std::{cell::Cell, os::unix::ffi::OsStrExt, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sftpgo_dump::{User, UserChange};
use ureq::{
    Agent, Body,
    http::{Method, Request, Response, StatusCode, request::Builder},
};

use crate::{
    cli::{Explain, Order},
    exit::{Failure, Result},
    identity::Identity,
    output,
    values::server::ServerUrl,
    wire::{Answer, Connection, EndedQuotaScan, Explanation, NewTotp, QuotaScan, Totp, Version},
};

pub(crate) use admins::TokenAnswer;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);
const HINT: &str = " (--server or SFTPGO_URL says where to look)";
/// 500 users, each with dozens of long keys, are well below.
const MAX_ANSWER: u64 = 64 << 20;
/// The largest page the server gives.
pub(crate) const MAX_PAGE: u32 = 500;
/// The characters that are encoded: all but RFC 3986's unreserved ones.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Speaks to one server.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    server: ServerUrl,
    identity: Identity,
    /// Until an answer has come.
    timeout: Duration,
    /// Said once, however many users are sent.
    warned_of_passwords: Cell<bool>,
}

/// Which users to list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'a> {
    pub(crate) start: &'a PageStart,
    pub(crate) limit: u32,
    /// The order of the user names.
    pub(crate) order: Order,
}

/// Where a page begins.
#[derive(Debug, Clone)]
pub(crate) enum PageStart {
    /// The page begins after so many users.
    Offset(u32),
    /// The page begins after this user name.
    After(String),
}

impl Client {
    pub(crate) fn new(server: ServerUrl, identity: Identity) -> Self {
        Self {
            agent: agent(&server, TIMEOUT),
            server,
            identity,
            timeout: TIMEOUT,
            warned_of_passwords: Cell::new(false),
        }
    }

    /// Returns a client that waits so long for each answer.
    fn waiting(&self, timeout: Duration) -> Self {
        Self {
            agent: agent(&self.server, timeout),
            timeout,
            ..self.clone()
        }
    }

    /// Returns a client of the same server for somebody else.
    pub(crate) fn with_identity(&self, identity: Identity) -> Self {
        Self {
            identity,
            ..self.clone()
        }
    }

    pub(crate) fn is_nobody(&self) -> bool {
        self.identity == Identity::Nobody
    }

    pub(crate) fn server(&self) -> &ServerUrl {
        &self.server
    }

    /// Says that a password, or its hash, is about to be sent where others can read it.
    pub(crate) fn warn_before_a_password(&self) {
        if self.server.is_readable_on_the_way() && !self.warned_of_passwords.replace(true) {
            output::note(&format!(
                "a password goes to {} without encryption, and whoever is on the way can read it: \
                 use https, or a tunnel such as ssh -L 8080:127.0.0.1:8080",
                self.server
            ));
        }
    }

    pub(crate) fn version(&self) -> Result<Version> {
        let mut versions: Vec<Version> = self.get("version")?;
        versions
            .pop()
            .ok_or_else(|| Failure::Unexpected(format!("{} told no version", self.server)))
    }

    /// Refused when the server's database does not answer.
    pub(crate) fn provider_status(&self) -> Result<Answer> {
        self.get("providerstatus")
    }

    pub(crate) fn connections(&self) -> Result<Vec<Connection>> {
        self.get("connection")
    }

    pub(crate) fn close_connection(&self, id: &str) -> Result<Answer> {
        self.delete(&format!("connection/{}", encoded(id)))
    }

    pub(crate) fn quota_scans(&self) -> Result<Vec<QuotaScan>> {
        self.get("quota_scan")
    }

    pub(crate) fn ended_quota_scans(&self, user: i64) -> Result<Vec<EndedQuotaScan>> {
        self.get(&format!("user/{user}/quota_scan"))
    }

    pub(crate) fn start_quota_scan(&self, username: &str) -> Result<Answer> {
        let user = UserChange {
            username: Some(username.to_owned()),
            ..UserChange::default()
        };
        self.send(Method::POST, "quota_scan", &user)
    }

    pub(crate) fn users(&self, page: &Page<'_>) -> Result<Vec<User>> {
        let start = match page.start {
            PageStart::Offset(offset) => format!("offset={offset}"),
            PageStart::After(name) => format!("after={}", encoded(name)),
        };
        let order = match page.order {
            Order::Asc => "ASC",
            Order::Desc => "DESC",
        };
        self.get(&format!("user?{start}&limit={}&order={order}", page.limit))
    }

    pub(crate) fn user_by_id(&self, id: i32) -> Result<User> {
        self.get(&format!("user/{id}"))
    }

    /// A user who may not exist.
    pub(crate) fn find_user(&self, username: &str) -> Result<Option<User>> {
        let users: Vec<User> = self.get(&format!("user?username={}", encoded(username)))?;
        Ok(users.into_iter().find(|user| user.username == username))
    }

    pub(crate) fn user_by_name(&self, username: &str) -> Result<User> {
        self.find_user(username)?
            .ok_or_else(|| Failure::Refused(format!("no user is named {username}")))
    }

    pub(crate) fn add_user(&self, user: &UserChange) -> Result<User> {
        self.send_user(Method::POST, "user", user)
    }

    pub(crate) fn update_user(&self, id: i64, change: &UserChange) -> Result<Answer> {
        self.send_user(Method::PUT, &format!("user/{id}"), change)
    }

    pub(crate) fn delete_user(&self, id: i64) -> Result<Answer> {
        self.delete(&format!("user/{id}"))
    }

    pub(crate) fn totp(&self, id: i64) -> Result<Totp> {
        self.get(&format!("user/{id}/totp"))
    }

    /// The answer has the secret, once.
    pub(crate) fn enable_totp(&self, id: i64, asked: &Value) -> Result<NewTotp> {
        self.warn_before_a_password();
        self.send(Method::POST, &format!("user/{id}/totp"), asked)
    }

    pub(crate) fn disable_totp(&self, id: i64) -> Result<Answer> {
        self.delete(&format!("user/{id}/totp"))
    }

    pub(crate) fn explain(&self, id: i64, question: &Explain) -> Result<Explanation> {
        let mut path = format!(
            "user/{id}/explain?operation={}&path={}",
            question.operation,
            percent_encode(question.path.as_bytes(), ENCODED)
        );
        if let Some(target) = &question.target {
            path.push_str("&target=");
            path.extend(percent_encode(target.as_bytes(), ENCODED));
        }
        self.get(&path)
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.without_body(Method::GET, path)
    }

    fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.without_body(Method::DELETE, path)
    }

    fn without_body<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T> {
        let request = self.request(method, path).body(());
        self.answer(
            request
                .map_err(ureq::Error::from)
                .and_then(|request| self.agent.run(request)),
        )
    }

    fn send_user<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        user: &UserChange,
    ) -> Result<T> {
        if user.password.is_some() {
            self.warn_before_a_password();
        }
        self.send(method, path, user)
    }

    fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        let json = serde_json::to_string(body)
            .map_err(|error| Failure::Unexpected(format!("cannot write the request: {error}")))?;
        let request = self
            .request(method, path)
            .header("content-type", "application/json")
            .body(json);
        self.answer(
            request
                .map_err(ureq::Error::from)
                .and_then(|request| self.agent.run(request)),
        )
    }

    /// Makes a request with what says who asks.
    fn request(&self, method: Method, path: &str) -> Builder {
        let request = Request::builder().method(method).uri(self.url(path));
        match self.identity.header() {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }

    /// Paths are those of the first version, unless they say another.
    fn url(&self, path: &str) -> String {
        if path.starts_with("v2/") {
            format!("{}/api/{path}", self.server)
        } else {
            format!("{}/api/v1/{path}", self.server)
        }
    }

    fn answer<T: DeserializeOwned>(
        &self,
        response: Result<Response<Body>, ureq::Error>,
    ) -> Result<T> {
        let mut response = response.map_err(|error| self.no_answer(&error))?;
        let text = response
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER)
            .lossy_utf8(true)
            .read_to_string()
            .map_err(|error| self.no_answer(&error))?;
        if !response.status().is_success() {
            return Err(self.refusal(response.status(), &text));
        }
        serde_json::from_str(&text).map_err(|error| {
            Failure::Unexpected(format!(
                "{} does not answer as SFTPGo does: {error}",
                self.server
            ))
        })
    }

    fn no_answer(&self, error: &ureq::Error) -> Failure {
        use ureq::{Error, Timeout};
        let server = &self.server;
        match error {
            Error::Protocol(_)
            | Error::Http(_)
            | Error::BodyExceedsLimit(_)
            | Error::LargeResponseHeader(..) => {
                Failure::Unexpected(format!("{server} does not answer as SFTPGo does: {error}"))
            }
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => Failure::Unreachable(format!(
                "cannot reach {server} within {CONNECT_TIMEOUT:?}{HINT}"
            )),
            Error::Timeout(_) => {
                Failure::Unreachable(format!("no answer from {server} within {:?}", self.timeout))
            }
            // The error's own "io:" tells nobody anything.
            Error::Io(error) => {
                Failure::Unreachable(format!("cannot reach {server}: {error}{HINT}"))
            }
            error => Failure::Unreachable(format!("cannot reach {server}: {error}{HINT}")),
        }
    }

    /// The server's own words where it gave any.
    fn refusal(&self, status: StatusCode, text: &str) -> Failure {
        let answer: Answer = serde_json::from_str(text).unwrap_or_default();
        let said = [answer.error, answer.message]
            .into_iter()
            .flatten()
            .find(|said| !said.is_empty());
        let code = status.as_u16();
        let hint = match (status, &self.identity) {
            (StatusCode::UNAUTHORIZED, Identity::Nobody) => ": log in first, with sftpgo-cli login",
            (StatusCode::UNAUTHORIZED, Identity::Token(_)) => {
                ": log in again, with sftpgo-cli login"
            }
            _ => "",
        };
        let text = match said {
            Some(said) if !hint.is_empty() => format!("{said} (HTTP {code}){hint}"),
            Some(said) => format!("{said} (HTTP {code})"),
            None => format!(
                "{} answered HTTP {code} {} without saying why; is it SFTPGo's REST API?",
                self.server,
                status.canonical_reason().unwrap_or_default()
            ),
        };
        if status == StatusCode::NOT_FOUND {
            Failure::NotFound(text)
        } else {
            Failure::Refused(text)
        }
    }
}

fn agent(server: &ServerUrl, timeout: Duration) -> Agent {
    let mut config = Agent::config_builder()
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        // A change that follows a redirect may become something else.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("sftpgo-cli/", env!("CARGO_PKG_VERSION")));
    if server.is_loopback() {
        config = config.proxy(None);
    }
    config.build().new_agent()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_ends_its_place_in_a_url() {
        assert_eq!(
            encoded("a/b?c=d&e#f %+é"),
            "a%2Fb%3Fc%3Dd%26e%23f%20%25%2B%C3%A9"
        );
        assert_eq!(encoded("SFTP_0-9.~"), "SFTP_0-9.~");
    }
}
