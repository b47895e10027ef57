//! Events as records. The fields have the names that they have in the log.

use std::{borrow::Cow, path::Path};

use sftpgo_audit::Record;
use sftpgo_core::{
    event::{Actor, Command, Event, Operation},
    hex::hex,
};

use crate::logging::milliseconds;

/// Longer texts are cut: a client chooses them, and a line has to stay one that is read.
const LONGEST_TEXT: usize = 4096;

/// What is kept of an event; none of one that is only counted.
pub(super) fn record_of(event: &Event<'_>, time: &str) -> Option<Record> {
    let new = |event| Record::new(time, event);
    Some(match event {
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
            let record = new(match operation {
                Operation::Upload => "upload",
                Operation::Download => "download",
            });
            let record = with_path(
                record.with("username", text(username)),
                "file_path",
                file_path,
            )
            .with("size_bytes", size)
            .with("elapsed_ms", milliseconds(*elapsed))
            .with("connection_id", connection_id)
            .with("protocol", protocol.to_string());
            match error {
                Some(error) => record.with("error", text(error)),
                None => record,
            }
        }
        Event::Command {
            command,
            username,
            file_path,
            target_path,
            connection_id,
            protocol,
        } => {
            let record = new(match command {
                Command::Rename => "rename",
                Command::Rmdir => "rmdir",
                Command::Mkdir => "mkdir",
                Command::Symlink => "symlink",
                Command::Remove => "remove",
            });
            let record = with_path(
                record.with("username", text(username)),
                "file_path",
                file_path,
            );
            let record = match target_path {
                Some(path) => with_path(record, "target_path", path),
                None => record,
            };
            record
                .with("connection_id", connection_id)
                .with("protocol", protocol.to_string())
        }
        Event::Refused {
            attempt,
            username,
            file_path,
            target_path,
            rule,
            reason,
            connection_id,
            protocol,
        } => {
            let record = new("refused")
                .with("operation", attempt.name())
                .with("username", text(username));
            let record = with_path(record, "file_path", file_path);
            let record = match target_path {
                Some(path) => with_path(record, "target_path", path),
                None => record,
            };
            record
                .with("rule", rule.name())
                .with("error", text(reason))
                .with("connection_id", connection_id)
                .with("protocol", protocol.to_string())
        }
        Event::RequestRefused {
            method,
            path,
            status,
            by,
        } => with_actor(
            new("request_refused")
                .with("method", text(method))
                .with("path", text(path))
                .with("status", status),
            by,
        ),
        Event::LoginOk {
            username,
            method,
            remote,
        } => new("login")
            .with("username", text(username))
            .with("login_type", method.to_string())
            .with("client_ip", remote.ip()),
        Event::LoginFailed {
            username,
            method,
            remote,
            reason,
        } => new("login_failed")
            .with("username", text(username))
            .with("login_type", method.to_string())
            .with("client_ip", remote.ip())
            .with("error", text(reason)),
        Event::Change {
            change,
            username,
            id,
            by,
        } => with_actor(
            new("change")
                .with("change", change.to_string())
                .with("username", text(username))
                .with("id", text(id)),
            by,
        ),
        Event::Banned {
            address,
            protocol,
            duration,
        } => new("ban")
            .with("client_ip", address)
            .with("protocol", protocol.map(|protocol| protocol.to_string()))
            .with("ban_time_seconds", duration.as_secs()),
        _ => return None,
    })
}

/// A name that is no text is there twice: as it is shown, and byte by byte.
fn with_path(record: Record, name: &str, path: &Path) -> Record {
    let shown = path.to_string_lossy();
    let record = record.with(name, text(&shown));
    if matches!(shown, Cow::Borrowed(_)) {
        return record;
    }
    let bytes = path.as_os_str().as_encoded_bytes();
    let bytes = bytes.get(..LONGEST_TEXT).unwrap_or(bytes);
    record.with(&format!("{name}_hex"), hex(bytes))
}

fn with_actor(record: Record, by: &Actor) -> Record {
    record
        .with("by", text(by.identity.name()))
        .with("by_type", by.identity.kind())
        .with("by_api_key", text(by.identity.api_key()))
        .with("client_ip", by.address)
}

/// Returns the beginning of a text that is too long for a line.
pub(super) fn text(text: &str) -> &str {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    let ends = text
        .char_indices()
        .map(|(index, character)| index + character.len_utf8());
    let end = ends.take_while(|end| *end <= LONGEST_TEXT).last();
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}
