//! `User`, as it comes in and as it goes out.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sftpgo_core::{StoredUser, UserDraft, UserId};

use super::{
    filters::{FiltersAnswer, FiltersRequest},
    object::object_or_null,
};
use crate::error::ApiError;

/// A user as a request sends it: all fields may be left out, and null is as left out.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct UserRequest {
    id: Option<i32>,
    status: Option<i64>,
    username: Option<String>,
    expiration_date: Option<i64>,
    password: Option<String>,
    public_keys: Option<Vec<String>>,
    home_dir: Option<String>,
    uid: Option<i32>,
    gid: Option<i32>,
    max_sessions: Option<i32>,
    quota_size: Option<i64>,
    quota_files: Option<i32>,
    permissions: Option<Vec<String>>,
    upload_bandwidth: Option<i32>,
    download_bandwidth: Option<i32>,
    #[serde(deserialize_with = "object_or_null")]
    filters: Option<FiltersRequest>,
    // Only the server sets these. Clients send back what they were shown: typed, and without effect.
    #[serde(rename = "used_quota_size")]
    _used_quota_size: Option<i64>,
    #[serde(rename = "used_quota_files")]
    _used_quota_files: Option<i32>,
    #[serde(rename = "used_quota_file")]
    _used_quota_file: Option<i32>,
    #[serde(rename = "last_quota_update")]
    _last_quota_update: Option<i64>,
    #[serde(rename = "last_login")]
    _last_login: Option<i64>,
}

impl UserRequest {
    /// Returns the username, where a user is named by the body.
    pub(crate) fn into_username(self) -> Result<String, ApiError> {
        self.username
            .ok_or_else(|| ApiError::bad_request("username: is needed"))
    }

    /// A new user: what is left out has its default.
    pub(crate) fn into_draft(self) -> UserDraft {
        let mut draft = UserDraft::default();
        self.merge_into(&mut draft);
        draft
    }

    /// The id in the body is the path's, or absent, or the 0 of a client that knows none.
    pub(crate) fn check_id(&self, path: UserId) -> Result<(), ApiError> {
        match self.id {
            None | Some(0) => Ok(()),
            Some(id) if id == path.0 => Ok(()),
            Some(id) => Err(ApiError::bad_request(format!(
                "id: {id} is not the {path} of the path"
            ))),
        }
    }

    /// Changes what was sent and keeps the rest; an empty password is one that was left out.
    pub(crate) fn merge_into(self, draft: &mut UserDraft) {
        set(&mut draft.status, self.status);
        set(&mut draft.username, self.username);
        set(&mut draft.expiration_date, self.expiration_date);
        if let Some(password) = self.password.filter(|password| !password.is_empty()) {
            draft.password = Some(password);
        }
        set(&mut draft.public_keys, self.public_keys);
        set(&mut draft.home_dir, self.home_dir);
        set(&mut draft.uid, self.uid);
        set(&mut draft.gid, self.gid);
        set(&mut draft.max_sessions, self.max_sessions);
        set(&mut draft.quota_size, self.quota_size);
        set(&mut draft.quota_files, self.quota_files);
        set(&mut draft.permissions, self.permissions);
        set(&mut draft.upload_bandwidth, self.upload_bandwidth);
        set(&mut draft.download_bandwidth, self.download_bandwidth);
        if let Some(filters) = self.filters {
            filters.merge_into(&mut draft.filters);
        }
    }
}

fn set<T, S: Into<T>>(field: &mut T, sent: Option<S>) {
    if let Some(value) = sent {
        *field = value.into();
    }
}

/// A user as an answer shows it: never with a credential that would be of use.
#[derive(Serialize)]
pub(crate) struct UserAnswer<'a> {
    id: i32,
    status: u8,
    username: &'a str,
    expiration_date: i64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    public_keys: &'a [String],
    home_dir: Cow<'a, str>,
    uid: u32,
    gid: u32,
    max_sessions: u32,
    quota_size: u64,
    quota_files: u32,
    permissions: Vec<&'static str>,
    used_quota_size: i64,
    used_quota_files: i32,
    /// The contract's spelling of the field above.
    used_quota_file: i32,
    last_quota_update: i64,
    upload_bandwidth: u32,
    download_bandwidth: u32,
    last_login: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters: Option<FiltersAnswer>,
}

impl UserAnswer<'_> {
    /// More bytes than most users take in JSON, with a public key.
    pub(crate) const USUAL_SIZE: usize = 640;
}

