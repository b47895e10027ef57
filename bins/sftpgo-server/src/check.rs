//! `check-config`.

use std::process::ExitCode;

use crate::{cli::Options, config, terminal};

/// Says what would be used and from where, then what is wrong with it.
pub(crate) fn run(options: &Options, flags: &str) -> ExitCode {
    let loaded = options.load();
    terminal::say(&format!("{}{}", config::report(&loaded), flags.trim_end()));
    terminal::complain_if_any(&config::warnings(&loaded));
    match loaded.settings() {
        Ok(_) => {
            terminal::say("# the configuration is valid");
            ExitCode::SUCCESS
        }
        Err(problems) => {
            terminal::complain(config::complaint(problems).trim_end());
            ExitCode::FAILURE
        }
    }
}
