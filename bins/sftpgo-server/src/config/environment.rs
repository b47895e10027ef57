//! Keys from the environment: `SFTPGO_SFTPD__BIND_PORT=2022`, and of objects in a list
//! `SFTPGO_SFTPD__KEYS__0__PRIVATE_KEY=id_rsa`.

mod platform;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
};

use serde_json::{Map, Value};

use self::platform::describes_a_service;
use super::{
    Problem,
    kind::Kind,
    overrides::{Field, Overrides},
    schema::{self, Key},
};

/// Variables of the command line's flags, which reads them itself.
pub(crate) const FLAG_VARIABLES: [&str; 10] = [
    "SFTPGO_CONFIG_DIR",
    "SFTPGO_CONFIG_FILE",
    "SFTPGO_LOG_FILE_PATH",
    "SFTPGO_LOG_MAX_SIZE",
    "SFTPGO_LOG_MAX_BACKUPS",
    "SFTPGO_LOG_MAX_AGE",
    "SFTPGO_LOG_COMPRESS",
    "SFTPGO_LOG_VERBOSE",
    "SFTPGO_GRACE_TIME",
    "SFTPGO_DRAIN_TIME",
];

/// Variables of the first admin, see `admin_access.rs`.
const ADMIN_VARIABLES: [&str; 2] = [
    "SFTPGO_DEFAULT_ADMIN_USERNAME",
    "SFTPGO_DEFAULT_ADMIN_PASSWORD",
];

/// Reads the variables that name a key. Of the others only look-alikes of a key are refused: the command
/// line tool, container platforms and test runs have `SFTPGO_…` variables of their own.
///
/// Kubernetes and Docker describe a service named `sftpgo-data-provider` by `SFTPGO_DATA_PROVIDER_PORT=tcp://…` and its
/// kin, in every container. Nobody meant a setting by them; those that look like one are passed over with a warning.
pub(super) fn read(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Problem>,
) -> Overrides {
    let keys: BTreeMap<_, _> = schema::all_keys()
        .into_iter()
        .map(|key| (key.environment_name(), key))
        .collect();
    let mut overrides = Overrides::default();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with("SFTPGO_")) else {
            continue;
        };
        if FLAG_VARIABLES.contains(&name) || ADMIN_VARIABLES.contains(&name) {
            continue;
        }
        if describes_a_service(name, &value) {
            if keys.contains_key(name) || looks_like_a_key(name, &keys).is_some() {
                warnings.push(Problem::new(
                    name,
                    "is taken for a container platform's description of a service and ignored",
                ));
            }
            continue;
        }
        let (target, kind) = match target(name, &keys) {
            Ok(found) => found,
            Err(reason) => {
                problems.extend(reason.map(|reason| Problem::new(name, reason)));
                continue;
            }
        };
        let Some(text) = value.to_str() else {
            problems.push(Problem::new(name, "is not UTF-8"));
            continue;
        };
        // As in SFTPGo; a text or a list may be meant to be empty.
        if text.trim().is_empty()
            && matches!(
                kind,
                Kind::Integer | Kind::Number | Kind::IntegerOrText | Kind::Boolean
            )
        {
            continue;
        }
        let mut value = match kind.parse(text) {
            Ok(value) => value,
            // The secret keys take any text, so no secret can come this way.
            Err(reason) => {
                problems.push(Problem::new(name, reason));
                continue;
            }
        };
        schema::check_objects(&mut value, &kind, name, problems);
        let variable = name.to_owned();
        match target {
            Target::Key(path) => {
                overrides.keys.insert(path, (variable, value));
            }
            Target::Field { list, index, key } => overrides.fields.push(Field {
                list,
                index,
                key,
                variable,
                value,
            }),
        }
    }
    overrides
}

/// What a variable sets.
enum Target {
    Key(String),
    Field {
        list: String,
        index: usize,
        key: String,
    },
}

/// Returns what the variable called `name` sets, and what that takes.
///
/// # Errors
/// It sets nothing; with a reason, when somebody seems to have meant it to.
fn target(name: &str, keys: &BTreeMap<String, Key>) -> Result<(Target, Kind), Option<String>> {
    if let Some(key) = keys.get(name) {
        return Ok((Target::Key(key.path.clone()), key.kind.clone()));
    }
    for (list_name, list) in keys {
        let Kind::Objects(object) = &list.kind else {
            continue;
        };
        let Some(rest) = name
            .strip_prefix(list_name.as_str())
            .and_then(|rest| rest.strip_prefix("__"))
        else {
            continue;
        };
        let known = schema::keys_of(&Value::Object(object.clone()));
        return field(rest, list, known).ok_or_else(|| Some(of_objects(list_name, object)));
    }
    Err(looks_like_a_key(name, keys))
}

