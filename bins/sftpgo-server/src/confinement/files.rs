//! Which files can be reached: Landlock, of Linux 5.19 and later.

use std::{
    collections::BTreeSet,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules,
};
use serde_json::Value;

use super::Held;
use crate::config::LoadedConfig;

/// The rules as Linux 6.10 knows them; an older kernel takes what it knows.
const RULES: ABI = ABI::V5;

/// What is missing where there are no walls.
const TOO_OLD: &str = "this system has no Landlock by which files could still be moved between directories, as Linux has since 5.19";

/// What programs of a system read: libraries, names of hosts and users, certificates, times, themselves.
const OF_SYSTEM: [&str; 8] = [
    "/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/run", "/dev",
];

/// Devices that are written to.
const DEVICES: [&str; 4] = ["/dev/null", "/dev/tty", "/dev/pts", "/dev/shm"];

/// What the server may write below: `directories`, that of the configuration, and those of the files `written_beside`. A
/// database has a journal there, a log is put aside there, and a Unix socket is made and removed there.
pub(super) fn written(
    directories: impl IntoIterator<Item = PathBuf>,
    written_beside: impl IntoIterator<Item = PathBuf>,
    loaded: &LoadedConfig,
) -> BTreeSet<PathBuf> {
    let mut written: BTreeSet<PathBuf> = directories.into_iter().collect();
    written.insert(loaded.directory.clone());
    written.extend(
        written_beside
            .into_iter()
            .filter_map(|path| directory_of(&path)),
    );
    written
}

/// Confines this thread, and those that it starts: to what the configuration names, which can be read, and to what is below
/// `written`.
pub(super) fn confine(written: &BTreeSet<PathBuf>, loaded: &LoadedConfig) -> Held {
    let mut read: BTreeSet<PathBuf> = OF_SYSTEM.map(PathBuf::from).into();
    // A file that replaces one is in its directory too.
    read.extend(
        named_files(loaded)
            .into_iter()
            .filter_map(|path| directory_of(&path)),
    );
    match restrict(written, &read) {
        Ok(RulesetStatus::FullyEnforced) => Held::Whole,
        Ok(RulesetStatus::PartiallyEnforced) => Held::Partly,
        Ok(RulesetStatus::NotEnforced) => Held::Not(TOO_OLD.to_owned()),
        Err(error) => Held::Not(error.to_string()),
    }
}

fn restrict(
    written: &BTreeSet<PathBuf>,
    read: &BTreeSet<PathBuf>,
) -> Result<RulesetStatus, RulesetError> {
    let all = AccessFs::from_all(RULES);
    let devices = AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::Execute;
    let may_write: BitFlags<AccessFs> = all & !devices;
    let may_read = AccessFs::ReadFile | AccessFs::ReadDir;
    let to_device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::ReadDir;
    let restricted = Ruleset::default()
        // Without this rule a kernel refuses every move to another directory: then it is better to have none.
        .set_compatibility(CompatLevel::SoftRequirement)
        .handle_access(AccessFs::Refer)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .create()?
        .add_rules(path_beneath_rules(written, may_write))?
        .add_rules(path_beneath_rules(read, may_read))?
        .add_rules(path_beneath_rules(DEVICES, to_device))?
        .restrict_self()?;
    Ok(restricted.ruleset)
}

/// Every file that a value of the configuration names, whatever the key: keys, certificates, lists, banners.
fn named_files(loaded: &LoadedConfig) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut values = vec![loaded.values()];
    while let Some(value) = values.pop() {
        match value {
            Value::String(text) if !text.is_empty() => {
                let path = loaded.directory.join(text);
                if path.is_file() {
                    found.push(path);
                }
            }
            Value::Array(list) => values.extend(list),
            Value::Object(object) => values.extend(object.values()),
            _ => {}
        }
    }
    found
}

/// The programs that a value of the configuration names.
pub(super) fn programs(loaded: &LoadedConfig) -> Vec<PathBuf> {
    let mut programs = named_files(loaded);
    programs.retain(|path| {
        let found = path.metadata();
        found.is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
    });
    programs
}

/// Of what the configuration says and runs, that which lies below a directory in `written`.
pub(super) fn replaceable(written: &BTreeSet<PathBuf>, loaded: &LoadedConfig) -> Vec<PathBuf> {
    let whole = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let written: Vec<_> = written.iter().map(whole).collect();
    let mut found = programs(loaded);
    found.extend(loaded.file.clone());
    found.retain(|path| {
        let path = whole(path);
        written.iter().any(|directory| path.starts_with(directory))
    });
    found
}

/// The variables that a list `env` of the configuration has for programs.
pub(super) fn variables(loaded: &LoadedConfig) -> Vec<String> {
    let mut found = Vec::new();
    let mut values = vec![loaded.values()];
    while let Some(value) = values.pop() {
        match value {
            Value::Array(list) => values.extend(list),
            Value::Object(object) => {
                if let Some(Value::Array(list)) = object.get("env") {
                    found.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
                }
                values.extend(object.values());
            }
            _ => {}
        }
    }
    found
}

fn directory_of(path: &Path) -> Option<PathBuf> {
    path.parent().map(Path::to_owned)
}
