//! The name of a login request, which may be no text.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use super::{Claim, LoginFailure};

/// No user has a name of more bytes than this: 255 characters of four. A client may send one of 30,000, which is not to fill the
/// logs.
const LONGEST: usize = 1020;

/// A user's name as a client sent it: bytes, which are those of a user only if they are UTF-8, and not too many.
pub struct SentName<'a> {
    shown: Cow<'a, str>,
    /// Why it can be no user's, if so.
    flaw: Option<&'static str>,
}

impl<'a> SentName<'a> {
    /// The name of a login request.
    pub fn new(name: &'a [u8]) -> Self {
        let of_nobody = |shown: String, flaw| Self {
            shown: Cow::Owned(shown),
            flaw: Some(flaw),
        };
        match (name.get(..LONGEST), str::from_utf8(name)) {
            (Some(start), _) if start.len() < name.len() => of_nobody(
                format!("{}…", start.escape_ascii()),
                "the user name is too long",
            ),
            (_, Ok(name)) => Self {
                shown: Cow::Borrowed(name),
                flaw: None,
            },
            (_, Err(_)) => of_nobody(
                name.escape_ascii().to_string(),
                "the user name is not UTF-8",
            ),
        }
    }

    /// Returns the name as the operator sees it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns why a login failed, as the operator hears it.
    pub(super) fn reason(&self, failure: &LoginFailure) -> String {
        match self.flaw {
            None => failure.to_string(),
            Some(flaw) => format!("{failure}: {flaw}"),
        }
    }

    /// Returns whom to look for: a name that nobody has, where the name that was sent can be no user's.
    pub(super) fn claim(&self, remote: SocketAddr) -> OwnedClaim {
        OwnedClaim {
            username: match self.flaw {
                None => self.shown().to_owned(),
                Some(_) => String::new(),
            },
            remote: remote.ip(),
        }
    }
}

/// A claim that another thread can look at.
pub(super) struct OwnedClaim {
    username: String,
    remote: IpAddr,
}

impl OwnedClaim {
    pub(super) fn as_claim(&self) -> Claim<'_> {
        Claim {
            username: &self.username,
            remote: Some(self.remote),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_no_text_is_shown_escaped_and_nobodys() {
        let looked_up = |name: &SentName<'static>| name.claim(([192, 0, 2, 1], 22).into()).username;
        let name = SentName::new(b"b\xffb");
        assert_eq!((name.shown(), looked_up(&name)), ("b\\xffb", String::new()));
        let name = SentName::new("bö".as_bytes());
        assert_eq!((name.shown(), looked_up(&name)), ("bö", "bö".to_owned()));
    }

    #[test]
    fn a_name_that_is_too_long_for_a_user_is_cut_short_and_nobodys() {
        let long = "x".repeat(30_000);
        let long = long.as_bytes();
        for (length, is_whole) in [(LONGEST, true), (LONGEST + 1, false), (long.len(), false)] {
            let name = SentName::new(&long[..length]);
            assert!(name.shown().len() <= LONGEST + "…".len());
            let remote = ([192, 0, 2, 1], 22).into();
            assert_eq!(
                !name.claim(remote).username.is_empty(),
                is_whole,
                "{length}"
            );
        }
        let reason = SentName::new(long).reason(&"no such user".into());
        assert_eq!(reason, "no such user: the user name is too long");
    }
}
