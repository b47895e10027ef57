//! From a request to its answer: routed, logged, counted, and answered even when a handler panics.

use std::{convert::Infallible, future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use warp::reply::Response;

use crate::{
    access_log::Entry,
    cross_site::is_cross_site,
    error::ApiError,
    listener::{self, Limits},
    routes,
    state::{ApiState, App},
};

/// Serves on `listener` until `shutdown` fires and the requests then running are answered.
pub async fn serve(state: Arc<ApiState>, listener: TcpListener, shutdown: CancellationToken) {
    let routes = warp::service(routes::all(&App::new(Arc::clone(&state))));
    let routes = TowerToHyperService::new(routes);
    listener::run(
        Limits::default(),
        listener,
        shutdown,
        move |remote, request| {
            let entry = Entry::open(&request, remote);
            let cross_site = is_cross_site(request.headers());
            let answered = (!cross_site).then(|| guarded(routes.call(request)));
            let metrics = Arc::clone(&state.metrics);
            async move {
                let response = match answered {
                    Some(answered) => answered.await?,
                    None => ApiError::cross_site().into_response(),
                };
                entry.close(&response, &metrics);
                Ok(response)
            }
        },
    )
    .await;
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
            log::error!("a handler panicked");
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
