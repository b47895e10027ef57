//! What is known of a client that is not logged in yet, and how its failures count.

use super::{AuthMethod, LoginAnswer, VerifiedKey};
use crate::kex::Digest;

/// Requests that a connection may make in all, whatever becomes of them.
const MOST_REQUESTS: u32 = 128;

#[derive(Default)]
pub(crate) struct LoginState {
    /// `ssh-userauth` was asked for.
    began: bool,
    /// The banner was sent, if there is one.
    pub(super) greeted: bool,
    /// User and service; a connection is for one of each.
    pub(super) who: Option<(Vec<u8>, Vec<u8>)>,
    requests: u32,
    failures: u32,
    /// Questions that were asked and not answered.
    pub(super) questions: Option<u32>,
    /// A new password was asked for.
    pub(super) wants_new_password: bool,
    /// A key that was offered last, and the name of its algorithm.
    pub(super) offered: Option<(&'static str, Vec<u8>)>,
    /// What can go on since a part of the login succeeded; before, every method can (RFC 4252 section 5.1).
    pub(super) remaining: Option<Vec<AuthMethod>>,
    /// What waits for the host's answer.
    pub(super) asked: Option<Asked>,
}

/// A request that the host has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    /// Of the request, so that a signature verified for another one does not do.
    pub(super) number: u32,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first request, without anything: asking for the methods is free.
    FirstNone,
    /// With what the host has seen.
    Plain,
    /// Questions may be asked.
    Interactive,
    Offer,
    Key,
    /// It fails whatever the host says.
    Invalid,
    /// It fails as well, and does not count: clients ask once more for what has succeeded.
    NotLeft,
}

/// What an answer comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    In,
    Failure {
        counts: bool,
    },
    Partial(Vec<AuthMethod>),
    KeyIsGood,
    Questions {
        name: String,
        instruction: String,
        prompts: Vec<(String, bool)>,
    },
    NewPassword {
        prompt: String,
    },
}

impl LoginState {
    pub(crate) fn has_begun(&self) -> bool {
        self.began
    }

    /// The service was asked for; says whether that is new.
    pub(super) fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.began, true)
    }

    pub(crate) fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// Counts a request; none when there were too many.
    pub(super) fn next_request(&mut self) -> Option<u32> {
        self.requests = self.requests.saturating_add(1);
        Some(self.requests).filter(|number| *number <= MOST_REQUESTS)
    }

    /// Of the request that was counted last.
    pub(super) fn number(&self) -> u32 {
        self.requests
    }

    pub(super) fn is_first_request(&self) -> bool {
        self.requests == 1
    }

    pub(super) fn ask(&mut self, kind: Kind) {
        self.asked = Some(Asked {
            number: self.requests,
            kind,
        });
    }

    /// Counts a failure; says whether it was the last that is allowed.
    pub(super) fn fail(&mut self, most: u32) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failures >= most
    }
}

/// What the host's answer means for the request: one that does not fit is a refusal.
pub(super) fn verdict(session_id: &Digest, asked: Asked, answer: LoginAnswer) -> Verdict {
    let is_verified =
        |key: &VerifiedKey| asked.kind == Kind::Key && key.is_for(session_id, asked.number);
    let refused = Verdict::Failure {
        counts: !matches!(asked.kind, Kind::FirstNone | Kind::NotLeft),
    };
    match (answer, asked.kind) {
        (LoginAnswer::Refuse, _) | (_, Kind::Invalid | Kind::NotLeft) => refused,
        (LoginAnswer::Accept, Kind::FirstNone | Kind::Plain | Kind::Interactive) => Verdict::In,
        (LoginAnswer::AcceptKey(key), _) if is_verified(&key) => Verdict::In,
        (LoginAnswer::KeyIsGood, Kind::Offer) => Verdict::KeyIsGood,
        (
            LoginAnswer::Ask {
                name,
                instruction,
                prompts,
            },
            Kind::Interactive,
        ) => Verdict::Questions {
            name,
            instruction,
            prompts,
        },
        (LoginAnswer::ChangePassword { prompt }, Kind::Plain) => Verdict::NewPassword { prompt },
        (LoginAnswer::Partial { methods, key }, kind) => match (kind, key) {
            (Kind::Plain | Kind::Interactive, None) => Verdict::Partial(methods),
            (Kind::Key, Some(key)) if is_verified(&key) => Verdict::Partial(methods),
            _ => refused,
        },
        _ => refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kex::HashAlgorithm, key::Presence};

    /// CVE-2024-45337: a key that was verified lets in with the request that it signed, and with no other.
    #[test]
    fn a_verified_key_is_for_one_request_of_one_connection() {
        let [this, other] = [b"this", b"else"].map(|id| HashAlgorithm::Sha256.digest(&[id]));
        let key = |session_id, number| VerifiedKey {
            presence: Presence::default(),
            session_id,
            number,
        };
        let asked = |kind| Asked { number: 5, kind };
        let verdict = |kind, key| verdict(&this, asked(kind), LoginAnswer::AcceptKey(key));
        let refused = Verdict::Failure { counts: true };
        assert_eq!(verdict(Kind::Key, key(this, 5)), Verdict::In);
        assert_eq!(verdict(Kind::Key, key(this, 4)), refused);
        assert_eq!(verdict(Kind::Key, key(other, 5)), refused);
        for kind in [Kind::Plain, Kind::Interactive, Kind::Offer, Kind::Invalid] {
            assert_eq!(verdict(kind, key(this, 5)), refused);
        }
        let partial = LoginAnswer::Partial {
            methods: vec![AuthMethod::Password],
            key: Some(key(other, 5)),
        };
        assert_eq!(super::verdict(&this, asked(Kind::Key), partial), refused);
    }
}
