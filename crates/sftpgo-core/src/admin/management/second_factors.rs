//! Second factors of admins: given, checked, taken away.

use super::{Admins, changed_at, ended_sessions, without_second_factor};
use crate::{
    admin::Admin,
    credential::second_factor::{
        GeneratedTotp, Passed, RecoveryCode, TotpConfig, TotpSecret, config_named, pass,
        recovery_codes, spend,
    },
    error::{Error, ErrorKind, Result},
    event::{Actor, Change},
    user::now_ms,
};

impl Admins {
    /// The kinds of second factors that there are.
    pub fn totp_configs(&self) -> &[TotpConfig] {
        &self.totp_configs
    }

    /// A new secret for an admin, which is not its second factor yet.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid): there is no such kind.
    pub fn generate_totp(&self, username: &str, config_name: &str) -> Result<GeneratedTotp> {
        self.totp_config(config_name)?.generate(username)
    }

    /// A secret that an admin is being given, once more.
    ///
    /// # Errors
    /// As [`Admins::generate_totp`], or it is no secret.
    pub fn show_totp(&self, username: &str, totp: &TotpSecret) -> Result<GeneratedTotp> {
        let config = self.totp_config(&totp.config_name)?;
        config.show_again(&totp.secret, username)
    }

    /// Is this the code of that secret? It is used up by this.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if not.
    pub fn validate_totp(&self, username: &str, totp: &TotpSecret, code: &str) -> Result<()> {
        let config = self.totp_config(&totp.config_name)?;
        let step = config.step_of(&totp.secret, code, now_ms())?;
        self.change(username, |stored| {
            let spent_steps = spend(stored.spent_steps, step)
                .ok_or_else(|| Error::invalid("passcode", "was used before"))?;
            Ok(Admin {
                spent_steps,
                ..stored.clone()
            })
        })
        .map(drop)
    }

    /// Sets the second factor of the admin who asks, or switches it off.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid): there is no such kind, the secret is none, or a second factor is required.
    pub fn save_totp(&self, by: &Actor, totp: Option<&TotpSecret>) -> Result<Admin> {
        let username = by.admin_name();
        if let Some(totp) = totp {
            self.totp_config(&totp.config_name)?
                .check_secret(&totp.secret)?;
        }
        let saved = self.change(username, |stored| {
            if totp.is_none() && stored.require_two_factor {
                return Err(Error::invalid("enabled", "a second factor is required"));
            }
            let recovery_codes = if totp.is_none() {
                Vec::new()
            } else if stored.recovery_codes.is_empty() {
                recovery_codes()
            } else {
                stored.recovery_codes.clone()
            };
            Ok(Admin {
                totp: totp.cloned(),
                recovery_codes,
                updated_at: changed_at(stored),
                ..stored.clone()
            })
        })?;
        let change = match totp {
            Some(_) => Change::SecondFactorSet,
            None => Change::SecondFactorRemoved,
        };
        self.tell(by, change, username);
        Ok(saved)
    }

    /// An admin's own recovery codes.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) without a second factor.
    pub fn recovery_codes(&self, username: &str) -> Result<Vec<RecoveryCode>> {
        let admin = self.by_name(username)?;
        check_has_second_factor(&admin)?;
        Ok(admin.recovery_codes)
    }

    /// New recovery codes in the place of the old ones, for the admin who asks.
    ///
    /// # Errors
    /// As [`Admins::recovery_codes`].
    pub fn make_recovery_codes(&self, by: &Actor) -> Result<Vec<RecoveryCode>> {
        let username = by.admin_name();
        let codes = recovery_codes();
        self.change(username, |stored| {
            check_has_second_factor(stored)?;
            Ok(Admin {
                recovery_codes: codes.clone(),
                ..stored.clone()
            })
        })?;
        self.tell(by, Change::RecoveryCodesMade, username);
        Ok(codes)
    }

    /// Switches off the second factor of an admin who lost it, for `by`. Whoever logged in as this admin has to log in again.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), or [`Invalid`](ErrorKind::Invalid) when there is none.
    pub fn disable_second_factor(&self, by: &Actor, username: &str) -> Result<Admin> {
        let changed = self.change(username, |stored| {
            if stored.totp.is_none() {
                return Err(Error::invalid("username", "has no second factor"));
            }
            Ok(ended_sessions(without_second_factor(stored.clone())))
        })?;
        self.tell(by, Change::SecondFactorRemoved, username);
        Ok(changed)
    }

    /// Uses up a code of the second factor or a recovery code; does it pass?
    pub(in crate::admin) fn pass_second_factor(
        &self,
        username: &str,
        code: &str,
    ) -> Result<Option<Admin>> {
        let passed = self.change(username, |stored| {
            self.passed(stored, code)
                .ok_or_else(|| Error::denied("wrong code"))
        });
        match passed {
            Ok(admin) => Ok(Some(admin)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns `admin` after the use of a code; none if it does not pass.
    fn passed(&self, admin: &Admin, code: &str) -> Option<Admin> {
        let passed = pass(
            admin.totp.as_ref()?,
            &self.totp_configs,
            &admin.recovery_codes,
            admin.spent_steps,
            code,
            now_ms(),
        )?;
        let mut admin = admin.clone();
        match passed {
            Passed::ByStep(spent_steps) => admin.spent_steps = spent_steps,
            Passed::ByRecoveryCode(position) => {
                admin.recovery_codes.get_mut(position)?.used = true;
            }
        }
        Some(admin)
    }

    fn totp_config(&self, name: &str) -> Result<&TotpConfig> {
        config_named(&self.totp_configs, name)
    }
}

fn check_has_second_factor(admin: &Admin) -> Result<()> {
    if admin.totp.is_none() {
        return Err(Error::denied("there is no second factor"));
    }
    Ok(())
}
