//! What is changed by those who manage the server, and who they are.

use std::{fmt, net::IpAddr};

/// What was done to a user, an admin, an API key, a connection, a list of addresses or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A user was added.
    UserAdded,
    /// A user was updated.
    UserUpdated,
    /// A user was deleted.
    UserDeleted,
    /// The files of a user are being counted again.
    QuotaScanStarted,
    /// A connection of a user was closed.
    ConnectionClosed,
    /// An admin was added.
    AdminAdded,
    /// An admin was updated, by themselves or by another.
    AdminUpdated,
    /// An admin was deleted.
    AdminDeleted,
    /// An admin has another password.
    PasswordChanged,
    /// An admin has a second factor, or another one.
    SecondFactorSet,
    /// An admin has no second factor any more.
    SecondFactorRemoved,
    /// An admin has other recovery codes.
    RecoveryCodesMade,
    /// An API key was added.
    ApiKeyAdded,
    /// An API key was updated.
    ApiKeyUpdated,
    /// An API key was revoked.
    ApiKeyRevoked,
    /// An address or a network was added to a list.
    ListEntryAdded,
    /// What a list says of an address or a network is something else.
    ListEntryUpdated,
    /// An address or a network was taken out of a list.
    ListEntryDeleted,
    /// The ban or the score of an address was taken back.
    HostFreed,
}

/// What a change was made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A user.
    User,
    /// A connection of a user.
    Connection,
    /// An admin.
    Admin,
    /// An API key.
    ApiKey,
    /// An entry of a list of addresses.
    ListEntry,
    /// An address that the defender has counted.
    Host,
}

impl Change {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::UserAdded,
        Self::UserUpdated,
        Self::UserDeleted,
        Self::QuotaScanStarted,
        Self::ConnectionClosed,
        Self::AdminAdded,
        Self::AdminUpdated,
        Self::AdminDeleted,
        Self::PasswordChanged,
        Self::SecondFactorSet,
        Self::SecondFactorRemoved,
        Self::RecoveryCodesMade,
        Self::ApiKeyAdded,
        Self::ApiKeyUpdated,
        Self::ApiKeyRevoked,
        Self::ListEntryAdded,
        Self::ListEntryUpdated,
        Self::ListEntryDeleted,
        Self::HostFreed,
    ];

    /// What it is made to.
    pub fn subject(self) -> Subject {
        match self {
            Self::UserAdded | Self::UserUpdated | Self::UserDeleted | Self::QuotaScanStarted => {
                Subject::User
            }
            Self::ConnectionClosed => Subject::Connection,
            Self::AdminAdded
            | Self::AdminUpdated
            | Self::AdminDeleted
            | Self::PasswordChanged
            | Self::SecondFactorSet
            | Self::SecondFactorRemoved
            | Self::RecoveryCodesMade => Subject::Admin,
            Self::ApiKeyAdded | Self::ApiKeyUpdated | Self::ApiKeyRevoked => Subject::ApiKey,
            Self::ListEntryAdded | Self::ListEntryUpdated | Self::ListEntryDeleted => {
                Subject::ListEntry
            }
            Self::HostFreed => Subject::Host,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserAdded => "user added",
            Self::UserUpdated => "user updated",
            Self::UserDeleted => "user deleted",
            Self::QuotaScanStarted => "quota scan started",
            Self::ConnectionClosed => "connection closed",
            Self::AdminAdded => "admin added",
            Self::AdminUpdated => "admin updated",
            Self::AdminDeleted => "admin deleted",
            Self::PasswordChanged => "password of the admin changed",
            Self::SecondFactorSet => "second factor of the admin set",
            Self::SecondFactorRemoved => "second factor of the admin removed",
            Self::RecoveryCodesMade => "recovery codes of the admin made",
            Self::ApiKeyAdded => "API key added",
            Self::ApiKeyUpdated => "API key updated",
            Self::ApiKeyRevoked => "API key revoked",
            Self::ListEntryAdded => "list entry added",
            Self::ListEntryUpdated => "list entry updated",
            Self::ListEntryDeleted => "list entry deleted",
            Self::HostFreed => "ban or score taken back",
        })
    }
}

