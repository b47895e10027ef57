//! What is done when a connection has ended, and when the server has started.

use std::sync::Arc;

use sftpgo_core::event::{ConnectionProtocol, Event, Observer};

use super::{Queue, run::Action};
use crate::hook::{Hook, Programs};

/// Queues `post_disconnect_hook` for connections that have ended. Its queue is nobody else's: a flood of connections drops
/// no action of another kind.
pub(crate) struct Disconnections {
    hook: Hook,
    programs: Programs,
    queue: Arc<Queue>,
}

impl Disconnections {
    pub(crate) fn new(hook: Hook, programs: Programs, queue: Arc<Queue>) -> Self {
        Self {
            hook,
            programs,
            queue,
        }
    }
}

impl Observer for Disconnections {
    fn notify(&self, event: &Event<'_>) {
        let Event::Disconnected {
            remote,
            protocol,
            username,
            duration,
        } = event
        else {
            return;
        };
        let protocol = match protocol {
            Some(protocol) => protocol.to_string(),
            None => ConnectionProtocol::Ssh.to_string(),
        };
        let of = [
            ("SFTPGO_CONNECTION_IP", "ip", remote.ip().to_string()),
            ("SFTPGO_CONNECTION_PROTOCOL", "protocol", protocol),
            (
                "SFTPGO_CONNECTION_USERNAME",
                "username",
                (*username).to_owned(),
            ),
            (
                "SFTPGO_CONNECTION_DURATION",
                "connection_duration",
                duration.as_millis().to_string(),
            ),
        ];
        let asked = self
            .hook
            .asked(&self.programs, Programs::POST_DISCONNECT, of);
        self.queue.push(Action::from(asked));
    }
}

/// Queues `startup_hook`.
pub(crate) fn startup(hook: &Hook, programs: &Programs, queue: &Queue) {
    queue.push(Action::from(hook.asked(programs, Programs::STARTUP, [])));
}
