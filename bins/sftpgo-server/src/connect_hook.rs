//! `post_connect_hook`: a program or a URL decides whether a client may go on.

use std::net::IpAddr;

use sftpgo_core::{event::ConnectionProtocol, gate::ConnectionHook};

use crate::hook::{Asked, Hook, Programs, http::Client, program};

/// The status by which a URL allows a connection.
const OK: u16 = 200;

pub(crate) struct ConnectHook {
    hook: Hook,
    programs: Programs,
    client: Client,
}

impl ConnectHook {
    pub(crate) fn new(hook: Hook, programs: Programs, client: Client) -> Self {
        Self {
            hook,
            programs,
            client,
        }
    }
}

impl ConnectionHook for ConnectHook {
    /// Says in the log when the hook could not be asked.
    fn allows(&self, address: IpAddr, protocol: ConnectionProtocol) -> bool {
        let of = [
            ("SFTPGO_CONNECTION_IP", "ip", address.to_string()),
            (
                "SFTPGO_CONNECTION_PROTOCOL",
                "protocol",
                protocol.to_string(),
            ),
        ];
        let failure = match self.hook.asked(&self.programs, Programs::POST_CONNECT, of) {
            Asked::Program(call) => match program::run(&call) {
                Ok(outcome) => {
                    outcome.log_written(&call.path);
                    return outcome.status.success();
                }
                Err(error) => error.to_string(),
            },
            Asked::Url(request) => match self.client.call(&request) {
                Ok(status) => return status == OK,
                Err(ureq::Error::StatusCode(status)) if status < 500 => return false,
                Err(error) => error.to_string(),
            },
        };
        log::warn!(
            "the connection from {address} is refused, because post_connect_hook could not be asked: {failure}"
        );
        false
    }
}
