//! One connection: from the socket to requests, and to its end.

use std::{
    convert::Infallible,
    future::Future,
    io::{self, Cursor},
    mem,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::{
    Request,
    body::{Body, Frame, Incoming, SizeHint},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use sftpgo_core::registry::Admission;
use sftpgo_proxy_protocol::{Received, Treatment, receive};
use tokio::{
    io::{self as io_util, AsyncRead, AsyncReadExt, AsyncWrite},
    time,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use warp::reply::Response;

use super::{
    Entrance, Limits, bounded_source,
    places::{Place, Running},
};
use crate::{binding::BindingOptions, streamed::with_whole_body};

/// HTTP/2, as ALPN has it.
const HTTP_2: &[u8] = b"h2";

/// What bytes come from and go to.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// The client's address; none of a Unix socket.
    pub(crate) address: Option<SocketAddr>,
    /// Does the connection speak TLS?
    pub(crate) is_tls: bool,
}

/// A connection that nothing was read from yet.
pub(super) struct Accepted {
    pub(super) stream: Box<dyn Stream>,
    /// The client's address; none of a Unix socket.
    pub(super) address: Option<SocketAddr>,
    /// The header that may come before everything else; none where there is none.
    pub(super) header: Option<Header>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) options: Arc<BindingOptions>,
    pub(super) entrance: Entrance,
    /// None where it is not counted, or not yet.
    pub(super) admission: Option<Admission>,
    pub(super) place: Arc<Place>,
}

/// A PROXY header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    required: bool,
    is_believed: bool,
}

impl Header {
    /// Makes the header that a connection may begin with that is treated so.
    pub(super) fn of(treatment: Treatment) -> Option<Self> {
        match treatment {
            Treatment::Direct | Treatment::Refused => None,
            Treatment::PassedOver => Some(Self {
                required: false,
                is_believed: false,
            }),
            Treatment::Believed { required } => Some(Self {
                required,
                is_believed: true,
            }),
        }
    }
}

/// A connection on which HTTP can be spoken.
struct Open {
    stream: Box<dyn Stream>,
    peer: Peer,
    speaks_http2: bool,
    /// Counts it to its end.
    admission: Option<Admission>,
}

impl Accepted {
    /// Answers its requests with `handler`, to its end.
    pub(super) async fn serve<H, F>(self, limits: Limits, shutdown: CancellationToken, handler: H)
    where
        H: Fn(Peer, Request<Incoming>) -> F + Send + 'static,
        F: Future<Output = Result<Response, Infallible>> + Send + 'static,
    {
        let place = Arc::clone(&self.place);
        let close = place.close_requested();
        let conversing = async {
            let peer = self.address.map(|address| address.to_string());
            let open = tokio::select! {
                open = self.open(limits) => open,
                () = its_moment_is_over(limits, &shutdown) => return,
            };
            match open {
                Ok(open) => converse(open, place, limits, &shutdown, handler).await,
                Err(error) => {
                    let peer = peer.as_deref().unwrap_or("local");
                    log::debug!("the HTTP connection from {peer} was closed: {error}");
                }
            }
        };
        tokio::select! {
            () = close.cancelled() => {
                log::debug!("an HTTP connection on which nothing moved was closed for another one");
            }
            () = conversing => {}
        }
    }

    /// Reads what comes before HTTP.
    async fn open(mut self, limits: Limits) -> io::Result<Open> {
        if let Some(header) = self.header {
            self.read_header(header).await?;
        }
        let Self {
            stream,
            address,
            tls,
            admission,
            ..
        } = self;
        let Some(tls) = tls else {
            return Ok(Open {
                admission,
                stream,
                peer: Peer {
                    address,
                    is_tls: false,
                },
                speaks_http2: false,
            });
        };
        let stream = time::timeout(limits.handshake_time, tls.accept(stream)).await??;
        Ok(Open {
            admission,
            speaks_http2: stream.get_ref().1.alpn_protocol() == Some(HTTP_2),
            stream: Box::new(stream),
            peer: Peer {
                address,
                is_tls: true,
            },
        })
    }

    async fn read_header(&mut self, header: Header) -> io::Result<()> {
        let Received { client, rest } = receive(&mut self.stream, header.required).await?;
        if header.is_believed {
            self.address = client.or(self.address);
            let admitted = self.entrance.admit(&self.options, self.address);
            self.admission =
                admitted.map_err(|_| io::Error::other("its address may not connect"))?;
            let source = bounded_source(&self.options, self.address);
            if !self.place.is_of(source) {
                return Err(io::Error::other("its address has too many of them"));
            }
        }
        if !rest.is_empty() {
            let stream = mem::replace(&mut self.stream, Box::new(io_util::empty()));
            let (reader, writer) = io_util::split(stream);
            self.stream = Box::new(io_util::join(Cursor::new(rest).chain(reader), writer));
        }
        Ok(())
    }
}

