//! One connection: from the socket to requests, and to its end.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use hyper::{
    Request,
    body::{Body, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time,
};
use tokio_util::sync::CancellationToken;
use warp::reply::Response;

use super::{
    Limits,
    places::{Place, Running},
};

/// What bytes come from and go to.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// None of a Unix socket.
    pub(crate) address: Option<SocketAddr>,
    /// Does the connection speak TLS?
    pub(crate) is_tls: bool,
}

/// A connection that nothing was read from yet.
pub(super) struct Accepted {
    pub(super) stream: Box<dyn Stream>,
    pub(super) peer: Peer,
    pub(super) place: Arc<Place>,
}

impl Accepted {
    /// Answers its requests with `handler`, to its end.
    pub(super) async fn serve<H, F>(self, limits: Limits, shutdown: CancellationToken, handler: H)
    where
        H: Fn(Peer, Request<Incoming>) -> F,
        F: Future<Output = Result<Response, Infallible>>,
    {
        let close = self.place.close_requested();
        tokio::select! {
            () = close.cancelled() => {
                log::debug!("an HTTP connection on which nothing was asked was closed for another one");
            }
            () = self.converse(limits, shutdown, handler) => {}
        }
    }

    async fn converse<H, F>(self, limits: Limits, shutdown: CancellationToken, handler: H)
    where
        H: Fn(Peer, Request<Incoming>) -> F,
        F: Future<Output = Result<Response, Infallible>>,
    {
        let Self {
            stream,
            peer,
            place,
        } = self;
        let service = service_fn(|request| {
            let running = place.begin();
            let answer = handler(peer, request);
            async move { Ok::<_, Infallible>(answer.await?.map(|body| Counted::new(body, running))) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_headers(limits.headers)
            .max_buf_size(limits.head_size)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = its_end_is_due(limits, &place, &shutdown) => {
                connection.as_mut().graceful_shutdown();
                time::timeout(limits.grace, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            log::debug!("an HTTP connection ended early: {error}");
        }
    }
}

async fn its_end_is_due(limits: Limits, place: &Place, shutdown: &CancellationToken) {
    tokio::select! {
        () = time::sleep(limits.age) => {}
        () = place.silent_for(limits.silence) => {}
        () = shutdown.cancelled() => {}
    }
}

/// The body of an answer, whose request runs until it is out.
struct Counted<B> {
    body: Pin<Box<B>>,
    _running: Running,
}

impl<B> Counted<B> {
    fn new(body: B, running: Running) -> Self {
        Self {
            body: Box::pin(body),
            _running: running,
        }
    }
}

impl<B: Body> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.body.as_mut().poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
