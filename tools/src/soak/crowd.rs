//! Those who come and go.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use tokio::{process::Command, task::JoinSet};

use super::{USERS, doors::Http};
use crate::{
    client::{Client, Endpoint},
    scratch::{self, Scratch},
    servers,
    work::users::place::Place,
};

/// Of the file that most sessions send.
const SIZE: u64 = 256 << 10;
/// Of the file that is never sent whole.
const LONG: u64 = 64 << 20;
/// Files that are in memory at once, at most.
pub(super) const ROOM: u64 = 2 * LONG + 400 * SIZE;
/// What somebody does who had a failure, before trying again: nothing is to be learned from a storm of them.
const AFTER_A_FAILURE: Duration = Duration::from_secs(1);

/// The name of a user.
pub(super) fn user(number: usize) -> String {
    format!("soak-{:02}", number % USERS)
}

/// How often something was done, and what went wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    pub(super) counts: BTreeMap<&'static str, u64>,
    pub(super) failures: Vec<String>,
}

/// What one visitor does in one stay.
#[derive(Clone, Copy)]
enum Deed {
    /// A session of SFTP that stays for a while.
    Sftp,
    /// One whose client is killed in the middle of an upload.
    Killed,
    /// A file there and back by SCP.
    Scp,
    /// Somebody who is not let in.
    Stranger,
    /// An admin at the HTTP port.
    Admin,
}

impl Deed {
    /// In a hundred.
    fn number(number: u64) -> Self {
        match number % 100 {
            0..70 => Self::Sftp,
            70..80 => Self::Killed,
            80..90 => Self::Scp,
            90..95 => Self::Stranger,
            _ => Self::Admin,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Sftp => "SFTP sessions",
            Self::Killed => "clients killed in an upload",
            Self::Scp => "files there and back by SCP",
            Self::Stranger => "strangers refused",
            Self::Admin => "rounds of an admin",
        }
    }
}

/// What all visitors share.
struct Site {
    endpoint: Endpoint,
    stranger: PathBuf,
    file: PathBuf,
    long_file: PathBuf,
    received: PathBuf,
    http: Http,
    next: AtomicU64,
    done: Mutex<Done>,
}

/// Visitors at work.
pub(super) struct Crowd {
    site: Arc<Site>,
    visitors: JoinSet<()>,
}

impl Crowd {
    /// So many begin; each comes again after each stay, until the end.
    pub(super) fn begin(
        place: &Place,
        scratch: &Scratch,
        http: Http,
        sessions: usize,
        end: Instant,
    ) -> Result<Self> {
        let long_file = scratch.path("long");
        scratch::place(&scratch.source(LONG)?, &long_file)?;
        let file = scratch.path("file");
        scratch::place(&scratch.source(SIZE)?, &file)?;
        let stranger = scratch.path("stranger");
        servers::make_key(&stranger)?;
        let received = scratch.home()?;
        let site = Arc::new(Site {
            endpoint: place.endpoint(),
            stranger,
            file,
            long_file,
            received,
            http,
            next: AtomicU64::new(0),
            done: Mutex::default(),
        });
        let mut visitors = JoinSet::new();
        for number in 0..sessions {
            let site = Arc::clone(&site);
            // They do not all come in one moment.
            let pause = Duration::from_millis(150) * u32::try_from(number)?;
            visitors.spawn(async move {
                tokio::time::sleep(pause).await;
                while Instant::now() < end {
                    site.visit().await;
                }
            });
        }
        Ok(Self { site, visitors })
    }

    /// Waits until all have left.
    pub(super) async fn end(mut self) -> Result<Done> {
        while let Some(left) = self.visitors.join_next().await {
            left?;
        }
        Ok(self.site.done().clone())
    }
}

