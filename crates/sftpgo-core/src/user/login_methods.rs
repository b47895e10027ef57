//! The ways to log in, by the names that SFTPGo gives them.

use crate::error::{Error, Result};

bitflags::bitflags! {
    /// A set of ways to log in.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
    pub struct LoginMethods: u8 {
        /// `publickey` of SSH, alone; a certificate too.
        const PUBLIC_KEY = 1;
        /// `password`, by any protocol.
        const PASSWORD = 1 << 1;
        /// `password` of SSH, alone.
        const PASSWORD_OVER_SSH = 1 << 2;
        /// `keyboard-interactive` of SSH, alone.
        const KEYBOARD_INTERACTIVE = 1 << 3;
        /// `publickey` of SSH, and then `password`.
        const PUBLIC_KEY_AND_PASSWORD = 1 << 4;
        /// `publickey` of SSH, and then `keyboard-interactive`.
        const PUBLIC_KEY_AND_KEYBOARD_INTERACTIVE = 1 << 5;
        /// A certificate of TLS, alone.
        const TLS_CERTIFICATE = 1 << 6;
        /// A certificate of TLS, and a password.
        const TLS_CERTIFICATE_AND_PASSWORD = 1 << 7;
    }
}

const NAMES: [(&str, LoginMethods); 8] = [
    ("publickey", LoginMethods::PUBLIC_KEY),
    ("password", LoginMethods::PASSWORD),
    ("password-over-SSH", LoginMethods::PASSWORD_OVER_SSH),
    ("keyboard-interactive", LoginMethods::KEYBOARD_INTERACTIVE),
    ("publickey+password", LoginMethods::PUBLIC_KEY_AND_PASSWORD),
    (
        "publickey+keyboard-interactive",
        LoginMethods::PUBLIC_KEY_AND_KEYBOARD_INTERACTIVE,
    ),
    ("TLSCertificate", LoginMethods::TLS_CERTIFICATE),
    (
        "TLSCertificate+password",
        LoginMethods::TLS_CERTIFICATE_AND_PASSWORD,
    ),
];

impl LoginMethods {
    /// The methods that SSH has, as a client asks for them.
    pub const OF_SSH: Self = Self::PUBLIC_KEY
        .union(Self::PASSWORD)
        .union(Self::KEYBOARD_INTERACTIVE);

    /// Returns the names of all that there are.
    pub fn known() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The set that a list of names means; repeats fold.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid): a name is unknown.
    pub fn from_names<S: AsRef<str>>(names: &[S]) -> Result<Self> {
        names.iter().try_fold(Self::empty(), |set, name| {
            let name = name.as_ref();
            let found = NAMES.iter().find(|(known, _)| *known == name);
            let (_, method) = found.ok_or_else(|| {
                Error::invalid(
                    "denied_login_methods",
                    format_args!("unknown login method {name:?}"),
                )
            })?;
            Ok(set | *method)
        })
    }

    /// Returns the names of this set.
    pub fn names(self) -> Vec<&'static str> {
        NAMES
            .iter()
            .filter(|(_, method)| self.contains(*method))
            .map(|(name, _)| *name)
            .collect()
    }

    /// Returns the methods of SSH that log in alone where these are denied.
    pub fn alone_over_ssh(self) -> Self {
        let mut alone = Self::OF_SSH - self;
        if self.contains(Self::PASSWORD_OVER_SSH) {
            alone -= Self::PASSWORD;
        }
        alone
    }

    /// Returns the methods of SSH of which one has to follow a public key where these are denied. None do while another
    /// method logs in alone.
    pub fn after_public_key(self) -> Self {
        let mut second = Self::empty();
        if !self.alone_over_ssh().is_empty() {
            return second;
        }
        if !self.contains(Self::PUBLIC_KEY_AND_PASSWORD) {
            second |= Self::PASSWORD;
        }
        if !self.contains(Self::PUBLIC_KEY_AND_KEYBOARD_INTERACTIVE) {
            second |= Self::KEYBOARD_INTERACTIVE;
        }
        second
    }

    /// Is there no way left to log in over SSH where these are denied?
    pub fn leave_nothing_over_ssh(self) -> bool {
        self.alone_over_ssh().is_empty() && self.after_public_key().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_round_trip_and_unknown_ones_are_refused() {
        for name in LoginMethods::known() {
            let set = LoginMethods::from_names(&[name, name]).unwrap();
            assert_eq!(set.names(), [name]);
        }
        assert_eq!(LoginMethods::all().names().len(), NAMES.len());
        let refused = LoginMethods::from_names(&["Password"]).unwrap_err();
        assert!(refused.message().contains("\"Password\""), "{refused}");
    }

    #[test]
    fn two_steps_are_needed_only_where_no_method_logs_in_alone() {
        let denied = |names: &[&str]| LoginMethods::from_names(names).unwrap();
        assert!(denied(&[]).after_public_key().is_empty());
        let key_denied = denied(&["publickey"]);
        assert!(key_denied.after_public_key().is_empty());
        assert!(!key_denied.leave_nothing_over_ssh());
        for password in ["password", "password-over-SSH"] {
            let alone = denied(&["publickey", password, "keyboard-interactive"]);
            assert_eq!(
                alone.after_public_key(),
                LoginMethods::PASSWORD | LoginMethods::KEYBOARD_INTERACTIVE
            );
            let left = alone | denied(&["publickey+password"]);
            assert_eq!(left.after_public_key(), LoginMethods::KEYBOARD_INTERACTIVE);
            let nothing = left | denied(&["publickey+keyboard-interactive"]);
            assert!(nothing.leave_nothing_over_ssh());
        }
    }
}
