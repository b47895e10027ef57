//! What an import would do, before it does anything.

use serde_json::{Map, Value};
use sftpgo_core::{
    Error, ErrorKind, Result, StoredUser, UserDraft, UserId, accounts::Accounts,
    credential::password::PasswordHash, user::UserFilters,
};
use sftpgo_dump::{
    Candidate, Change, Dump, Skipped, Step, TOTP, Update, User, UserChange,
    filters::{Filters, Secret, Totp},
    once_each, step,
};

use super::super::{texts::maintenance as texts, users::version, words};
use crate::dto::user::UserRequest;

/// What is to become of the users of a dump.
#[derive(Default)]
pub(super) struct Preview {
    /// What will be done, in the order of the dump.
    pub(super) steps: Vec<Planned>,
    pub(super) unchanged: Vec<String>,
    /// Those that are there, where nobody asked to change them.
    pub(super) existing: Vec<String>,
    pub(super) refused: Vec<Told>,
    /// About all of them.
    pub(super) notes: Vec<String>,
}

/// A user, and what there is to say.
pub(super) struct Told {
    pub(super) username: String,
    pub(super) details: Vec<String>,
}

/// What will be done with one user.
pub(super) struct Planned {
    pub(super) told: Told,
    pub(super) work: Work,
}

pub(super) enum Work {
    Add(Box<UserDraft>),
    Change {
        id: UserId,
        /// As the user was; see [`version`].
        version: String,
        change: Box<UserRequest>,
    },
}

impl Work {
    pub(super) fn adds(&self) -> bool {
        matches!(self, Self::Add(_))
    }
}

