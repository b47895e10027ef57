//! What a service tells systemd, where that runs it: sd_notify(3). Elsewhere nothing is done.

use std::{process, time::Duration};

use sd_notify::NotifyState;
use tokio::time;
use tokio_util::sync::CancellationToken;

/// The time that an orderly end takes besides the transfers: goodbyes, the last actions, closing the database.
const END: Duration = Duration::from_secs(20);

/// Clients are served from now on by this process, which may follow another, until `until`; `status` says where, for
/// `systemctl status`.
pub(crate) fn ready(status: &str, follows: bool, until: CancellationToken) {
    let mut state = vec![NotifyState::Ready, NotifyState::Status(status)];
    state.extend(follows.then(|| NotifyState::MainPid(process::id())));
    tell(&state);
    if let Some(within) = sd_notify::watchdog_enabled() {
        tokio::spawn(async move {
            tokio::select! {
                () = feed_watchdog(within) => {}
                () = until.cancelled() => {}
            }
        });
    }
}

/// Another process is about to follow this one.
pub(crate) fn reloading() {
    let mut state = vec![NotifyState::Reloading];
    state.extend(NotifyState::monotonic_usec_now());
    state.push(NotifyState::Status("starting the process that follows"));
    tell(&state);
}

/// That failed, and this process serves as it did.
pub(crate) fn ready_again(status: &str) {
    let status = format!("{status}; the last restart failed, see the log");
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// The process that followed has ended: it is this one that the service stands and falls with.
pub(crate) fn main_process_is_this() {
    tell(&[NotifyState::MainPid(process::id())]);
}

/// The server ends, after `grace` at the latest. Systemd waits that long, however long it waits for others.
pub(crate) fn stopping(grace: Duration) {
    let takes = u32::try_from((grace + END).as_micros()).unwrap_or(u32::MAX);
    tell(&[
        NotifyState::Stopping,
        NotifyState::ExtendTimeoutUsec(takes),
        NotifyState::Status("waiting for running transfers"),
    ]);
}

/// A server whose threads wait for each other says nothing any more, and is started anew.
async fn feed_watchdog(within: Duration) {
    let mut ticks = time::interval(within / 3);
    loop {
        ticks.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::warn!("systemd cannot be told how the server does: {error}");
    }
}
