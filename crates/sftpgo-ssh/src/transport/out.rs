//! The way from a session's engine back to its channel.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use russh::{
    ChannelWriteHalf,
    server::{Handle, Msg},
};
use tokio_util::sync::CancellationToken;

/// Extended data of this type is standard error (RFC 4254 section 5.2).
pub(super) const STDERR: u32 = 1;

/// A client that waits for its bandwidth hears something at least this often.
const REASSURE: Duration = Duration::from_secs(4);

/// One channel's sending side. What cannot be sent any more is dropped: the channel or the connection is gone.
///
/// Data waits here for the channel's own window. Handed over earlier it would wait in the library's
/// one queue, in front of the replies of every other session of the connection.
pub(crate) struct ChannelOut {
    channel: ChannelWriteHalf<Msg>,
    handle: Handle,
    gone: CancellationToken,
    /// When the client heard something last.
    heard: Mutex<Instant>,
}

impl ChannelOut {
    /// `gone` fires when nobody will open the channel's window any more.
    pub(super) fn new(
        channel: ChannelWriteHalf<Msg>,
        handle: Handle,
        gone: CancellationToken,
    ) -> Self {
        Self {
            channel,
            handle,
            gone,
            heard: Mutex::new(Instant::now()),
        }
    }

    /// Lets a client hear something that has waited long: one that gets no answer to its own keep-alive messages,
    /// which come behind the data it has sent, takes the connection for lost.
    pub(crate) async fn reassure(&self) {
        if self.heard().elapsed() < REASSURE {
            return;
        }
        *self.heard() = Instant::now();
        // A request that wants no reply and changes nothing (RFC 4254 section 6.8).
        tokio::select! {
            _ = self.handle.xon_xoff_request(self.channel.id(), false) => {}
            () = self.gone.cancelled() => {}
        }
    }

    /// Hands data over as the client's window opens.
    pub(crate) async fn send(&self, data: Vec<u8>) {
        *self.heard() = Instant::now();
        tokio::select! {
            _ = self.channel.data_bytes(Bytes::from(data)) => {}
            () = self.gone.cancelled() => {}
        }
    }

    /// The same for what a client shows as an error.
    pub(crate) async fn send_error(&self, text: Vec<u8>) {
        tokio::select! {
            _ = self.channel.extended_data_bytes(STDERR, Bytes::from(text)) => {}
            () = self.gone.cancelled() => {}
        }
    }

    fn heard(&self) -> MutexGuard<'_, Instant> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the client closed the channel, or the connection ended?
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.is_cancelled()
    }

    /// Waits until [`ChannelOut::is_gone`].
    pub(crate) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Ends the channel as a program that exited with `status`.
    pub(crate) async fn close(&self, status: u32) {
        let id = self.channel.id();
        let told = async {
            let _ = self.handle.exit_status_request(id, status).await;
            let _ = self.handle.eof(id).await;
            let _ = self.handle.close(id).await;
        };
        tokio::select! {
            () = told => {}
            () = self.gone.cancelled() => {}
        }
    }
}
