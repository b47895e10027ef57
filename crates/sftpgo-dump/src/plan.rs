//! What an import does with one user, from what the source and the server say. Pure.

use serde::Serialize;
use serde_json::Value;

use crate::{
    Candidate, User, UserChange,
    filters::{self, Filters, FiltersChange},
    permission,
};

/// The changes that users that exist may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// Users that exist stay as they are.
    Never,
    /// What can be seen to differ is changed.
    Fields,
    /// The same, and passwords are set, of which it cannot be seen whether they differ.
    FieldsAndPasswords,
}

/// What to do with one user.
pub enum Step {
    /// The server does not have the user.
    Add {
        /// All that is to be stored.
        user: Box<UserChange>,
        /// What was left out.
        notes: Vec<String>,
    },
    /// The server has the user, who differs.
    Change {
        /// The stored user's.
        id: i64,
        /// What differs, and nothing else.
        user: Box<UserChange>,
        /// The same for people.
        changes: Vec<Change>,
        /// What was left out.
        notes: Vec<String>,
    },
    /// The server has the user as it is to be.
    Unchanged,
    /// The server has the user, and nothing is to be changed.
    Exists,
    /// The server cannot hold the user, for this reason.
    Skip(String),
}

/// The field of a second factor, whose secret nobody is shown.
pub const TOTP: &str = "filters.totp_config";

/// One field that differs.
#[derive(Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its name on the wire.
    pub field: &'static str,
    /// Null for a password and for [`TOTP`], which nobody is shown.
    pub from: Value,
    /// As `from`.
    pub to: Value,
}

/// Decides about a user of a source, whom the server has stored or not.
pub fn step(candidate: Candidate, stored: Option<&User>, update: Update) -> Step {
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
    user.filters = user.filters.filter(FiltersChange::restricts);
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
        filters: wanted
            .filters
            .and_then(|wanted| found.filters(wanted, stored.filters.as_ref(), sets_passwords)),
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

    /// A secret takes the place of a stored one only where passwords are set: it cannot be seen whether they differ.
    fn filters(
        &mut self,
        wanted: FiltersChange,
        stored: Option<&Filters>,
        sets_passwords: bool,
    ) -> Option<FiltersChange> {
        let nothing = Filters::default();
        let stored = stored.unwrap_or(&nothing);
        let denied = filters::as_shown(&stored.denied_login_methods);
        let has_one = stored.totp_config.as_ref().is_some_and(|totp| totp.enabled);
        let totp_config = wanted.totp_config.filter(|_| sets_passwords || !has_one);
        if totp_config.is_some() {
            self.add(TOTP, Value::Null, Value::Null);
        }
        let change = FiltersChange {
            denied_login_methods: self.list(
                "filters.denied_login_methods",
                wanted.denied_login_methods,
                &denied,
            ),
            totp_config,
        };
        (change != FiltersChange::default()).then_some(change)
    }

    fn add(&mut self, field: &'static str, from: Value, to: Value) {
        self.0.push(Change { field, from, to });
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
        for (fields, sent, field) in [
            (json!({"status": 0}), json!({"status": 1}), "status"),
            (json!({"uid": 8}), json!({"uid": 7}), "uid"),
            (
                json!({"home_dir": "/x"}),
                json!({"home_dir": "/srv/bob"}),
                "home_dir",
            ),
            (
                json!({"quota_size": 0}),
                json!({"quota_size": 1 << 30}),
                "quota_size",
            ),
            (
                json!({"permissions": ["*"]}),
                json!({"permissions": ["list", "upload"]}),
                "permissions",
            ),
            (
                json!({"public_keys": ["ssh-rsa BB"]}),
                json!({"public_keys": [KEY]}),
                "public_keys",
            ),
            (
                json!({"public_keys": null}),
                json!({"public_keys": [KEY]}),
                "public_keys",
            ),
        ] {
            let Step::Change {
                id, user, changes, ..
            } = step(candidate(said()), Some(&stored(&fields)), Update::Fields)
            else {
                panic!("{fields} is not changed");
            };
            assert_eq!((id, serde_json::to_value(&user).unwrap()), (3, sent));
            let fields: Vec<_> = changes.iter().map(|change| change.field).collect();
            assert_eq!(fields, [field]);
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
        let shown = serde_json::to_string(&changes).unwrap();
        assert!(
            shown.contains("password") && !shown.contains("SECRET"),
            "{shown}"
        );
    }

    #[test]
    fn filters_are_sent_where_they_differ() {
        let totp = |name: &str, secret| filters::Totp {
            enabled: true,
            config_name: name.to_owned(),
            secret,
            protocols: vec!["SSH".to_owned()],
        };
        let wanted = || {
            let mut user = said();
            user.filters = Some(FiltersChange {
                denied_login_methods: Some(vec!["password".to_owned()]),
                totp_config: Some(totp("Default", filters::Secret::plain("SECRET"))),
            });
            candidate(user)
        };
        let redacted = |name| totp(name, filters::Secret::redacted());
        for (filters, update, expected) in [
            (
                json!({}),
                Update::Fields,
                vec![TOTP, "filters.denied_login_methods"],
            ),
            (
                json!({"denied_login_methods": ["password"]}),
                Update::Fields,
                vec![TOTP],
            ),
            (
                json!({"denied_login_methods": [], "totp_config": redacted("Default")}),
                Update::Fields,
                vec!["filters.denied_login_methods"],
            ),
            (
                json!({"denied_login_methods": ["password"], "totp_config": redacted("Default")}),
                Update::FieldsAndPasswords,
                vec!["password", TOTP],
            ),
        ] {
            let stored = stored(&json!({ "filters": filters }));
            let Step::Change { changes, .. } = step(wanted(), Some(&stored), update) else {
                panic!("{filters} is not changed");
            };
            let mut fields: Vec<_> = changes.iter().map(|change| change.field).collect();
            fields.sort_unstable();
            let mut expected = expected;
            expected.sort_unstable();
            assert_eq!(fields, expected, "{filters}");
            assert!(!serde_json::to_string(&changes).unwrap().contains("SECRET"));
        }
        let other_protocols = filters::Totp {
            protocols: vec!["SSH".to_owned(), "HTTP".to_owned()],
            ..redacted("Default")
        };
        for totp in [redacted("Default"), redacted("Other"), other_protocols] {
            let same = json!({"denied_login_methods": ["password"], "totp_config": totp});
            let same = stored(&json!({ "filters": same }));
            assert!(matches!(
                step(wanted(), Some(&same), Update::Fields),
                Step::Unchanged
            ));
        }
    }
}
