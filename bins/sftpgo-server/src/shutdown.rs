//! SIGTERM and Ctrl-C: the first asks for an orderly end, the second ends at once. SIGHUP opens the log file again.

use std::{io, process};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{logging, terminal};

/// Listens for signals from here on; the token fires at the first one that ends the server.
pub(crate) fn on_signals() -> io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Sent by whoever moved the log file away, and when a terminal closes.
    let mut hang_up = signal(SignalKind::hangup())?;
    let shutdown = CancellationToken::new();
    let requested = shutdown.clone();
    tokio::spawn(async move {
        wait(&mut terminate, &mut interrupt, &mut hang_up).await;
        log::info!("stopping: running transfers may finish");
        terminal::complain(
            "Stopping when the running transfers are done. A second signal stops at once.",
        );
        requested.cancel();
        wait(&mut terminate, &mut interrupt, &mut hang_up).await;
        log::warn!("stopped at once by a second signal");
        process::exit(1);
    });
    Ok(shutdown)
}

async fn wait(terminate: &mut Signal, interrupt: &mut Signal, hang_up: &mut Signal) {
    loop {
        tokio::select! {
            _ = terminate.recv() => return,
            _ = interrupt.recv() => return,
            _ = hang_up.recv() => logging::reopen(),
        }
    }
}
