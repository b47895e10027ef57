//! An observer that remembers what it was told.

use std::{
    mem,
    path::Path,
    sync::{Arc, Mutex},
};

use sftpgo_core::event::{Event, Observer};

/// The name of a file, and the error if its transfer failed.
pub type EndedTransfer = (String, Option<String>);

/// Remembers how transfers ended, what was refused, who tried to log in, which users were changed, and who changed something.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    transfers: Vec<EndedTransfer>,
    refusals: Vec<String>,
    logins: Vec<String>,
    user_changes: Vec<String>,
    changes: Vec<String>,
}

impl Recorder {
    /// The transfers that have ended, in their order.
    pub fn transfers(&self) -> Vec<EndedTransfer> {
        self.0.lock().unwrap().transfers.clone()
    }

    /// What was refused since the last call: `rename a to b by permission`, `GET /api/v2/users of alice: 403`.
    pub fn take_refusals(&self) -> Vec<String> {
        mem::take(&mut self.0.lock().unwrap().refusals)
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
                let ended = (name_of(file_path), error.map(str::to_owned));
                recorded.transfers.push(ended);
            }
            Event::Refused {
                attempt,
                file_path,
                target_path,
                rule,
                ..
            } => {
                let mut text = format!("{attempt} {}", name_of(file_path));
                if let Some(target) = target_path {
                    text += &format!(" to {}", name_of(target));
                }
                recorded.refusals.push(format!("{text} by {rule}"));
            }
            Event::RequestRefused {
                method,
                path,
                status,
                by,
            } => {
                let text = format!("{method} {path} of {}: {status}", by.identity);
                recorded.refusals.push(text);
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

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
