//! What happens, as lines of the log. The order of the fields is SFTPGo 0.9.4's, by which parsers go.

mod archive;
mod line;
mod sender;

use std::path::Path;

use log::{Level, Record, kv::Value};
use sftpgo_core::event::{Actor, Change, Event, Observer, Subject};

pub(crate) use self::archive::LogFiles;
use self::sender::{DEFENDER, Sender};
use crate::logging::milliseconds;

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
                let sender = Sender::Transfer(*operation).name();
                let elapsed_ms = milliseconds(*elapsed);
                match error {
                    None => log::info!(
                        target: sender,
                        elapsed_ms, size_bytes = *size, username = *username, file_path:% = file_path.display(),
                        connection_id = *connection_id, protocol:% = protocol;
                        ""
                    ),
                    Some(error) => log::warn!(
                        target: sender,
                        elapsed_ms, size_bytes = *size, username = *username, file_path:% = file_path.display(),
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
                target: Sender::Command(*command).name(),
                username = *username, file_path:% = file_path.display(), target_path:% = target_path.unwrap_or(Path::new("")).display(),
                connection_id = *connection_id, protocol:% = protocol;
                ""
            ),
            Event::LoginOk {
                username,
                method,
                remote,
            } => log::info!(
                target: Sender::Login.name(),
                client_ip:% = remote.ip(), username = *username, login_type:% = method;
                ""
            ),
            Event::LoginFailed {
                username,
                method,
                remote,
                reason,
            } => log::info!(
                target: Sender::FailedLogin.name(),
                client_ip:% = remote.ip(), username = *username, login_type:% = method,
                error = *reason;
                ""
            ),
            Event::Change {
                change,
                username,
                id,
                by,
            } => tell_change(*change, username, id, by),
            Event::Scored {
                address,
                protocol,
                offence,
                increase,
                score,
            } => log::debug!(
                target: DEFENDER,
                client_ip:% = address, protocol:% = protocol, event:% = offence,
                increase_score_by = *increase, score = *score;
                ""
            ),
            Event::Banned {
                address,
                protocol,
                duration,
            } => {
                // Several servers may have counted it.
                let protocol = protocol.map(|protocol| protocol.to_string());
                log::info!(
                    target: DEFENDER,
                    client_ip:% = address, protocol = protocol.unwrap_or_default(),
                    event = "banned", ban_time_seconds = duration.as_secs();
                    ""
                );
            }
            Event::RefusedByDefender { address, protocol } => log::debug!(
                target: DEFENDER,
                client_ip:% = address, protocol:% = protocol, event = "refused";
                ""
            ),
            Event::RateLimited { address, protocol } => log::debug!(
                target: "rate_limiter",
                client_ip:% = address, protocol:% = protocol, event = "refused";
                ""
            ),
            // Counted, not told one by one.
            _ => {}
        }
    }
}

