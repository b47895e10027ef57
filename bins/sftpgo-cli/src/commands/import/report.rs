//! What an import did, as it goes and in the end.

use serde::Serialize;
use sftpgo_dump::Change;

use super::change::words;
use crate::{
    exit::{Failure, Result},
    output::{Format, Table},
    values::text::visible,
};

/// The result of the import of one user.
pub(super) enum Outcome {
    Added {
        notes: Vec<String>,
        has_usage: bool,
    },
    Changed {
        changes: Vec<Change>,
        notes: Vec<String>,
        keeps_password: bool,
    },
    Unchanged {
        keeps_password: bool,
    },
    Exists,
    Skipped(String),
    Failed(String),
}

/// The results so far; the same whether it is done or only shown.
pub(super) struct Report {
    format: Format,
    told: Told,
    /// The number of users that are skipped for another reason than that there is nothing to do.
    left_out: usize,
    /// The number of users whose passwords were not looked at.
    kept_passwords: usize,
    /// The number of users whose homes have to be scanned.
    uncounted: usize,
}

#[derive(Serialize)]
struct Told {
    dry_run: bool,
    added: Vec<Added>,
    changed: Vec<Changed>,
    unchanged: Vec<String>,
    skipped: Vec<Left>,
    failed: Vec<Left>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Added {
    username: String,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Changed {
    username: String,
    changes: Vec<Change>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Left {
    username: String,
    reason: String,
}

impl Report {
    pub(super) fn new(format: Format, dry_run: bool, notes: Vec<String>) -> Self {
        Self {
            format,
            told: Told {
                dry_run,
                added: Vec::new(),
                changed: Vec::new(),
                unchanged: Vec::new(),
                skipped: Vec::new(),
                failed: Vec::new(),
                notes,
            },
            left_out: 0,
            kept_passwords: 0,
            uncounted: 0,
        }
    }

    /// Tells what was done; what was not is told in the end.
    pub(super) fn tell(&mut self, username: String, outcome: Outcome) -> Result<()> {
        let told = &mut self.told;
        match outcome {
            Outcome::Added { notes, has_usage } => {
                self.uncounted += usize::from(has_usage);
                let verb = if told.dry_run { "would add" } else { "added" };
                self.format.progress(&line(verb, &username, &[], &notes))?;
                told.added.push(Added { username, notes });
            }
            Outcome::Changed {
                changes,
                notes,
                keeps_password,
            } => {
                self.kept_passwords += usize::from(keeps_password);
                let verb = if told.dry_run {
                    "would change"
                } else {
                    "changed"
                };
                self.format
                    .progress(&line(verb, &username, &changes, &notes))?;
                told.changed.push(Changed {
                    username,
                    changes,
                    notes,
                });
            }
            Outcome::Unchanged { keeps_password } => {
                self.kept_passwords += usize::from(keeps_password);
                told.unchanged.push(username);
            }
            Outcome::Exists => told.skipped.push(Left {
                username,
                reason: "exists already".to_owned(),
            }),
            Outcome::Skipped(reason) => {
                self.left_out += 1;
                told.skipped.push(Left { username, reason });
            }
            Outcome::Failed(reason) => told.failed.push(Left { username, reason }),
        }
        Ok(())
    }

    /// The rest was not tried.
    pub(super) fn stopped(&mut self, left: usize) {
        self.told
            .notes
            .push(format!("stopped: {left} users are left"));
    }

    pub(super) fn print(&mut self) -> Result<()> {
        if self.kept_passwords > 0 {
            self.told.notes.push(format!(
                "{} users keep the password they have, whether it is the same or not; --update-passwords sets them",
                self.kept_passwords
            ));
        }
        if self.uncounted > 0 {
            self.told.notes.push(format!(
                "{} added users had files and have a quota: count what is in their homes with sftpgo-cli quota scan",
                self.uncounted
            ));
        }
        self.format.print(&self.told, summary)
    }

    /// Returns how the command ends.
    pub(super) fn exit(&self) -> Result<()> {
        match (self.told.failed.len(), self.left_out) {
            (0, 0) => Ok(()),
            (0, _) => Err(Failure::LeftOut),
            (failed, _) => Err(Failure::Refused(format!(
                "the server refused {failed} of the users"
            ))),
        }
    }
}

fn line(verb: &str, username: &str, changes: &[Change], notes: &[String]) -> String {
    let details: Vec<String> = changes
        .iter()
        .map(words)
        .chain(notes.iter().cloned())
        .collect();
    if details.is_empty() {
        format!("{verb} {username}")
    } else {
        format!("{verb} {username}: {}", details.join("; "))
    }
}

/// The counts, then who was left out and why, then the notes.
fn summary(told: &Told) -> String {
    let mut text = String::new();
    if !told.added.is_empty() || !told.changed.is_empty() {
        text.push('\n');
    }
    text.push_str(&counts(told));
    let mut table = Table::new(["OUTCOME", "USER", "REASON"]);
    for (outcome, list) in [("skipped", &told.skipped), ("failed", &told.failed)] {
        for Left { username, reason } in list {
            table.row([outcome.to_owned(), username.clone(), reason.clone()]);
        }
    }
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table.render());
    }
    if !told.notes.is_empty() {
        text.push('\n');
    }
    for note in &told.notes {
        text.push_str(&format!("{}\n", visible(note)));
    }
    text
}

fn counts(told: &Told) -> String {
    let [added, changed] = [told.added.len(), told.changed.len()];
    let [unchanged, skipped, failed] =
        [told.unchanged.len(), told.skipped.len(), told.failed.len()];
    if told.dry_run {
        format!(
            "Would add {added}, change {changed}; unchanged {unchanged}, skipped {skipped}. Nothing was done.\n"
        )
    } else {
        format!(
            "Added {added}, changed {changed}, unchanged {unchanged}, skipped {skipped}, failed {failed}.\n"
        )
    }
}