/// Compares the users of a dump with the stored ones.
///
/// # Errors
/// Any error of the provider.
pub(super) fn preview(accounts: &Accounts, dump: Dump, update: Update) -> Result<Preview> {
    let mut preview = Preview::default();
    if !dump.others.is_empty() {
        let parts = dump.others.join(", ");
        preview.notes.push(texts::other_parts(&parts));
    }
    let (mut kept_passwords, mut uncounted) = (0, 0);
    for entry in once_each(dump.users) {
        let candidate = match entry {
            Ok(candidate) => candidate,
            Err(Skipped { name, reason }) => {
                preview.refuse(name, vec![reason]);
                continue;
            }
        };
        let stored = match accounts.by_name(&candidate.name) {
            Ok(stored) => Some(stored),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let has_usage = candidate.has_usage;
        let keeps_password =
            stored.is_some() && update == Update::Fields && candidate.user.password.is_some();
        kept_passwords += usize::from(keeps_password);
        let is_added = preview.plan(accounts, candidate, stored.as_ref(), update)?;
        uncounted += usize::from(is_added && has_usage);
    }
    if kept_passwords > 0 {
        preview.notes.push(texts::passwords_kept(kept_passwords));
    }
    if uncounted > 0 {
        preview.notes.push(texts::not_counted(uncounted));
    }
    Ok(preview)
}

impl Preview {
    /// Decides about one user. Is the user to be added?
    fn plan(
        &mut self,
        accounts: &Accounts,
        candidate: Candidate,
        stored: Option<&StoredUser>,
        update: Update,
    ) -> Result<bool> {
        let username = candidate.name.clone();
        let shown = stored.map(as_shown);
        let (work, draft, details) = match step(candidate, shown.as_ref(), update) {
            Step::Unchanged => {
                self.unchanged.push(username);
                return Ok(false);
            }
            Step::Exists => {
                self.existing.push(username);
                return Ok(false);
            }
            Step::Skip(reason) => {
                self.refuse(username, vec![reason]);
                return Ok(false);
            }
            Step::Add { user, notes } => {
                let draft = request(&user)?.into_draft();
                (Work::Add(Box::new(draft.clone())), draft, notes)
            }
            Step::Change {
                user,
                changes,
                notes,
                ..
            } => {
                let Some(stored) = stored else {
                    return Ok(false);
                };
                let mut draft = UserDraft::from(stored);
                let work = Work::Change {
                    id: stored.id,
                    version: version(&draft),
                    change: Box::new(request(&user)?),
                };
                request(&user)?.merge_into(&mut draft);
                let details = changes.iter().map(in_words).chain(notes).collect();
                (work, draft, details)
            }
        };
        let mut faults = accounts.faults(&draft, stored);
        let is_new =
            |hash: &&str| stored.is_none_or(|stored| stored.password.as_deref() != Some(*hash));
        // A dump's passwords are hashes, which this only reads.
        let hash = draft.password.as_deref().filter(is_new);
        faults.extend(hash.map(PasswordHash::for_storage).and_then(Result::err));
        if !faults.is_empty() {
            let reasons = faults.iter().map(|fault| fault.message().to_owned());
            self.refuse(username, reasons.collect());
            return Ok(false);
        }
        let is_added = work.adds();
        let told = Told { username, details };
        self.steps.push(Planned { told, work });
        Ok(is_added)
    }

    fn refuse(&mut self, username: String, details: Vec<String>) {
        self.refused.push(Told { username, details });
    }
}

/// The same as a request of the REST API would bring it.
fn request(user: &UserChange) -> Result<UserRequest> {
    let value = serde_json::to_value(user).and_then(serde_json::from_value);
    value.map_err(|error| Error::new(ErrorKind::Internal, texts::NOT_TAKEN).with_source(error))
}

/// A stored user as the REST API shows it.
pub(super) fn as_shown(user: &StoredUser) -> User {
    let draft = UserDraft::from(user);
    User {
        id: user.id.0.into(),
        username: draft.username,
        status: draft.status,
        expiration_date: draft.expiration_date,
        public_keys: (!draft.public_keys.is_empty()).then_some(draft.public_keys),
        home_dir: draft.home_dir,
        uid: draft.uid,
        gid: draft.gid,
        max_sessions: draft.max_sessions,
        quota_size: draft.quota_size,
        quota_files: draft.quota_files,
        permissions: draft.permissions,
        used_quota_size: user.usage.size,
        used_quota_files: user.usage.files.into(),
        last_quota_update: user.usage.updated_at,
        upload_bandwidth: draft.upload_bandwidth,
        download_bandwidth: draft.download_bandwidth,
        last_login: user.last_login,
        filters: filters_as_shown(&user.filters),
        others: Map::new(),
    }
}

/// None where the REST API shows none.
fn filters_as_shown(filters: &UserFilters) -> Option<Filters> {
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    let shown = Filters {
        denied_login_methods: owned(filters.denied_login_methods.names()),
        totp_config: filters.totp.as_ref().map(|totp| Totp {
            enabled: true,
            config_name: totp.secret.config_name.clone(),
            secret: Secret::redacted(),
            protocols: owned(totp.protocols.names()),
        }),
        others: Map::new(),
    };
    (shown != Filters::default()).then_some(shown)
}

/// As in `quota_size: 0 B → 1.0 GiB`.
fn in_words(change: &Change) -> String {
    let Change { field, from, to } = change;
    if *field == "password" {
        return texts::PASSWORD_SET.to_owned();
    }
    if *field == TOTP {
        return texts::SECOND_FACTOR_SET.to_owned();
    }
    format!("{field}: {} → {}", shown(field, from), shown(field, to))
}

fn shown(field: &str, value: &Value) -> String {
    match (field, value, value.as_i64()) {
        ("quota_size", _, Some(bytes)) => words::size(u64::try_from(bytes).unwrap_or(0)),
        ("expiration_date", _, Some(moment)) => words::moment(moment, "never"),
        (_, Value::Array(list), _) => {
            let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            format!("[{}]", texts.join(", "))
        }
        (_, Value::String(text), _) => text.clone(),
        (_, value, _) => value.to_string(),
    }
}
