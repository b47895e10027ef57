//! Keys from the environment: `SFTPGO_SFTPD__BIND_PORT=2022`.

use std::{collections::BTreeMap, ffi::OsString};

use serde_json::Value;

use super::{
    Problem,
    shape::{self, Key},
};

/// Variables of the command line's flags, which reads them itself.
const FLAGS: [&str; 8] = [
    "SFTPGO_CONFIG_DIR",
    "SFTPGO_CONFIG_FILE",
    "SFTPGO_LOG_FILE_PATH",
    "SFTPGO_LOG_MAX_SIZE",
    "SFTPGO_LOG_MAX_BACKUPS",
    "SFTPGO_LOG_MAX_AGE",
    "SFTPGO_LOG_COMPRESS",
    "SFTPGO_LOG_VERBOSE",
];

/// What is set in the environment: by key path, the variable's name and the value.
pub(super) type Overrides = BTreeMap<String, (String, Value)>;

/// Reads the variables that name a key. Of the others only look-alikes of a key are refused: the command
/// line tool, container platforms and test runs have `SFTPGO_…` variables of their own.
pub(super) fn read(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    problems: &mut Vec<Problem>,
) -> Overrides {
    let keys: BTreeMap<_, _> = shape::all_keys()
        .into_iter()
        .map(|key| (key.environment_name(), key))
        .collect();
    let mut overrides = Overrides::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with("SFTPGO_")) else {
            continue;
        };
        if FLAGS.contains(&name) {
            continue;
        }
        let Some(key) = keys.get(name) else {
            if let Some(reason) = looks_like_a_key(name, &keys) {
                problems.push(Problem::new(name, reason));
            }
            continue;
        };
        let Some(text) = value.to_str() else {
            problems.push(Problem::new(name, "is not UTF-8"));
            continue;
        };
        match key.kind.parse(text) {
            Ok(value) => {
                overrides.insert(key.path.clone(), (name.to_owned(), value));
            }
            // The secret keys take any text, so no secret can come this way.
            Err(reason) => problems.push(Problem::new(name, reason)),
        }
    }
    overrides
}

fn looks_like_a_key(name: &str, known: &BTreeMap<String, Key>) -> Option<String> {
    let squeezed = |name: &str| name.replace('_', "");
    let wanted = squeezed(&name.to_ascii_uppercase());
    let names = known.keys().map(String::as_str).chain(FLAGS);
    if let Some(meant) = names.into_iter().find(|key| squeezed(key) == wanted) {
        return Some(format!("unknown variable; did you mean {meant}?"));
    }
    let (section, _) = name.split_once("__")?;
    let siblings: Vec<_> = known
        .keys()
        .map(String::as_str)
        .filter(|key| {
            key.strip_prefix(section)
                .is_some_and(|rest| rest.starts_with("__"))
        })
        .collect();
    Some(if siblings.is_empty() {
        "unknown section; there are SFTPGO_SFTPD__, SFTPGO_DATA_PROVIDER__ and SFTPGO_HTTPD__"
            .to_owned()
    } else {
        format!("unknown key; allowed here: {}", siblings.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_one(name: &str, value: &str) -> (Overrides, Vec<String>) {
        let mut problems = Vec::new();
        let found = read([(name.into(), value.into())], &mut problems);
        (found, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_known_name_sets_its_key() {
        let (found, problems) = read_one("SFTPGO_SFTPD__ACTIONS__EXECUTE_ON", "upload,delete");
        assert!(problems.is_empty());
        let (name, value) = &found["sftpd.actions.execute_on"];
        assert_eq!(name, "SFTPGO_SFTPD__ACTIONS__EXECUTE_ON");
        assert_eq!(*value, json!(["upload", "delete"]));
    }

    #[test]
    fn misspelt_names_are_refused_and_foreign_ones_are_not() {
        for (name, expected) in [
            (
                "SFTPGO_SFTPD__BINDPORT",
                "did you mean SFTPGO_SFTPD__BIND_PORT?",
            ),
            (
                "SFTPGO_SFTPD_BIND_PORT",
                "did you mean SFTPGO_SFTPD__BIND_PORT?",
            ),
            (
                "SFTPGO_SFTPD__PORT",
                "allowed here: SFTPGO_SFTPD__ACTIONS__COMMAND",
            ),
            ("SFTPGO_FTPD__PORT", "unknown section"),
        ] {
            let (found, problems) = read_one(name, "1");
            assert!(found.is_empty(), "{name}");
            assert!(
                problems.len() == 1
                    && problems[0].starts_with(name)
                    && problems[0].contains(expected),
                "{problems:?}"
            );
        }
        for foreign in [
            "SFTPGO_URL",
            "SFTPGO_PORT_2022_TCP",
            "SFTPGO_CONFIG_DIR",
            "PATH",
        ] {
            assert_eq!(read_one(foreign, "1"), (Overrides::new(), Vec::new()));
        }
    }

    #[test]
    fn a_value_of_another_kind_is_refused() {
        let (_, problems) = read_one("SFTPGO_HTTPD__BIND_PORT", "http");
        assert_eq!(
            problems,
            ["SFTPGO_HTTPD__BIND_PORT: \"http\" is not a whole number"]
        );
    }
}