/// The fields of each subject have names of their own, which the macros would want written six times.
fn tell_change(change: Change, username: &str, id: &str, by: &Actor) {
    let client_ip = by.address.map(|address| address.to_string());
    let mut fields = vec![("username", Value::from(username))];
    let subject = change.subject();
    let id_field = match subject {
        Subject::User => {
            let id = id.parse::<i32>().map_or_else(|_| id.into(), Value::from);
            Some(("user_id", id))
        }
        Subject::Connection => Some(("connection_id", id.into())),
        Subject::Admin => None,
        Subject::ApiKey => Some(("api_key_id", id.into())),
        Subject::ListEntry => Some(("entry", id.into())),
        Subject::Host => Some(("host", id.into())),
    };
    fields.extend(id_field);
    fields.extend([
        ("by", by.identity.name().into()),
        ("by_type", by.identity.kind().into()),
        ("by_api_key", by.identity.api_key().into()),
        ("client_ip", client_ip.as_deref().unwrap_or_default().into()),
    ]);
    log::logger().log(
        &Record::builder()
            .level(Level::Info)
            .target(Sender::Change(subject).name())
            .key_values(&fields.as_slice())
            .args(format_args!("{change}"))
            .build(),
    );
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, sync::Once, time::Duration};

    use log::{LevelFilter, Log, Metadata, Record};
    use sftpgo_api::RecentEvent;
    use sftpgo_core::event::{
        Command, ConnectionProtocol, Identity, LoginMethod, Operation, Protocol,
    };

    use super::*;
    use crate::logging::json;

    /// Keeps the lines of each thread apart, as tests run in threads.
    struct Capture;

    thread_local! {
        static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    impl Log for Capture {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &Record<'_>) {
            LINES.with_borrow_mut(|lines| json::write_line(lines, record).unwrap());
        }

        fn flush(&self) {}
    }

    fn whole_line_of(event: &Event<'_>) -> String {
        static START: Once = Once::new();
        START.call_once(|| {
            log::set_logger(&Capture).unwrap();
            log::set_max_level(LevelFilter::Info);
        });
        LINES.take();
        EventLog.notify(event);
        String::from_utf8(LINES.take()).unwrap()
    }

    /// Without the time, and the message behind it.
    fn line_of(event: &Event<'_>) -> String {
        let line = whole_line_of(event);
        let (fields, time) = line.rsplit_once(",\"time\":\"").unwrap();
        assert_eq!(
            time.find('"'),
            Some("1970-01-01T00:00:01.001Z".len()),
            "{line}"
        );
        fields.to_owned()
    }

    fn transfer(error: Option<&str>) -> String {
        line_of(&Event::Transfer {
            operation: Operation::Upload,
            username: "alice",
            file_path: Path::new("/srv/alice/a"),
            size: 7,
            elapsed: Duration::from_micros(12_999),
            connection_id: "c1",
            protocol: Protocol::Sftp,
            error,
        })
    }

    #[test]
    fn a_transfer_is_told_with_its_figures_and_a_failed_one_with_its_error() {
        let fields = r#""sender":"Upload","elapsed_ms":12,"size_bytes":7,"username":"alice","file_path":"/srv/alice/a","connection_id":"c1","protocol":"SFTP""#;
        assert_eq!(transfer(None), format!(r#"{{"level":"info",{fields}"#));
        assert_eq!(
            transfer(Some("quota exceeded")),
            format!(r#"{{"level":"warn",{fields},"error":"quota exceeded""#)
        );
    }

    /// As the page of events shows them.
    fn is_read_again(event: &Event<'_>) {
        let line = whole_line_of(event);
        let mut read = None;
        line::tell(&line, &mut |time, again| {
            read = RecentEvent::of(again, time).zip(Some(time));
        });
        let (read, time) = read.unwrap_or_else(|| panic!("nothing is read from {line}"));
        assert_eq!(Some(read), RecentEvent::of(event, time), "{line}");
    }

    #[test]
    fn what_is_logged_is_read_again_as_it_was_told() {
        let username = "a \"quoted\" n\u{e4}me\n";
        for operation in [Operation::Upload, Operation::Download] {
            for error in [None, Some("gone")] {
                is_read_again(&Event::Transfer {
                    operation,
                    username,
                    file_path: Path::new("/srv/a\tb"),
                    size: 7,
                    elapsed: Duration::from_millis(12),
                    connection_id: "c1",
                    protocol: Protocol::Scp,
                    error,
                });
            }
        }
        for (command, target_path) in [
            (Command::Rename, Some(Path::new("/b"))),
            (Command::Rmdir, None),
            (Command::Mkdir, None),
            (Command::Symlink, Some(Path::new("/b"))),
            (Command::Remove, None),
        ] {
            is_read_again(&Event::Command {
                command,
                username,
                file_path: Path::new("/a"),
                target_path,
                connection_id: "c1",
                protocol: Protocol::Sftp,
            });
        }
        let remote = "[2001:db8::1]:4000".parse().unwrap();
        for method in LoginMethod::ALL {
            is_read_again(&Event::LoginOk {
                username,
                method,
                remote,
            });
            is_read_again(&Event::LoginFailed {
                username,
                method,
                remote,
                reason: "wrong",
            });
        }
        for change in Change::ALL {
            for by in [
                Actor::program(),
                Actor::admin("alice", Some([192, 0, 2, 7].into())),
            ] {
                is_read_again(&Event::Change {
                    change,
                    username,
                    id: "7",
                    by: &by,
                });
            }
        }
    }

    #[test]
    fn a_command_is_told_with_both_its_paths() {
        let line = line_of(&Event::Command {
            command: Command::Rename,
            username: "alice",
            file_path: Path::new("/a"),
            target_path: Some(Path::new("/b")),
            connection_id: "c1",
            protocol: Protocol::Scp,
        });
        assert_eq!(
            line,
            r#"{"level":"info","sender":"Rename","username":"alice","file_path":"/a","target_path":"/b","connection_id":"c1","protocol":"SCP""#
        );
    }

    #[test]
    fn a_ban_is_told_with_the_address() {
        let line = line_of(&Event::Banned {
            address: [192, 0, 2, 7].into(),
            protocol: Some(ConnectionProtocol::Ssh),
            duration: Duration::from_secs(300),
        });
        assert_eq!(
            line,
            r#"{"level":"info","sender":"defender","client_ip":"192.0.2.7","protocol":"SSH","event":"banned","ban_time_seconds":300"#
        );
    }

    #[test]
    fn a_change_is_told_with_who_made_it_and_from_where() {
        let line = line_of(&Event::Change {
            change: Change::UserUpdated,
            username: "bob",
            id: "7",
            by: &Actor {
                identity: Identity::ApiKey {
                    id: "k1".to_owned(),
                    admin: "alice".to_owned(),
                },
                address: Some([192, 0, 2, 7].into()),
            },
        });
        assert_eq!(
            line,
            r#"{"level":"info","sender":"users","username":"bob","user_id":7,"by":"alice","by_type":"api_key","by_api_key":"k1","client_ip":"192.0.2.7""#
        );
    }

    #[test]
    fn a_failed_login_is_told_as_fail2ban_reads_it() {
        for (method, login_type) in [
            (LoginMethod::Password, "password"),
            (LoginMethod::PublicKey, "public_key"),
            (LoginMethod::PublicKeyAndPassword, "publickey+password"),
            (
                LoginMethod::PublicKeyAndKeyboardInteractive,
                "publickey+keyboard-interactive",
            ),
            (LoginMethod::NoneTried, "no_auth_tryed"),
            (LoginMethod::Admin, "admin"),
        ] {
            let line = line_of(&Event::LoginFailed {
                username: "eve",
                method,
                remote: ([192, 0, 2, 7], 50_000).into(),
                reason: "wrong password",
            });
            assert_eq!(
                line,
                format!(
                    r#"{{"level":"info","sender":"connection_failed","client_ip":"192.0.2.7","username":"eve","login_type":"{login_type}","error":"wrong password""#
                )
            );
        }
    }
}
