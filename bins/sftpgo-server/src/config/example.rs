//! A configuration file that says what holds without one.

use super::{keys::Keys, schema};

/// Returns the defaults as JSON, in the order in which the documentation has the keys. A key without a default is `null`,
/// which is as left out.
pub(crate) fn defaults_as_json() -> String {
    serde_json::to_string_pretty(&Keys::default()).unwrap_or_default()
}

/// Returns the defaults as TOML, in the same order. TOML has no `null`: a key without a default is a comment.
pub(crate) fn defaults_as_toml() -> String {
    let mut text = toml::to_string(&Keys::default()).unwrap_or_default();
    let defaults = schema::defaults();
    for key in schema::all_keys() {
        let is_without = schema::leaf(&defaults, &key.path).is_some_and(serde_json::Value::is_null);
        if let (true, Some((section, name))) = (is_without, key.path.rsplit_once('.')) {
            let header = format!("[{section}]\n");
            text = text.replacen(&header, &format!("{header}# {name} =\n"), 1);
        }
    }
    text
}
