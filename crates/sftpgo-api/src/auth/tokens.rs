//! What an admin gets at a login and shows at each request: a signed statement of who logged in when (RFC 7519). It says
//! nothing of what the admin may do, which is looked up each time.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::digest;
use serde::{Deserialize, Serialize};
use sftpgo_core::{Error, admin::Admin, random, sync::lock};

use super::signing;

/// Bit of `token_validation`: the address is not compared.
const ANY_ADDRESS: u8 = 1;
/// Bit of `token_validation`: the last change of the admin is compared.
const SAME_ADMIN: u8 = 2;
/// Tokens that were given back are kept until they would expire; so many at the most.
const MOST_GIVEN_BACK: usize = 100_000;

/// How tokens are made and checked.
#[derive(Clone)]
pub struct TokenSettings {
    /// Servers that share it take each other's tokens; a random one is as long-lived as the process.
    pub secret: Vec<u8>,
    /// A token of the API passes so long.
    pub lifetime: Duration,
    /// The bits of `token_validation`: 1 for any address, 2 for the same admin.
    pub validation: u8,
}

impl Default for TokenSettings {
    fn default() -> Self {
        let mut secret = vec![0; 32];
        random::fill(&mut secret);
        Self {
            secret,
            lifetime: Duration::from_secs(20 * 60),
            validation: ANY_ADDRESS | SAME_ADMIN,
        }
    }
}

impl TokenSettings {
    /// Returns the settings with a key that every server with this passphrase has.
    #[must_use]
    pub fn signed_with(self, passphrase: &str) -> Self {
        let secret = digest::digest(&digest::SHA256, passphrase.as_bytes());
        Self {
            secret: secret.as_ref().to_vec(),
            ..self
        }
    }
}

impl fmt::Debug for TokenSettings {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSettings")
            .field("lifetime", &self.lifetime)
            .field("validation", &self.validation)
            .finish_non_exhaustive()
    }
}

/// What a token is for. One for something else does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// REST.
    Api,
    /// The web admin, in a cookie.
    Web,
    /// The second step of a login to the web admin: the password was right.
    WebPartial,
    /// A form of a page of the web admin.
    WebForm,
}

impl Audience {
    fn name(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::Web => "WebAdmin",
            Self::WebPartial => "WebAdminPartial",
            Self::WebForm => "CSRF",
        }
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The admin.
    pub(crate) sub: String,
    aud: String,
    /// [`Admin::sessions_since`] at the login.
    since: i64,
    /// The client's address.
    ip: String,
    /// Names the token.
    pub(crate) jti: String,
    /// Issued then, in Unix seconds.
    pub(crate) iat: u64,
    /// Until when it passes, in Unix seconds.
    pub(crate) exp: u64,
}

impl Claims {
    /// [`Admin::sessions_since`] when the token was made.
    pub(crate) fn since(&self) -> i64 {
        self.since
    }
}

/// Makes and checks tokens.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    settings: TokenSettings,
    /// The tokens that were given back, by their names, with when they would expire.
    given_back: Mutex<HashMap<String, u64>>,
}

impl Tokens {
    /// Tokens by these settings.
    ///
    /// # Errors
    /// [`Invalid`](sftpgo_core::ErrorKind::Invalid): the secret is empty.
    pub fn new(settings: TokenSettings) -> sftpgo_core::Result<Self> {
        signing::install();
        let failed = |error| Error::invalid("signing_passphrase", error);
        Ok(Self {
            encoding: EncodingKey::from_secret(&settings.secret).map_err(failed)?,
            decoding: DecodingKey::from_secret(&settings.secret).map_err(failed)?,
            settings,
            given_back: Mutex::default(),
        })
    }

    /// Returns how long a token of the API passes.
    pub(crate) fn lifetime(&self) -> Duration {
        self.settings.lifetime
    }

