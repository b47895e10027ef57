//! One entry, and what of it an operator decides.

use bitflags::bitflags;

use crate::{
    error::{Error, Result},
    event::ConnectionProtocol,
    network::Network,
};

/// Characters of a description, as the databases have room for.
const MAX_DESCRIPTION: usize = 512;

/// What a list is for, with SFTPGo's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListType {
    /// Where it is in force, nobody else may connect.
    Allow = 1,
    /// Whom the defender spares, and whom it always refuses.
    Defender = 2,
    /// Whom rate limiters spare.
    RateLimiterSafe = 3,
}

impl ListType {
    /// All of them, by their numbers.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Defender, Self::RateLimiterSafe];

    /// The list with this number.
    pub fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.number() == number)
    }

    /// SFTPGo's number.
    pub fn number(self) -> i64 {
        self as i64
    }

    /// The name of the list in what is told of its changes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Defender => "defender",
            Self::RateLimiterSafe => "rate-limiter-safe",
        }
    }

    pub(super) fn index(self) -> usize {
        self as usize - 1
    }
}

/// What an entry says of its addresses, with SFTPGo's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListMode {
    /// They are let in, or spared.
    Allow = 1,
    /// They are refused.
    Deny = 2,
}

impl ListMode {
    /// The mode with this number.
    pub fn of_number(number: i64) -> Option<Self> {
        [Self::Allow, Self::Deny]
            .into_iter()
            .find(|mode| mode.number() == number)
    }

    /// SFTPGo's number.
    pub fn number(self) -> i64 {
        self as i64
    }
}

bitflags! {
    /// Protocols that an entry is for, with SFTPGo's bits. None of them is all.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Protocols: u8 {
        /// SSH, with SFTP and scp in it.
        const SSH = 1;
        /// FTP.
        const FTP = 2;
        /// WebDAV.
        const DAV = 4;
        /// HTTP.
        const HTTP = 8;
    }
}

impl Protocols {
    /// Is it for connections of this protocol?
    pub fn include(self, protocol: ConnectionProtocol) -> bool {
        self.is_empty()
            || self.contains(match protocol {
                ConnectionProtocol::Ssh => Self::SSH,
                ConnectionProtocol::Http => Self::HTTP,
            })
    }
}

/// An entry as it is stored. Its list and its network name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// The list that it is in.
    pub list: ListType,
    /// Without bits behind the prefix.
    pub network: Network,
    /// What it says.
    pub mode: ListMode,
    /// What it is for.
    pub protocols: Protocols,
    /// For people.
    pub description: String,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

/// An entry as an operator sends it, with SFTPGo's numbers.
#[derive(Debug, Clone, Default)]
pub struct EntryDraft {
    /// An address or a network.
    pub network: String,
    /// See [`ListMode`].
    pub mode: i64,
    /// See [`Protocols`].
    pub protocols: i64,
    /// For people.
    pub description: String,
}

impl EntryDraft {
    /// The entry of `list` that is asked for at `now`.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), naming the field.
    pub fn validate(self, list: ListType, now: i64) -> Result<ListEntry> {
        let network: Network = self
            .network
            .parse()
            .map_err(|error| Error::invalid("ipornet", error))?;
        let mode = ListMode::of_number(self.mode)
            .filter(|mode| list == ListType::Defender || *mode == ListMode::Allow)
            .ok_or_else(|| {
                let allowed = match list {
                    ListType::Defender => "1 (allow) or 2 (deny)",
                    _ => "1 (allow), the only one of this list",
                };
                Error::invalid("mode", format_args!("{} is not {allowed}", self.mode))
            })?;
        let protocols = u8::try_from(self.protocols)
            .ok()
            .and_then(Protocols::from_bits)
            .ok_or_else(|| {
                let reason = "is not a sum of 1 (SSH), 2 (FTP), 4 (WebDAV) and 8 (HTTP)";
                Error::invalid("protocols", format_args!("{} {reason}", self.protocols))
            })?;
        if self.description.chars().count() > MAX_DESCRIPTION || self.description.contains('\0') {
            return Err(Error::invalid(
                "description",
                format_args!("must have at most {MAX_DESCRIPTION} characters and no NUL"),
            ));
        }
        Ok(ListEntry {
            list,
            network: network.masked(),
            mode,
            protocols,
            description: self.description,
            created_at: now,
            updated_at: now,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(network: &str, mode: i64, protocols: i64) -> EntryDraft {
        EntryDraft {
            network: network.to_owned(),
            mode,
            protocols,
            description: "of an office".to_owned(),
        }
    }

    #[test]
    fn an_address_becomes_the_network_of_one_and_keeps_no_bits_behind_a_prefix() {
        for (text, stored) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.99/24", "192.0.2.0/24"),
            ("2001:db8::1", "2001:db8::1/128"),
        ] {
            let entry = draft(text, 1, 0).validate(ListType::Allow, 7).unwrap();
            assert_eq!(entry.network.to_string(), stored);
            assert_eq!((entry.created_at, entry.updated_at), (7, 7));
        }
    }

    #[test]
    fn a_value_that_means_nothing_is_refused_and_named() {
        let too_long = EntryDraft {
            description: "x".repeat(MAX_DESCRIPTION + 1),
            ..draft("192.0.2.7", 1, 0)
        };
        for (draft, list, field) in [
            (draft("office", 1, 0), ListType::Defender, "ipornet"),
            (draft("192.0.2.7", 0, 0), ListType::Defender, "mode"),
            (draft("192.0.2.7", 3, 0), ListType::Defender, "mode"),
            (draft("192.0.2.7", 2, 0), ListType::Allow, "mode"),
            (draft("192.0.2.7", 2, 0), ListType::RateLimiterSafe, "mode"),
            (draft("192.0.2.7", 1, 16), ListType::Defender, "protocols"),
            (draft("192.0.2.7", 1, -1), ListType::Defender, "protocols"),
            (too_long, ListType::Defender, "description"),
        ] {
            let refused = draft.validate(list, 0).unwrap_err();
            assert!(refused.message().starts_with(field), "{refused}");
        }
        assert!(
            draft("192.0.2.7", 2, 9)
                .validate(ListType::Defender, 0)
                .is_ok()
        );
    }
}
