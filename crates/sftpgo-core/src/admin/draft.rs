//! An admin as somebody asks for it, and the validation that it has to pass to be stored.

use std::fmt;

use super::{Admin, AdminPermissions};
use crate::{
    credential::password::{MAX_PASSWORD_LEN, PasswordHash},
    error::{Error, Result},
    network::{Network, Networks},
};

/// The longest name or address of an admin, in characters.
const LONGEST: usize = 255;
/// The longest description, in characters.
const LONGEST_TEXT: usize = 4096;
/// The number of networks that an admin may be bound to.
const MOST_NETWORKS: usize = 256;

/// An admin as somebody asks for it: nothing checked yet.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AdminDraft {
    /// The name of the login.
    pub username: String,
    /// 1 is enabled, 0 disabled.
    pub status: i64,
    /// Plain text, or an argon2id or bcrypt hash; empty keeps the one that is stored.
    pub password: String,
    /// Names of permissions.
    pub permissions: Vec<String>,
    /// May be empty.
    pub email: String,
    /// May be empty.
    pub description: String,
    /// May be empty.
    pub additional_info: String,
    /// Networks as in `192.0.2.0/24`.
    pub allow_list: Vec<String>,
    /// May API keys be used for the admin?
    pub allow_api_key_auth: bool,
    /// Until the password is changed nothing else is allowed.
    pub require_password_change: bool,
    /// Until a second factor is set up nothing else is allowed.
    pub require_two_factor: bool,
}

impl AdminDraft {
    /// The new admin that this describes. Hashes the password, which takes tens of milliseconds.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), naming the first field that is not acceptable.
    pub fn validate(&self, now: i64) -> Result<Admin> {
        check_username(&self.username)?;
        if self.password.is_empty() {
            return Err(Error::invalid("password", "must not be empty"));
        }
        let mut admin = self.checked()?;
        admin.password = stored_password(&self.password)?;
        Ok(Admin {
            created_at: now,
            updated_at: now,
            sessions_since: now,
            ..admin
        })
    }

    /// Looks at the name alone.
    ///
    /// # Errors
    /// As [`AdminDraft::validate`].
    pub fn check_username(&self) -> Result<()> {
        check_username(&self.username)
    }

    /// Returns what `stored` becomes by this draft: all but its name, its second factor, and its password if none was sent.
    ///
    /// # Errors
    /// As [`AdminDraft::validate`].
    pub fn validate_change_of(&self, stored: &Admin, now: i64) -> Result<Admin> {
        let admin = self.checked()?;
        let password = if self.password.is_empty() {
            stored.password.clone()
        } else {
            stored_password(&self.password)?
        };
        let updated_at = now.max(stored.updated_at + 1);
        Ok(Admin {
            id: stored.id,
            version: stored.version,
            username: stored.username.clone(),
            password,
            totp: stored.totp.clone(),
            spent_steps: stored.spent_steps,
            recovery_codes: stored.recovery_codes.clone(),
            created_at: stored.created_at,
            updated_at,
            sessions_since: updated_at,
            last_login: stored.last_login,
            ..admin
        })
    }

    /// Returns everything for which [`AdminDraft::validate`], or of one who is there [`AdminDraft::validate_change_of`],
    /// would refuse this draft, but for a password that cannot be hashed. Each error begins with the name of its field.
    pub fn faults(&self, is_new: bool) -> Vec<Error> {
        let mut checks = vec![
            AdminPermissions::from_names(&self.permissions).map(drop),
            self.is_enabled().map(drop),
            check_email(&self.email),
            check_text("description", &self.description),
            check_text("additional_info", &self.additional_info),
            networks(&self.allow_list).map(drop),
        ];
        if is_new {
            checks.push(check_username(&self.username));
            if self.password.is_empty() {
                checks.push(Err(Error::invalid("password", "must not be empty")));
            }
        }
        checks.into_iter().filter_map(Result::err).collect()
    }