/// Who changes something, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// As whom.
    pub identity: Identity,
    /// The client's address; none where no client asked.
    pub address: Option<IpAddr>,
}

/// As whom somebody changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The program that the users are in, or somebody at its command line.
    Program,
    /// Anybody who reaches it: there is no admin yet.
    Anyone,
    /// Who knows the code by which the first admin is made.
    SetupCode,
    /// A name of the operator's file.
    Listed(String),
    /// An admin.
    Admin(String),
    /// An API key, which acts for an admin.
    ApiKey {
        /// The id of the key.
        id: String,
        /// The admin.
        admin: String,
    },
}

impl Actor {
    /// The program itself.
    pub fn program() -> Self {
        Self {
            identity: Identity::Program,
            address: None,
        }
    }

    /// An admin.
    pub fn admin(username: &str, address: Option<IpAddr>) -> Self {
        Self {
            identity: Identity::Admin(username.to_owned()),
            address,
        }
    }

    /// The admin who acts, or for whom a key does; empty for nobody.
    pub fn admin_name(&self) -> &str {
        match &self.identity {
            Identity::Admin(name) | Identity::ApiKey { admin: name, .. } => name,
            _ => "",
        }
    }
}

impl Identity {
    /// The kind, as logs name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Anyone => "anyone",
            Self::SetupCode => "setup_code",
            Self::Listed(_) => "user_file",
            Self::Admin(_) => "admin",
            Self::ApiKey { .. } => "api_key",
        }
    }

    /// The name with which somebody has logged in, or for which a key acts; empty for none.
    pub fn name(&self) -> &str {
        match self {
            Self::Listed(name) | Self::Admin(name) | Self::ApiKey { admin: name, .. } => name,
            Self::Program | Self::Anyone | Self::SetupCode => "",
        }
    }

    /// The id of the API key; empty without one.
    pub fn api_key(&self) -> &str {
        match self {
            Self::ApiKey { id, .. } => id,
            _ => "",
        }
    }

    /// What has this kind, name and key.
    pub fn of(kind: &str, name: &str, api_key: &str) -> Option<Self> {
        let name = || name.to_owned();
        Some(match kind {
            "program" => Self::Program,
            "anyone" => Self::Anyone,
            "setup_code" => Self::SetupCode,
            "user_file" => Self::Listed(name()),
            "admin" => Self::Admin(name()),
            "api_key" => Self::ApiKey {
                id: api_key.to_owned(),
                admin: name(),
            },
            _ => return None,
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program => f.write_str("the server itself"),
            Self::Anyone => f.write_str("somebody without a login"),
            Self::SetupCode => f.write_str("somebody with the setup code"),
            Self::Listed(name) => write!(f, "{name} of the user file"),
            Self::Admin(name) => f.write_str(name),
            Self::ApiKey { id, admin } => write!(f, "{admin} with the API key {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_has_words_of_its_own() {
        let mut words: Vec<_> = Change::ALL.iter().map(ToString::to_string).collect();
        words.sort();
        words.dedup();
        assert_eq!(words.len(), Change::ALL.len());
    }

    #[test]
    fn an_identity_is_made_of_what_it_says() {
        for identity in [
            Identity::Program,
            Identity::Anyone,
            Identity::SetupCode,
            Identity::Listed("ops".to_owned()),
            Identity::Admin("alice".to_owned()),
            Identity::ApiKey {
                id: "k".to_owned(),
                admin: "alice".to_owned(),
            },
        ] {
            let again = Identity::of(identity.kind(), identity.name(), identity.api_key());
            assert_eq!(again, Some(identity));
        }
        assert_eq!(Identity::of("nobody", "alice", ""), None);
    }
}
