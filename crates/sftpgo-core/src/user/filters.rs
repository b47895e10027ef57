//! What restricts the logins of a user: `filters`, as SFTPGo calls it.

use super::LoginMethods;
use crate::{
    credential::second_factor::{RecoveryCode, TotpSecret},
    error::{Error, Result},
};

bitflags::bitflags! {
    /// The protocols for which a second factor is needed.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
    pub struct TotpProtocols: u8 {
        /// `SSH`.
        const SSH = 1;
        /// `FTP`.
        const FTP = 1 << 1;
        /// `HTTP`.
        const HTTP = 1 << 2;
    }
}

const PROTOCOLS: [(&str, TotpProtocols); 3] = [
    ("SSH", TotpProtocols::SSH),
    ("FTP", TotpProtocols::FTP),
    ("HTTP", TotpProtocols::HTTP),
];

impl TotpProtocols {
    /// The set that a list of names means; repeats fold.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid): there is none, or one is unknown.
    pub fn from_names<S: AsRef<str>>(names: &[S]) -> Result<Self> {
        let refused = |reason: String| Error::invalid("totp_config.protocols", reason);
        if names.is_empty() {
            return Err(refused("at least one protocol is needed".to_owned()));
        }
        names.iter().try_fold(Self::empty(), |set, name| {
            let name = name.as_ref();
            let found = PROTOCOLS.iter().find(|(known, _)| *known == name);
            let (_, protocol) =
                found.ok_or_else(|| refused(format!("{name:?} is none of SSH, FTP, HTTP")))?;
            Ok(set | *protocol)
        })
    }

    /// Returns the names of this set.
    pub fn names(self) -> Vec<&'static str> {
        PROTOCOLS
            .iter()
            .filter(|(_, protocol)| self.contains(*protocol))
            .map(|(name, _)| *name)
            .collect()
    }
}

/// The second factor of a user.
#[derive(Clone, PartialEq, Eq)]
pub struct UserTotp {
    /// The secret.
    pub secret: TotpSecret,
    /// The protocols for which it is needed.
    pub protocols: TotpProtocols,
}

/// What restricts the logins of a user. Most users have none of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserFilters {
    /// The ways in which the user may not log in.
    pub denied_login_methods: LoginMethods,
    /// The second factor.
    pub totp: Option<UserTotp>,
    /// Codes of which each can be used once instead of a code of the second factor.
    pub recovery_codes: Vec<RecoveryCode>,
    /// What a store has besides, in its own words: it is written back as it was read.
    pub others: String,
}

impl UserFilters {
    /// Do they say nothing?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The second factor, where it is needed for logins over SSH.
    pub fn totp_for_ssh(&self) -> Option<&TotpSecret> {
        let totp = self.totp.as_ref()?;
        (totp.protocols.contains(TotpProtocols::SSH)).then_some(&totp.secret)
    }

    /// Does a login that these let in pass by those of `now` as well?
    pub(super) fn is_as_strict_as(&self, now: &Self) -> bool {
        self.denied_login_methods.contains(now.denied_login_methods)
            && now
                .totp_for_ssh()
                .is_none_or(|secret| self.totp_for_ssh() == Some(secret))
    }
}
