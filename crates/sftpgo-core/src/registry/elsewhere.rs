//! Sessions that go on in other processes of the same server.

use super::ConnectionStatus;
use crate::user::UserId;

/// Other processes of this server that have sessions: those that it has followed.
pub trait Elsewhere: Send + Sync {
    /// Their connections, as far as is known.
    fn list(&self) -> Vec<ConnectionStatus>;

    /// Has the connection with this id closed.
    fn close(&self, connection_id: &str);

    /// Has every connection of the user closed.
    fn close_user(&self, user: UserId);
}
