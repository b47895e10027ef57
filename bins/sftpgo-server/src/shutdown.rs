//! SIGTERM and Ctrl-C: the first asks for an orderly end, the second ends at once. SIGHUP opens the log file again, and
//! SIGUSR1 puts it aside. SIGUSR2 changes nothing.

use std::{io, process};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{logging, terminal};

/// Listens for signals from here on; the token fires at the first one that ends the server.
pub(crate) fn on_signals() -> io::Result<CancellationToken> {
    let mut signals = Signals::new()?;
    let shutdown = CancellationToken::new();
    let requested = shutdown.clone();
    tokio::spawn(async move {
        signals.end().await;
        log::info!("the server is stopping: running transfers may finish");
        terminal::complain(
            "Stopping when the running transfers are done. A second signal stops at once.",
        );
        requested.cancel();
        signals.end().await;
        log::warn!("the server stops at once, because a second signal was received");
        process::exit(1);
    });
    Ok(shutdown)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Sent by whoever moved the log file away, and when a terminal closes.
    hang_up: Signal,
    /// As SFTPGo has it.
    rotate: Signal,
    /// It would end the program if nobody listened.
    unused: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            rotate: signal(SignalKind::user_defined1())?,
            unused: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for one that ends the server, and does what others ask for meanwhile.
    async fn end(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => logging::reopen(),
                _ = self.rotate.recv() => logging::rotate(),
                _ = self.unused.recv() => log::warn!("SIGUSR2 was received and changes nothing"),
            }
        }
    }
}
