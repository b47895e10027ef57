//! What happens, as lines of the log.

use std::time::Duration;

use sftpgo_core::{
    event::{Command, Event, LoginMethod, Observer, UserChange},
    registry::Operation,
};

/// Writes events to the log; the target is the line's `sender`.
pub(crate) struct EventLog;

impl Observer for EventLog {
    fn notify(&self, event: &Event<'_>) {
        match event {
            Event::Transfer {
                operation,
                username,
                file_path,
                size,
                elapsed,
                connection_id,
                protocol,
                error,
            } => {
                let sender = match operation {
                    Operation::Upload => "Upload",
                    Operation::Download => "Download",
                };
                let elapsed_ms = milliseconds(*elapsed);
                match error {
                    None => log::info!(
                        target: sender,
                        elapsed_ms, size_bytes = *size, username = *username, file_path = *file_path,
                        connection_id = *connection_id, protocol:% = protocol;
                        ""
                    ),
                    Some(error) => log::warn!(
                        target: sender,
                        elapsed_ms, size_bytes = *size, username = *username, file_path = *file_path,
                        connection_id = *connection_id, protocol:% = protocol, error = *error;
                        ""
                    ),
                }
            }
            Event::Command {
                command,
                username,
                file_path,
                target_path,
                connection_id,
                protocol,
            } => log::info!(
                target: command_sender(*command),
                username = *username, file_path = *file_path, target_path = target_path.unwrap_or_default(),
                connection_id = *connection_id, protocol:% = protocol;
                ""
            ),
            Event::LoginOk {
                username,
                method,
                remote,
            } => log::info!(
                target: "login",
                username = *username, client_ip:% = remote.ip(), login_type = login_type(*method);
                ""
            ),
            Event::LoginFailed {
                username,
                method,
                remote,
                reason,
            } => log::info!(
                target: "connection_failed",
                username = *username, client_ip:% = remote.ip(), login_type = login_type(*method),
                error = *reason;
                ""
            ),
            Event::User { change, user } => log::info!(
                target: "users",
                username = user.username.as_str(), user_id = user.id.0;
                "{}", changed(*change)
            ),
            // Counted, not told one by one.
            _ => {}
        }
    }
}

fn milliseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

fn command_sender(command: Command) -> &'static str {
    match command {
        Command::Rename => "Rename",
        Command::Rmdir => "Rmdir",
        Command::Mkdir => "Mkdir",
        Command::Symlink => "Symlink",
        Command::Remove => "Remove",
    }
}

fn login_type(method: LoginMethod) -> &'static str {
    match method {
        LoginMethod::PublicKey => "public_key",
        LoginMethod::Password => "password",
        // The spelling that Fail2ban filters look for.
        LoginMethod::NoneTried => "no_auth_tryed",
    }
}

fn changed(change: UserChange) -> &'static str {
    match change {
        UserChange::Add => "user added",
        UserChange::Update => "user updated",
        UserChange::Delete => "user deleted",
    }
}
