//! What `check-config` says: every key, its value and where it comes from.

use super::{LoadedConfig, Problem, schema};

/// Keys whose value is never shown.
const SECRET: [&str; 2] = ["data_provider.password", "data_provider.connection_string"];

/// Returns one line for the file, then one for each key.
pub(crate) fn report(loaded: &LoadedConfig) -> String {
    let mut text = match &loaded.file {
        Some(path) => format!("# configuration file: {}\n", path.display()),
        None => format!(
            "# no configuration file in {}: defaults and environment\n",
            loaded.directory.display()
        ),
    };
    for key in schema::all_keys() {
        let value = match schema::leaf(&loaded.values, &key.path) {
            Some(value) if SECRET.contains(&key.path.as_str()) && value != "" => "***".to_owned(),
            Some(value) if !value.is_null() => value.to_string(),
            _ => "not set".to_owned(),
        };
        text += &format!("{} = {value}  # {}\n", key.path, loaded.source(&key.path));
    }
    text
}

/// Returns all warnings, one a line.
pub(crate) fn warnings(loaded: &LoadedConfig) -> String {
    loaded
        .warnings
        .iter()
        .map(|warning| format!("warning: {warning}\n"))
        .collect()
}

/// Returns all problems, one a line.
pub(crate) fn complaint(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("error: {problem}\n"))
        .collect()
}
