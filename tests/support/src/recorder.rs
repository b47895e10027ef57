//! An observer that remembers what it was told.

use std::{
    mem,
    sync::{Arc, Mutex},
};

use sftpgo_core::event::{Event, Observer};

/// The name of a file, and the error if its transfer failed.
pub type EndedTransfer = (String, Option<String>);

/// Remembers how transfers ended, who tried to log in, which users were changed, and who changed something.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    transfers: Vec<EndedTransfer>,
    logins: Vec<String>,
    user_changes: Vec<String>,
    changes: Vec<String>,
}

impl Recorder {
    /// The transfers that have ended, in their order.
    pub fn transfers(&self) -> Vec<EndedTransfer> {
        self.0.lock().unwrap().transfers.clone()
    }

    /// What was told of logins since the last call: `tried`, `bob is in`, `eve: no such user`.
    pub fn take_logins(&self) -> Vec<String> {
        mem::take(&mut self.0.lock().unwrap().logins)
    }

    /// The changes of users since the last call, as `Add bob`.
    pub fn take_user_changes(&self) -> Vec<String> {
        mem::take(&mut self.0.lock().unwrap().user_changes)
    }

    /// What those who manage the server changed since the last call, as `user added: bob by alice from 192.0.2.1`.
    pub fn take_changes(&self) -> Vec<String> {
        mem::take(&mut self.0.lock().unwrap().changes)
    }
}

impl Observer for Recorder {
    fn notify(&self, event: &Event<'_>) {
        let mut recorded = self.0.lock().unwrap();
        match event {
            Event::Transfer {
                file_path, error, ..
            } => {
                let name = file_path.file_name().unwrap_or_default().to_string_lossy();
                let ended = (name.into_owned(), error.map(str::to_owned));
                recorded.transfers.push(ended);
            }
            Event::LoginAttempt { .. } => recorded.logins.push("tried".to_owned()),
            Event::LoginOk { username, .. } => recorded.logins.push(format!("{username} is in")),
            Event::LoginFailed {
                username, reason, ..
            } => recorded.logins.push(format!("{username}: {reason}")),
            Event::User { change, user } => {
                let change = format!("{change:?} {}", user.username);
                recorded.user_changes.push(change);
            }
            Event::Change {
                change,
                username,
                by,
                ..
            } => {
                let mut text = format!("{change}: {username} by {}", by.identity);
                if let Some(address) = by.address {
                    text += &format!(" from {address}");
                }
                recorded.changes.push(text);
            }
            _ => {}
        }
    }
}
