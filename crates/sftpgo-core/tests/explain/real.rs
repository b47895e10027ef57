//! What a client does for each action, said again: were it the explainer's own code, both could be wrong alike.

use std::time::UNIX_EPOCH;

use sftpgo_core::{
    Result, VirtualPath,
    explain::{Action, Question},
    filesystem::{Replace, SetAttributes},
    session::{AttributeChange, OpenRequest, Session},
};

pub(crate) fn attempt(session: &Session, question: &Question) -> Result<()> {
    let path = question.path();
    let target = || question.target().unwrap();
    let write = OpenRequest {
        write: true,
        ..OpenRequest::default()
    };
    match question.action() {
        Action::List => {
            let mut listing = session.open_dir(path)?;
            while listing.next_entry()?.is_some() {}
            Ok(())
        }
        Action::Stat => session.metadata(path, true).map(drop),
        Action::Download => {
            let read = OpenRequest {
                read: true,
                ..OpenRequest::default()
            };
            let mut download = session.open(path, &read)?;
            download.read_at(&mut [0; 64], 0)?;
            download.finish()
        }
        Action::Upload => {
            let put = OpenRequest {
                create: true,
                truncate: true,
                ..write
            };
            let mut upload = session.open(path, &put)?;
            upload.write_at(b"1", 0)?;
            upload.finish()
        }
        Action::Overwrite => {
            let mut upload = session.open(
                path,
                &OpenRequest {
                    truncate: true,
                    ..write
                },
            )?;
            upload.write_at(b"1", 0)?;
            upload.finish()
        }
        Action::Append => {
            let mut upload = session.open(
                path,
                &OpenRequest {
                    append: true,
                    ..write
                },
            )?;
            let size = upload.metadata()?.size;
            upload.write_at(b"1", size)?;
            upload.finish()
        }
        Action::Truncate => {
            let change = AttributeChange {
                size: Some(0),
                ..AttributeChange::default()
            };
            session.set_attributes(path, &change, true)
        }
        Action::Setstat => {
            let other = SetAttributes {
                mode: Some(0o700),
                times: Some((UNIX_EPOCH, UNIX_EPOCH)),
                owner: None,
            };
            change_attributes(session, path, other)
        }
        Action::Chmod => {
            let mode = Some(0o700);
            change_attributes(
                session,
                path,
                SetAttributes {
                    mode,
                    ..SetAttributes::default()
                },
            )
        }
        Action::Chown => {
            let owner = Some((u32::MAX, u32::MAX));
            change_attributes(
                session,
                path,
                SetAttributes {
                    owner,
                    ..SetAttributes::default()
                },
            )
        }
        Action::Chtimes => {
            let times = Some((UNIX_EPOCH, UNIX_EPOCH));
            change_attributes(
                session,
                path,
                SetAttributes {
                    times,
                    ..SetAttributes::default()
                },
            )
        }
        Action::Mkdir => session.create_dir(path, Some(0o755)),
        Action::Rmdir => session.remove_dir(path),
        Action::Remove => session.remove(path),
        Action::Rename => session.rename(path, target(), Replace::No),
        Action::Replace => session.rename(path, target(), Replace::Yes),
        Action::Symlink => session.symlink(question.raw_path(), target()),
        Action::Hardlink => session.hard_link(path, target()),
        Action::Readlink => session.read_link(path).map(drop),
        Action::Statvfs => session.space(path).map(drop),
    }
}

fn change_attributes(session: &Session, path: &VirtualPath, other: SetAttributes) -> Result<()> {
    session.set_attributes(path, &AttributeChange { size: None, other }, true)
}
