//! A user as a form: from the stored one to the fields, and from what was sent to the change.

use std::hash::{DefaultHasher, Hash, Hasher};

use sftpgo_core::{Permissions, UserDraft, user::LoginMethods};

use super::super::{
    form::{Faults, Field, FieldKind, Form},
    texts::{common, users as texts},
    words,
};

/// Permissions with what each allows.
pub(super) fn permissions() -> impl Iterator<Item = (&'static str, &'static str)> {
    std::iter::once(("*", texts::EVERYTHING_BELOW)).chain(Permissions::known())
}

/// Ways to log in with what each is.
pub(super) fn login_methods() -> impl Iterator<Item = (&'static str, &'static str)> {
    LoginMethods::known().map(|name| (name, texts::login_method(name)))
}

/// Boxes that are not ticked are not sent; this says that they were there.
const DENIED: &str = "denied_login_methods";

/// What the fields of a user contain, as typed.
pub(super) struct UserForm {
    pub(super) username: String,
    pub(super) is_enabled: bool,
    pub(super) expiration_date: String,
    pub(super) public_keys: String,
    pub(super) home_dir: String,
    pub(super) permissions: Vec<String>,
    pub(super) denied_login_methods: Vec<String>,
    /// The fields that are numbers, in the order of [`NUMBERS`].
    pub(super) numbers: [String; 7],
}

/// Name, label and hint of the fields that are numbers.
const NUMBERS: [(&str, &str, &str); 7] = [
    ("uid", "UID", texts::UID_HINT),
    ("gid", "GID", texts::GID_HINT),
    (
        "max_sessions",
        texts::SESSIONS_AT_ONCE,
        texts::ZERO_IS_ANY_NUMBER,
    ),
    ("quota_size", texts::QUOTA_SIZE, texts::BYTES_HINT),
    ("quota_files", texts::QUOTA_FILES, texts::ZERO_IS_NO_LIMIT),
    (
        "upload_bandwidth",
        texts::UPLOAD_BANDWIDTH,
        texts::BANDWIDTH_HINT,
    ),
    (
        "download_bandwidth",
        texts::DOWNLOAD_BANDWIDTH,
        texts::BANDWIDTH_HINT,
    ),
];

impl UserForm {
    /// Makes the form of a stored user, or of a new one.
    pub(super) fn of(draft: &UserDraft) -> Self {
        Self {
            username: draft.username.clone(),
            is_enabled: draft.status == 1,
            expiration_date: words::moment_field(draft.expiration_date),
            public_keys: draft.public_keys.join("\n"),
            home_dir: draft.home_dir.clone(),
            permissions: draft.permissions.clone(),
            denied_login_methods: draft.filters.denied_login_methods.clone(),
            numbers: numbers(draft).map(|number| number.to_string()),
        }
    }

    /// Makes the form as it was sent.
    pub(super) fn sent(form: &Form) -> Self {
        let text = |name| form.get(name).to_owned();
        Self {
            username: text("username"),
            is_enabled: form.get("status") != "0",
            expiration_date: text("expiration_date"),
            public_keys: text("public_keys"),
            home_dir: text("home_dir"),
            permissions: form.all("permissions").map(str::to_owned).collect(),
            denied_login_methods: denied_login_methods(form),
            numbers: NUMBERS.map(|(name, _, _)| text(name)),
        }
    }

    pub(super) fn username_field(&self, faults: &Faults) -> Field {
        Field::new("username", common::USERNAME, FieldKind::Text)
            .required()
            .filled(&self.username, faults)
    }

