//! How a connection ends, and what its client hears of that.

use std::time::Instant;

use sftpgo_ssh_proto::DisconnectReason;

use super::Thread;
use crate::connection::{GOODBYE, socket::Received};

/// How a connection ended.
pub(in crate::connection) struct Ended {
    pub(in crate::connection) reason: String,
    /// Did the server end it, and not the client?
    pub(in crate::connection) is_closed_here: bool,
    /// Does what waits to be sent tell the client why?
    pub(super) has_last_words: bool,
}

impl Ended {
    pub(super) fn by_client(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_closed_here: false,
            has_last_words: false,
        }
    }
}

impl From<std::io::Error> for Ended {
    fn from(error: std::io::Error) -> Self {
        Self::by_client(error.to_string())
    }
}

impl Thread {
    /// Ends the connection when nothing more can be received.
    pub(super) fn end(&mut self) -> Ended {
        match self.host.control.reason() {
            Some(reason) => self.close(reason),
            None => Ended::by_client("closed by the client"),
        }
    }

    /// Ends the connection for a reason that the client is told, and did not ask for.
    pub(super) fn close(&mut self, reason: &str) -> Ended {
        Ended {
            is_closed_here: true,
            ..self.break_off(DisconnectReason::ByApplication, reason)
        }
    }

    pub(super) fn break_off(&mut self, why: DisconnectReason, reason: &str) -> Ended {
        self.ssh.disconnect(why, reason);
        Ended {
            has_last_words: true,
            ..Ended::by_client(reason)
        }
    }

    /// Sends what is left, to a client that takes it soon.
    pub(super) fn say_goodbye(&mut self) {
        let until = Instant::now() + GOODBYE;
        self.send();
        while !self.ssh.output().is_empty() && Instant::now() < until {
            self.host.control.socket.wait(false, true, Some(until));
            self.send();
        }
        let socket = &self.host.control.socket;
        socket.stop_sending();
        // A socket that is closed with something unread in it takes back what was sent last.
        while let Ok(Received::Bytes(count)) = socket.receive_now(&mut self.input) {
            self.input.consume(count);
            if Instant::now() >= until {
                break;
            }
        }
    }
}
