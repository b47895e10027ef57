//! What a service tells systemd, where that runs it: sd_notify(3). Elsewhere nothing is done.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time;

/// The time that an orderly end takes besides the transfers: goodbyes, the last actions, closing the database.
const END: Duration = Duration::from_secs(20);

/// Clients are served from now on; `status` says where, for `systemctl status`.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    if let Some(within) = sd_notify::watchdog_enabled() {
        tokio::spawn(feed_watchdog(within));
    }
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
