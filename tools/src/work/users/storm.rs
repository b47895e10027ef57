//! Many who log in with a password at the same moment. Their clients are in this program, on one thread of the lowest
//! priority: what they spend themselves must not slow down the transfer beside them.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use futures_util::future::try_join_all;
use russh::client;

use crate::work::idle::Trusting;

pub(super) const LOGINS: usize = 200;
/// Names, and passwords as they are added: one becomes argon2id, the other is bcrypt of [`PASSWORD`] already.
pub(super) const USERS: [(&str, &str); 2] = [
    ("storm-argon2id", PASSWORD),
    (
        "storm-bcrypt",
        "$2b$10$d.RByEQRf.AoiV/xk6JQoezzqb7CyxoAYoMAwmAHqAB.lSVZE1X22",
    ),
];
const PASSWORD: &str = "storm";
const LOWEST_PRIORITY: i32 = 19;

pub(super) struct Storm(JoinHandle<Result<Duration>>);

/// Lets them begin.
pub(super) fn start(port: u16) -> Result<Storm> {
    let thread = thread::Builder::new()
        .name("storm".to_owned())
        .spawn(move || {
            // On Linux this is the calling thread.
            rustix::process::setpriority_process(None, LOWEST_PRIORITY)?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let start = Instant::now();
            runtime.block_on(try_join_all((0..LOGINS).map(|number| log_in(port, number))))?;
            Ok(start.elapsed())
        })?;
    Ok(Storm(thread))
}

impl Storm {
    pub(super) fn is_over(&self) -> bool {
        self.0.is_finished()
    }

    /// How long it took until all were logged in.
    pub(super) fn end(self) -> Result<Duration> {
        self.0.join().map_err(|_| anyhow!("the storm panicked"))?
    }
}

async fn log_in(port: u16, number: usize) -> Result<()> {
    let config = Arc::new(client::Config::default());
    let mut handle = client::connect(config, ("127.0.0.1", port), Trusting).await?;
    let (name, _) = USERS
        .get(number % USERS.len())
        .context("there are no users")?;
    let login = handle.authenticate_password(*name, PASSWORD).await?;
    ensure!(login.success(), "{name} cannot log in");
    Ok(())
}
