//! A PROXY header of somebody who is not believed: it may come first, and says nothing here.

use sftpgo_proxy_protocol::{Malformed, Parsed, parse};

use super::socket::Input;

pub(super) struct PassedHeader {
    may_come: bool,
}

impl PassedHeader {
    pub(super) fn new(may_come: bool) -> Self {
        Self { may_come }
    }

    /// Consumes it. Is what is received next the client's own?
    ///
    /// # Errors
    /// It begins as a header and is none.
    pub(super) fn pass_over(&mut self, input: &mut Input) -> Result<bool, Malformed> {
        if self.may_come {
            match parse(input.unread())? {
                Parsed::Incomplete => return Ok(false),
                Parsed::Absent => {}
                Parsed::Whole(header) => input.consume(header.length),
            }
            self.may_come = false;
        }
        Ok(true)
    }
}
