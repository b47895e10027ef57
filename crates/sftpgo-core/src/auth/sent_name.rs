//! The name of a login request, which may be no text.

use std::net::{IpAddr, SocketAddr};

use super::{Claim, LoginFailure};

/// A user's name as a client sent it: bytes, which are those of a user only if they are UTF-8.
pub struct SentName<'a>(Result<&'a str, String>);

impl<'a> SentName<'a> {
    /// The name of a login request.
    pub fn new(name: &'a [u8]) -> Self {
        Self(str::from_utf8(name).map_err(|_| name.escape_ascii().to_string()))
    }

    /// Returns the name as the operator sees it.
    pub fn shown(&self) -> &str {
        match &self.0 {
            Ok(name) => name,
            Err(escaped) => escaped,
        }
    }

    /// Returns why a login failed, as the operator hears it.
    pub(super) fn reason(&self, failure: &LoginFailure) -> String {
        match self.0 {
            Ok(_) => failure.to_string(),
            Err(_) => format!("{failure}: the user name is not UTF-8"),
        }
    }

    /// Returns whom to look for: a name that nobody has, where the name that was sent can be no user's.
    pub(super) fn claim(&self, remote: SocketAddr) -> OwnedClaim {
        OwnedClaim {
            username: self.0.as_ref().map_or("", |name| *name).to_owned(),
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
}
