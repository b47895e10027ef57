//! A relay that hands on what it gets after a while: the delay of a long way, without its losses and without the
//! windows of TCP, so that only the servers' own windows are measured.

use std::{future::pending, sync::Arc, time::Duration};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Bytes on the way in one direction: what a link of 1 Gbit/s holds in half a second.
const ON_THE_WAY: usize = 64 << 20;
const PIECE: usize = 64 << 10;

/// Ends with all its connections when it is dropped.
pub(super) struct Relay {
    port: u16,
    _tasks: JoinSet<()>,
}

impl Relay {
    pub(super) async fn start(host: &str, port: u16, one_way: Duration) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let own = listener.local_addr()?.port();
        let target = (host.to_owned(), port);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect((target.0.as_str(), target.1)).await else {
                    continue;
                };
                let _ = near.set_nodelay(true);
                let _ = far.set_nodelay(true);
                let ((from_near, to_near), (from_far, to_far)) =
                    (near.into_split(), far.into_split());
                connections.spawn(carry(from_near, to_far, one_way));
                connections.spawn(carry(from_far, to_near, one_way));
            }
            pending::<()>().await;
        });
        Ok(Self {
            port: own,
            _tasks: tasks,
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

/// What is on the way, with its place in the queue.
struct Piece {
    bytes: Vec<u8>,
    due: Instant,
    _place: OwnedSemaphorePermit,
}

async fn carry(from: OwnedReadHalf, to: OwnedWriteHalf, one_way: Duration) {
    let (sender, receiver) = mpsc::unbounded_channel();
    // Either side ends by itself; what is on the way still arrives.
    tokio::join!(take(from, sender, one_way), hand_on(receiver, to));
}

async fn take(mut from: OwnedReadHalf, queue: mpsc::UnboundedSender<Piece>, one_way: Duration) {
    let places = Arc::new(Semaphore::new(ON_THE_WAY));
    loop {
        let mut bytes = Vec::with_capacity(PIECE);
        match from.read_buf(&mut bytes).await {
            Ok(read) if read > 0 => {}
            _ => return,
        }
        let wanted = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let due = Instant::now() + one_way;
        let Ok(place) = Arc::clone(&places).acquire_many_owned(wanted).await else {
            return;
        };
        if queue
            .send(Piece {
                bytes,
                due,
                _place: place,
            })
            .is_err()
        {
            return;
        }
    }
}

async fn hand_on(mut queue: mpsc::UnboundedReceiver<Piece>, mut to: OwnedWriteHalf) {
    while let Some(piece) = queue.recv().await {
        sleep_until(piece.due).await;
        if to.write_all(&piece.bytes).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
