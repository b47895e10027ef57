//! Who sends a request, and what a route needs of them.
//!
//! `authenticate.rs` is the one place where a request gets its principal. A route gets the [`App`] only by saying what
//! it needs, so that none can forget to ask.

use std::{convert::Infallible, sync::Arc};

use sftpgo_core::{
    admin::{Admin, AdminPermissions},
    event::{Actor, Identity},
};
use warp::Filter;

use crate::{arrival::Arrival, auth::Claims, error::ApiError, state::App};

/// Who sends a request.
#[derive(Debug, Clone)]
pub(crate) enum Principal {
    /// Nobody who has proved anything: what needs no principal is all there is.
    Nobody,
    /// Anybody who reaches the port: REST 1.2.0 has no login while there is no admin.
    Anyone,
    /// A name of the operator's file, which opens REST 1.2.0 and the metrics.
    Listed(String),
    /// Who was an admin before the store did not answer any more, and may read the metrics meanwhile.
    MetricsReader,
    /// Who knows the setup code, and may make the first admin.
    Setup,
    /// An admin.
    Admin(Arc<AdminSession>),
}

/// An admin who has proved to be it.
#[derive(Debug)]
pub(crate) struct AdminSession {
    pub(crate) admin: Admin,
    pub(crate) by: By,
}

/// The proof by which an admin is known.
#[derive(Debug, Clone)]
pub(crate) enum By {
    /// The password.
    Password,
    /// A token.
    Token(Claims),
    /// An API key, which may not change what the admin logs in with.
    ApiKey {
        id: String,
        /// In Unix milliseconds; 0 is never.
        expires_at: i64,
    },
}

impl By {
    /// Returns when an API key expires, in Unix milliseconds; 0 is never, and what is said of the other proofs.
    pub(crate) fn expires_at(&self) -> i64 {
        match self {
            Self::ApiKey { expires_at, .. } => *expires_at,
            Self::Password | Self::Token(_) => 0,
        }
    }
}

/// What a route needs its principal to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It needs only to be known.
    Login,
    /// Reading state.
    ViewStatus,
    /// Reading metrics.
    ReadMetrics,
    /// Reading users and what they may do.
    ViewUsers,
    /// Adding a user.
    AddUsers,
    /// Changing a user.
    ChangeUsers,
    /// Deleting a user.
    DeleteUsers,
    /// Switching off the second factor of a user.
    DisableSecondFactors,
    /// Having it signed what a user's file holds. Whoever may change a user could log in as that and read the file.
    HaveReceipts,
    /// Reading who is connected.
    ViewConnections,
    /// Closing a connection.
    CloseConnections,
    /// Starting quota scans and reading how they go.
    ScanQuotas,
    /// Reading scores and bans.
    ViewDefender,
    /// Taking them back.
    ManageDefender,
    /// Managing lists of addresses.
    ManageIpLists,
    /// Managing admins.
    ManageAdmins,
    /// Managing API keys.
    ManageApiKeys,
    /// Changing what the admin itself logs in with, and says about itself.
    OwnAccount,
}

impl Need {
    /// Returns the permission that is needed; none for what every admin may.
    fn permission(self) -> Option<AdminPermissions> {
        Some(match self {
            Self::Login | Self::OwnAccount => return None,
            Self::ViewStatus | Self::ReadMetrics => AdminPermissions::VIEW_STATUS,
            Self::ViewUsers => AdminPermissions::VIEW_USERS,
            Self::AddUsers => AdminPermissions::ADD_USERS,
            Self::ChangeUsers | Self::HaveReceipts => AdminPermissions::EDIT_USERS,
            Self::DeleteUsers => AdminPermissions::DELETE_USERS,
            Self::DisableSecondFactors => AdminPermissions::DISABLE_MFA,
            Self::ViewConnections => AdminPermissions::VIEW_CONNECTIONS,
            Self::CloseConnections => AdminPermissions::CLOSE_CONNECTIONS,
            Self::ScanQuotas => AdminPermissions::QUOTA_SCANS,
            Self::ViewDefender => AdminPermissions::VIEW_DEFENDER,
            Self::ManageDefender => AdminPermissions::MANAGE_DEFENDER,
            Self::ManageAdmins | Self::ManageApiKeys | Self::ManageIpLists => {
                AdminPermissions::ANYTHING
            }
        })
    }

    /// Is it about what an admin logs in with?
    fn is_about_logins(self) -> bool {
        matches!(self, Self::OwnAccount | Self::ManageApiKeys)
    }
}

impl AdminSession {
    /// May the admin do that?
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check(&self, need: Need) -> Result<(), ApiError> {
        let refused = |why: &str| Err(ApiError::forbidden(why));
        if matches!(self.by, By::ApiKey { .. }) && need.is_about_logins() {
            return refused("an API key may not do this");
        }
        if need != Need::OwnAccount {
            if self.admin.require_password_change {
                return refused("the password has to be changed first");
            }
            if self.admin.require_two_factor && self.admin.totp.is_none() {
                return refused("a second factor has to be set up first");
            }
        }
        match need.permission() {
            Some(permission) if !self.admin.permissions.allow(permission) => {
                refused("this is not allowed")
            }
            _ => Ok(()),
        }
    }
}

