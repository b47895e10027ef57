//! Which server, and who one is there, kept between calls: `cli.toml` in the user's configuration directory, for its owner
//! alone.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::exit::{Failure, Result};

/// The profile of one name.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// Where the server is.
    pub(crate) server: String,
    /// The name of the admin that logged in.
    #[serde(default)]
    pub(crate) username: String,
    /// The token that the server gave for the login.
    #[serde(default)]
    pub(crate) token: String,
}

/// All profiles, by their names.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Profiles {
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
    #[serde(skip)]
    file: PathBuf,
}

impl Profiles {
    /// Reads the profiles that are kept; none where there is no file.
    ///
    /// # Errors
    /// It cannot be read, or others than its owner can.
    pub(crate) fn load() -> Result<Self> {
        let file = file()?;
        let failed = |why: String| Failure::Usage(format!("{}: {why}", file.display()));
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error.to_string())),
        };
        if !text.is_empty() && is_open_to_others(&file) {
            return Err(failed(
                "others can read it, and a token is in it: chmod 600 it, and log in again"
                    .to_owned(),
            ));
        }
        let mut profiles: Self =
            toml::from_str(&text).map_err(|error| failed(error.message().to_owned()))?;
        profiles.file = file;
        Ok(profiles)
    }

    /// The one of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// Keeps it under this name, also after this program ends.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn keep(&mut self, name: &str, profile: Profile) -> Result<()> {
        self.profiles.insert(name.to_owned(), profile);
        let text = toml::to_string(self)
            .map_err(|error| Failure::Unexpected(format!("cannot write the profile: {error}")))?;
        write(&self.file, &text)
            .map_err(|error| Failure::Usage(format!("{}: {error}", self.file.display())))
    }
}

fn file() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let directory = set("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".config")));
    directory
        .map(|directory| directory.join("sftpgo").join("cli.toml"))
        .ok_or_else(|| Failure::Usage("there is no HOME to keep a profile in".to_owned()))
}

fn is_open_to_others(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

/// Writes the file whole or not at all, and never readable by others.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let mut new = tempfile::NamedTempFile::new_in(directory)?;
    new.write_all(text.as_bytes())?;
    new.persist(file)?;
    Ok(())
}
