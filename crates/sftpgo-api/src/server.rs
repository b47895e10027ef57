//! From a request to its answer: routed, logged, counted, and answered even when a handler panics.

use std::{convert::Infallible, future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use hyper::{Request, service::Service};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use warp::reply::Response;

use crate::{
    access_log::Entry,
    arrival::{Arrival, ClientAddress, Reach},
    csrf::is_cross_site,
    error::ApiError,
    host::AllowedHosts,
    listener::{self, Limits},
    principal::Principal,
    routes,
    state::{ApiState, App},
};

/// Serves on `listener` until `shutdown` fires and the requests then running are answered.
pub async fn serve(state: Arc<ApiState>, listener: TcpListener, shutdown: CancellationToken) {
    let routes = warp::service(routes::all(&App::new(Arc::clone(&state))));
    let routes = TowerToHyperService::new(routes);
    let limits = Limits::within(state.connections.descriptors().kept());
    // A socket that is open has an address.
    let reach = listener
        .local_addr()
        .map_or(Reach::Network, |address| Reach::of(address.ip()));
    listener::run(limits, listener, shutdown, move |remote, mut request| {
        let arrival = Arrival {
            client: ClientAddress::Peer(remote),
            reach,
            is_encrypted: false,
        };
        request.extensions_mut().insert(arrival);
        let entry = Entry::open(&request, arrival.client, Arc::clone(&state.metrics));
        let principal = Principal::of(&request);
        request.extensions_mut().insert(principal);
        let answered =
            checked(&request, &state.allowed_hosts).map(|()| guarded(routes.call(request)));
        async move {
            let response = match answered {
                Ok(answered) => answered.await?,
                Err(refusal) => refusal.into_response(),
            };
            entry.close(&response);
            Ok(response)
        }
    })
    .await;
}

/// Refuses what is not for the routes.
fn checked<B>(request: &Request<B>, hosts: &AllowedHosts) -> Result<(), ApiError> {
    if request.uri().path() == routes::HEALTH {
        return Ok(());
    }
    hosts.check(request)?;
    if is_cross_site(request.headers()) {
        return Err(ApiError::cross_site());
    }
    // CONNECT names a host in the place of the path, and warp panics without a path.
    if request.uri().path_and_query().is_none() {
        return Err(ApiError::unknown_path());
    }
    Ok(())
}

async fn guarded<F>(answer: F) -> Result<Response, Infallible>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    // Behind the handlers are only counters, and locks that outlive their poisoning.
    AssertUnwindSafe(answer)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            log::error!("a request failed, because its handler panicked");
            Ok(ApiError::internal().into_response())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let response = guarded(async { panic!("on purpose") }).await.unwrap();
        assert_eq!(response.status().as_u16(), 500);
    }
}
