//! What is known of one connection outside the SSH library's callbacks, and when it has to end.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{self, Duration},
};

use russh::server::Handle;
use sftpgo_core::{
    auth::LoggedIn,
    registry::{Connection, ConnectionGuard},
    user::now_ms,
};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::presence::{Listed, Presence};
use crate::{channel::Inbox, server::Shared};

/// Sessions get this long to do what has arrived when the connection is gone.
const LAST_WORK: Duration = Duration::from_secs(10);

pub(super) struct State {
    since: Instant,
    tried: AtomicBool,
    /// The client has begun to log in.
    began_login: AtomicBool,
    logged_in: Notify,
    login: OnceLock<LoginState>,
    handle: OnceLock<Handle>,
    gone: CancellationToken,
    sessions: Mutex<Sessions>,
    /// When the last session ended: its client was active until then.
    session_ended: Arc<Mutex<Option<time::Instant>>>,
    presence: Arc<Presence>,
}

/// Remembers when a session ends, in whatever way.
struct Ends(Arc<Mutex<Option<time::Instant>>>);

impl Drop for Ends {
    fn drop(&mut self) {
        *lock(&self.0) = Some(time::Instant::now());
    }
}

struct LoginState {
    close: CancellationToken,
    since: time::Instant,
    /// Unix milliseconds; 0 is never.
    expires: watch::Receiver<i64>,
}

#[derive(Default)]
struct Sessions {
    tasks: JoinSet<()>,
    open: Vec<(Weak<Connection>, Weak<Inbox>)>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            tried: AtomicBool::new(false),
            began_login: AtomicBool::new(false),
            logged_in: Notify::new(),
            login: OnceLock::new(),
            handle: OnceLock::new(),
            gone: CancellationToken::new(),
            sessions: Mutex::default(),
            session_ended: Arc::default(),
            presence: Arc::default(),
        }
    }

    /// A credential was sent.
    pub(super) fn set_tried(&self) {
        self.tried.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_tried(&self) -> bool {
        self.tried.load(Ordering::Relaxed)
    }

    /// The key exchange is over and the client asks to log in.
    pub(super) fn set_began_login(&self) {
        self.began_login.store(true, Ordering::Relaxed);
    }

    /// Did the client begin to log in and not succeed yet?
    pub(super) fn is_logging_in(&self) -> bool {
        self.began_login.load(Ordering::Relaxed) && self.login.get().is_none()
    }

    pub(super) fn set_handle(&self, handle: Handle) {
        let _ = self.handle.set(handle);
    }

    pub(super) fn handle(&self) -> Option<&Handle> {
        self.handle.get()
    }

    /// Fires when the connection cannot carry anything any more.
    pub(super) fn gone(&self) -> CancellationToken {
        self.gone.clone()
    }

    /// The login succeeded.
    pub(super) fn set_logged_in(&self, logged_in: &LoggedIn) {
        let login = LoginState {
            close: logged_in.login.close_requested(),
            since: time::Instant::now(),
            expires: logged_in.login.expires(),
        };
        let _ = self.login.set(login);
        self.logged_in.notify_one();
    }

    /// Lists the connection itself while it has no session that is listed.
    pub(super) fn set_present(&self, itself: ConnectionGuard) {
        self.presence.begin(itself);
    }

    /// A session that is listed begins; the connection itself is not, as long as there are such.
    pub(super) fn listed_session(&self) -> Listed {
        Presence::enter(&self.presence)
    }

    /// Runs a session until its client is done.
    pub(super) fn start_session(
        &self,
        connection: &Arc<Connection>,
        inbox: &Arc<Inbox>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let mut sessions = self.sessions();
        while sessions.tasks.try_join_next().is_some() {}
        sessions
            .open
            .retain(|(connection, _)| connection.strong_count() > 0);
        sessions
            .open
            .push((Arc::downgrade(connection), Arc::downgrade(inbox)));
        let ends = Ends(Arc::clone(&self.session_ended));
        sessions.tasks.spawn(async move {
            task.await;
            drop(ends);
        });
    }

    /// Waits for a reason to close that does not come from the client.
    pub(super) async fn until_closed_here(
        &self,
        shared: &Shared,
        make_room: CancellationToken,
    ) -> &'static str {
        let login_by = self.since + shared.config.limits.login_grace;
        tokio::select! {
            () = self.logged_in.notified() => {}
            () = sleep_until(login_by) => return "not logged in in time",
            () = make_room.cancelled() => return "too many connections that are not logged in",
            () = shared.close_all.cancelled() => return "the server is stopping",
        }
        let Some(login) = self.login.get() else {
            return "not logged in";
        };
        tokio::select! {
            () = login.close.cancelled() => "closed by the operator",
            () = shared.close_all.cancelled() => "the server is stopping",
            () = self.until_idle(shared.config.idle_timeout, login.since) => "idle for too long",
            () = until_expired(login.expires.clone()) => "the user has expired",
        }
    }

    /// Lets sessions do what has arrived, unless the connection was closed on purpose.
    pub(super) async fn finish_sessions(&self, closed_here: bool) {
        self.gone.cancel();
        self.presence.end();
        let mut tasks = {
            let mut sessions = self.sessions();
            for inbox in sessions
                .open
                .iter()
                .filter_map(|(_, inbox)| inbox.upgrade())
            {
                inbox.end();
            }
            std::mem::take(&mut sessions.tasks)
        };
        if !closed_here {
            let all_done = async { while tasks.join_next().await.is_some() {} };
            let _ = timeout(LAST_WORK, all_done).await;
        }
        tasks.shutdown().await;
    }

    async fn until_idle(&self, idle_timeout: Option<Duration>, logged_in_at: time::Instant) {
        let Some(idle_timeout) = idle_timeout.filter(|limit| !limit.is_zero()) else {
            return std::future::pending().await;
        };
        loop {
            let active_at = {
                let sessions = self.sessions();
                let connections = sessions
                    .open
                    .iter()
                    .filter_map(|(connection, _)| connection.upgrade());
                connections
                    .map(|connection| connection.last_active())
                    .chain(*lock(&self.session_ended))
                    .fold(logged_in_at, Ord::max)
            };
            match idle_timeout.checked_sub(active_at.elapsed()) {
                Some(left) if !left.is_zero() => sleep(left).await,
                _ => return,
            }
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        lock(&self.sessions)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn until_expired(mut expires: watch::Receiver<i64>) {
    loop {
        let at = *expires.borrow_and_update();
        let left = at - now_ms();
        if at != 0 && left <= 0 {
            return;
        }
        let passes = async {
            match u64::try_from(left) {
                Ok(left) if at != 0 => sleep(Duration::from_millis(left)).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = passes => {}
            changed = expires.changed() => if changed.is_err() {
                // The login is over, and the connection with it.
                return std::future::pending().await;
            }
        }
    }
}
