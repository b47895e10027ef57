//! What an import does with one user, from what the source and the server say. Pure.

use serde::Serialize;
use serde_json::Value;

use crate::{
    source::Candidate,
    values::{amount, bandwidth, date, permission, size},
    wire::{User, UserChange},
};

/// What may happen to users that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Update {
    /// Nothing.
    Never,
    /// What can be seen to differ is changed.
    Fields,
    /// And passwords are set, which cannot be seen.
    FieldsAndPasswords,
}

/// What to do with one user.
pub(crate) enum Step {
    Add {
        user: Box<UserChange>,
        notes: Vec<String>,
    },
    Change {
        id: i64,
        user: Box<UserChange>,
        changes: Vec<Change>,
        notes: Vec<String>,
    },
    Unchanged,
    Exists,
    Skip(String),
}

/// One field that differs.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Change {
    field: &'static str,
    /// Null for a password, which nobody is shown.
    from: Value,
    to: Value,
}

/// Decides about a user of a source, whom the server has stored or not.
pub(crate) fn step(candidate: Candidate, stored: Option<&User>, update: Update) -> Step {
    match stored {
        None => add(candidate),
        Some(_) if update == Update::Never => Step::Exists,
        Some(stored) => change(candidate, stored, update),
    }
}

fn add(candidate: Candidate) -> Step {
    let Candidate {
        name,
        mut user,
        without_password,
        mut notes,
        ..
    } = candidate;
    if user.password.is_none() && user.public_keys.as_deref().unwrap_or_default().is_empty() {
        let why = [without_password].into_iter().flatten().chain(notes);
        let why = why.map(|note| format!("; {note}")).collect::<String>();
        return Step::Skip(format!("no password and no public key to log in with{why}"));
    }
    notes.extend(without_password);
    user.username = Some(name);
    // As for a user that is added by hand.
    user.status.get_or_insert(1);
    user.permissions
        .get_or_insert_with(|| vec![permission::ALL.to_owned()]);
    Step::Add {
        user: Box::new(user),
        notes,
    }
}

fn change(candidate: Candidate, stored: &User, update: Update) -> Step {
    let Candidate {
        user: wanted,
        without_password,
        mut notes,
        ..
    } = candidate;
    let sets_passwords = update == Update::FieldsAndPasswords;
    if sets_passwords {
        notes.extend(without_password);
    }
    let mut found = Differences(Vec::new());
    let user = UserChange {
        username: None,
        status: found.number("status", wanted.status, stored.status),
        expiration_date: found.number(
            "expiration_date",
            wanted.expiration_date,
            stored.expiration_date,
        ),
        password: wanted.password.filter(|_| sets_passwords),
        public_keys: found.list(
            "public_keys",
            wanted.public_keys,
            stored.public_keys.as_deref().unwrap_or_default(),
        ),
        home_dir: found.text("home_dir", wanted.home_dir, &stored.home_dir),
        uid: found.number("uid", wanted.uid, stored.uid),
        gid: found.number("gid", wanted.gid, stored.gid),
        max_sessions: found.number("max_sessions", wanted.max_sessions, stored.max_sessions),
        quota_size: found.number("quota_size", wanted.quota_size, stored.quota_size),
        quota_files: found.number("quota_files", wanted.quota_files, stored.quota_files),
        permissions: found.list(
            "permissions",
            wanted.permissions.map(|names| permission::as_shown(&names)),
            &permission::as_shown(&stored.permissions),
        ),
        upload_bandwidth: found.number(
            "upload_bandwidth",
            wanted.upload_bandwidth,
            stored.upload_bandwidth,
        ),
        download_bandwidth: found.number(
            "download_bandwidth",
            wanted.download_bandwidth,
            stored.download_bandwidth,
        ),
    };
    if user.password.is_some() {
        found.add("password", Value::Null, Value::Null);
    }
    if found.0.is_empty() {
        return Step::Unchanged;
    }
    Step::Change {
        id: stored.id,
        user: Box::new(user),
        changes: found.0,
        notes,
    }
}

/// Keeps what differs, and remembers it.
struct Differences(Vec<Change>);

impl Differences {
    fn number<T: Copy + Into<i64>>(
        &mut self,
        field: &'static str,
        wanted: Option<T>,
        stored: i64,
    ) -> Option<T> {
        let wanted = wanted.filter(|wanted| (*wanted).into() != stored)?;
        self.add(field, stored.into(), wanted.into().into());
        Some(wanted)
    }

    fn text(
        &mut self,
        field: &'static str,
        wanted: Option<String>,
        stored: &str,
    ) -> Option<String> {
        let wanted = wanted.filter(|wanted| wanted != stored)?;
        self.add(field, stored.into(), wanted.clone().into());
        Some(wanted)
    }

    fn list(
        &mut self,
        field: &'static str,
        wanted: Option<Vec<String>>,
        stored: &[String],
    ) -> Option<Vec<String>> {
        let wanted = wanted.filter(|wanted| wanted != stored)?;
        self.add(field, stored.into(), wanted.clone().into());
        Some(wanted)
    }

    fn add(&mut self, field: &'static str, from: Value, to: Value) {
        self.0.push(Change { field, from, to });
    }
}

impl Change {
    /// For people: `quota_size: unlimited → 10 GiB`.
    pub(crate) fn words(&self) -> String {
        let Self { field, from, to } = self;
        match (*field, shown(field, from), shown(field, to)) {
            ("password", ..) => "password: set, whatever it was".to_owned(),
            ("public_keys", from, to) if from == to => format!("public_keys: {to}, others"),
            (_, from, to) => format!("{field}: {from} → {to}"),
        }
    }
}