/// `0__PRIVATE_KEY`
fn field(text: &str, list: &Key, known: Vec<Key>) -> Option<(Target, Kind)> {
    let (index, name) = text.split_once("__")?;
    let is_number = index.bytes().all(|byte| byte.is_ascii_digit());
    let index = index.parse().ok().filter(|_| is_number)?;
    let key = known
        .into_iter()
        .find(|key| key.environment_path() == name)?;
    let target = Target::Field {
        list: list.path.clone(),
        index,
        key: key.path,
    };
    Some((target, key.kind))
}

fn of_objects(list_name: &str, object: &Map<String, Value>) -> String {
    let keys = schema::keys_of(&Value::Object(object.clone()));
    let names: Vec<_> = keys
        .iter()
        .map(|key| format!("{list_name}__0__{}", key.environment_path()))
        .collect();
    format!(
        "is no key of an object of a list; allowed here, with 0 or another number: {}",
        names.join(", ")
    )
}

fn looks_like_a_key(name: &str, known: &BTreeMap<String, Key>) -> Option<String> {
    let squeezed = |name: &str| name.replace('_', "");
    let wanted = squeezed(&name.to_ascii_uppercase());
    let names = known.keys().map(String::as_str).chain(FLAG_VARIABLES);
    if let Some(meant) = names.into_iter().find(|key| squeezed(key) == wanted) {
        return Some(format!("is an unknown variable; did you mean {meant}?"));
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
        let names = known.keys().filter_map(|key| key.split_once("__"));
        let sections: BTreeSet<String> = names.map(|(name, _)| format!("{name}__")).collect();
        let sections: Vec<_> = sections.into_iter().collect();
        format!(
            "is in an unknown section; there are {}",
            sections.join(", ")
        )
    } else {
        format!("is an unknown key; allowed here: {}", siblings.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Source;

    fn read_one(name: &str, value: &str) -> (Overrides, Vec<String>) {
        let (found, problems, warnings) = read_all(name, value);
        assert!(warnings.is_empty(), "{warnings:?}");
        (found, problems)
    }

    fn read_all(name: &str, value: &str) -> (Overrides, Vec<String>, Vec<String>) {
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        let found = read([(name.into(), value.into())], &mut problems, &mut warnings);
        let shown = |list: Vec<Problem>| list.iter().map(ToString::to_string).collect();
        (found, shown(problems), shown(warnings))
    }

    #[test]
    fn a_known_name_sets_its_key() {
        let (found, problems) = read_one("SFTPGO_SFTPD__ACTIONS__EXECUTE_ON", "upload,delete");
        assert!(problems.is_empty());
        let (name, value) = &found.keys["sftpd.actions.execute_on"];
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
            (
                "SFTPGO_FTPD__PORT",
                "unknown section; there are SFTPGO_COMMAND__, SFTPGO_COMMON__, SFTPGO_DATA_PROVIDER__, SFTPGO_HTTPD__, SFTPGO_HTTP__, SFTPGO_MFA__, SFTPGO_SFTPD__",
            ),
        ] {
            let (found, problems) = read_one(name, "1");
            assert_eq!(found, Overrides::default(), "{name}");
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
            assert_eq!(read_one(foreign, "1"), (Overrides::default(), Vec::new()));
        }
    }

    #[test]
    fn a_container_platforms_services_are_passed_over_with_a_warning_when_they_look_like_a_key() {
        for (name, value, warned) in [
            ("SFTPGO_DATA_PROVIDER_PORT", "tcp://10.0.0.1:5432", true),
            ("SFTPGO_HTTPD_BIND_PORT", "udp://10.0.0.1:80", true),
            // Of a service named sftpgo-sftpd--bind.
            ("SFTPGO_SFTPD__BIND_PORT", "tcp://10.0.0.1:22", true),
            ("SFTPGO_SFTPD__BIND_SERVICE_PORT", "22", true),
            ("SFTPGO_SFTPD__BIND_PORT_22_TCP_ADDR", "10.0.0.1", true),
            ("SFTPGO_SERVICE_HOST", "10.0.0.1", false),
            ("SFTPGO_SERVICE_PORT_SFTP", "2022", false),
            ("SFTPGO_PORT", "tcp://10.0.0.1:2022", false),
            ("SFTPGO_SFTPD_PORT_2022_TCP", "tcp://10.0.0.1:2022", false),
        ] {
            let (found, problems, warnings) = read_all(name, value);
            assert_eq!((found, problems), Default::default(), "{name}");
            assert_eq!(warnings.len(), usize::from(warned), "{warnings:?}");
            assert!(
                warnings.iter().all(|warning| warning.starts_with(name)),
                "{warnings:?}"
            );
        }
        // What is no address of a service is still somebody's mistake.
        let (_, problems) = read_one("SFTPGO_DATA_PROVIDER_PORT", "5432");
        assert!(problems[0].contains("did you mean SFTPGO_DATA_PROVIDER__PORT?"));
    }

    #[test]
    fn an_empty_number_or_switch_is_not_set_and_an_empty_text_or_list_is() {
        for name in [
            "SFTPGO_SFTPD__BIND_PORT",
            "SFTPGO_SFTPD__ENABLE_SCP",
            "SFTPGO_SFTPD__SYNC_UPLOADS",
        ] {
            for value in ["", " "] {
                assert_eq!(read_one(name, value), (Overrides::default(), Vec::new()));
            }
        }
        for (name, key, value) in [
            (
                "SFTPGO_SFTPD__BIND_ADDRESS",
                "sftpd.bind_address",
                json!(""),
            ),
            ("SFTPGO_SFTPD__CIPHERS", "sftpd.ciphers", json!([])),
        ] {
            let (found, problems) = read_one(name, "");
            assert!(problems.is_empty());
            assert_eq!(found.keys[key].1, value);
        }
    }

    #[test]
    fn objects_of_a_list_are_set_by_number() {
        let (found, problems) = read_one("SFTPGO_SFTPD__KEYS__1__PRIVATE_KEY", "/k");
        assert!(problems.is_empty(), "{problems:?}");
        let variables = [
            ("SFTPGO_SFTPD__KEYS__2__PRIVATE_KEY", "/new"),
            ("SFTPGO_SFTPD__KEYS__1__PRIVATE_KEY", "/changed"),
        ];
        let mut problems = Vec::new();
        let given = variables.map(|(name, value)| (name.into(), value.into()));
        let both = read(given, &mut problems, &mut Vec::new());
        for (overrides, expected) in [
            (found, json!(["/a", "/k"])),
            (both, json!(["/a", "/changed", "/new"])),
        ] {
            let mut values = schema::defaults();
            let keys = json!([{"private_key": "/a"}, {"private_key": "/b"}]);
            schema::merge(&mut values, schema::tree_of("sftpd.keys", keys));
            let mut sources = BTreeMap::new();
            overrides.apply(&mut values, &mut sources, &mut problems);
            let set = schema::list_at(&mut values, "sftpd.keys").unwrap();
            let paths: Value = set.iter().map(|key| key["private_key"].clone()).collect();
            assert_eq!(paths, expected);
            let Source::Environment(variable) = &sources["sftpd.keys"] else {
                panic!("{sources:?}");
            };
            assert!(variable.starts_with("SFTPGO_SFTPD__KEYS__"));
        }
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn a_gap_between_objects_and_an_unknown_key_of_one_are_refused() {
        for name in [
            "SFTPGO_SFTPD__KEYS__0__PATH",
            "SFTPGO_SFTPD__KEYS__PRIVATE_KEY",
            "SFTPGO_SFTPD__KEYS__+1__PRIVATE_KEY",
            "SFTPGO_SFTPD__KEYS__0",
        ] {
            let (found, problems) = read_one(name, "/k");
            assert_eq!(found, Overrides::default());
            assert!(
                problems[0].starts_with(name)
                    && problems[0].ends_with("SFTPGO_SFTPD__KEYS__0__PRIVATE_KEY"),
                "{problems:?}"
            );
        }
        let (found, _) = read_one("SFTPGO_SFTPD__KEYS__1__PRIVATE_KEY", "/k");
        let mut problems = Vec::new();
        found.apply(&mut schema::defaults(), &mut BTreeMap::new(), &mut problems);
        let problem = problems[0].to_string();
        assert!(
            problem.starts_with("SFTPGO_SFTPD__KEYS__1__PRIVATE_KEY: ")
                && problem.contains("there is no 0 before this"),
            "{problem}"
        );
    }

    #[test]
    fn a_list_of_objects_in_json_is_checked_as_in_a_file() {
        let (_, problems) = read_one("SFTPGO_SFTPD__KEYS", r#"[{"path": "/k"}]"#);
        assert_eq!(
            problems,
            ["SFTPGO_SFTPD__KEYS[0].path: is an unknown key; allowed here: private_key"]
        );
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