impl<'a> From<&'a StoredUser> for UserAnswer<'a> {
    fn from(user: &'a StoredUser) -> Self {
        Self {
            id: user.id.0,
            status: user.enabled.into(),
            username: &user.username,
            expiration_date: user.expiration_date,
            public_keys: &user.public_keys,
            home_dir: user.home_dir.to_string_lossy(),
            uid: user.uid,
            gid: user.gid,
            max_sessions: user.max_sessions,
            quota_size: user.quota_size,
            quota_files: user.quota_files,
            permissions: user.permissions.names_on_wire(),
            used_quota_size: user.usage.size,
            used_quota_files: user.usage.files,
            used_quota_file: user.usage.files,
            last_quota_update: user.usage.updated_at,
            upload_bandwidth: user.upload_bandwidth,
            download_bandwidth: user.download_bandwidth,
            last_login: user.last_login,
            filters: FiltersAnswer::of(&user.filters),
        }
    }
}

/// A user as every answer shows it, for notifications that promise the same.
pub fn user_json(user: &StoredUser) -> String {
    serde_json::json!(UserAnswer::from(user)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;

    fn parse(json: &str) -> Result<UserRequest, String> {
        body::json_object(json.as_bytes()).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn null_is_as_left_out_in_every_field() {
        let stored = UserDraft {
            username: "a".into(),
            password: Some("hash".into()),
            public_keys: vec!["key".into()],
            home_dir: "/a".into(),
            uid: 7,
            status: 0,
            permissions: vec!["list".into()],
            ..UserDraft::default()
        };
        let fields = [
            "id",
            "status",
            "username",
            "expiration_date",
            "password",
            "public_keys",
            "home_dir",
            "uid",
            "gid",
            "max_sessions",
            "quota_size",
            "quota_files",
            "permissions",
            "upload_bandwidth",
            "download_bandwidth",
            "used_quota_size",
            "used_quota_files",
            "used_quota_file",
            "last_quota_update",
            "last_login",
            "filters",
        ];
        for field in fields {
            let request = parse(&format!(r#"{{"{field}": null}}"#)).unwrap();
            assert!(request.check_id(UserId(3)).is_ok());
            assert_eq!(
                request.clone().into_draft(),
                UserDraft::default(),
                "{field}"
            );
            let mut draft = stored.clone();
            request.merge_into(&mut draft);
            assert_eq!(draft, stored, "{field}");
        }
        // In a list it is an element of another type.
        assert!(parse(r#"{"permissions": [null]}"#).is_err());
    }

    #[test]
    fn numbers_are_whole_unquoted_and_in_range() {
        for field in [
            "id",
            "uid",
            "max_sessions",
            "quota_files",
            "upload_bandwidth",
            "used_quota_file",
        ] {
            for value in ["1.5", "\"1\"", "1099511627776", "true", "[]", "1e400"] {
                let error = parse(&format!(r#"{{"{field}": {value}}}"#)).err();
                let error = error.unwrap_or_else(|| panic!("{field} = {value} passed"));
                assert!(error.contains(field), "{error}");
            }
        }
        assert!(parse(r#"{"quota_size": 9223372036854775808}"#).is_err());
        assert_eq!(
            parse(r#"{"quota_size": 1099511627776}"#)
                .unwrap()
                .into_draft()
                .quota_size,
            1 << 40
        );
    }

    #[test]
    fn a_list_with_a_wrong_element_names_its_place() {
        let error = parse(r#"{"permissions": ["list", 7]}"#).err().unwrap();
        assert!(error.contains("permissions[1]"), "{error}");
    }

    #[test]
    fn unknown_fields_pass_and_other_json_does_not() {
        assert!(parse(r#"{"filters": {"denied_ip": []}, "username": "a"}"#).is_ok());
        for not_an_object in [
            "",
            "  ",
            "[]",
            "[1]",
            "null",
            "\"{}\"",
            "{",
            "{} {}",
            "{'a': 1}",
            "\u{feff}{}",
        ] {
            assert!(parse(not_an_object).is_err(), "{not_an_object:?} passed");
        }
    }

    #[test]
    fn merging_keeps_what_was_left_out() {
        let stored = UserDraft {
            username: "a".into(),
            password: Some("hash".into()),
            public_keys: vec!["key".into()],
            uid: 7,
            ..UserDraft::default()
        };
        let mut draft = stored.clone();
        parse(r#"{"password": "", "public_keys": null}"#)
            .unwrap()
            .merge_into(&mut draft);
        assert_eq!(draft, stored);
        parse(r#"{"public_keys": [], "uid": 0}"#)
            .unwrap()
            .merge_into(&mut draft);
        assert!(draft.public_keys.is_empty());
        assert_eq!((draft.uid, draft.password.as_deref()), (0, Some("hash")));
    }

    #[test]
    fn the_id_is_the_paths_or_none() {
        for (body, passes) in [
            ("{}", true),
            (r#"{"id": 0}"#, true),
            (r#"{"id": 3}"#, true),
            (r#"{"id": 4}"#, false),
            (r#"{"id": -3}"#, false),
        ] {
            assert_eq!(
                parse(body).unwrap().check_id(UserId(3)).is_ok(),
                passes,
                "{body}"
            );
        }
    }
}
