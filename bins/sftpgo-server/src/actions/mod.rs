//! What an operator wants done after files moved or users changed: a program, a URL, or both.
//!
//! Observers here only decide and queue; see [`queue`] for who does the work.

mod connections;
mod queue;
mod run;

use std::{ffi::OsString, path::Path, sync::Arc};

use sftpgo_core::{
    StoredUser,
    event::{Command, Event, Observer, Operation, UserChange},
};

use self::run::Action;
pub(crate) use self::{
    connections::{Disconnections, startup},
    queue::Queue,
};
use crate::{
    config::settings::Actions,
    hook::{Programs, http::Request},
};

/// The JSON of a user for a notification; never holds a credential.
pub(crate) type UserJson = fn(&StoredUser) -> String;

/// Hears of each action that has failed: which, and why.
pub(crate) type HearFailure = Arc<dyn Fn(&str) + Send + Sync>;

/// Queues what is to be done after transfers, removals and renames.
pub(crate) struct FileActions {
    actions: Actions,
    programs: Programs,
    queue: Arc<Queue>,
}

impl FileActions {
    pub(crate) fn new(actions: Actions, programs: Programs, queue: Arc<Queue>) -> Self {
        Self {
            actions,
            programs,
            queue,
        }
    }
}

impl Observer for FileActions {
    fn notify(&self, event: &Event<'_>) {
        if let Some(happened) = FileEvent::of(event)
            && self.actions.wants(happened.action)
        {
            self.queue
                .push(happened.to_action(&self.actions, &self.programs));
        }
    }
}

/// Queues what is to be done after a user was added, updated or deleted.
pub(crate) struct UserActions {
    actions: Actions,
    programs: Programs,
    queue: Arc<Queue>,
    user_json: UserJson,
}

impl UserActions {
    pub(crate) fn new(
        actions: Actions,
        programs: Programs,
        queue: Arc<Queue>,
        user_json: UserJson,
    ) -> Self {
        Self {
            actions,
            programs,
            queue,
            user_json,
        }
    }
}

impl Observer for UserActions {
    fn notify(&self, event: &Event<'_>) {
        let Event::User { change, user } = event else {
            return;
        };
        let name = match change {
            UserChange::Add => "add",
            UserChange::Update => "update",
            UserChange::Delete => "delete",
        };
        if self.actions.wants(name) {
            self.queue.push(self.action(name, user));
        }
    }
}

impl UserActions {
    fn action(&self, name: &str, user: &StoredUser) -> Action {
        Action {
            program: self.actions.command.as_ref().map(|path| {
                let arguments = vec![
                    name.into(),
                    user.username.as_str().into(),
                    user.id.to_string().into(),
                    i32::from(user.enabled).to_string().into(),
                    user.expiration_date.to_string().into(),
                    user.home_dir.as_os_str().to_owned(),
                    user.uid.to_string().into(),
                    user.gid.to_string().into(),
                ];
                self.programs
                    .call(Programs::USER_ACTIONS, path, arguments, Vec::new())
            }),
            call: self.actions.url.as_ref().map(|url| Request {
                url: url.clone(),
                query: vec![("action", name.into())],
                json: Some((self.user_json)(user)),
            }),
        }
    }
}

struct FileEvent<'a> {
    action: &'static str,
    username: &'a str,
    path: &'a Path,
    target_path: Option<&'a Path>,
}

impl<'a> FileEvent<'a> {
    /// Returns what can be acted upon of an event; none for what failed.
    fn of(event: &Event<'a>) -> Option<Self> {
        match *event {
            Event::Transfer {
                operation,
                username,
                file_path,
                error: None,
                ..
            } => Some(Self {
                action: match operation {
                    Operation::Upload => "upload",
                    Operation::Download => "download",
                },
                username,
                path: file_path,
                target_path: None,
            }),
            Event::Command {
                command: Command::Remove,
                username,
                file_path,
                ..
            } => Some(Self {
                action: "delete",
                username,
                path: file_path,
                target_path: None,
            }),
            Event::Command {
                command: Command::Rename,
                username,
                file_path,
                target_path,
                ..
            } => Some(Self {
                action: "rename",
                username,
                path: file_path,
                target_path,
            }),
            _ => None,
        }
    }

    fn to_action(&self, actions: &Actions, programs: &Programs) -> Action {
        let target = self.target_path.unwrap_or(Path::new(""));
        let mut query = vec![
            ("action", OsString::from(self.action)),
            ("username", self.username.into()),
            ("path", self.path.into()),
        ];
        if let Some(target) = self.target_path {
            query.push(("target_path", target.into()));
        }
        Action {
            program: actions.command.as_ref().map(|path| {
                let arguments = vec![
                    self.action.into(),
                    self.username.into(),
                    self.path.into(),
                    target.into(),
                ];
                programs.call(Programs::FILE_ACTIONS, path, arguments, Vec::new())
            }),
            call: actions.url.as_ref().map(|url| Request {
                url: url.clone(),
                query,
                json: None,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
