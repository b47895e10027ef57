//! What a connection's thread and its warden share: why it has to close, and when its client was active.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, Weak},
    time::Instant,
};

use sftpgo_core::{auth::LoggedIn, fair_pool::Bell, registry::Connection, sync::lock};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::socket::Socket;

pub(crate) struct Control {
    pub(super) socket: Socket,
    pub(super) bell: Arc<Bell>,
    pub(super) since: Instant,
    pub(super) logged_in: Notify,
    login: OnceLock<LoginState>,
    reason: OnceLock<&'static str>,
    /// Fires when the thread needs the network no more.
    ended: CancellationToken,
    activity: Mutex<Activity>,
}

/// What ends a login from outside.
pub(super) struct LoginState {
    pub(super) close: CancellationToken,
    pub(super) since: Instant,
    /// Unix milliseconds; 0 is never.
    pub(super) expires: watch::Receiver<i64>,
}

#[derive(Default)]
struct Activity {
    sessions: Vec<Weak<Connection>>,
    /// When the last session ended; the client was active until then.
    session_ended: Option<Instant>,
}

impl Control {
    pub(super) fn new(socket: Socket, since: Instant) -> Self {
        Self {
            socket,
            bell: Arc::default(),
            since,
            logged_in: Notify::new(),
            login: OnceLock::new(),
            reason: OnceLock::new(),
            ended: CancellationToken::new(),
            activity: Mutex::default(),
        }
    }

    /// The login succeeded.
    pub(super) fn set_logged_in(&self, logged_in: &LoggedIn) {
        let login = LoginState {
            close: logged_in.login.close_requested(),
            since: Instant::now(),
            expires: logged_in.login.expires(),
        };
        let _ = self.login.set(login);
        self.logged_in.notify_one();
    }

    pub(super) fn login(&self) -> Option<&LoginState> {
        self.login.get()
    }

    /// The connection has to close; wakes its thread, whatever that waits for.
    pub(super) fn close(&self, reason: &'static str) {
        let _ = self.reason.set(reason);
        self.bell.close();
        self.socket.stop_receiving();
    }

    /// Returns why the connection has to close, if it has to.
    pub(super) fn reason(&self) -> Option<&'static str> {
        self.reason.get().copied()
    }

    /// The network is not needed any more.
    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    /// Waits for [`Control::end`].
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// A session begins.
    pub(super) fn add_session(&self, session: &Arc<Connection>) {
        let mut activity = self.activity();
        activity
            .sessions
            .retain(|session| session.strong_count() > 0);
        activity.sessions.push(Arc::downgrade(session));
    }

    /// A session has ended.
    pub(super) fn session_ended(&self, now: Instant) {
        self.activity().session_ended = Some(now);
    }

    /// Returns when the client was active last; none before the first session.
    pub(super) fn last_active(&self) -> Option<Instant> {
        let activity = self.activity();
        let sessions = activity.sessions.iter().filter_map(Weak::upgrade);
        sessions
            .map(|session| session.last_active())
            .chain(activity.session_ended)
            .max()
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        lock(&self.activity)
    }
}