fn shown(field: &str, value: &Value) -> String {
    match (field, value, value.as_i64()) {
        ("status", _, Some(0)) => "disabled".to_owned(),
        ("status", _, Some(1)) => "enabled".to_owned(),
        ("expiration_date", _, Some(millis)) => date::show(millis),
        ("quota_size", _, Some(bytes)) => size::show_limit(bytes),
        ("max_sessions" | "quota_files", _, Some(number)) => amount::show(number),
        ("upload_bandwidth" | "download_bandwidth", _, Some(rate)) => bandwidth::show(rate),
        ("public_keys", Value::Array(keys), _) => keys.len().to_string(),
        (_, Value::Array(names), _) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            names.join(",")
        }
        (_, Value::String(text), _) => text.clone(),
        (_, value, _) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "ssh-ed25519 AAAA";

    fn candidate(user: UserChange) -> Candidate {
        Candidate {
            name: "bob".to_owned(),
            user,
            without_password: Some("its password is locked".to_owned()),
            notes: vec!["a note".to_owned()],
            has_usage: false,
        }
    }

    fn said() -> UserChange {
        UserChange {
            status: Some(1),
            password: Some("$6$SECRET".to_owned()),
            public_keys: Some(vec![KEY.to_owned()]),
            home_dir: Some("/srv/bob".to_owned()),
            uid: Some(7),
            quota_size: Some(1 << 30),
            permissions: Some(vec!["upload".to_owned(), "list".to_owned()]),
            ..UserChange::default()
        }
    }

    /// As [`said`], changed by `fields`.
    fn stored(fields: &Value) -> User {
        let mut user = json!({
            "id": 3, "username": "bob", "status": 1, "public_keys": [KEY], "home_dir": "/srv/bob", "uid": 7,
            "quota_size": 1 << 30, "permissions": ["list", "upload"], "max_sessions": 5,
        });
        for (name, value) in fields.as_object().unwrap() {
            user[name] = value.clone();
        }
        serde_json::from_value(user).unwrap()
    }

    #[test]
    fn a_new_user_needs_a_credential() {
        let mut user = said();
        (user.password, user.public_keys) = (None, Some(vec![]));
        let Step::Skip(reason) = step(candidate(user), None, Update::Never) else {
            panic!("not skipped");
        };
        assert!(
            reason.ends_with("; its password is locked; a note"),
            "{reason}"
        );
    }

    #[test]
    fn what_the_source_leaves_open_is_as_by_hand() {
        let user = UserChange {
            public_keys: Some(vec![KEY.to_owned()]),
            ..UserChange::default()
        };
        let Step::Add { user, notes } = step(candidate(user), None, Update::Never) else {
            panic!("not added");
        };
        let sent =
            json!({"username": "bob", "status": 1, "permissions": ["*"], "public_keys": [KEY]});
        assert_eq!(serde_json::to_value(&user).unwrap(), sent);
        assert_eq!(notes, ["a note", "its password is locked"]);
    }

    #[test]
    fn who_exists_is_left_alone_unless_asked_for() {
        let same = stored(&json!({}));
        assert!(matches!(
            step(candidate(said()), Some(&same), Update::Never),
            Step::Exists
        ));
        assert!(matches!(
            step(candidate(said()), Some(&same), Update::Fields),
            Step::Unchanged
        ));
    }

    #[test]
    fn only_what_differs_is_sent() {
        for (fields, sent, words) in [
            (
                json!({"status": 0}),
                json!({"status": 1}),
                "status: disabled → enabled",
            ),
            (json!({"uid": 8}), json!({"uid": 7}), "uid: 8 → 7"),
            (
                json!({"home_dir": "/x"}),
                json!({"home_dir": "/srv/bob"}),
                "home_dir: /x → /srv/bob",
            ),
            (
                json!({"quota_size": 0}),
                json!({"quota_size": 1 << 30}),
                "quota_size: unlimited → 1 GiB",
            ),
            (
                json!({"permissions": ["*"]}),
                json!({"permissions": ["list", "upload"]}),
                "permissions: * → list,upload",
            ),
            (
                json!({"public_keys": ["ssh-rsa BB"]}),
                json!({"public_keys": [KEY]}),
                "public_keys: 1, others",
            ),
            (
                json!({"public_keys": null}),
                json!({"public_keys": [KEY]}),
                "public_keys: 0 → 1",
            ),
        ] {
            let Step::Change {
                id, user, changes, ..
            } = step(candidate(said()), Some(&stored(&fields)), Update::Fields)
            else {
                panic!("{fields} is not changed");
            };
            assert_eq!((id, serde_json::to_value(&user).unwrap()), (3, sent));
            assert_eq!(
                changes.iter().map(Change::words).collect::<Vec<_>>(),
                [words]
            );
        }
    }

    #[test]
    fn a_password_is_set_only_when_asked_for_and_never_shown() {
        let same = stored(&json!({}));
        let Step::Change { user, changes, .. } =
            step(candidate(said()), Some(&same), Update::FieldsAndPasswords)
        else {
            panic!("not changed");
        };
        assert_eq!(
            serde_json::to_value(&user).unwrap(),
            json!({"password": "$6$SECRET"})
        );
        let shown = format!(
            "{}{}",
            changes[0].words(),
            serde_json::to_string(&changes).unwrap()
        );
        assert!(
            shown.contains("password") && !shown.contains("SECRET"),
            "{shown}"
        );
    }
}