impl Principal {
    /// As whom something is changed.
    pub(crate) fn identity(&self) -> Identity {
        match self {
            Self::Nobody | Self::Anyone | Self::MetricsReader => Identity::Anyone,
            Self::Listed(name) => Identity::Listed(name.clone()),
            Self::Setup => Identity::SetupCode,
            Self::Admin(session) => {
                let admin = session.admin.username.clone();
                match &session.by {
                    By::ApiKey { id, .. } => Identity::ApiKey {
                        id: id.clone(),
                        admin,
                    },
                    By::Password | By::Token(_) => Identity::Admin(admin),
                }
            }
        }
    }
}

/// What a handler gets: the rest of the program, for who asks, or the refusal that it returns.
pub(crate) type Allowed = Result<App, ApiError>;

/// What a handler gets that asks who acts.
pub(crate) type AllowedAdmin = Result<(App, Arc<AdminSession>), ApiError>;

/// Lets in whom the request is of, if they may do what the route needs; anybody while there is no admin.
pub(crate) fn allowed(
    app: &App,
    need: Need,
) -> impl Filter<Extract = (Allowed,), Error = Infallible> + Clone + use<> {
    asked(app).map(move |(app, principal): (App, Principal)| match &principal {
        Principal::Anyone | Principal::Listed(_) => Ok(app),
        Principal::MetricsReader if need == Need::ReadMetrics => Ok(app),
        principal => admin(principal, need).map(|_| app),
    })
}

/// Lets in an admin who may do what the route needs, and nobody else.
pub(crate) fn allowed_admin(
    app: &App,
    need: Need,
) -> impl Filter<Extract = (AllowedAdmin,), Error = Infallible> + Clone + use<> {
    asked(app).map(move |(app, principal): (App, Principal)| {
        admin(&principal, need).map(|session| (app, session))
    })
}

/// The rest of the program for who asks, whoever that is.
pub(crate) fn asked(
    app: &App,
) -> impl Filter<Extract = ((App, Principal),), Error = Infallible> + Clone + use<> {
    let app = app.clone();
    warp::ext::optional().and(warp::ext::optional()).map(
        move |principal: Option<Principal>, arrival: Option<Arrival>| {
            let principal = principal.unwrap_or(Principal::Nobody);
            let by = Actor {
                identity: principal.identity(),
                address: arrival.map(|arrival| arrival.client.ip()),
            };
            (app.acting_for(by), principal)
        },
    )
}

/// The admin who asks, if it is one who may do what is needed.
///
/// # Errors
/// It is not.
pub(crate) fn admin(principal: &Principal, need: Need) -> Result<Arc<AdminSession>, ApiError> {
    match principal {
        Principal::Admin(session) => session.check(need).map(|()| Arc::clone(session)),
        _ => Err(ApiError::unauthorized("a login is needed")),
    }
}

#[cfg(test)]
mod tests {
    use sftpgo_core::admin::AdminDraft;

    use super::*;

    fn session(permissions: &[&str], by: By) -> AdminSession {
        let draft = AdminDraft {
            username: "alice".to_owned(),
            status: 1,
            password: "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$7fkwUSUMyZ7sXrhZPxw1UQ".to_owned(),
            permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
            ..AdminDraft::default()
        };
        AdminSession {
            admin: draft.validate(1).unwrap(),
            by,
        }
    }

    #[test]
    fn an_admin_may_what_its_permissions_say() {
        let some = session(&["view_users"], By::Password);
        for (need, may) in [
            (Need::ViewUsers, true),
            (Need::Login, true),
            (Need::OwnAccount, true),
            (Need::AddUsers, false),
            (Need::ManageAdmins, false),
            (Need::ManageApiKeys, false),
        ] {
            assert_eq!(some.check(need).is_ok(), may, "{need:?}");
        }
        assert!(
            session(&["*"], By::Password)
                .check(Need::ManageAdmins)
                .is_ok()
        );
    }

    #[test]
    fn a_key_does_not_touch_logins() {
        let by = By::ApiKey {
            id: "k".to_owned(),
            expires_at: 0,
        };
        let key = session(&["*"], by);
        assert!(key.check(Need::ManageAdmins).is_ok());
        assert!(key.check(Need::ManageApiKeys).is_err());
        assert!(key.check(Need::OwnAccount).is_err());
    }

    #[test]
    fn who_has_to_change_something_first_may_do_only_that() {
        let mut first = session(&["*"], By::Password);
        first.admin.require_password_change = true;
        assert!(first.check(Need::ViewUsers).is_err());
        assert!(first.check(Need::OwnAccount).is_ok());
    }
}
