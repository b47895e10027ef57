//! The task of one session: takes what arrived, has it done, sends what comes of it.

use std::{sync::Arc, time::Duration};

use sftpgo_core::registry::Connection;
use tokio::{runtime::Handle, time::Instant};

use super::Inbox;
use crate::{
    program::{Program, Step, Streams},
    sftp::Engine,
    transport::ChannelOut,
};

/// Output is handed to the connection when this many bytes wait.
const SEND_AT: usize = 128 * 1024;

/// Requests that work long and answer little let the connection and its other channels have a turn after this.
const TURN: Duration = Duration::from_millis(10);

/// A pause for a bandwidth limit is slept in slices of this: whoever waits for it is not idle.
const SLICE: Duration = Duration::from_secs(1);

/// A session's side of its channel. When its task ends, in whatever way, the channel takes nothing more.
pub(crate) struct Running {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) out: Arc<ChannelOut>,
    pub(crate) connection: Arc<Connection>,
}

/// Does the requests of one SFTP session in the order they arrived, until the client is done.
pub(crate) async fn run_sftp(mut engine: Engine, channel: Running) {
    let mut spare = Vec::new();
    while let Some((back, data)) = channel.inbox.lend(engine, spare).await {
        engine = back;
        spare = engine.push(data);
        let mut turn = Instant::now();
        loop {
            if channel.out.is_gone() {
                engine.client_is_gone();
            }
            match engine.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => {
                    log::debug!("an SFTP session ends: a packet does not follow the protocol");
                    channel.send(engine.take_replies()).await;
                    drop(engine);
                    channel.inbox.discard();
                    return channel.out.close(1).await;
                }
            }
            let pause = engine.take_pause();
            if engine.is_throttled() {
                channel.send_throttled(&mut engine).await;
            } else if !pause.is_zero() {
                channel.send(engine.take_replies()).await;
                channel.pause(pause).await;
            } else if engine.replies_len() >= SEND_AT {
                channel.send(engine.take_replies()).await;
            } else if turn.elapsed() < TURN {
                continue;
            } else {
                tokio::task::yield_now().await;
            }
            turn = Instant::now();
        }
        channel.send(engine.take_replies()).await;
    }
    // The engine is gone: open uploads have ended before the client hears that the session has.
    channel.out.close(0).await;
}

/// Runs a command until it is done.
pub(crate) async fn run_program(mut program: Box<dyn Program>, channel: Running) {
    let mut streams = Streams::default();
    let mut spare = Vec::new();
    let status = loop {
        if channel.out.is_gone() {
            streams.lose_output();
        }
        let step = program.step(&mut streams);
        let pause = streams.take_pause();
        let is_full = streams.stdout.len() + streams.stderr.len() >= SEND_AT;
        if step != Step::Continue || !pause.is_zero() || is_full {
            channel.send(std::mem::take(&mut streams.stdout)).await;
            channel
                .send_error(std::mem::take(&mut streams.stderr))
                .await;
        }
        channel.pause(pause).await;
        match step {
            // A piece of work at a time: the connection and its other channels share the thread.
            Step::Continue => tokio::task::yield_now().await,
            Step::NeedInput => match channel.inbox.take(std::mem::take(&mut spare)).await {
                Some(data) => spare = streams.push(data),
                None => streams.end_input(),
            },
            Step::Done(status) => break status,
        }
    };
    // An unfinished upload ends here, before the client hears that the command has ended.
    drop(program);
    channel.inbox.discard();
    channel.out.close(status).await;
}

impl Running {
    async fn send(&self, data: Vec<u8>) {
        if data.is_empty() {
            return;
        }
        self.inbox.set_sending(true);
        self.out.send(data).await;
        self.inbox.set_sending(false);
    }

    /// Sends what was read as fast as the user's bandwidth has it.
    async fn send_throttled(&self, engine: &mut Engine) {
        let replies = engine.take_replies();
        for piece in replies.chunks(engine.piece().max(1)) {
            self.send(piece.to_vec()).await;
            let pause = engine.pay(piece.len());
            self.pause(pause).await;
        }
    }

    async fn send_error(&self, text: Vec<u8>) {
        if text.is_empty() {
            return;
        }
        self.inbox.set_sending(true);
        self.out.send_error(text).await;
        self.inbox.set_sending(false);
    }

    /// Waits for a bandwidth limit, unless nobody is left to wait for.
    async fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            if self.out.is_gone() {
                // What goes on without a client must give others a turn, and can be ended here.
                return tokio::task::yield_now().await;
            }
            tokio::select! {
                () = tokio::time::sleep(left.min(SLICE)) => self.connection.touch(),
                () = self.out.gone() => return,
            }
            self.out.reassure().await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.inbox.discard();
        // A task that panicked has not told its client.
        if std::thread::panicking()
            && let Ok(runtime) = Handle::try_current()
        {
            let out = Arc::clone(&self.out);
            runtime.spawn(async move { out.close(1).await });
        }
    }
}
