//! The run: servers are started, do the same work in turn, and are told apart in a report.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::Bench,
    cpu::Method,
    machine,
    report::{self, Report},
    say,
    scratch::Scratch,
    servers::{Server, Site, ours, sshd},
    work::{Group, Work, namespace::Namespace, plan::Plan},
};

/// The name of the server that ours is compared with.
const REFERENCE: &str = "OpenSSH";

/// Measures what the options ask for. The exit code says whether every server did all of it.
pub(crate) fn run(options: &Bench) -> Result<ExitCode> {
    until_interrupted(measure(options))
}

/// Does something; a signal drops it half-way, which ends its servers and clients and removes its files.
pub(crate) fn until_interrupted(work: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        tokio::select! {
            biased;
            _ = interrupt.recv() => bail!("interrupted"),
            _ = terminate.recv() => bail!("terminated"),
            _ = hang_up.recv() => bail!("the terminal has gone"),
            done = work => done,
        }
    })
}

async fn measure(options: &Bench) -> Result<ExitCode> {
    let plan = Plan::new(options);
    let binaries = binaries(options)?;
    allow_many_files()?;
    let scratch = Scratch::new(plan.transfer())?;
    let method = if options.no_cgroup {
        Method::Subreaper
    } else {
        Method::Best
    };
    let mut report = Report::new(machine::describe(), machine::load(), options.rounds);

    let site = Site {
        scratch: &scratch,
        method,
        namespace: None,
    };
    let mut servers = start(options, &binaries, &site, &mut report)?;
    for peer in &options.peer {
        servers.push(peer.attach()?);
    }
    report.introduce(&servers);
    do_in_turn(
        &plan.work(),
        &mut servers,
        &scratch,
        options.rounds,
        &mut report,
    )
    .await;

    if plan.wants(Group::Network) {
        let namespace = Namespace::create();
        if let Err(error) = &namespace {
            report.note(&format!(
                "{error:#}: a relay in this program delays instead"
            ));
        } else if !options.peer.is_empty() {
            report
                .note("peers cannot be reached in the network namespace and have no figures there");
        }
        if let Ok(namespace) = &namespace {
            let site = Site {
                scratch: &scratch,
                method,
                namespace: Some(namespace),
            };
            servers = start(options, &binaries, &site, &mut report)?;
        }
        do_in_turn(
            &plan.network(),
            &mut servers,
            &scratch,
            plan.network_rounds(),
            &mut report,
        )
        .await;
    }
    drop(servers);

    report.finish(machine::load());
    report::write(&report, &options.out)?;
    Ok(if report.is_complete() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Our binaries with their names; the first one is `ours`.
fn binaries(options: &Bench) -> Result<Vec<(String, PathBuf)>> {
    if options.binary.is_empty() {
        say("building the server");
        return Ok(vec![("ours".to_owned(), ours::build(&[])?)]);
    }
    let mut binaries = Vec::new();
    for (number, text) in options.binary.iter().enumerate() {
        let unnamed = if number == 0 {
            "ours".to_owned()
        } else {
            format!("ours-{}", number + 1)
        };
        let (name, path) = text
            .split_once('=')
            .map_or((unnamed, text.as_str()), |(name, path)| {
                (name.to_owned(), path)
            });
        let path = std::path::absolute(path)?;
        ensure!(path.is_file(), "{} is no file", path.display());
        binaries.push((name, path));
    }
    Ok(binaries)
}

fn start(
    options: &Bench,
    binaries: &[(String, PathBuf)],
    site: &Site,
    report: &mut Report,
) -> Result<Vec<Server>> {
    let mut servers = Vec::new();
    for (name, binary) in binaries {
        let server = ours::start(name, binary, &options.set, site);
        servers.push(server.with_context(|| format!("{name} does not start"))?);
    }
    if options.without_openssh {
        return Ok(servers);
    }
    let reference = match sshd::missing() {
        Some(missing) => Err(anyhow::anyhow!(missing)),
        None => sshd::start(REFERENCE, site),
    };
    match reference {
        Ok(server) => servers.push(server),
        Err(error) => report.note(&format!("nothing is compared with {REFERENCE}: {error:#}")),
    }
    Ok(servers)
}

/// Every server does the work before anyone does it again, so that what else the machine does hits all alike.
async fn do_in_turn(
    work: &[Work],
    servers: &mut [Server],
    scratch: &Scratch,
    rounds: u32,
    report: &mut Report,
) {
    for work in work {
        let rounds = if work.only_once() { 1 } else { rounds };
        for round in 1..=rounds {
            for server in &mut *servers {
                say(&format!(
                    "{}, round {round} of {rounds}: {}",
                    work.title(),
                    server.name
                ));
                match work.run(server, scratch).await {
                    Ok(readings) => report.add(&server.name, readings),
                    Err(error) => report.fail(&server.name, &work.title(), &error),
                }
            }
        }
    }
}

/// Connections are open files, of this program and of the servers.
fn allow_many_files() -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?;
    Ok(())
}
