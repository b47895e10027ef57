//! The server confines itself, where that is asked for (`common.confine_to`): to the directories that it works with, and to
//! the calls of the system that a file-transfer server makes. What goes through the walls in spite of a fault is then what
//! its users may do anyway.
//!
//! All of it is inherited by every thread and program, and cannot be taken back: it begins before there is another thread,
//! and programs are started by a process outside (`hook/launcher.rs`).

mod files;
mod system_calls;

use std::{fmt, path::PathBuf};

use sftpgo_store::{ConnectOptions, StoreConfig};

use crate::{
    config::{
        LoadedConfig, Problem,
        settings::{Driver, Place, Settings},
    },
    hook::launcher,
    logging::LogSettings,
    own_program, receipts,
};

/// What holds this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Confinement {
    directories: Vec<PathBuf>,
    /// What is done outside the walls and can be changed from inside.
    replaceable: Vec<PathBuf>,
    files: Held,
    system_calls: Held,
}

/// Does a wall stand?
#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    Whole,
    /// The kernel knows a part of it.
    Partly,
    Not(String),
}

/// Confines this process, where the configuration asks for it. Called before any other thread runs, and after the sockets
/// that were passed belong to this process.
///
/// # Errors
/// A directory is missing, or programs could not be started any more.
pub(crate) fn begin(
    loaded: &LoadedConfig,
    settings: &Settings,
    log: &LogSettings,
) -> Result<Option<Confinement>, Problem> {
    let asked = &settings.common.confine_to;
    if asked.is_empty() {
        return Ok(None);
    }
    let mut directories = asked.clone();
    directories.extend(settings.data_provider.users_base_dir.clone());
    if let Some(missing) = directories.iter().find(|directory| !directory.is_dir()) {
        return Err(Problem::new(
            "common.confine_to",
            format!(
                "{} is no directory: make it, or leave it out",
                missing.display()
            ),
        ));
    }
    launcher::begin(
        files::programs(loaded),
        files::variables(loaded),
        own_program::arguments_of_next(),
    )
    .map_err(|error| {
        let reason = format!("the process that starts programs cannot be started: {error}");
        Problem::new("common.confine_to", reason)
    })?;
    let database = match &settings.data_provider.driver {
        Driver::Database(StoreConfig {
            connect_options: ConnectOptions::Sqlite(path),
            ..
        }) => Some(path.clone()),
        _ => None,
    };
    let audit_log = settings
        .common
        .audit
        .as_ref()
        .map(|audit| audit.file.clone());
    let bindings = settings.httpd.bindings.iter();
    let sockets = bindings.filter_map(|binding| match &binding.place {
        Place::Path(path) => Some(path.clone()),
        Place::Port(_) => None,
    });
    let receipts = settings.sftpd.upload_receipts.as_ref().map(|asked| {
        // It has to be there, and whoever opens it later says why it cannot be.
        let _ = receipts::make_directory(&asked.directory);
        asked.directory.clone()
    });
    let beside = database.into_iter().chain(log.file.clone());
    let written = files::written(
        directories.iter().cloned().chain(receipts),
        beside.chain(audit_log).chain(sockets),
        loaded,
    );
    let replaceable = files::replaceable(&written, loaded);
    let files = files::confine(&written, loaded);
    let system_calls = system_calls::confine();
    Ok(Some(Confinement {
        directories,
        replaceable,
        files,
        system_calls,
    }))
}

impl Confinement {
    /// Puts what holds, and what does not, into the log.
    pub(crate) fn log(&self) {
        if matches!(
            (&self.files, &self.system_calls),
            (Held::Whole, Held::Whole)
        ) {
            log::info!("the server has confined itself: {self}");
        } else {
            log::warn!("the server has confined itself as far as this system can: {self}");
        }
        for path in &self.replaceable {
            log::warn!(
                "the walls around the server do not hold whoever can change {}, and the server may write there: move it to a directory that only root can write",
                path.display()
            );
        }
    }
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "files are {}", self.files)?;
        for (at, directory) in self.directories.iter().enumerate() {
            let before = if at == 0 { " to " } else { ", " };
            write!(f, "{before}{}", directory.display())?;
        }
        write!(f, "; calls of the system are {}", self.system_calls)
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("confined"),
            Self::Partly => f.write_str("partly confined"),
            Self::Not(reason) => write!(f, "not confined ({reason})"),
        }
    }
}
