//! A connection that is logged in and has no session that is listed is listed itself: an operator sees who is connected.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sftpgo_core::registry::ConnectionGuard;
use tokio::{runtime::Handle, time::sleep};

/// Who leaves with the last session, as most do, is gone by then and not listed once more.
const LINGERS: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Presence(Mutex<State>);

#[derive(Default)]
struct State {
    /// The entry of the connection itself; none before the login and after the end.
    itself: Option<ConnectionGuard>,
    sessions: usize,
    /// Sessions that there were.
    entered: u64,
}

/// A session that is listed, until it is dropped.
pub(super) struct Listed(Arc<Presence>);

impl Presence {
    /// The login succeeded, and `itself` is listed.
    pub(super) fn begin(&self, itself: ConnectionGuard) {
        self.lock().itself = Some(itself);
    }

    pub(super) fn enter(presence: &Arc<Self>) -> Listed {
        let mut state = presence.lock();
        state.sessions += 1;
        state.entered += 1;
        if let Some(itself) = &state.itself {
            itself.unlist();
        }
        Listed(Arc::clone(presence))
    }

    /// The connection has ended.
    pub(super) fn end(&self) {
        self.lock().itself = None;
    }

    /// No session has begun since there were `entered`.
    fn list_if_alone(&self, entered: u64) {
        let state = self.lock();
        if state.entered == entered
            && let Some(itself) = &state.itself
        {
            itself.touch();
            itself.list();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.sessions -= 1;
        if state.sessions > 0 || state.itself.is_none() {
            return;
        }
        let (presence, entered) = (Arc::clone(&self.0), state.entered);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                sleep(LINGERS).await;
                presence.list_if_alone(entered);
            });
        }
    }
}
