//! The way from a session's engine back to its channel.

use bytes::Bytes;
use russh::{ChannelId, server::Handle};

/// One channel's sending side. What cannot be sent any more is dropped: the connection is gone.
pub(crate) struct ChannelOut {
    handle: Handle,
    id: ChannelId,
}

impl ChannelOut {
    pub(super) fn new(handle: Handle, id: ChannelId) -> Self {
        Self { handle, id }
    }

    /// Hands data over; waits while the client's window is closed and enough is waiting already.
    pub(crate) async fn send(&self, data: Vec<u8>) {
        let _ = self.handle.data(self.id, Bytes::from(data)).await;
    }

    /// Ends the channel as a program that exited with `status`.
    pub(crate) async fn close(&self, status: u32) {
        let _ = self.handle.exit_status_request(self.id, status).await;
        let _ = self.handle.eof(self.id).await;
        let _ = self.handle.close(self.id).await;
    }
}
