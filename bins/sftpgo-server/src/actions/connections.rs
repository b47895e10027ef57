//! What is done when a connection has ended, and when the server has started.

use std::{ffi::OsString, sync::Arc};

use sftpgo_core::event::{ConnectionProtocol, Event, Observer};

use super::{Queue, run::Action};
use crate::hook::{Hook, Programs, http::Request};

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
            ("IP", "ip", remote.ip().to_string()),
            ("PROTOCOL", "protocol", protocol),
            ("USERNAME", "username", (*username).to_owned()),
            (
                "DURATION",
                "connection_duration",
                duration.as_millis().to_string(),
            ),
        ];
        self.queue.push(match &self.hook {
            Hook::Program(path) => {
                let variables = of.map(|(name, _, value)| {
                    let name = format!("SFTPGO_CONNECTION_{name}");
                    (OsString::from(name), OsString::from(value))
                });
                let (hook, variables) = (Programs::POST_DISCONNECT, variables.to_vec());
                Action::of_program(self.programs.call(hook, path, Vec::new(), variables))
            }
            Hook::Url(url) => {
                let query = of.map(|(_, name, value)| (name, OsString::from(value)));
                Action::of_call(Request {
                    url: url.clone(),
                    query: query.to_vec(),
                    json: None,
                })
            }
        });
    }
}

/// Queues `startup_hook`.
pub(crate) fn startup(hook: &Hook, programs: &Programs, queue: &Queue) {
    queue.push(match hook {
        Hook::Program(path) => {
            Action::of_program(programs.call(Programs::STARTUP, path, Vec::new(), Vec::new()))
        }
        Hook::Url(url) => Action::of_call(Request {
            url: url.clone(),
            query: Vec::new(),
            json: None,
        }),
    });
}
