//! `cargo xtask soak`: many sessions come and go for hours, and what the server holds is looked at meanwhile.
//!
//! What grows with time and not with work is what this finds: memory, descriptors, threads, temporaries, the database.

mod crowd;
mod doors;
mod plot;
mod report;
mod sample;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::json;

use self::{
    crowd::Crowd,
    doors::Http,
    report::{Report, When},
    sample::Sampler,
};
use crate::{
    bench,
    cli::Soak,
    machine, say,
    scratch::Scratch,
    servers::ours::{self, Program},
    work::users::place::Place,
};

/// Users who share the sessions.
const USERS: usize = 20;
/// Between two looks at the server.
const EVERY: Duration = Duration::from_secs(10);
/// Until what the last sessions left is given back.
const REST: Duration = Duration::from_secs(90);
const ADMIN: (&str, &str) = ("soak", "a password of the soak");

/// Does what the options ask for. The exit code says whether everything stayed flat.
pub(crate) fn run(options: &Soak) -> Result<ExitCode> {
    bench::until_interrupted(soak(options))
}

async fn soak(options: &Soak) -> Result<ExitCode> {
    let binary = match &options.binary {
        Some(binary) => std::path::absolute(binary)?,
        None => {
            say("building the server");
            ours::build(&[])?
        }
    };
    let scratch = Scratch::new(crowd::ROOM)?;
    let mut place = Place::new(Program::new(&binary, &settings()), &scratch)?;
    place.start()?;
    place.come_to_rest().await?;
    let homes = scratch.path("homes");
    std::fs::create_dir(&homes)?;
    let http = Http::new(place.http_port, ADMIN);
    for name in (0..USERS).map(crowd::user) {
        http.add_user(&user(&name, &homes.join(&name), place.public_key()))?;
    }

    let mut report = Report::new(machine::describe(), machine::load(), options.sessions);
    let sampler = Sampler::new(homes, place.database(), http.clone());
    let start = Instant::now();
    let end = start + Duration::from_secs(options.minutes * 60);
    report.add(When::Before, sampler.look(start, &mut place)?);
    let crowd = Crowd::begin(&place, &scratch, http, options.sessions, end)?;
    while Instant::now() < end {
        tokio::time::sleep(EVERY.min(end.saturating_duration_since(Instant::now()))).await;
        let sample = sampler.look(start, &mut place)?;
        say(&sample.line());
        report.add(When::Meanwhile, sample);
    }
    report.tell(crowd.end().await?);
    tokio::time::sleep(REST).await;
    report.add(When::Afterwards, sampler.look(start, &mut place)?);
    report.finish(machine::load());
    report.write(&options.out)?;
    Ok(report.exit_code())
}

fn settings() -> Vec<(String, String)> {
    let settings = [
        ("SFTPGO_DATA_PROVIDER__CREATE_DEFAULT_ADMIN", "true"),
        ("SFTPGO_DEFAULT_ADMIN_USERNAME", ADMIN.0),
        ("SFTPGO_DEFAULT_ADMIN_PASSWORD", ADMIN.1),
        ("SFTPGO_SFTPD__ENABLE_SCP", "true"),
        // The log grows with what is done, and is none of what is looked at.
        ("SFTPGO_LOG_VERBOSE", "false"),
    ];
    settings
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec()
}

fn user(name: &str, home: &std::path::Path, public_key: &str) -> serde_json::Value {
    json!({
        "username": name, "status": 1, "permissions": ["*"], "home_dir": home, "public_keys": [public_key],
        "quota_size": 1_u64 << 40, "quota_files": 1_000_000, "max_sessions": 1000,
    })
}

/// The command's files that are compared in the end, by a name of their own.
fn in_directory(directory: &std::path::Path, name: &str) -> Result<PathBuf> {
    std::fs::create_dir_all(directory)
        .with_context(|| format!("{} cannot be made", directory.display()))?;
    Ok(directory.join(name))
}
