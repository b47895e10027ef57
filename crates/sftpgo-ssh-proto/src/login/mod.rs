//! User authentication (RFC 4252, RFC 4256): what the client sends, and what the host may answer.

mod answers;
mod requests;
mod state;

use std::borrow::Cow;

pub(crate) use self::state::LoginState;
use crate::{
    kex::Digest,
    key::{BadSignature, KeyAlgorithm, Presence, PublicKey},
    wire::Reader,
};

/// A request to log in.
#[derive(Debug)]
pub struct Login<'a> {
    /// Whoever it is, as bytes.
    pub user: Cow<'a, [u8]>,
    /// How.
    pub method: LoginMethod<'a>,
}

/// The ways to log in.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginMethod<'a> {
    /// Without anything; clients ask so for the methods there are.
    None,
    /// With a password.
    Password(&'a [u8]),
    /// With a new password, which the host has asked for by [`LoginAnswer::ChangePassword`].
    NewPassword {
        /// The password until now.
        old: &'a [u8],
        /// The one that the client wants.
        new: &'a [u8],
    },
    /// Is this key worth a signature? Answered by [`LoginAnswer::KeyIsGood`] or a refusal.
    KeyOffered(KeyOffer<'a>),
    /// With a key and a signature, which the host has to verify: only [`SignedLogin::verify`] makes what
    /// [`LoginAnswer::AcceptKey`] needs.
    Key(SignedLogin<'a>),
    /// With answers to questions, which the host asks by [`LoginAnswer::Ask`].
    KeyboardInteractive,
    /// The answers, as many as there were questions.
    Answers(Answers<'a>),
    /// It cannot succeed, whatever the host answers.
    Invalid(InvalidLogin<'a>),
}

impl LoginMethod<'_> {
    /// The method that was asked for, where the request is one that could succeed.
    fn auth_method(&self) -> Option<AuthMethod> {
        match self {
            Self::Password(_) | Self::NewPassword { .. } => Some(AuthMethod::Password),
            Self::KeyOffered(_) | Self::Key(_) => Some(AuthMethod::PublicKey),
            Self::KeyboardInteractive | Self::Answers(_) => Some(AuthMethod::KeyboardInteractive),
            Self::None | Self::Invalid(_) => None,
        }
    }
}

/// Why a request to log in cannot succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidLogin<'a> {
    /// A method that is not offered.
    Method(&'a [u8]),
    /// A method that is not left, since a part of the login has succeeded. It does not count as a failure.
    NotLeft,
    /// A service other than `ssh-connection`.
    Service(&'a [u8]),
    /// A public key algorithm that is not accepted.
    Algorithm(&'a [u8]),
    /// A key or a certificate that cannot be used, or does not fit its algorithm.
    Key,
    /// A password change that nobody asked for.
    PasswordChange,
    /// More or fewer answers than questions.
    NumberOfAnswers,
    /// It is bound to a host key that is not this connection's (OpenSSH PROTOCOL section 1.10, publickey-hostbound).
    OtherHostKey,
}

/// A key without a signature.
#[derive(Debug)]
pub struct KeyOffer<'a> {
    /// The algorithm that the client would sign with.
    pub algorithm: KeyAlgorithm,
    /// The key or certificate.
    pub key: PublicKey<'a>,
}

/// A key with a signature that was not looked at yet.
#[derive(Debug)]
pub struct SignedLogin<'a> {
    /// The algorithm of the signature.
    pub algorithm: KeyAlgorithm,
    /// The key or certificate.
    pub key: PublicKey<'a>,
    pub(crate) session_id: Digest,
    /// The request up to its signature, as it came.
    pub(crate) request: &'a [u8],
    pub(crate) signature: &'a [u8],
    pub(crate) number: u32,
}

impl SignedLogin<'_> {
    /// Verifies that who has the private key has signed this request in this connection (RFC 4252 section 7).
    ///
    /// # Errors
    /// The signature is not valid, or of another algorithm than announced.
    pub fn verify(&self) -> Result<VerifiedKey, BadSignature> {
        let mut session_id = Vec::with_capacity(68);
        crate::wire::put_string(&mut session_id, self.session_id.as_ref());
        let message = [session_id.as_slice(), self.request];
        let presence = self
            .key
            .verify(self.algorithm.signature, &message, self.signature)?;
        Ok(VerifiedKey {
            presence,
            session_id: self.session_id,
            number: self.number,
        })
    }
}

/// That a signature is valid, for one request of one connection.
#[derive(Debug)]
pub struct VerifiedKey {
    presence: Presence,
    session_id: Digest,
    number: u32,
}

impl VerifiedKey {
    /// What a security key says of the person before it (OpenSSH PROTOCOL.u2f).
    pub fn presence(&self) -> Presence {
        self.presence
    }

    /// Was it made for this request?
    pub(crate) fn is_for(&self, session_id: &Digest, number: u32) -> bool {
        self.session_id.as_ref() == session_id.as_ref() && self.number == number
    }
}

/// Answers to questions (RFC 4256 section 3.4).
#[derive(Debug, Clone)]
pub struct Answers<'a> {
    pub(crate) reader: Reader<'a>,
}

impl<'a> Iterator for Answers<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.reader.string().ok()
    }
}

/// What the host says to a request to log in.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginAnswer {
    /// The client is logged in. Not for keys: it is taken for a refusal there.
    Accept,
    /// The client is logged in with its key.
    AcceptKey(VerifiedKey),
    /// The key that was offered may log in.
    KeyIsGood,
    /// No.
    Refuse,
    /// So far so good, and one of these is needed besides (RFC 4252 section 5.1). From then on nothing else can
    /// succeed. With a key, the key's signature was verified.
    Partial {
        /// What can go on from here.
        methods: Vec<AuthMethod>,
        /// For a key.
        key: Option<VerifiedKey>,
    },
    /// These questions first (RFC 4256 section 3.2); there may be none.
    Ask {
        /// A title; may be empty.
        name: String,
        /// What to do; may be empty.
        instruction: String,
        /// A question, and whether what is typed may be seen.
        prompts: Vec<(String, bool)>,
    },
    /// The password has expired: a new one is needed (RFC 4252 section 8).
    ChangePassword {
        /// What the client shows.
        prompt: String,
    },
}

/// A method of authentication, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthMethod {
    /// `publickey` (RFC 4252 section 7).
    PublicKey,
    /// `password` (RFC 4252 section 8).
    Password,
    /// `keyboard-interactive` (RFC 4256).
    KeyboardInteractive,
}

impl AuthMethod {
    /// As the protocol calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PublicKey => "publickey",
            Self::Password => "password",
            Self::KeyboardInteractive => "keyboard-interactive",
        }
    }
}
