//! `sftpgo-cli user import`

mod change;
mod existing;
mod files;
mod report;

use existing::Existing;
use report::{Outcome, Report};
use sftpgo_dump::{Candidate, Entry, Skipped, Step, Update, once_each};

use crate::{
    cli::Import,
    client::Client,
    exit::{Failure, Result},
    output::Format,
};

/// What was read from the files of the command line.
struct Source {
    entries: Vec<Entry>,
    /// Notes about what the files hold besides users.
    notes: Vec<String>,
}

/// How users are imported.
#[derive(Clone, Copy)]
struct Mode {
    update: Update,
    dry_run: bool,
}

pub(super) fn run(client: &Client, format: Format, import: Import) -> Result<()> {
    let mode = Mode {
        update: match (import.update, import.update_passwords) {
            (false, _) => Update::Never,
            (true, false) => Update::Fields,
            (true, true) => Update::FieldsAndPasswords,
        },
        dry_run: import.dry_run,
    };
    let Source { entries, notes } = files::read(import)?;
    let entries = once_each(entries);
    let mut existing = Existing::of(client, &entries)?;
    let mut report = Report::new(format, mode.dry_run, notes);
    let mut left = entries.len();
    for entry in entries {
        match one(client, &mut existing, entry, mode) {
            Ok((name, outcome)) => report.tell(name, outcome)?,
            // Nobody else would fare better.
            Err(failure) => {
                report.stopped(left);
                report.print()?;
                return Err(failure);
            }
        }
        left -= 1;
    }
    report.print()?;
    report.exit()
}

/// Does what is to be done with one user. Only what concerns them all is a failure.
fn one(
    client: &Client,
    existing: &mut Existing<'_>,
    entry: Entry,
    mode: Mode,
) -> Result<(String, Outcome)> {
    let candidate = match entry {
        Ok(candidate) => candidate,
        Err(Skipped { name, reason }) => return Ok((name, Outcome::Skipped(reason))),
    };
    let name = candidate.name.clone();
    match changed(client, existing, candidate, mode) {
        Ok(outcome) => Ok((name, outcome)),
        Err(Failure::Refused(reason) | Failure::NotFound(reason) | Failure::Unexpected(reason)) => {
            Ok((name, Outcome::Failed(reason)))
        }
        Err(failure) => Err(failure),
    }
}

fn changed(
    client: &Client,
    existing: &mut Existing<'_>,
    candidate: Candidate,
    mode: Mode,
) -> Result<Outcome> {
    let has_usage = candidate.has_usage;
    let keeps_password = candidate.user.password.is_some() && mode.update == Update::Fields;
    let stored = existing.take(&candidate.name)?;
    Ok(
        match sftpgo_dump::step(candidate, stored.as_ref(), mode.update) {
            Step::Add { user, notes } => {
                if !mode.dry_run {
                    client.add_user(&user)?;
                }
                Outcome::Added { notes, has_usage }
            }
            Step::Change {
                id,
                user,
                changes,
                notes,
            } => {
                if !mode.dry_run {
                    client.update_user(id, &user)?;
                }
                Outcome::Changed {
                    changes,
                    notes,
                    keeps_password,
                }
            }
            Step::Unchanged => Outcome::Unchanged { keeps_password },
            Step::Exists => Outcome::Exists,
            Step::Skip(reason) => Outcome::Skipped(reason),
        },
    )
}
