//! A directory in which our server is started again and again, with the users that were added before.

use std::{
    io::Read,
    net::TcpStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::storm;
use crate::{
    client::Endpoint,
    cpu::{Method, Processes},
    scratch::Scratch,
    servers::{self, ours::Program},
};

const USER: &str = "bench";
const START_LIMIT: Duration = Duration::from_secs(20);
/// Add users at the same time.
const CLIENTS: usize = 4;
const REST: Duration = Duration::from_millis(500);
const RESTS: usize = 60;
/// What a server at rest may spend on timers in that time.
const AT_REST: Duration = Duration::from_millis(5);

pub(crate) struct Place {
    program: Program,
    state: TempDir,
    public_key: String,
    pub(crate) home: PathBuf,
    pub(crate) port: u16,
    pub(crate) http_port: u16,
    running: Option<Processes>,
}

impl Place {
    pub(crate) fn new(program: Program, scratch: &Scratch) -> Result<Self> {
        let state = servers::state_directory()?;
        let public_key = servers::make_key(&state.path().join("client"))?;
        servers::make_key(&state.path().join("host"))?;
        Ok(Self {
            program,
            public_key,
            home: scratch.home()?,
            port: servers::free_port()?,
            http_port: servers::free_port()?,
            state,
            running: None,
        })
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: USER.to_owned(),
            key: self.state.path().join("client"),
            namespace: None,
        }
    }

    pub(crate) fn processes(&mut self) -> Result<&mut Processes> {
        self.running.as_mut().context("nothing runs")
    }

    /// Kills the server if it runs, starts it, and answers how long it takes until both ports have answered.
    pub(crate) fn start(&mut self) -> Result<Duration> {
        self.running = None;
        let command = self
            .program
            .serve(self.state.path(), self.port, self.http_port);
        let own = std::env::current_exe()?;
        let complaints = self.state.path().join("stderr");
        let start = Instant::now();
        self.running = Some(Processes::launch(&own, Method::Best, command, &complaints)?);
        while !(self.greets() && self.answers()) {
            ensure!(start.elapsed() < START_LIMIT, "our server does not answer");
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(start.elapsed())
    }

    /// Kills the server if it runs.
    pub(crate) fn stop(&mut self) {
        self.running = None;
    }

    /// Where users are unless the settings say otherwise.
    pub(crate) fn database(&self) -> PathBuf {
        self.state.path().join("sftpgo.db")
    }

    pub(crate) fn public_key(&self) -> &str {
        &self.public_key
    }

    fn greets(&self) -> bool {
        let mut first = [0];
        TcpStream::connect(("127.0.0.1", self.port))
            .is_ok_and(|mut stream| stream.read_exact(&mut first).is_ok())
    }

    fn answers(&self) -> bool {
        let path = format!("http://127.0.0.1:{}/healthz", self.http_port);
        ureq::get(path).call().is_ok()
    }

    /// Waits until what a start does in the background is done, or long enough.
    pub(crate) async fn come_to_rest(&mut self) -> Result<()> {
        let processes = self.processes()?;
        for _ in 0..RESTS {
            let before = processes.cpu()?;
            tokio::time::sleep(REST).await;
            if (processes.cpu()? - before).total() < AT_REST {
                break;
            }
        }
        Ok(())
    }

    /// Adds those who do something and as many others, through the REST API.
    pub(crate) async fn fill(&self, count: usize) -> Result<()> {
        let mut doers = vec![self.user(USER, &self.home, json!([self.public_key]), None)];
        for (name, password) in storm::USERS {
            doers.push(self.user(name, &self.home, json!([]), Some(password)));
        }
        add(self.http_port, doers).await?;
        let names: Vec<usize> = (0..count).collect();
        let each = count.div_ceil(CLIENTS);
        let parts = names.chunks(each.max(1)).map(|part| {
            let others = part.iter().map(|number| {
                let name = name(*number);
                let home = self.state.path().join("homes").join(&name);
                self.user(&name, &home, json!([self.public_key]), None)
            });
            add(self.http_port, others.collect())
        });
        futures_util::future::try_join_all(parts).await?;
        Ok(())
    }

    fn user(&self, name: &str, home: &Path, keys: Value, password: Option<&str>) -> Value {
        json!({
            "username": name, "status": 1, "permissions": ["*"], "home_dir": home, "public_keys": keys,
            "password": password, "max_sessions": 100_000, "quota_size": 1_u64 << 50,
        })
    }
}

async fn add(http_port: u16, users: Vec<Value>) -> Result<()> {
    let add = move || {
        let agent = ureq::Agent::new_with_defaults();
        for user in users {
            agent
                .post(format!("http://127.0.0.1:{http_port}/api/v1/user"))
                .content_type("application/json")
                .send(user.to_string())
                .context("a user cannot be added")?
                .body_mut()
                .read_to_vec()?;
        }
        Ok(())
    };
    tokio::task::spawn_blocking(add).await?
}

/// What the user of this number is called; numbers begin with 0.
pub(crate) fn name(number: usize) -> String {
    format!("user-{number:06}")
}