async fn converse<H, F>(
    open: Open,
    place: Arc<Place>,
    limits: Limits,
    shutdown: &CancellationToken,
    handler: H,
) where
    H: Fn(Peer, Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Result<Response, Infallible>> + Send + 'static,
{
    let peer = open.peer;
    let _counted = open.admission;
    let asked = Arc::clone(&place);
    let first = CancellationToken::new();
    let has_asked = first.clone();
    let service = service_fn(move |request| {
        let running = asked.begin();
        has_asked.cancel();
        let answer = handler(peer, request);
        async move {
            let response = with_whole_body(answer.await?);
            Ok::<_, Infallible>(response.map(|body| Counted::new(body, running)))
        }
    });
    let http = http(open.speaks_http2, limits);
    let mut connection = pin!(http.serve_connection(TokioIo::new(open.stream), service));
    let stalled = watch(&place, move |place| async move {
        place.stalled_for(limits.silence).await;
    });
    let silent = watch(&place, move |place| async move {
        place.silent_for(limits.silence).await;
    });
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stalled => {
            log::debug!("an HTTP connection was closed, because its client does not read the answer");
            Ok(())
        }
        () = its_end_is_due(limits, silent, &first, shutdown) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = its_last_answers_are_overdue(limits, &place, shutdown) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        log::debug!("an HTTP connection ended early: {error}");
    }
}

/// The one version of HTTP that was agreed upon, within the limits.
fn http(speaks_http2: bool, limits: Limits) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_headers(limits.headers)
        .max_buf_size(limits.head_size);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.stream_head_size);
    if speaks_http2 {
        http.http2_only()
    } else {
        http.http1_only()
    }
}

/// Looks after a place in a task of its own: each look in the connection's would have that take more into its own buffers,
/// which would pass for a client that reads.
fn watch<F>(place: &Arc<Place>, look: impl FnOnce(Arc<Place>) -> F) -> AbortOnDropHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    AbortOnDropHandle::new(tokio::spawn(look(Arc::clone(place))))
}

async fn its_end_is_due(
    limits: Limits,
    silent: AbortOnDropHandle<()>,
    first: &CancellationToken,
    shutdown: &CancellationToken,
) {
    let server_ends = async {
        shutdown.cancelled().await;
        tokio::select! {
            () = first.cancelled() => {}
            () = its_moment_is_over(limits, shutdown) => {}
        }
    };
    tokio::select! {
        () = time::sleep(limits.age) => {}
        _ = silent => {}
        () = server_ends => {}
    }
}

/// Whoever has connected just before the server ends, as it does in a restart without a pause, has a moment for what it asks.
async fn its_moment_is_over(limits: Limits, shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    time::sleep(limits.moment).await;
}

/// The running requests of a connection that takes no more: as long as the client takes pieces of an answer it gets the rest,
/// unless the server ends.
async fn its_last_answers_are_overdue(limits: Limits, place: &Place, shutdown: &CancellationToken) {
    let nothing_moves = async {
        time::sleep(limits.grace).await;
        place.still_for(limits.silence).await;
    };
    let server_ends = async {
        shutdown.cancelled().await;
        time::sleep(limits.grace).await;
    };
    tokio::select! {
        () = nothing_moves => {}
        () = server_ends => {}
    }
}

/// Bytes that a client is given at once: small enough that a slow line moves some of them within [`Limits::silence`].
const PIECE: usize = 16 * 1024;

/// The body of an answer in pieces, whose request runs until it is out.
struct Counted<B> {
    body: Pin<Box<B>>,
    /// What is left of a frame of `body`.
    rest: Bytes,
    running: Running,
}

impl<B> Counted<B> {
    fn new(body: B, running: Running) -> Self {
        Self {
            body: Box::pin(body),
            rest: Bytes::new(),
            running,
        }
    }

    fn next_piece(&mut self) -> Frame<Bytes> {
        let length = self.rest.len().min(PIECE);
        self.running.gives();
        Frame::data(self.rest.split_to(length))
    }
}

impl<B: Body<Data = Bytes>> Body for Counted<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        // It is asked for more only when there is room for it again.
        self.running.is_taken();
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.next_piece())));
        }
        let frame = ready!(self.body.as_mut().poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| match frame.into_data() {
                Ok(data) => {
                    self.rest = data;
                    self.next_piece()
                }
                Err(frame) => frame,
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests;
