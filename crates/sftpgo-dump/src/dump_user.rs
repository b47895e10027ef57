//! One user of a dump.

use serde_json::{Map, Value};

use crate::{
    Candidate, Entry, Skipped, UserChange,
    filters::{self, FiltersChange},
    keys_of, password, permissions, restriction,
};

/// What a value of a dump's list comes to; the name is empty where there is none.
pub(super) fn entry(value: Value) -> Entry {
    let skipped = |name: &str, reason: String| Skipped {
        name: name.to_owned(),
        reason,
    };
    let Value::Object(mut fields) = value else {
        return Err(skipped("", "it is not an object".to_owned()));
    };
    match fields.remove("username") {
        Some(Value::String(name)) if !name.is_empty() => {
            candidate(&name, Fields(fields)).map_err(|reason| skipped(&name, reason))
        }
        _ => Err(skipped("", "it has no username".to_owned())),
    }
}

fn candidate(name: &str, mut fields: Fields) -> Result<Candidate, String> {
    let permissions = permissions::everywhere(fields.take("permissions"))?;
    let (public_keys, mut notes) = keys_of(&fields.lines("public_keys")?);
    let (password, without_password) = match fields.text("password")? {
        None => (None, None),
        Some(stored) => match password::check(&stored) {
            Ok(()) => (Some(stored), None),
            Err(reason) => (None, Some(reason)),
        },
    };
    let has_usage = fields.has_usage();
    let user = UserChange {
        username: None,
        password,
        status: Some(match fields.number("status")? {
            Some(status @ 0..=1) => status,
            Some(other) => return Err(format!("its status {other} is unknown")),
            None => {
                notes.push("is disabled, as it has no status".to_owned());
                0
            }
        }),
        expiration_date: fields.number("expiration_date")?,
        public_keys: Some(public_keys),
        home_dir: fields.text("home_dir")?,
        uid: fields.number("uid")?,
        gid: fields.number("gid")?,
        max_sessions: fields.number("max_sessions")?,
        quota_size: fields.number("quota_size")?,
        quota_files: fields.number("quota_files")?,
        permissions: Some(permissions),
        upload_bandwidth: fields.number("upload_bandwidth")?,
        download_bandwidth: fields.number("download_bandwidth")?,
        filters: fields.filters(&mut notes)?,
    };
    fields.check_rest()?;
    Ok(Candidate {
        name: name.to_owned(),
        user,
        without_password,
        notes,
        has_usage,
    })
}

/// What a dump says of a user and was not looked at yet.
struct Fields(Map<String, Value>);

