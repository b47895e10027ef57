//! The configuration: a file, then the environment over it, then one validation.

mod database;
mod environment;
mod example;
mod file;
mod keys;
mod kind;
mod overrides;
mod report;
mod schema;
pub(crate) mod settings;
mod unsupported;
mod validate;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf, absolute},
};

use serde_json::Value;

#[cfg(test)]
pub(crate) use self::environment::FLAG_VARIABLES;
use self::keys::Keys;
pub(crate) use self::{
    example::{defaults_as_json, defaults_as_toml},
    report::{complaint, report, warnings},
    settings::Settings,
};

/// The name of the configuration file when nobody says another one.
pub(crate) const DEFAULT_NAME: &str = "sftpgo";

/// Something in the configuration that is wrong, at which place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// A key, a variable or a file.
    place: String,
    reason: String,
}

impl Problem {
    pub(crate) fn new(place: &str, reason: impl Into<String>) -> Self {
        Self {
            place: place.to_owned(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// It is the default, which nobody changed.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// The environment variable of this name.
    Environment(String),
    /// A flag or a command that leaves no choice.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// What was found, and what is wrong with it.
pub(crate) struct LoadedConfig {
    /// Absolute; every relative path starts here.
    pub(crate) directory: PathBuf,
    /// The file that was read, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// Settings that were passed over, and look as if somebody meant them.
    pub(crate) warnings: Vec<Problem>,
    values: Value,
    sources: BTreeMap<String, Source>,
    checked: Result<Settings, Vec<Problem>>,
}

impl LoadedConfig {
    /// The valid settings.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first.
    pub(crate) fn settings(&self) -> Result<&Settings, &[Problem]> {
        self.checked.as_ref().map_err(Vec::as_slice)
    }

    /// Returns the settings to keep, with the directory.
    ///
    /// # Errors
    /// As [`LoadedConfig::settings`].
    pub(crate) fn into_settings(self) -> Result<Settings, Vec<Problem>> {
        self.checked
    }

    /// Every value, as it was found or by default.
    pub(crate) fn values(&self) -> &Value {
        &self.values
    }

    fn source(&self, path: &str) -> &Source {
        self.sources.get(path).unwrap_or(&Source::Default)
    }
}

/// A key whose value a command or one of its flags says, whatever file and environment say.
pub(crate) struct Fixed {
    pub(crate) key: &'static str,
    pub(crate) value: Value,
    /// The flag, or the command.
    pub(crate) by: &'static str,
}

/// Reads the configuration called `name` in `directory`, and the keys in `variables`. An empty name is the default one. Any
/// other name is of a file that somebody means, so that starting without it would ignore what it says.
pub(crate) fn load(
    directory: &Path,
    name: &str,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> LoadedConfig {
    load_with(directory, name, variables, Vec::new(), directory)
}

/// Loads the configuration with these keys `fixed`, and the server's own host keys in `host_keys`.
pub(crate) fn load_with(
    directory: &Path,
    name: &str,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    fixed: Vec<Fixed>,
    host_keys: &Path,
) -> LoadedConfig {
    let host_keys = absolute(host_keys).unwrap_or_else(|_| host_keys.to_owned());
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let directory = absolute(directory).unwrap_or_else(|_| directory.to_owned());
    if !directory.is_dir() {
        problems.push(Problem::new(
            "--config-dir",
            format!("{} is not a directory", directory.display()),
        ));
    }
    let name = if name.is_empty() { DEFAULT_NAME } else { name };
    let mut values = schema::defaults();
    let mut sources = BTreeMap::new();

    let file = file::find(&directory, name).unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });
    if file.is_none() && name != DEFAULT_NAME && problems.is_empty() {
        let path = directory.join(name);
        problems.push(Problem::new(
            "--config-file",
            format!("there is no {}", file::expected(&path)),
        ));
    }
    if let Some(path) = &file {
        match file::read(path) {
            Ok(mut tree) => {
                for key in schema::check(&mut tree, &mut problems) {
                    sources.insert(key, Source::File(path.clone()));
                }
                schema::merge(&mut values, tree);
            }
            Err(problem) => problems.push(problem),
        }
    }
    environment::read(variables, &mut problems, &mut warnings).apply(
        &mut values,
        &mut sources,
        &mut problems,
    );

    for Fixed { key, value, by } in fixed {
        schema::merge(&mut values, schema::tree_of(key, value));
        sources.insert(key.to_owned(), Source::Flag(by));
    }

    warnings.extend(unsupported::passed_over(&values));
    warnings.extend(unsupported::believes_nobody(&values));
    let mut loaded = LoadedConfig {
        directory,
        file,
        warnings,
        values,
        sources,
        checked: Err(problems),
    };
    if loaded.settings().is_err_and(<[Problem]>::is_empty) {
        loaded.checked = checked(&loaded, &host_keys);
    }
    loaded
}

fn checked(loaded: &LoadedConfig, host_keys: &Path) -> Result<Settings, Vec<Problem>> {
    let keys: Keys = serde_json::from_value(loaded.values.clone())
        .map_err(|error| vec![Problem::new("configuration", error.to_string())])?;
    validate::validate(&keys, &loaded.directory, host_keys).map_err(|problems| {
        problems
            .into_iter()
            .map(|problem| with_source(problem, loaded))
            .collect()
    })
}

fn with_source(mut problem: Problem, loaded: &LoadedConfig) -> Problem {
    // What is said of an object of a list is of the list.
    let key = problem.place.split('[').next().unwrap_or_default();
    match loaded.source(key) {
        Source::Default => {}
        source => problem.reason += &format!(" (set by {source})"),
    }
    problem
}

#[cfg(test)]
mod tests;