    /// A token for an admin who has logged in, and what it says; none if it cannot be signed.
    pub(crate) fn issue(
        &self,
        audience: Audience,
        admin: &Admin,
        client: IpAddr,
        lifetime: Duration,
    ) -> Option<(String, Claims)> {
        let now = unix_seconds();
        let claims = Claims {
            sub: admin.username.clone(),
            aud: audience.name().to_owned(),
            since: admin.sessions_since,
            ip: client.to_string(),
            jti: random::hex_id(),
            iat: now,
            exp: now.saturating_add(lifetime.as_secs()),
        };
        match jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding) {
            Ok(token) => Some((token, claims)),
            Err(error) => {
                log::error!("a token could not be signed: {error}");
                None
            }
        }
    }

    /// Returns what a token says, if it is one for `audience`, has not expired and was not given back.
    pub(crate) fn check(&self, audience: Audience, token: &str, client: IpAddr) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[audience.name()]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        validation.leeway = 0;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation)
            .ok()?
            .claims;
        let is_bound = self.settings.validation & ANY_ADDRESS == 0;
        if is_bound && claims.ip != client.to_string() {
            return None;
        }
        self.passes_still(&claims).then_some(claims)
    }

    /// Has a token that passed neither expired nor been given back since?
    pub(crate) fn passes_still(&self, claims: &Claims) -> bool {
        claims.exp > unix_seconds() && !lock(&self.given_back).contains_key(&claims.jti)
    }

    /// Returns since when the sessions of the admin count that these claims are of; none if that does not matter.
    pub(crate) fn sessions_since(&self, claims: &Claims) -> Option<i64> {
        (self.settings.validation & SAME_ADMIN != 0).then_some(claims.since)
    }

    /// The token passes no more.
    pub(crate) fn give_back(&self, claims: &Claims) {
        let mut given_back = lock(&self.given_back);
        if given_back.len() >= MOST_GIVEN_BACK {
            let now = unix_seconds();
            given_back.retain(|_, expires| *expires > now);
        }
        given_back.insert(claims.jti.clone(), claims.exp);
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use sftpgo_core::admin::AdminDraft;

    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn admin() -> Admin {
        let draft = AdminDraft {
            username: "alice".to_owned(),
            password: "secret".to_owned(),
            permissions: vec!["*".to_owned()],
            status: 1,
            ..AdminDraft::default()
        };
        draft.validate(5).unwrap()
    }

    fn tokens(validation: u8) -> Tokens {
        Tokens::new(TokenSettings {
            validation,
            ..TokenSettings::default()
        })
        .unwrap()
    }

    #[test]
    fn a_token_passes_where_it_was_signed_until_it_is_given_back() {
        let (mine, others) = (tokens(3), tokens(3));
        let hour = Duration::from_secs(3600);
        let (token, claims) = mine.issue(Audience::Api, &admin(), CLIENT, hour).unwrap();
        assert_eq!(
            mine.check(Audience::Api, &token, OTHER),
            Some(claims.clone())
        );
        assert_eq!(mine.sessions_since(&claims), Some(5));
        assert_eq!(others.check(Audience::Api, &token, CLIENT), None);
        for bad in [
            String::new(),
            "a.b.c".to_owned(),
            token.replace('.', ""),
            format!("{token}A"),
            token.replacen("eyJ", "eyI", 1),
        ] {
            assert_eq!(mine.check(Audience::Api, &bad, CLIENT), None, "{bad}");
        }
        mine.give_back(&claims);
        assert_eq!(mine.check(Audience::Api, &token, CLIENT), None);
    }

    #[test]
    fn an_expired_token_and_one_without_a_signature_do_not_pass() {
        let tokens = tokens(3);
        let hour = Duration::from_secs(3600);
        let (token, claims) = tokens.issue(Audience::Api, &admin(), CLIENT, hour).unwrap();
        assert!(tokens.check(Audience::Api, &token, CLIENT).is_some());
        let expired = Claims {
            exp: unix_seconds() - 1,
            ..claims
        };
        let header = Header::new(Algorithm::HS256);
        let expired = jsonwebtoken::encode(&header, &expired, &tokens.encoding).unwrap();
        assert_eq!(tokens.check(Audience::Api, &expired, CLIENT), None);
        let claims = token.split('.').nth(1).unwrap();
        // {"alg":"none","typ":"JWT"}
        let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
        assert_eq!(tokens.check(Audience::Api, &unsigned, CLIENT), None);
    }

    #[test]
    fn without_the_bits_the_address_is_compared_and_the_admin_is_not() {
        let tokens = tokens(0);
        let hour = Duration::from_secs(3600);
        let (token, claims) = tokens.issue(Audience::Api, &admin(), CLIENT, hour).unwrap();
        assert!(tokens.check(Audience::Api, &token, CLIENT).is_some());
        assert_eq!(tokens.check(Audience::Api, &token, OTHER), None);
        assert_eq!(tokens.sessions_since(&claims), None);
    }
}
