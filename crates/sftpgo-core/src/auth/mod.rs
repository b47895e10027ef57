//! Login: credentials to a user with an open home and one of the user's sessions.

pub mod login;
mod logins;
pub mod refusal;

pub use login::{Authenticator, LoggedIn, LoginFailure};
pub use logins::{Logins, SentName};
