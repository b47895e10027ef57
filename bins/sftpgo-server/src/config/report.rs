//! What `check-config` says: every key, its value and where it comes from.

use serde_json::Value;

use super::{LoadedConfig, Problem, schema};

/// Names of keys whose value is never shown.
const SECRET: [&str; 4] = [
    "password",
    "connection_string",
    "signing_passphrase",
    "client_secret",
];

/// Shown in the place of a secret.
const HIDDEN: &str = "***";

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
        let name = key.path.rsplit('.').next().unwrap_or_default();
        let value = match schema::leaf(&loaded.values, &key.path) {
            Some(value) if is_secret(name, value) => HIDDEN.to_owned(),
            Some(value) if !value.is_null() => without_secrets(name, value.clone()).to_string(),
            _ => "not set".to_owned(),
        };
        text += &format!("{} = {value}  # {}\n", key.path, loaded.source(&key.path));
    }
    text
}

fn is_secret(name: &str, value: &Value) -> bool {
    SECRET.contains(&name) && value.as_str().is_some_and(|text| !text.is_empty())
}

/// Returns the value of the key `name` with its secrets hidden: objects of lists are shown whole, but for headers of requests and
/// variables of programs.
fn without_secrets(name: &str, mut value: Value) -> Value {
    match &mut value {
        Value::Array(values) => {
            for value in values {
                *value = match (name, value.take()) {
                    ("env", Value::String(variable)) => without_value(&variable).into(),
                    ("headers", Value::Object(mut header)) => {
                        header.insert("value".to_owned(), HIDDEN.into());
                        Value::Object(header)
                    }
                    (_, value) => without_secrets("", value),
                };
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                *value = if is_secret(name, value) {
                    HIDDEN.into()
                } else {
                    without_secrets(name, value.take())
                };
            }
        }
        _ => {}
    }
    value
}

fn without_value(variable: &str) -> String {
    let name = variable.split('=').next().unwrap_or_default();
    format!("{name}={HIDDEN}")
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
