//! Second factors of users, as those who manage users give them and take them away.

use super::Accounts;
use crate::{
    credential::second_factor::{
        GeneratedTotp, RecoveryCode, TotpConfig, TotpSecret, config_named, recovery_codes,
    },
    error::{Error, Result},
    event::Actor,
    user::{StoredUser, TotpProtocols, UserFilters, UserId, UserTotp},
};

/// A second factor that a user was given just now. Nobody is shown it again.
pub struct NewTotp {
    /// The user, with it.
    pub user: StoredUser,
    /// The secret, for the user's app.
    pub generated: GeneratedTotp,
    /// The kind that it is of.
    pub config: TotpConfig,
    /// Codes of which each passes once in its place.
    pub recovery_codes: Vec<RecoveryCode>,
}

impl Accounts {
    /// Takes these kinds of second factors, in place of the default one.
    #[must_use]
    pub fn with_totp_configs(self, totp_configs: Vec<TotpConfig>) -> Self {
        Self {
            totp_configs,
            ..self
        }
    }

    /// The kinds of second factors that there are.
    pub fn totp_configs(&self) -> &[TotpConfig] {
        &self.totp_configs
    }

    /// Gives a user a new second factor for logins by `protocols`, for `by`. It is needed from now on, and what the user had
    /// open by such a protocol ends.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid): there is no such kind, or the user has a second factor; or as
    /// [`Accounts::update`].
    pub fn enable_totp(
        &self,
        by: &Actor,
        id: UserId,
        config_name: &str,
        protocols: TotpProtocols,
    ) -> Result<NewTotp> {
        let config = config_named(&self.totp_configs, config_name)?;
        let generated = config.generate(&self.by_id(id)?.username)?;
        let recovery_codes = recovery_codes();
        let user = self.replace(by, id, |stored| {
            if stored.filters.totp.is_some() {
                return Err(Error::invalid(
                    "totp_config",
                    "the user has a second factor already: disable it first",
                ));
            }
            Ok(StoredUser {
                filters: UserFilters {
                    totp: Some(UserTotp {
                        secret: TotpSecret {
                            config_name: config_name.to_owned(),
                            secret: generated.secret.clone(),
                        },
                        protocols,
                    }),
                    recovery_codes: recovery_codes.clone(),
                    ..stored.filters.clone()
                },
                ..stored.clone()
            })
        })?;
        Ok(NewTotp {
            user,
            generated,
            config: config.clone(),
            recovery_codes,
        })
    }

    /// Takes the second factor from a user, for `by`.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when there is none, or as [`Accounts::update`].
    pub fn disable_totp(&self, by: &Actor, id: UserId) -> Result<StoredUser> {
        self.replace(by, id, |stored| {
            if stored.filters.totp.is_none() {
                return Err(Error::invalid(
                    "totp_config",
                    "the user has no second factor",
                ));
            }
            Ok(StoredUser {
                filters: UserFilters {
                    totp: None,
                    recovery_codes: Vec::new(),
                    ..stored.filters.clone()
                },
                ..stored.clone()
            })
        })
    }

    /// Refuses a second factor of a kind that this server does not have, unless the user has it already.
    pub(super) fn check_totp(
        &self,
        totp: Option<&TotpSecret>,
        stored: Option<&StoredUser>,
    ) -> Result<()> {
        let has =
            |stored: &StoredUser| stored.filters.totp.as_ref().map(|totp| totp.secret.clone());
        match totp {
            Some(totp) if stored.and_then(has).as_ref() != Some(totp) => {
                let config = config_named(&self.totp_configs, &totp.config_name);
                config.map(drop).map_err(|_| {
                    let known = self.totp_configs.iter().map(|config| config.name.as_str());
                    let known = known.collect::<Vec<_>>().join(", ");
                    Error::invalid(
                        "totp_config.config_name",
                        format_args!("{:?} is none of {known}", totp.config_name),
                    )
                })
            }
            _ => Ok(()),
        }
    }
}
