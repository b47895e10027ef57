//! From a request to its answer: routed, logged, counted, and answered even when a handler panics.

use std::{
    convert::Infallible, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use hyper::{Request, body::Incoming, service::Service};
use hyper_util::service::TowerToHyperService;
use sftpgo_core::event::ConnectionProtocol;
use tokio_util::sync::CancellationToken;
use warp::reply::Response;

use crate::{
    access_log::Entry,
    arrival::{Arrival, Reach},
    authenticate::authenticate,
    binding::{Binding, BindingOptions},
    csrf::is_cross_site,
    error::ApiError,
    host::AllowedHosts,
    listener::{self, Entrance, Limits, Peer},
    path_kind,
    principal::Principal,
    refusal, request, routes,
    state::{ApiState, App},
    web,
};

/// The time after which the store is asked again whether another server has made the first admin.
const ADMINS_LOOK: Duration = Duration::from_secs(2);

/// Serves on `bindings` until `shutdown` fires and the requests then running are answered.
pub async fn serve(state: Arc<ApiState>, bindings: Vec<Binding>, shutdown: CancellationToken) {
    let in_clear = bindings.iter().filter_map(Binding::in_clear);
    let app = App::new(Arc::clone(&state), in_clear.collect());
    let routes = TowerToHyperService::new(warp::service(routes::all(&app)));
    tokio::spawn(await_admins(app.clone(), shutdown.clone()));
    let limits = Limits::within(state.connections.descriptors().kept());
    let places = limits.places();
    let serving = bindings.into_iter().map(|binding| {
        let way = Arc::new(Way {
            options: binding.options.clone(),
            reach: binding.socket.reach(),
        });
        let (app, routes) = (app.clone(), routes.clone());
        let handler = move |peer, mut request| {
            request::use_one_form(&mut request);
            let arrival = way.arrival(peer, &request);
            request.extensions_mut().insert(arrival);
            let entry = Entry::open(&request, arrival.client, Arc::clone(&app.state.metrics));
            let (app, routes, way) = (app.clone(), routes.clone(), Arc::clone(&way));
            let events = app.state.events.clone();
            async move {
                let answered = answer(app, routes, &way.options, arrival, request);
                let mut response = guarded(answered).await?;
                way.options.complete(response.headers_mut(), &arrival);
                entry.close(&response, &events);
                Ok(response)
            }
        };
        listener::run(
            limits,
            Entrance {
                gate: Arc::clone(&state.gate),
                connections: Some(Arc::clone(&state.connections)),
            },
            Arc::clone(&places),
            binding,
            shutdown.clone(),
            handler,
        )
    });
    join_all(serving).await;
}

/// What the requests of a binding have in common.
struct Way {
    options: BindingOptions,
    reach: Reach,
}

impl Way {
    fn arrival<B>(&self, peer: Peer, request: &Request<B>) -> Arrival {
        let Peer { address, is_tls } = peer;
        self.options
            .arrival(self.reach, address, is_tls, request.headers())
    }
}

/// Asks the store for a first admin until there is one: another server may make it.
async fn await_admins(app: App, shutdown: CancellationToken) {
    let admins = Arc::clone(app.state.admins.logins.admins());
    loop {
        let asked = Arc::clone(&admins);
        // A store that does not answer is told of elsewhere.
        let answered = app.calls.run(move || asked.is_set_up()).await;
        if matches!(answered, Ok(true)) {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(ADMINS_LOOK) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// The answer of the route, or the refusal of whoever may not get there.
async fn answer<R>(
    app: App,
    routes: R,
    options: &BindingOptions,
    arrival: Arrival,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible>
where
    R: Service<Request<Incoming>, Response = Response, Error = Infallible>,
{
    let is_v2 = path_kind::is_v2(request.uri().path());
    match principal_of(&app, options, &arrival, &request).await {
        Ok(principal) => {
            let who = principal.clone();
            request.extensions_mut().insert(principal);
            let mut response = routes.call(request).await?;
            refusal::of(&mut response, || who.identity());
            Ok(response)
        }
        Err(refusal) if is_v2 => Ok(refusal.into_v2_response()),
        Err(refusal) => Ok(refusal.into_response()),
    }
}

async fn principal_of(
    app: &App,
    options: &BindingOptions,
    arrival: &Arrival,
    request: &Request<Incoming>,
) -> Result<Principal, ApiError> {
    let path = request.uri().path();
    let (gate, client) = (&app.state.gate, arrival.client.ip());
    if path != path_kind::HEALTH {
        gate.check_request(client, ConnectionProtocol::Http)?;
        let wait = gate.pace(client, ConnectionProtocol::Http)?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
    // What is refused here costs something too, and is counted as any request.
    checked(request, options, &app.state.allowed_hosts)?;
    authenticate(app, path, request.headers(), arrival).await
}

/// Refuses what is not for the routes.
fn checked<B>(
    request: &Request<B>,
    options: &BindingOptions,
    hosts: &AllowedHosts,
) -> Result<(), ApiError> {
    let path = request.uri().path();
    if path == path_kind::HEALTH {
        return Ok(());
    }
    hosts.check(request)?;
    if is_cross_site(request.headers()) && !web::is_navigation(request) {
        return Err(ApiError::cross_site());
    }
    // CONNECT names a host in the place of the path, and warp panics without a path.
    if request.uri().path_and_query().is_none() || !options.serves(path) {
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