    fn is_enabled(&self) -> Result<bool> {
        match self.status {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Error::invalid(
                "status",
                format_args!("{other} is neither 0 (disabled) nor 1 (enabled)"),
            )),
        }
    }

    /// Checks all but the name and the password.
    fn checked(&self) -> Result<Admin> {
        let permissions = AdminPermissions::from_names(&self.permissions)?;
        let enabled = self.is_enabled()?;
        check_email(&self.email)?;
        check_text("description", &self.description)?;
        check_text("additional_info", &self.additional_info)?;
        Ok(Admin {
            id: 0,
            version: 0,
            username: self.username.clone(),
            enabled,
            password: String::new(),
            permissions,
            email: self.email.clone(),
            description: self.description.clone(),
            additional_info: self.additional_info.clone(),
            allow_list: networks(&self.allow_list)?,
            allow_api_key_auth: self.allow_api_key_auth,
            require_password_change: self.require_password_change,
            require_two_factor: self.require_two_factor,
            totp: None,
            spent_steps: 0,
            recovery_codes: Vec::new(),
            created_at: 0,
            updated_at: 0,
            sessions_since: 0,
            last_login: 0,
        })
    }
}

impl From<&Admin> for AdminDraft {
    fn from(admin: &Admin) -> Self {
        Self {
            username: admin.username.clone(),
            status: admin.enabled.into(),
            password: String::new(),
            permissions: admin
                .permissions
                .names()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            email: admin.email.clone(),
            description: admin.description.clone(),
            additional_info: admin.additional_info.clone(),
            allow_list: admin.allow_list.iter().map(Network::to_string).collect(),
            allow_api_key_auth: admin.allow_api_key_auth,
            require_password_change: admin.require_password_change,
            require_two_factor: admin.require_two_factor,
        }
    }
}