    pub(super) fn login_fields(&self, is_new: bool, faults: &Faults) -> Vec<Field> {
        let password = if is_new {
            texts::MAY_BE_EMPTY
        } else {
            common::EMPTY_KEEPS_IT
        };
        vec![
            Field::new("password", common::PASSWORD, FieldKind::Password)
                .hint(password)
                .autocomplete("new-password")
                .filled("", faults),
            Field::new("expiration_date", common::EXPIRES_AT_UTC, FieldKind::Moment)
                .hint(common::EMPTY_IS_NEVER)
                .filled(&self.expiration_date, faults),
            Field::new("public_keys", texts::PUBLIC_KEYS, FieldKind::Lines)
                .hint(texts::KEYS_HINT)
                .filled(&self.public_keys, faults),
        ]
    }

    pub(super) fn file_fields(&self, faults: &Faults) -> Vec<Field> {
        let home = Field::new("home_dir", texts::HOME_DIRECTORY, FieldKind::Text)
            .hint(texts::HOME_HINT)
            .filled(&self.home_dir, faults);
        let mut fields = vec![home];
        fields.extend(self.number_fields(faults).take(2));
        fields
    }

    pub(super) fn limit_fields(&self, faults: &Faults) -> Vec<Field> {
        self.number_fields(faults).skip(2).collect()
    }

    fn number_fields(&self, faults: &Faults) -> impl Iterator<Item = Field> {
        NUMBERS
            .iter()
            .zip(&self.numbers)
            .map(|((name, label, hint), value)| {
                // A unit of bytes is no digit.
                let kind = match *name {
                    "quota_size" => FieldKind::Text,
                    _ => FieldKind::Number,
                };
                Field::new(name, label, kind)
                    .hint(hint)
                    .filled(value, faults)
            })
    }
}

fn numbers(draft: &UserDraft) -> [i64; 7] {
    [
        draft.uid,
        draft.gid,
        draft.max_sessions,
        draft.quota_size,
        draft.quota_files,
        draft.upload_bandwidth,
        draft.download_bandwidth,
    ]
}

/// Makes the draft of a user what was sent. A field that was not sent stays, and so does one that says of the user what the
/// page said, even if there is more to it than a page can show.
pub(super) fn apply(form: &Form, draft: &mut UserDraft) -> Faults {
    let mut faults = Faults::default();
    let shown = UserForm::of(draft);
    let changed = |name, shown: &str| {
        let sent = form.get(name);
        (form.has(name) && lines(sent).ne(lines(shown))).then(|| sent.to_owned())
    };
    if let Some(username) = changed("username", &shown.username) {
        draft.username = username;
    }
    match form.get("status") {
        "" => {}
        text => match text.parse() {
            Ok(status) => draft.status = status,
            Err(_) => faults.add("status", texts::IS_NO_STATUS),
        },
    }
    if let Some(text) = changed("expiration_date", &shown.expiration_date) {
        match words::parse_moment(&text) {
            Some(moment) => draft.expiration_date = moment,
            None => faults.add("expiration_date", common::IS_NOT_A_DATE),
        }
    }
    if !form.get("password").is_empty() {
        draft.password = Some(form.get("password").to_owned());
    }
    if let Some(text) = changed("public_keys", &shown.public_keys) {
        let keys = lines(&text).filter(|line| !line.trim().is_empty());
        draft.public_keys = keys.map(str::to_owned).collect();
    }
    if let Some(home_dir) = changed("home_dir", &shown.home_dir) {
        draft.home_dir = home_dir;
    }
    // Boxes that are not ticked are not sent: the page says by another field that they were there.
    if form.has("username") || form.has("permissions") {
        draft.permissions = form.all("permissions").map(str::to_owned).collect();
    }
    if form.has(DENIED) {
        draft.filters.denied_login_methods = denied_login_methods(form);
    }
    let fields = [
        &mut draft.uid,
        &mut draft.gid,
        &mut draft.max_sessions,
        &mut draft.quota_size,
        &mut draft.quota_files,
        &mut draft.upload_bandwidth,
        &mut draft.download_bandwidth,
    ];
    for ((name, _, _), field) in NUMBERS.iter().zip(fields) {
        if form.has(name) {
            match words::parse_number(form.get(name)) {
                Some(number) => *field = number,
                None => faults.add(name, texts::IS_NO_NUMBER),
            }
        }
    }
    faults
}

