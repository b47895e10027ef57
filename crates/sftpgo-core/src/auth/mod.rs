//! Login: credentials to a user with an open home and one of the user's sessions.

mod backend;
pub mod login;
mod logins;
pub mod refusal;
mod sent_name;
mod steps;
mod stored;

pub use backend::{
    Candidate, Claim, Comparison, CredentialBackend, KeyCandidate, LoginFailure, LoginFault,
    PasswordCheck,
};
pub use login::{Authenticator, LoggedIn};
pub use logins::{AcceptedKey, LoginOutcome, Logins, PasswordLimits};
pub use sent_name::SentName;
pub use steps::{LoginSteps, Question};
pub use stored::StoredCredentials;
