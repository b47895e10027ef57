//! `cargo xtask scale`: what a call costs with few and with many users, in each database.
//!
//! Our server runs twice on each database, over few users and over many, and both do the same calls in turn.

mod calls;
mod fill;
mod report;
mod store;

use std::{path::Path, process::ExitCode};

use anyhow::Result;

pub(crate) use self::store::Database;
use self::{
    calls::{Call, Caller},
    report::{Figures, Report, Row},
    store::Store,
};
use crate::{bench, cli::Scale, machine, say, scratch::Scratch, servers::ours};

/// What is asked for is asked for in so many parts, few users and many in turn, so that what else the machine does
/// meets both.
const PARTS: usize = 5;

/// Measures what the options ask for.
pub(crate) fn run(options: &Scale) -> Result<ExitCode> {
    bench::until_interrupted(measure(options))
}

async fn measure(options: &Scale) -> Result<ExitCode> {
    let binary = match &options.binary {
        Some(binary) => std::path::absolute(binary)?,
        None => {
            say("building the server");
            ours::build(&["--features", "sftpgo-server/postgres,sftpgo-server/mysql"])?
        }
    };
    let mut report = Report::new(options.sizes(), options.calls(), machine::load());
    for database in options.databases() {
        measure_database(database, options, &binary, &mut report).await?;
    }
    report.finish(machine::load());
    report.write(&options.out)?;
    Ok(ExitCode::SUCCESS)
}

async fn measure_database(
    database: Database,
    options: &Scale,
    binary: &Path,
    report: &mut Report,
) -> Result<()> {
    let scratch = Scratch::new(0)?;
    let site = database.start()?;
    let mut stores = Vec::new();
    for count in options.sizes() {
        say(&format!("{}: {count} users", database.name()));
        stores.push(Store::start(&site, count, binary, &scratch).await?);
    }
    let mut callers = Vec::new();
    for store in &stores {
        callers.push(Caller::new(store)?);
    }
    for call in Call::all() {
        say(&format!("{}: {}", database.name(), call.title()));
        let mut figures = vec![Figures::default(); stores.len()];
        // The first ones open connections and fill caches.
        for caller in &mut callers {
            caller.make(call, options.calls() / PARTS).await?;
        }
        for _ in 0..PARTS {
            let each = stores.iter_mut().zip(&mut callers).zip(&mut figures);
            for ((store, caller), figures) in each {
                let before = store.spent().await?;
                figures.add_times(caller.make(call, options.calls() / PARTS).await?);
                figures.add_spent(store.spent().await? - before);
            }
        }
        report.add(Row {
            database: database.name(),
            call: call.title(),
            figures,
        });
    }
    Ok(())
}
