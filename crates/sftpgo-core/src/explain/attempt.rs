//! Doing what is asked, the way a client's requests would.

use std::time::UNIX_EPOCH;

use super::{Action, Question};
use crate::{
    error::{Error, Result},
    filesystem::{Replace, SetAttributes},
    session::{AttributeChange, OpenRequest, Session},
    transfer::Transfer,
    vpath::VirtualPath,
};

/// The least that an upload brings: where no byte fits, an upload is not possible.
const ONE_BYTE: &[u8] = b"?";

pub(super) fn attempt(session: &Session, question: &Question) -> Result<()> {
    let path = question.path();
    match question.action() {
        Action::List => session.open_dir(path).map(drop),
        Action::Stat => session.metadata(path, true).map(drop),
        Action::Download => session.open(path, &reading())?.finish(),
        Action::Upload => store(session.open(path, &putting(true))?),
        Action::Overwrite => store(session.open(path, &putting(false))?),
        Action::Append => append(session.open(path, &appending())?),
        Action::Truncate => session.set_attributes(path, &emptying(), true),
        action @ (Action::Setstat | Action::Chmod | Action::Chown | Action::Chtimes) => {
            session.set_attributes(path, &changing(action), true)
        }
        Action::Mkdir => session.create_dir(path, None),
        Action::Rmdir => session.remove_dir(path),
        Action::Remove => session.remove(path),
        Action::Rename => session.rename(path, target(question)?, Replace::No),
        Action::Replace => session.rename(path, target(question)?, Replace::Yes),
        Action::Symlink => session.symlink(question.raw_path(), target(question)?),
        Action::Hardlink => session.hard_link(path, target(question)?),
        Action::Readlink => session.read_link(path).map(drop),
        Action::Statvfs => session.space(path).map(drop),
    }
}

fn target(question: &Question) -> Result<&VirtualPath> {
    question
        .target()
        .ok_or_else(|| Error::invalid("target", "is missing"))
}

fn reading() -> OpenRequest {
    OpenRequest {
        read: true,
        ..OpenRequest::default()
    }
}

fn putting(create: bool) -> OpenRequest {
    OpenRequest {
        write: true,
        truncate: true,
        create,
        ..OpenRequest::default()
    }
}

fn appending() -> OpenRequest {
    OpenRequest {
        write: true,
        append: true,
        ..OpenRequest::default()
    }
}

fn emptying() -> AttributeChange {
    AttributeChange {
        size: Some(0),
        ..AttributeChange::default()
    }
}

fn changing(action: Action) -> AttributeChange {
    let is = |one| action == Action::Setstat || action == one;
    AttributeChange {
        other: SetAttributes {
            mode: is(Action::Chmod).then_some(0o600),
            times: is(Action::Chtimes).then_some((UNIX_EPOCH, UNIX_EPOCH)),
            // As chown(2), which leaves the ids as they are.
            owner: (action == Action::Chown).then_some((u32::MAX, u32::MAX)),
        },
        ..AttributeChange::default()
    }
}

fn store(mut upload: Transfer) -> Result<()> {
    upload.write_at(ONE_BYTE, 0)?;
    upload.finish()
}

fn append(mut upload: Transfer) -> Result<()> {
    let end = upload.metadata()?.size;
    upload.write_at(ONE_BYTE, end)?;
    upload.finish()
}
