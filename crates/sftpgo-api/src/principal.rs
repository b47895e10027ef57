//! Who sends a request, and what a route needs of them.
//!
//! [`Principal::of`] is the one place where a request gets its principal. A route gets the [`App`] only by saying what it
//! needs, so that none can forget to ask.

use std::convert::Infallible;

use hyper::Request;
use warp::Filter;

use crate::{error::ApiError, state::App};

/// Who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Principal {
    /// Anybody who reaches the port: REST 1.2.0 has no login.
    Anyone,
}

/// What a route needs its principal to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Reading version, state and metrics.
    ViewStatus,
    /// Reading users and what they may do.
    ViewUsers,
    /// Adding a user.
    AddUsers,
    /// Changing a user.
    ChangeUsers,
    /// Deleting a user.
    DeleteUsers,
    /// Reading who is connected.
    ViewConnections,
    /// Closing a connection.
    CloseConnections,
    /// Starting quota scans and reading how they go.
    ScanQuotas,
}

impl Principal {
    /// Who sends this request.
    pub(crate) fn of<B>(_request: &Request<B>) -> Self {
        Self::Anyone
    }

    /// May they do that?
    pub(crate) fn may(self, _need: Need) -> bool {
        match self {
            Self::Anyone => true,
        }
    }
}

/// What a handler gets: the rest of the program, or the refusal that it returns.
pub(crate) type Allowed = Result<App, ApiError>;

/// Lets in whom the request is of, if they may do what the route needs.
pub(crate) fn allowed(
    app: &App,
    need: Need,
) -> impl Filter<Extract = (Allowed,), Error = Infallible> + Clone + use<> {
    let app = app.clone();
    warp::ext::optional().map(move |principal: Option<Principal>| {
        if principal.is_some_and(|principal| principal.may(need)) {
            Ok(app.clone())
        } else {
            Err(ApiError::forbidden("this is not allowed"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_of_rest_1_2_0_is_open_to_anyone() {
        let anyone = Principal::of(&Request::new(()));
        for need in [Need::ViewStatus, Need::DeleteUsers, Need::CloseConnections] {
            assert!(anyone.may(need), "{need:?}");
        }
    }
}