fn denied_login_methods(form: &Form) -> Vec<String> {
    let sent = form.all(DENIED).filter(|name| !name.is_empty());
    sent.map(str::to_owned).collect()
}

/// Browsers send lines as in HTTP.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
}

/// Tells two versions of a user apart, without telling anything of them.
pub(in super::super) fn version(draft: &UserDraft) -> String {
    let mut hasher = DefaultHasher::new();
    draft.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use sftpgo_core::user::FiltersDraft;

    use super::*;

    fn draft() -> UserDraft {
        UserDraft {
            username: "bob".to_owned(),
            password: Some("hash".to_owned()),
            public_keys: vec!["ssh-ed25519 AAAA bob".to_owned()],
            expiration_date: 1_700_000_000_123,
            home_dir: "/srv/bob".to_owned(),
            permissions: vec!["list".to_owned()],
            filters: FiltersDraft {
                denied_login_methods: vec!["password".to_owned()],
                totp: None,
            },
            quota_size: 1000,
            ..UserDraft::default()
        }
    }

    fn sent(text: &str) -> (UserDraft, Faults) {
        let mut draft = draft();
        let faults = apply(&Form::parse(text.as_bytes()), &mut draft);
        (draft, faults)
    }

    #[test]
    fn what_the_page_showed_is_unchanged_when_it_comes_back() {
        let before = draft();
        let shown = UserForm::of(&before);
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs
            .append_pair("username", &shown.username)
            .append_pair("status", "1")
            .append_pair("password", "")
            .append_pair("expiration_date", &shown.expiration_date)
            .append_pair("public_keys", &shown.public_keys)
            .append_pair("home_dir", &shown.home_dir)
            .append_pair("permissions", "list")
            .append_pair(DENIED, "")
            .append_pair(DENIED, "password");
        for ((name, _, _), value) in NUMBERS.iter().zip(&shown.numbers) {
            pairs.append_pair(name, value);
        }
        let (after, faults) = sent(&pairs.finish());
        assert!(faults.is_empty());
        assert_eq!(after, before);
        assert_eq!(version(&after), version(&before));
    }

    #[test]
    fn boxes_of_login_methods_are_taken_where_they_were_shown() {
        let (after, _) = sent("username=bob&permissions=list&denied_login_methods=");
        assert!(after.filters.denied_login_methods.is_empty());
        let (after, _) = sent(
            "username=bob&permissions=list&denied_login_methods=&denied_login_methods=publickey",
        );
        assert_eq!(after.filters.denied_login_methods, ["publickey"]);
        let (after, _) = sent("username=bob&permissions=list");
        assert!(after.filters == draft().filters);
    }

    #[test]
    fn what_was_not_sent_stays() {
        assert_eq!(sent("").0, draft());
    }

    #[test]
    fn what_was_sent_is_taken() {
        let (after, faults) = sent(
            "username=eve&status=0&password=new&public_keys=a%0D%0A%0D%0Ab&quota_size=1+KiB&uid=&expiration_date=",
        );
        assert!(faults.is_empty());
        assert_eq!(after.username, "eve");
        assert_eq!((after.status, after.expiration_date), (0, 0));
        assert_eq!(after.password.as_deref(), Some("new"));
        assert_eq!(after.public_keys, ["a", "b"]);
        assert_eq!((after.quota_size, after.uid), (1024, 0));
        // No box was ticked.
        assert!(after.permissions.is_empty());
        assert_ne!(version(&after), version(&draft()));
    }

    #[test]
    fn each_field_that_cannot_be_read_is_told() {
        let (_, faults) = sent("status=x&uid=1.5&quota_files=many&expiration_date=soon");
        for field in ["status", "uid", "quota_files", "expiration_date"] {
            assert!(faults.has(field), "{field}");
        }
    }
}