impl Site {
    fn done(&self) -> std::sync::MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn visit(self: &Arc<Self>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // Deeds are spread, and do not come in blocks of one kind.
        let deed = Deed::number(number.wrapping_mul(37));
        let visited = match deed {
            Deed::Sftp => self.sftp(number).await,
            Deed::Killed => self.killed(number).await,
            Deed::Scp => self.scp(number).await,
            Deed::Stranger => self.stranger(number).await,
            Deed::Admin => self.admin(number).await,
        };
        let failed = visited.is_err();
        {
            let mut done = self.done();
            match visited {
                Ok(()) => *done.counts.entry(deed.title()).or_default() += 1,
                Err(error) => done.failures.push(format!("{}: {error:#}", deed.title())),
            }
        }
        if failed {
            tokio::time::sleep(AFTER_A_FAILURE).await;
        }
    }

    fn endpoint(&self, number: u64) -> Endpoint {
        Endpoint {
            user: user(usize::try_from(number % USERS as u64).unwrap_or(0)),
            ..self.endpoint.clone()
        }
    }

    async fn sftp(&self, number: u64) -> Result<()> {
        let session = Client::default().log_in(&self.endpoint(number)).await?;
        let (file, name) = (self.file.display(), format!("file-{number}"));
        let received = self.received.join(&name);
        let stay = 5 + number % 40;
        session
            .run(&format!(
                "put {file} {name}\nls -l\n!sleep {stay}\nrename {name} {name}.new\nmkdir {name}.dir\nget {name}.new {}\n\
                 rm {name}.new\nrmdir {name}.dir\n",
                received.display()
            ))
            .await?;
        scratch::require_size(&received, SIZE)?;
        scratch::remove(&received)
    }

    async fn killed(&self, number: u64) -> Result<()> {
        let session = Client::default().log_in(&self.endpoint(number)).await?;
        let command = format!(
            "put -f {} killed-{number}\n!sleep 60\n",
            self.long_file.display()
        );
        let stay = Duration::from_millis(20 + number % 500);
        // Dropping the session kills its client.
        let _ = tokio::time::timeout(stay, session.run(&command)).await;
        let remaining = format!("-rm killed-{number}\n");
        let tidying = Client::default().log_in(&self.endpoint(number)).await?;
        tidying.run(&remaining).await.map(drop)
    }

    async fn scp(&self, number: u64) -> Result<()> {
        let endpoint = self.endpoint(number);
        let name = format!("scp-{number}");
        let there = format!("{}@{}:{name}", endpoint.user, endpoint.host);
        let received = self.received.join(&name);
        self.run_scp(&endpoint.key, &self.file.display().to_string(), &there)
            .await?;
        self.run_scp(&endpoint.key, &there, &received.display().to_string())
            .await?;
        scratch::require_size(&received, SIZE)?;
        scratch::remove(&received)?;
        let tidying = Client::default().log_in(&endpoint).await?;
        tidying.run(&format!("rm {name}\n")).await.map(drop)
    }

    async fn run_scp(&self, key: &Path, from: &str, to: &str) -> Result<()> {
        let output = Command::new("scp")
            .args(["-O", "-q", "-B", "-F", "/dev/null"])
            .args(["-o", "StrictHostKeyChecking=no"])
            .args(["-o", "UserKnownHostsFile=/dev/null"])
            .args(["-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"])
            .arg("-i")
            .arg(key)
            .args(["-P", &self.endpoint.port.to_string(), from, to])
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "scp: {}", said.trim());
        Ok(())
    }

    async fn stranger(&self, number: u64) -> Result<()> {
        let endpoint = Endpoint {
            key: self.stranger.clone(),
            ..self.endpoint(number)
        };
        let entered = Client::default().log_in(&endpoint).await.is_ok();
        ensure!(!entered, "a stranger was let in");
        Ok(())
    }

    async fn admin(self: &Arc<Self>, number: u64) -> Result<()> {
        let site = Arc::clone(self);
        let round = move || site.http.round(number, &user(number as usize));
        tokio::task::spawn_blocking(round).await?
    }
}
