//! Telling observers of requests that are refused: they prove nobody who may ask, or who asks may not do that.

use std::net::IpAddr;

use sftpgo_core::event::{Actor, Event, Events, Identity};
use warp::{http::StatusCode, reply::Response};

/// The refusal is one of a login, which core tells of.
#[derive(Clone, Copy)]
struct OfLogin;

/// Marks the refusal of a login, so that it is not told twice.
pub(crate) fn of_login(mut response: Response) -> Response {
    response.extensions_mut().insert(OfLogin);
    response
}

/// Says who asked for what is refused by this response, if it is a refusal, and nobody has said that who knows better.
pub(crate) fn of(response: &mut Response, who: impl FnOnce() -> Identity) {
    if is_refusal(response) {
        response.extensions_mut().get_or_insert_with(who);
    }
}

/// Tells of the refusal of a request from `client`, if the response is one.
pub(crate) fn tell(
    events: &Events,
    response: &Response,
    (method, path): (&str, &str),
    client: IpAddr,
) {
    let extensions = response.extensions();
    if !is_refusal(response) || extensions.get::<OfLogin>().is_some() {
        return;
    }
    let identity = extensions.get::<Identity>().cloned();
    events.emit(&Event::RequestRefused {
        method,
        path,
        status: response.status().as_u16(),
        by: &Actor {
            identity: identity.unwrap_or(Identity::Anyone),
            address: Some(client),
        },
    });
}

fn is_refusal(response: &Response) -> bool {
    let status = response.status();
    status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN
}
