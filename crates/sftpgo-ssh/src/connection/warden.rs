//! Closes a connection from outside: its thread may be waiting for the network, for a password to be verified, or for a
//! disk.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sftpgo_core::user::now_ms;
use tokio::{
    sync::watch,
    time::{sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{GOODBYE, control::Control, server_context::ServerContext};

/// Nobody has logged in within the time that there is for it.
pub(super) const TOO_LATE: &str = "not logged in in time";

/// Watches over a connection until its thread needs the network no more.
pub(crate) async fn watch(
    server: Arc<ServerContext>,
    control: Arc<Control>,
    make_room: CancellationToken,
) {
    tokio::select! {
        () = control.ended() => {}
        reason = until_closed_here(&server, &control, make_room) => {
            control.close(reason);
            // What waits for a disk is not waited for: the client sees the end.
            if timeout(2 * GOODBYE, control.ended()).await.is_err() {
                control.socket.stop();
            }
        }
    }
}

/// Waits for a reason to close that does not come from the client.
async fn until_closed_here(
    server: &ServerContext,
    control: &Control,
    make_room: CancellationToken,
) -> &'static str {
    let login_by = control.since + server.config.limits.login_grace;
    tokio::select! {
        () = control.logged_in.notified() => {}
        () = sleep_until(login_by.into()) => return TOO_LATE,
        () = make_room.cancelled() => return "too many connections that are not logged in",
        () = server.close_all.cancelled() => return "the server is stopping",
    }
    let Some(login) = control.login() else {
        return "not logged in";
    };
    tokio::select! {
        () = login.close.cancelled() => "closed by the operator",
        () = server.close_all.cancelled() => "the server is stopping",
        () = until_idle(control, server.config.idle_timeout, login.since) => "idle for too long",
        () = until_expired(login.expires.clone()) => "the user has expired",
    }
}

async fn until_idle(control: &Control, idle_timeout: Option<Duration>, logged_in_at: Instant) {
    let Some(idle_timeout) = idle_timeout.filter(|limit| !limit.is_zero()) else {
        return std::future::pending().await;
    };
    loop {
        let active_at = control
            .last_active()
            .map_or(logged_in_at, |active_at| active_at.max(logged_in_at));
        match idle_timeout.checked_sub(active_at.elapsed()) {
            Some(left) if !left.is_zero() => sleep(left).await,
            _ => return,
        }
    }
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
