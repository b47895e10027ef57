//! Who is asked whether a password or a key is good for a name.
//!
//! [`StoredCredentials`](super::StoredCredentials) asks the provider. A program or a server that an operator names can be
//! asked instead, before or after it: such a backend holds another one and hands on what it does not decide. Conditions of
//! the account, the time of refusals, homes, limits and the count of refusals are not a backend's: the
//! [`Authenticator`](super::Authenticator) and [`Logins`](super::Logins) have them for every backend alike.

use std::{fmt, net::IpAddr};

use crate::{
    credential::{password::PasswordHash, public_key::KeyOptions},
    user::{EffectiveUser, StoredUser},
};

/// Who a client says it is.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The name that was sent; empty where what was sent can be no user's.
    pub username: &'a str,
    /// The client's address; none where no network is between.
    pub remote: Option<IpAddr>,
}

/// A user whom a backend vouches for, and who is not in yet.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The user as the provider has it: later changes of it end the session.
    pub stored: StoredUser,
    /// What the session will enforce, `max_sessions` too.
    pub effective: EffectiveUser,
}

impl From<StoredUser> for Candidate {
    /// Makes both the same, since there are no groups and no rules of a backend's own.
    fn from(stored: StoredUser) -> Self {
        Self {
            effective: stored.effective(),
            stored,
        }
    }
}

/// A user whom a key lets in, once the client has proved to have it.
#[derive(Debug, Clone)]
pub struct KeyCandidate {
    /// Whose key it is.
    pub candidate: Candidate,
    /// What the proof has to be like.
    pub options: KeyOptions,
}

/// What a backend says of a password.
pub enum PasswordCheck {
    /// The password is good.
    Accepted(Box<Candidate>),
    /// The password is good if it fits a hash, which is found out where passwords wait for their turn.
    Compare(Box<Comparison>),
    /// The password is not good, whatever hash there is. The work of a comparison is done all the same.
    Refused(LoginFailure),
}

/// A password that is to be compared with a hash.
pub struct Comparison {
    /// The user whose password it is, if it fits.
    pub candidate: Candidate,
    /// The hash.
    pub hash: PasswordHash,
    /// What is compared, where it is not the password as it was sent.
    pub instead: Option<Vec<u8>>,
}

/// Why a login failed: for the operator's log, never for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginFailure {
    reason: String,
    fault: LoginFault,
}

/// Whose fault a failed login is, as the defender counts it; the worse ones come later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoginFault {
    /// This server's, or its database's: nobody is banned for that.
    Server,
    /// The client's: it is not the credential of a user who may log in.
    Credential,
    /// The client's: nobody has the name.
    UnknownUser,
}

impl fmt::Display for LoginFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl LoginFailure {
    /// A failure of the client for `reason`.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            fault: LoginFault::Credential,
        }
    }

    /// The same, as nobody has the name.
    pub fn unknown_user(reason: impl Into<String>) -> Self {
        Self {
            fault: LoginFault::UnknownUser,
            ..Self::new(reason)
        }
    }

    /// A failure that is not the client's.
    pub fn of_server(reason: impl Into<String>) -> Self {
        Self {
            fault: LoginFault::Server,
            ..Self::new(reason)
        }
    }

    /// No code of a second factor is checked for a while. It may have been the right one, and others sent the wrong ones.
    pub(crate) fn too_many_wrong_codes() -> Self {
        Self::of_server("too many wrong codes of the second factor")
    }

    /// Whose fault it is.
    pub fn fault(&self) -> LoginFault {
        self.fault
    }
}

impl From<&str> for LoginFailure {
    fn from(reason: &str) -> Self {
        Self::new(reason)
    }
}

impl From<String> for LoginFailure {
    fn from(reason: String) -> Self {
        Self::new(reason)
    }
}

/// Checks credentials. Calls may wait for a database, a program or a network, and compute nothing dear: hashes are
/// compared elsewhere.
pub trait CredentialBackend: Send + Sync {
    /// Does a call wait for anything that may hang or take long? Then connections do not wait for it on their threads.
    fn may_take_long(&self) -> bool {
        true
    }

    /// Is this the password of who the client says it is?
    fn check_password(&self, claim: &Claim<'_>, password: &[u8]) -> PasswordCheck;

    /// May whoever has the private half of this key log in as who the client says it is? `blob` is the key as on the
    /// wire. That the client has it is proved later, or not at all: clients ask for one key after the other.
    ///
    /// # Errors
    /// Why not.
    fn check_public_key(
        &self,
        claim: &Claim<'_>,
        blob: &[u8],
    ) -> Result<KeyCandidate, LoginFailure>;

    /// May who the client says it is log in with a certificate? That an authority which the server trusts has named the
    /// user in it was found already.
    ///
    /// # Errors
    /// Why not.
    fn check_certificate(&self, claim: &Claim<'_>) -> Result<Candidate, LoginFailure>;

    /// Is this a code of the second factor of a user whose other credential was good, or one of the user's recovery codes? It
    /// is used up by that.
    ///
    /// # Errors
    /// Why not; always where a backend has no second factors.
    fn check_code(&self, _user: &Candidate, _code: &str) -> Result<(), LoginFailure> {
        Err("codes of a second factor cannot be checked for this user".into())
    }

    /// Returns the same user as it is now. It is asked for once the session is taken: what was changed before then is seen
    /// here, what is changed after that closes the session.
    ///
    /// # Errors
    /// Why the user may not log in any more.
    fn current(&self, candidate: &Candidate) -> Result<Candidate, LoginFailure>;

    /// The user is in. `compared` is the password, where it was compared with the hash of a [`Comparison`].
    fn logged_in(&self, user: &Candidate, compared: Option<&[u8]>);
}
