//! `post_connect_hook`: a program or a URL decides whether a client may go on.

use std::{ffi::OsString, net::IpAddr};

use sftpgo_core::{event::ConnectionProtocol, gate::ConnectionHook};

use crate::hook::{
    Hook, Programs,
    http::{Client, Request},
    program,
};

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
        let (ip, protocol) = (
            OsString::from(address.to_string()),
            OsString::from(protocol.to_string()),
        );
        let failure = match &self.hook {
            Hook::Program(path) => {
                let variables = vec![
                    ("SFTPGO_CONNECTION_IP".into(), ip),
                    ("SFTPGO_CONNECTION_PROTOCOL".into(), protocol),
                ];
                let call = self
                    .programs
                    .call(Programs::POST_CONNECT, path, Vec::new(), variables);
                match program::run(&call) {
                    Ok(outcome) => {
                        outcome.log_written(path);
                        return outcome.status.success();
                    }
                    Err(error) => error.to_string(),
                }
            }
            Hook::Url(url) => {
                let request = Request {
                    url: url.clone(),
                    query: vec![("ip", ip), ("protocol", protocol)],
                    json: None,
                };
                match self.client.call(&request) {
                    Ok(status) => return status == OK,
                    Err(ureq::Error::StatusCode(status)) if status < 500 => return false,
                    Err(error) => error.to_string(),
                }
            }
        };
        log::warn!(
            "the connection from {address} is refused, because post_connect_hook could not be asked: {failure}"
        );
        false
    }
}
