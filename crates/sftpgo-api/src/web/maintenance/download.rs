//! A dump of the users, page by page however many there are.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use futures_util::stream;
use sftpgo_core::{
    Result, StoredUser,
    accounts::Accounts,
    admin::AdminPermissions,
    provider::{PageStart, UserQuery},
};
use sftpgo_dump::{DumpedUser, filters::Secret};
use warp::http::{HeaderValue, header};

use super::{
    super::{answer::Reply, form::Form, request::Request, session::Session, words},
    preview::as_shown,
};
use crate::{state::App, streamed::streamed};

/// Users that are read at once.
const READ: u32 = 500;

/// `GET /web/maintenance/dump`, with `passwords=1` for the hashes.
pub(in super::super) async fn download(app: &App, request: &Request, session: &Session) -> Reply {
    session.need(AdminPermissions::VIEW_USERS)?;
    let query = Form::parse(request.query.as_bytes());
    let with_passwords = query.get("passwords") == "1";
    if with_passwords {
        session.need(AdminPermissions::ANYTHING)?;
    }
    log::info!(
        "the admin {:?} downloads a dump of the users {} their passwords' hashes",
        session.admin.username,
        if with_passwords { "with" } else { "without" }
    );
    let mut dump = Dump {
        app: app.clone(),
        with_passwords,
        after: None,
        count: 0,
        has_ended: false,
    };
    // A store that does not answer is a page of its own, not a broken file.
    let first = dump.next().await?;
    let mut pieces = VecDeque::from_iter(first);
    let rest = stream::unfold(dump, move |mut dump| {
        let ready = pieces.pop_front();
        async move {
            let piece = match ready {
                Some(piece) => Ok(piece),
                None => dump.next().await.transpose()?,
            };
            if piece.is_err() {
                dump.has_ended = true;
            }
            Some((piece, dump))
        }
    });
    let mut response = streamed(rest);
    let headers = response.headers_mut();
    let name = format!(
        "attachment; filename=\"sftpgo-users-{}.json\"",
        words::day(request.now)
    );
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A dump that is being written.
struct Dump {
    app: App,
    with_passwords: bool,
    /// The last user that was written.
    after: Option<String>,
    count: usize,
    has_ended: bool,
}

impl Dump {
    /// The next piece; none behind the last one.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.has_ended {
            return Ok(None);
        }
        let accounts = Arc::clone(&self.app.state.accounts);
        let after = self.after.clone();
        let users = self.app.calls.run(move || page(&accounts, after)).await?;
        let mut piece = String::new();
        if self.after.is_none() {
            piece.push_str("{\"users\":[");
        }
        for user in &users {
            piece.push_str(if self.count == 0 { "\n" } else { ",\n" });
            piece.push_str(&self.line(user));
            self.count += 1;
        }
        self.after = users.last().map(|user| user.username.clone());
        if users.len() < READ as usize {
            piece.push_str("\n]}\n");
            self.has_ended = true;
        }
        Ok(Some(piece.into()))
    }

    fn line(&self, user: &StoredUser) -> String {
        let mut shown = as_shown(user);
        let totp = shown
            .filters
            .as_mut()
            .and_then(|filters| filters.totp_config.as_mut());
        if let (true, Some(shown), Some(stored)) = (self.with_passwords, totp, &user.filters.totp) {
            shown.secret = Secret::plain(&stored.secret.secret);
        }
        let password = user.password.as_deref().filter(|_| self.with_passwords);
        let dumped = DumpedUser::from(&shown).with_password(password);
        serde_json::json!(dumped).to_string()
    }
}

fn page(accounts: &Accounts, after: Option<String>) -> Result<Vec<StoredUser>> {
    accounts.list(&UserQuery {
        start: after.map_or_else(PageStart::default, PageStart::after_name),
        limit: READ,
        ..UserQuery::default()
    })
}