impl Fields {
    /// Null is a field that is not there.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// Numbers are limits: one that does not fit must not become a smaller one, or none.
    fn number<T: TryFrom<i64>>(&mut self, name: &str) -> Result<Option<T>, String> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        if !value.is_number() {
            return Err(format!("its {name} is not a number"));
        }
        value
            .as_i64()
            .filter(|number| *number >= 0)
            .and_then(|number| T::try_from(number).ok())
            .map(Some)
            .ok_or_else(|| format!("its {name} {value} is out of range"))
    }

    /// Empty is none.
    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(_) => Err(format!("its {name} is not text")),
        }
    }

    /// Forms store blank lines among others.
    fn lines(&mut self, name: &str) -> Result<Vec<String>, String> {
        let lines: Vec<String> = self
            .take(name)
            .map_or(Ok(Vec::new()), serde_json::from_value)
            .map_err(|_| format!("its {name} cannot be read"))?;
        Ok(lines
            .into_iter()
            .filter(|line| !line.trim().is_empty())
            .collect())
    }

    /// Leaves what the server cannot hold; none where nothing is said.
    fn filters(&mut self, notes: &mut Vec<String>) -> Result<Option<FiltersChange>, String> {
        match self.0.get_mut("filters") {
            Some(Value::Object(fields)) => filters::take(fields, notes).map(Some),
            _ => Ok(None),
        }
    }

    fn has_usage(&self) -> bool {
        let any = |names: [&str; 2]| {
            names
                .iter()
                .any(|name| self.0.get(*name).and_then(Value::as_i64).unwrap_or(0) > 0)
        };
        any(["quota_size", "quota_files"]) && any(["used_quota_size", "used_quota_files"])
    }

    /// What this server does not know could be a restriction.
    fn check_rest(&self) -> Result<(), String> {
        let mut rest = self.0.iter();
        match rest.find_map(|(name, value)| restriction::of_field(name, value)) {
            Some(path) => Err(format!("its {path} cannot be enforced")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sftpgo_credential_formats::public_key::KeyLineFault;

    use super::*;

    const HASH: &str = "$6$salt$hash";
    const KEY: &str = "ssh-ed25519 AAAA bob@home";

    /// A user of SFTPGo 1.2 with all that says nothing, changed by `fields`.
    fn with(fields: Value) -> Entry {
        let mut user = json!({
            "id": 7, "status": 1, "username": "bob", "expiration_date": 0, "password": HASH, "home_dir": "/srv/bob",
            "virtual_folders": null, "uid": 0, "gid": 0, "max_sessions": 0, "quota_size": 0, "quota_files": 0,
            "permissions": {"/": ["*"]}, "used_quota_size": 0, "used_quota_files": 0, "last_quota_update": 0,
            "upload_bandwidth": 0, "download_bandwidth": 0, "last_login": 0,
            "filters": {"allowed_ip": [], "denied_ip": null, "tls_username": "None", "max_upload_file_size": 0},
            "filesystem": {"provider": 0, "s3config": {"access_secret": {}}, "cryptconfig": {"passphrase": {}}},
        });
        for (name, value) in fields.as_object().unwrap() {
            user[name] = value.clone();
        }
        entry(user)
    }

    fn taken(fields: Value) -> Candidate {
        let shown = fields.to_string();
        with(fields).unwrap_or_else(|skipped| panic!("{shown}: {}", skipped.reason))
    }

    fn reason(fields: Value) -> String {
        let shown = fields.to_string();
        let skipped = with(fields)
            .err()
            .unwrap_or_else(|| panic!("{shown} is taken"));
        assert_eq!(skipped.name, "bob");
        skipped.reason
    }

    #[test]
    fn every_field_comes_over() {
        let user = taken(json!({
            "status": 0, "expiration_date": 5, "public_keys": [KEY, " "], "uid": 65535, "gid": 1, "max_sessions": 2,
            "quota_size": i64::MAX, "quota_files": 3, "permissions": {"/": ["upload", "list", "chmod", "chown", "chtimes"]},
            "upload_bandwidth": 8, "download_bandwidth": i32::MAX,
            "description": "x", "email": "x", "additional_info": "x", "last_login": 9, "used_quota_size": 9,
        }));
        assert_eq!(
            serde_json::to_value(&user.user).unwrap(),
            json!({
                "status": 0, "expiration_date": 5, "password": HASH, "public_keys": [KEY], "home_dir": "/srv/bob",
                "uid": 65535, "gid": 1, "max_sessions": 2, "quota_size": i64::MAX, "quota_files": 3,
                "permissions": ["list", "upload", "chmod", "chown", "chtimes"],
                "upload_bandwidth": 8, "download_bandwidth": i32::MAX,
                "filters": {"denied_login_methods": []},
            })
        );
        assert_eq!((user.notes, user.without_password), (vec![], None));
        assert!(user.has_usage);
        assert!(
            !taken(json!({"used_quota_size": 9})).has_usage,
            "nothing limits it"
        );
    }

    #[test]
    fn what_cannot_be_enforced_is_named() {
        for (fields, part) in [
            (
                json!({"filters": {"allowed_ip": ["10.0.0.0/8"]}}),
                "filters.allowed_ip",
            ),
            (
                json!({"filters": {"denied_login_methods": ["of_tomorrow"]}}),
                "filters.denied_login_methods",
            ),
            (
                json!({"filters": {"max_upload_file_size": 1}}),
                "filters.max_upload_file_size",
            ),
            (
                json!({"filesystem": {"provider": 1}}),
                "filesystem.provider",
            ),
            (json!({"virtual_folders": [{}]}), "virtual_folders"),
            (json!({"groups": [{"name": "g"}]}), "groups"),
            (json!({"total_data_transfer": 5}), "total_data_transfer"),
            (json!({"Permissions": ["list"]}), "Permissions"),
            (json!({"of_tomorrow": "x"}), "of_tomorrow"),
        ] {
            assert_eq!(reason(fields), format!("its {part} cannot be enforced"));
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_not_taken() {
        for (name, value) in [
            ("uid", json!(65536)),
            ("gid", json!(-1)),
            ("quota_files", json!(1_u64 << 31)),
            ("quota_size", json!(u64::MAX)),
            ("quota_size", json!(-1)),
            ("quota_size", json!(1.5)),
            ("max_sessions", json!("3")),
            ("upload_bandwidth", json!(1_u64 << 40)),
            ("expiration_date", json!(-1)),
            ("status", json!(2)),
            ("home_dir", json!(7)),
            ("password", json!(["x"])),
            ("public_keys", json!("ssh-rsa AAAA")),
            ("permissions", json!(null)),
        ] {
            let mut fields = json!({});
            fields[name] = value;
            let reason = reason(fields);
            assert!(reason.contains(name), "{name}: {reason}");
        }
    }

    #[test]
    fn a_hash_that_the_server_does_not_read_is_left_out() {
        let user = taken(json!({"password": "$1$salt$SECRET", "public_keys": [KEY]}));
        assert!(user.user.password.is_none());
        assert!(user.without_password.unwrap().contains("$1$"));
        for nothing in [json!(null), json!("")] {
            let user = taken(json!({ "password": nothing }));
            assert!(user.user.password.is_none() && user.without_password.is_none());
        }
    }

    #[test]
    fn keys_that_say_more_than_a_key_are_left_out() {
        let user = taken(json!({"public_keys": [KEY, "from=\"10.0.0.1\" ssh-rsa AAAA"]}));
        assert_eq!(user.user.public_keys.unwrap(), [KEY]);
        let note = format!("public key 2 is left out: {}", KeyLineFault::Options);
        assert_eq!(user.notes, [note]);
    }

    #[test]
    fn whoever_has_no_status_is_disabled_as_in_sftpgo() {
        let user = taken(json!({ "status": null }));
        assert_eq!(user.user.status, Some(0));
        assert_eq!(user.notes.len(), 1);
    }

    #[test]
    fn a_user_of_rest_may_lack_what_has_a_default() {
        let user = entry(json!({"username": "bob", "status": 1, "permissions": ["*"]}))
            .ok()
            .unwrap();
        assert_eq!(
            serde_json::to_value(&user.user).unwrap(),
            json!({"status": 1, "permissions": ["*"], "public_keys": []})
        );
    }
}
