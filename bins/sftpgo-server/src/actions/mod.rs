//! What an operator wants done after files moved or users changed: a program, a URL, or both.
//!
//! Observers here only decide and queue; see [`queue`] for who does the work.

mod queue;
mod run;

use std::{ffi::OsString, path::Path, sync::Arc};

use sftpgo_core::{
    StoredUser,
    event::{Command, Event, Observer, Operation, UserChange},
};

pub(crate) use self::queue::Queue;
use self::run::{Action, TIME_LIMIT};
use crate::{
    config::settings::Actions,
    hook::{http::Request, program},
};

/// The JSON of a user for a notification; never holds a credential.
pub(crate) type UserJson = fn(&StoredUser) -> String;

/// Hears of each action that has failed: which, and why.
pub(crate) type HearFailure = Arc<dyn Fn(&str) + Send + Sync>;

/// Queues what is to be done after transfers, removals and renames.
pub(crate) struct FileActions {
    actions: Actions,
    queue: Arc<Queue>,
}

impl FileActions {
    pub(crate) fn new(actions: Actions, queue: Arc<Queue>) -> Self {
        Self { actions, queue }
    }
}

impl Observer for FileActions {
    fn notify(&self, event: &Event<'_>) {
        if let Some(happened) = FileEvent::of(event)
            && self.actions.wants(happened.action)
        {
            self.queue.push(happened.to_action(&self.actions));
        }
    }
}

/// Queues what is to be done after a user was added, updated or deleted.
pub(crate) struct UserActions {
    actions: Actions,
    queue: Arc<Queue>,
    user_json: UserJson,
}

impl UserActions {
    pub(crate) fn new(actions: Actions, queue: Arc<Queue>, user_json: UserJson) -> Self {
        Self {
            actions,
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
            self.queue
                .push(user_action(name, user, &self.actions, self.user_json));
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

    fn to_action(&self, actions: &Actions) -> Action {
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
            program: actions.command.as_ref().map(|path| program::Call {
                path: path.clone(),
                arguments: vec![
                    self.action.into(),
                    self.username.into(),
                    self.path.into(),
                    target.into(),
                ],
                environment: Vec::new(),
                time_limit: TIME_LIMIT,
            }),
            call: actions.url.as_ref().map(|url| Request {
                url: url.clone(),
                query,
                json: None,
            }),
        }
    }
}

fn user_action(name: &str, user: &StoredUser, actions: &Actions, user_json: UserJson) -> Action {
    Action {
        program: actions.command.as_ref().map(|path| program::Call {
            path: path.clone(),
            arguments: vec![
                name.into(),
                user.username.as_str().into(),
                user.id.to_string().into(),
                i32::from(user.enabled).to_string().into(),
                user.expiration_date.to_string().into(),
                user.home_dir.as_os_str().to_owned(),
                user.uid.to_string().into(),
                user.gid.to_string().into(),
            ],
            environment: Vec::new(),
            time_limit: TIME_LIMIT,
        }),
        call: actions.url.as_ref().map(|url| Request {
            url: url.clone(),
            query: vec![("action", name.into())],
            json: Some(user_json(user)),
        }),
    }
}

#[cfg(test)]
mod tests;
