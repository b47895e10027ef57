//! SIGTERM and Ctrl-C: the first asks for an orderly end, the second ends at once. SIGHUP has everything read again that
//! can be, SIGUSR1 puts the log file aside, and SIGUSR2 has another process follow this one.

use std::{io, process, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
    task::spawn_blocking,
};
use tokio_util::sync::CancellationToken;

use crate::{logging, reload::Reload, terminal};

/// Actions queued by the last transfers get this long once everything else has stopped.
pub(crate) const LAST_ACTIONS: Duration = Duration::from_secs(10);
/// Work in the background gets this long after that.
pub(crate) const LAST_WORK: Duration = Duration::from_secs(5);

/// What SIGHUP leads to.
pub(crate) enum HangUp {
    /// Everything is read again, as a service has it: somebody moved the log file away, or renewed a certificate. A service
    /// can also be restarted without a pause.
    Reloads {
        reload: Reload,
        restart: Arc<Notify>,
    },
    /// The server ends, as a command has it: its terminal was closed.
    Ends,
}

/// Listens for signals from here on; the token fires at the first one that ends the server. Transfers that run then have
/// `grace` to finish.
pub(crate) fn on_signals(grace: Duration, hang_up: HangUp) -> io::Result<CancellationToken> {
    let mut signals = Signals::new(hang_up)?;
    let shutdown = CancellationToken::new();
    let requested = shutdown.clone();
    tokio::spawn(async move {
        signals.end().await;
        announce(grace);
        requested.cancel();
        signals.end().await;
        log::warn!("the server stops at once, because a second signal was received");
        process::exit(1);
    });
    Ok(shutdown)
}

fn announce(grace: Duration) {
    if terminal::is_seen() {
        // Behind what stands on the line, such as the ^C that was typed.
        terminal::complain("");
    }
    if grace.is_zero() {
        log::info!("the server is stopping: running transfers are ended");
        terminal::complain("Stopping.");
        return;
    }
    let seconds = grace.as_secs();
    log::info!("the server is stopping: running transfers may finish within {seconds} s");
    terminal::complain(&format!(
        "Stopping when the running transfers are done, in {seconds} seconds at the latest. A second signal stops at once."
    ));
}

struct Signals {
    on_hang_up: HangUp,
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// SIGUSR1, as SFTPGo has it.
    rotate: Signal,
    /// SIGUSR2, which would end the program if nobody listened.
    restart: Signal,
}

impl Signals {
    fn new(on_hang_up: HangUp) -> io::Result<Self> {
        Ok(Self {
            on_hang_up,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            rotate: signal(SignalKind::user_defined1())?,
            restart: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for one that ends the server, and does what others ask for meanwhile.
    async fn end(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => match &self.on_hang_up {
                    HangUp::Reloads { reload, .. } => run(reload.clone()),
                    HangUp::Ends => return,
                },
                _ = self.rotate.recv() => logging::rotate(),
                _ = self.restart.recv() => match &self.on_hang_up {
                    HangUp::Reloads { restart, .. } => restart.notify_one(),
                    HangUp::Ends => log::warn!("SIGUSR2 was received and changes nothing"),
                },
            }
        }
    }
}

/// Signals that end the server are not to wait for a disk.
fn run(reload: Reload) {
    drop(spawn_blocking(move || reload.run()));
}
