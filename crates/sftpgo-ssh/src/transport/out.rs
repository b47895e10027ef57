//! The way from a session's engine back to its channel.

use bytes::Bytes;
use russh::{
    ChannelWriteHalf,
    server::{Handle, Msg},
};
use tokio_util::sync::CancellationToken;

/// One channel's sending side. What cannot be sent any more is dropped: the connection is gone.
///
/// Data waits here for the channel's own window. Handed over earlier it would wait in the library's
/// one queue, in front of the replies of every other session of the connection.
pub(crate) struct ChannelOut {
    channel: ChannelWriteHalf<Msg>,
    handle: Handle,
    gone: CancellationToken,
}

impl ChannelOut {
    /// `gone` fires when nobody will open the window any more.
    pub(super) fn new(
        channel: ChannelWriteHalf<Msg>,
        handle: Handle,
        gone: CancellationToken,
    ) -> Self {
        Self {
            channel,
            handle,
            gone,
        }
    }

    /// Hands data over as the client's window opens.
    pub(crate) async fn send(&self, data: Vec<u8>) {
        tokio::select! {
            _ = self.channel.data_bytes(Bytes::from(data)) => {}
            () = self.gone.cancelled() => {}
        }
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
