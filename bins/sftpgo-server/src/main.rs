//! The server program: reads the command line and hands over to the part that does the rest.

mod actions;
mod admin_access;
mod allocator;
mod audit_log;
mod audit_verify;
mod check;
mod cli;
mod cluster_task;
mod compose;
mod config;
mod confinement;
mod connect_hook;
mod event_log;
mod generate;
mod grace;
mod health;
mod hook;
mod line;
mod listen;
mod logging;
mod memory_return;
mod migrate;
mod open_files;
mod own_program;
mod ping;
mod portable;
#[cfg(target_os = "linux")]
mod program_pages;
mod receipts;
mod reload;
mod reset_admin;
mod restart;
mod serve;
mod sharing;
mod shutdown;
mod stack_trim;
mod startup_banner;
mod startup_tasks;
mod systemd;
mod terminal;
mod user_file;
mod version;

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!("choose a database: the features are sqlite, postgres and mysql");

use std::process::ExitCode;

fn main() -> ExitCode {
    allocator::return_memory();
    let invocation = match cli::Invocation::of_process() {
        Ok(invocation) => invocation,
        Err(code) => return code,
    };
    match &invocation.command {
        cli::Command::Serve(options) => {
            allocator::keep_nothing_for_threads();
            serve::run(options)
        }
        cli::Command::Portable(options) => {
            allocator::keep_nothing_for_threads();
            portable::run(options)
        }
        cli::Command::Launcher => hook::launcher::serve(),
        cli::Command::CheckConfig(options) => check::run(options, &invocation.flags),
        cli::Command::Migrate(migrate) => migrate::run(migrate),
        cli::Command::InitProvider(options) => migrate::init(options),
        cli::Command::Ping(options) => ping::run(options),
        cli::Command::ResetAdmin(asked) => reset_admin::run(asked),
        cli::Command::Audit(cli::Audit::Verify(asked)) => audit_verify::run(asked),
        cli::Command::Gen(what) => generate::run(what),
        cli::Command::Version => {
            terminal::say(&version::line());
            ExitCode::SUCCESS
        }
    }
}