impl fmt::Debug for AdminDraft {
    /// Leaves the password out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminDraft")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Checks that a name is one of those that SFTPGo allows, which need no escape in a path.
fn check_username(username: &str) -> Result<()> {
    if username.is_empty() {
        return Err(Error::invalid("username", "must not be empty"));
    }
    if username.len() > LONGEST {
        return Err(Error::invalid(
            "username",
            format_args!("must not be longer than {LONGEST} characters"),
        ));
    }
    let is_good = |c: char| c.is_ascii_alphanumeric() || "-_.~@+".contains(c);
    if !username.chars().all(is_good) || matches!(username, "." | "..") {
        return Err(Error::invalid(
            "username",
            "may have letters, digits and -_.~@+ only",
        ));
    }
    Ok(())
}

pub(super) fn check_email(email: &str) -> Result<()> {
    let is_good = |(name, host): (&str, &str)| {
        !name.is_empty()
            && !host.is_empty()
            && !host.contains('@')
            && !email.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if email.is_empty() || email.len() <= LONGEST && email.split_once('@').is_some_and(is_good) {
        return Ok(());
    }
    Err(Error::invalid(
        "email",
        "is not an address as in name@example.com",
    ))
}

pub(super) fn check_text(field: &str, text: &str) -> Result<()> {
    if text.chars().count() > LONGEST_TEXT {
        return Err(Error::invalid(
            field,
            format_args!("must not be longer than {LONGEST_TEXT} characters"),
        ));
    }
    if text.contains('\0') {
        return Err(Error::invalid(field, "must not contain NUL"));
    }
    Ok(())
}

/// Returns what to store for a password as it was sent. Hashes of other kinds are taken for plain text, as SFTPGo does.
fn stored_password(sent: &str) -> Result<String> {
    if ["$argon2id$", "$2a$"]
        .iter()
        .any(|prefix| sent.starts_with(prefix))
    {
        return PasswordHash::for_storage(sent);
    }
    hash_new_password(sent)
}

/// Returns the hash of a new password.
pub(super) fn hash_new_password(password: &str) -> Result<String> {
    if password.is_empty() {
        return Err(Error::invalid("password", "must not be empty"));
    }
    if password.len() > MAX_PASSWORD_LEN {
        return Err(Error::invalid(
            "password",
            format_args!("must not be longer than {MAX_PASSWORD_LEN} bytes"),
        ));
    }
    PasswordHash::of_plain_text(password.as_bytes())
}

fn networks(texts: &[String]) -> Result<Networks> {
    if texts.len() > MOST_NETWORKS {
        return Err(Error::invalid(
            "allow_list",
            format_args!("must not have more than {MOST_NETWORKS} networks"),
        ));
    }
    let network = |text: &String| {
        // An address alone is none, as in SFTPGo.
        let network = text.contains('/').then(|| text.parse().ok()).flatten();
        network.ok_or_else(|| {
            Error::invalid(
                "allow_list",
                format_args!("{text:?} is not a network as in 192.0.2.0/24 or 2001:db8::/32"),
            )
        })
    };
    texts.iter().map(network).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn draft() -> AdminDraft {
        AdminDraft {
            username: "alice".to_owned(),
            status: 1,
            password: "secret".to_owned(),
            permissions: vec!["*".to_owned()],
            ..AdminDraft::default()
        }
    }

    fn refused(change: impl Fn(&mut AdminDraft)) -> String {
        let mut draft = draft();
        change(&mut draft);
        let error = draft.validate(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.message().to_owned()
    }

    #[test]
    fn each_bad_field_is_named() {
        let long = "a".repeat(256);
        for username in ["", ".", "a b", "a/b", "ä", &long] {
            assert!(refused(|draft| draft.username = username.to_owned()).starts_with("username:"));
        }
        for network in ["192.0.2.1", "192.0.2.0/33", "", "everywhere"] {
            let text = refused(|draft| draft.allow_list = vec![network.to_owned()]);
            assert!(text.starts_with("allow_list:"), "{text}");
        }
        for email in ["alice", "@", "a@", "@b", "a@b@c", "a b@c"] {
            assert!(refused(|draft| draft.email = email.to_owned()).starts_with("email:"));
        }
        assert!(refused(|draft| draft.status = 2).starts_with("status:"));
        assert!(refused(|draft| draft.password.clear()).starts_with("password:"));
        assert!(refused(|draft| draft.permissions.clear()).starts_with("permissions:"));
    }

    #[test]
    fn all_faults_are_told() {
        let mut bad = draft();
        bad.username.clear();
        bad.password.clear();
        bad.email = "nowhere".to_owned();
        bad.status = 2;
        assert_eq!(bad.faults(true).len(), 4);
        // Of one who is there the name stays, and so may the password.
        assert_eq!(bad.faults(false).len(), 2);
        assert!(draft().faults(true).is_empty());
    }

    #[test]
    fn a_change_keeps_the_second_factor_and_makes_old_tokens_invalid() {
        let mut stored = draft().validate(10).unwrap();
        stored.recovery_codes.push(super::super::RecoveryCode {
            code: "code".to_owned(),
            used: false,
        });
        let mut change = draft();
        change.password.clear();
        let changed = change.validate_change_of(&stored, 5).unwrap();
        assert_eq!(changed.password, stored.password);
        assert!(changed.recovery_codes == stored.recovery_codes);
        assert_eq!((changed.created_at, changed.updated_at), (10, 11));
    }

    #[test]
    fn a_hash_of_argon2id_is_taken_as_it_is_and_another_for_text() {
        let hash = PasswordHash::of_plain_text(b"x").unwrap();
        let stored = |password: &str| {
            let mut draft = draft();
            draft.password = password.to_owned();
            draft.validate(1).unwrap().password
        };
        assert_eq!(stored(&hash), hash);
        assert_ne!(stored("$6$salt$hash"), "$6$salt$hash");
    }
}
