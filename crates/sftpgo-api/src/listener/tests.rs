//! The listener against clients that stall.

use std::{
    io::{Read, Write},
    net::TcpStream as Client,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use sftpgo_core::{event::Events, registry::ConnectionLimits};
use sftpgo_proxy_protocol::{Mode, Policy};
use tokio::{net::TcpListener, task::JoinHandle};

use super::*;
use crate::binding::BindingOptions;

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

fn plain(listener: TcpListener) -> Binding {
    Binding {
        socket: Socket::Tcp(listener),
        options: BindingOptions::default(),
    }
}

async fn serve(limits: Limits, body: usize) -> SocketAddr {
    serve_until(CancellationToken::new(), limits, body).await.0
}

/// The same, until `shutdown`: the server has ended when the task has.
async fn serve_until(
    shutdown: CancellationToken,
    limits: Limits,
    body: usize,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(run(
        limits,
        Entrance::default(),
        limits.places(),
        plain(listener),
        shutdown,
        move |_, _| async move { Ok(Response::new(vec![b'x'; body].into())) },
    ));
    (address, served)
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
        silence: SHORT,
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
async fn a_client_that_reads_slowly_gets_all_of_an_answer_however_old_the_connection_is() {
    let limits = Limits {
        age: SHORT,
        grace: SHORT,
        ..one_place()
    };
    let server = serve(limits, LARGE).await;
    let slow = silent_client(server, GET).await;
    time::sleep(SHORT * 6).await;
    assert!(rest(slow).await.len() > LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_server_does_not_wait_for_a_client_that_reads_slowly() {
    let shutdown = CancellationToken::new();
    let limits = Limits {
        grace: SHORT,
        ..one_place()
    };
    let (server, served) = serve_until(shutdown.clone(), limits, LARGE).await;
    let mut slow = silent_client(server, GET).await;
    let slow = tokio::task::spawn_blocking(move || {
        slow.read_exact(&mut [0; 12]).unwrap();
        slow
    });
    let slow = slow.await.unwrap();
    shutdown.cancel();
    served.await.unwrap();
    assert!(rest(slow).await.len() < LARGE);
}

/// During a restart without a pause nobody knows which process has taken the connection.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_connected_when_the_server_ends_may_still_ask() {
    let shutdown = CancellationToken::new();
    // Much longer than a busy machine needs to ask.
    let limits = Limits {
        moment: Duration::from_secs(60),
        head_time: Duration::from_secs(60),
        ..Limits::default()
    };
    let (server, served) = serve_until(shutdown.clone(), limits, 1).await;
    let mut asking = silent_client(server, b"").await;
    // The last one that is accepted is the last one that is answered.
    assert!(!rest(silent_client(server, GET).await).await.is_empty());
    shutdown.cancel();
    time::sleep(SHORT).await;
    asking.write_all(GET).unwrap();
    assert!(rest(asking).await.starts_with(b"HTTP/1.1 200"));
    served.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_connected_and_asks_nothing_does_not_hold_up_the_end() {
    let shutdown = CancellationToken::new();
    // Nothing else ends the connection.
    let limits = Limits {
        moment: SHORT,
        head_time: Duration::from_secs(3600),
        silence: Duration::from_secs(3600),
        age: Duration::from_secs(3600),
        ..Limits::default()
    };
    let (server, served) = serve_until(shutdown.clone(), limits, 1).await;
    let silent = silent_client(server, b"").await;
    // The last one that is accepted is the last one that is answered.
    assert!(!rest(silent_client(server, GET).await).await.is_empty());
    shutdown.cancel();
    served.await.unwrap();
    assert!(rest(silent).await.is_empty());
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
        Entrance::default(),
        limits.places(),
        plain(listener),
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
    let limits = Limits::default();
    let served = tokio::spawn(run(
        limits,
        Entrance::default(),
        limits.places(),
        plain(listener),
        shutdown,
        move |_, _| {
            let (trigger, finishes) = (trigger.clone(), Arc::clone(&finishes));
            async move {
                trigger.cancel();
                time::sleep(SHORT).await;
                finishes.store(true, Ordering::SeqCst);
                Ok(Response::new("done".into()))
            }
        },
    ));
    let client = silent_client(server, GET).await;
    served.await.unwrap();
    assert!(finished.load(Ordering::SeqCst));
    assert!(rest(client).await.ends_with(b"done"));
}

/// A client whose header says that it is at `address`, and whether it is answered.
async fn by_proxy(server: SocketAddr, address: &str) -> (Client, bool) {
    let request =
        format!("PROXY TCP4 {address} 192.0.2.1 40000 80\r\nGET / HTTP/1.1\r\nHost: t\r\n\r\n");
    tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(server).unwrap();
        client.write_all(request.as_bytes()).unwrap();
        let mut start = [0; 12];
        let is_answered = client.read_exact(&mut start).is_ok();
        (client, is_answered)
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_count_for_their_host_to_their_end_and_those_of_this_machine_do_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let connections = Connections::new(Events::default());
    connections.set_limits(ConnectionLimits {
        per_host: 2,
        ..ConnectionLimits::default()
    });
    let mut binding = plain(listener);
    binding.options.proxy_protocol = Policy {
        mode: Mode::Required,
        allowed: ["127.0.0.0/8".parse().unwrap()].into_iter().collect(),
        ..Policy::default()
    };
    let limits = Limits::default();
    tokio::spawn(run(
        limits,
        Entrance {
            gate: Arc::default(),
            connections: Some(Arc::clone(&connections)),
        },
        limits.places(),
        binding,
        CancellationToken::new(),
        move |_, _| async move { Ok(Response::new("here".into())) },
    ));
    let of_ssh = connections
        .admit([192, 0, 2, 7].into(), ConnectionProtocol::Ssh, false)
        .unwrap();
    let (first, is_answered) = by_proxy(server, "192.0.2.7").await;
    assert!(is_answered);
    assert!(!by_proxy(server, "192.0.2.7").await.1, "above the limit");
    assert!(by_proxy(server, "192.0.2.8").await.1, "another host");
    let mut local = Vec::new();
    for _ in 0..3 {
        let (client, is_answered) = by_proxy(server, "127.0.0.1").await;
        assert!(is_answered);
        local.push(client);
    }
    drop(of_ssh);
    let (second, is_answered) = by_proxy(server, "192.0.2.7").await;
    assert!(is_answered, "there is room again");
    drop((first, second));
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    while !by_proxy(server, "192.0.2.7").await.1 {
        assert!(
            tokio::time::Instant::now() < until,
            "they are counted still"
        );
        time::sleep(SHORT).await;
    }
}
