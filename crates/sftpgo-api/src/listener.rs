//! The listener: bounds on every connection, and an end that lets running requests finish.

use std::{
    convert::Infallible, future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration,
};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use sftpgo_core::registry::AcceptFailures;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use warp::reply::Response;

/// What one client, or all together, may take up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
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

impl Limits {
    /// The defaults where all that is no client's connection may have so many descriptors: half of them at the most.
    pub(crate) fn within(descriptors: usize) -> Self {
        let limits = Self::default();
        Self {
            connections: limits.connections.min(descriptors / 2).max(1),
            ..limits
        }
    }
}

/// After a failed accept (no file handle left, mostly) the next is tried this much later.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Answers requests with `handler` until `shutdown` fires and no connection is left.
pub(crate) async fn run<H, F>(
    limits: Limits,
    listener: TcpListener,
    shutdown: CancellationToken,
    handler: H,
) where
    H: Fn(SocketAddr, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response, Infallible>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    let mut failures = AcceptFailures::of("HTTP");
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let (place, stream, remote) = match accepted {
            Ok(accepted) => {
                failures.accepted();
                accepted
            }
            Err(error) => {
                failures.failed(&error);
                time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let (handler, shutdown) = (handler.clone(), shutdown.clone());
        connections.spawn(async move {
            let _place = place;
            converse(limits, stream, shutdown, move |request| {
                handler(remote, request)
            })
            .await;
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
) -> io::Result<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, remote) = listener.accept().await?;
    // Answers are small and written at once: there is nothing to wait for.
    stream.set_nodelay(true)?;
    // An IPv4 client of a socket for both kinds is known by its IPv4 address.
    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    Ok((place, stream, remote))
}

/// One connection, to its end.
async fn converse<H, F>(limits: Limits, stream: TcpStream, shutdown: CancellationToken, handler: H)
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response, Infallible>>,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_headers(limits.headers)
        .max_buf_size(limits.head_size)
        .serve_connection(TokioIo::new(stream), service_fn(handler));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = until_its_end_is_due(limits.age, &shutdown) => {
            connection.as_mut().graceful_shutdown();
            time::timeout(limits.grace, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        log::debug!("an HTTP connection ended early: {error}");
    }
}

async fn until_its_end_is_due(age: Duration, shutdown: &CancellationToken) {
    // Both ends are the same: of the age, and of the server.
    let _ = time::timeout(age, shutdown.cancelled()).await;
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream as Client,
        sync::atomic::{AtomicBool, AtomicUsize, Ordering},
        thread,
    };

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    /// More than the buffers between a server and a client that does not read.
    const LARGE: usize = 64 * 1024 * 1024;

    /// A server with one place, so that a second client is served only when the first is gone.
    #[test]
    fn connections_take_half_of_what_is_kept_back_and_no_more_than_ever() {
        for (kept, connections) in [(0, 1), (64, 32), (512, 256), (100_000, 256)] {
            assert_eq!(Limits::within(kept).connections, connections);
        }
    }

    fn one_place() -> Limits {
        Limits {
            connections: 1,
            ..Limits::default()
        }
    }

    async fn serve(limits: Limits, body: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(run(
            limits,
            listener,
            CancellationToken::new(),
            move |_, _| async move { Ok(Response::new(vec![b'x'; body].into())) },
        ));
        address
    }

    /// A client that has sent `bytes` and now waits.
    async fn silent_client(server: SocketAddr, bytes: &'static [u8]) -> Client {
        tokio::task::spawn_blocking(move || {
            let mut client = Client::connect(server).unwrap();
            client.write_all(bytes).unwrap();
            client
        })
        .await
        .unwrap()
    }

    async fn rest(mut client: Client) -> Vec<u8> {
        tokio::task::spawn_blocking(move || {
            let mut answer = Vec::new();
            // A reset is an end as well.
            let _ = client.read_to_end(&mut answer);
            answer
        })
        .await
        .unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_sends_slowly_gives_its_place_away() {
        let limits = Limits {
            head_time: SHORT,
            ..one_place()
        };
        let server = serve(limits, 1).await;
        let parts: [&[u8]; 3] = [
            b"",
            b"GET / HTTP/1.1\r\nHos",
            b"GET / HTTP/1.1\r\nHost: t\r\n\r\n",
        ];
        for part in parts {
            let slow = silent_client(server, part).await;
            let other = rest(silent_client(server, GET).await).await;
            assert!(other.starts_with(b"HTTP/1.1 200"));
            rest(slow).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_does_not_read_gives_its_place_away() {
        let limits = Limits {
            age: SHORT,
            grace: SHORT,
            ..one_place()
        };
        let server = serve(limits, LARGE).await;
        let slow = silent_client(server, GET).await;
        // Served to its head at least, so the first is gone.
        let mut second = silent_client(server, GET).await;
        let start = tokio::task::spawn_blocking(move || {
            let mut start = [0; 12];
            second.read_exact(&mut start).map(|()| start)
        });
        assert_eq!(&start.await.unwrap().unwrap(), b"HTTP/1.1 200");
        assert!(rest(slow).await.len() < LARGE);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_clients_than_places_are_served_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let limits = Limits {
            connections: 2,
            ..Limits::default()
        };
        let seen = Arc::clone(&most);
        tokio::spawn(run(
            limits,
            listener,
            CancellationToken::new(),
            move |_, _| {
                let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                async move {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    time::sleep(SHORT).await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok(Response::default())
                }
            },
        ));
        let clients: Vec<_> = (0..8)
            .map(|_| {
                thread::spawn(move || {
                    let mut client = Client::connect(server).unwrap();
                    client.write_all(GET).unwrap();
                    let mut answer = Vec::new();
                    client.read_to_end(&mut answer).unwrap();
                })
            })
            .collect();
        tokio::task::spawn_blocking(|| {
            clients
                .into_iter()
                .for_each(|client| client.join().unwrap())
        })
        .await
        .unwrap();
        assert_eq!(seen.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_end_waits_for_a_running_request() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let trigger = shutdown.clone();
        let finished = Arc::new(AtomicBool::new(false));
        let finishes = Arc::clone(&finished);
        let served = tokio::spawn(run(Limits::default(), listener, shutdown, move |_, _| {
            let (trigger, finishes) = (trigger.clone(), Arc::clone(&finishes));
            async move {
                trigger.cancel();
                time::sleep(SHORT).await;
                finishes.store(true, Ordering::SeqCst);
                Ok(Response::new("done".into()))
            }
        }));
        let client = silent_client(server, GET).await;
        served.await.unwrap();
        assert!(finished.load(Ordering::SeqCst));
        assert!(rest(client).await.ends_with(b"done"));
    }
}
