//! The listener: bounds on every connection, and an end that lets running requests finish.

use std::{
    convert::Infallible, future::Future, io, net::SocketAddr, panic::AssertUnwindSafe, sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use warp::reply::Response;

use crate::{
    access_log::Entry,
    error::ApiError,
    routes,
    state::{ApiState, App},
};

/// What one client, or all together, may take up.
#[derive(Clone, Copy)]
struct Limits {
    /// Connections at once; further ones wait to be accepted.
    connections: usize,
    /// A request's head has to be there by then; an idle connection ends then.
    head_time: Duration,
    /// A connection takes no new request after this, so that no client stays by reading slowly.
    age: Duration,
    /// A running request gets this long once its connection has to end.
    grace: Duration,
    /// Bytes of a request's head, and of what is read ahead.
    head_size: usize,
    /// Header lines of a request.
    headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            head_time: Duration::from_secs(10),
            age: Duration::from_secs(120),
            grace: Duration::from_secs(10),
            head_size: 64 * 1024,
            headers: 100,
        }
    }
}

/// After a failed accept (no file handle left, mostly) the next is tried this much later.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves on `listener` until `shutdown` fires and the requests then running are answered.
pub async fn serve(state: Arc<ApiState>, listener: TcpListener, shutdown: CancellationToken) {
    serve_within(Limits::default(), state, listener, shutdown).await;
}

async fn serve_within(
    limits: Limits,
    state: Arc<ApiState>,
    listener: TcpListener,
    shutdown: CancellationToken,
) {
    let routes =
        TowerToHyperService::new(warp::service(routes::all(&App::new(Arc::clone(&state)))));
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let (place, stream, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                log::warn!("a connection was not accepted: {error}");
                time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let (routes, state, shutdown) = (routes.clone(), Arc::clone(&state), shutdown.clone());
        connections.spawn(async move {
            let service = service_fn(move |request| {
                answer(routes.clone(), Arc::clone(&state), remote, request)
            });
            converse(limits, stream, service, shutdown).await;
            drop(place);
        });
    }
    // Whoever connects from here on is refused by the system.
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection and its place among those that are allowed.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(tokio::sync::OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, remote) = listener.accept().await?;
    Ok((place, stream, remote))
}

/// One connection, to its end.
async fn converse<S>(limits: Limits, stream: TcpStream, service: S, shutdown: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_headers(limits.headers)
        .max_buf_size(limits.head_size)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = shutdown.cancelled() => None,
        () = time::sleep(limits.age) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            time::timeout(limits.grace, connection)
                .await
                .unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        log::debug!("an HTTP connection ended early: {error}");
    }
}

/// One request's answer, logged and counted; a panic on the way is answered too.
async fn answer<S>(
    routes: S,
    state: Arc<ApiState>,
    remote: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>,
{
    let entry = Entry::open(&request, remote);
    let response = guarded(async { routes.call(request).await }).await?;
    entry.close(&response, &state.metrics);
    Ok(response)
}

async fn guarded<F>(answer: F) -> Result<Response, Infallible>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    // Every value behind the handlers is a lock that outlives its poisoning, or a counter.
    AssertUnwindSafe(answer)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            log::error!("a handler panicked");
            Ok(ApiError::internal().into_response())
        })
}
