//! Which keys there are, read off the defaults, and trees of their values.

use serde_json::{Map, Value};

use super::{Problem, keys::Keys, kind::Kind};

/// One key of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Such as `sftpd.actions.command`.
    pub(super) path: String,
    pub(super) kind: Kind,
}

impl Key {
    /// Such as `SFTPGO_SFTPD__ACTIONS__COMMAND`.
    pub(super) fn environment_name(&self) -> String {
        format!("SFTPGO_{}", self.environment_path())
    }

    /// Such as `SFTPD__ACTIONS__COMMAND`.
    pub(super) fn environment_path(&self) -> String {
        self.path.replace('.', "__").to_ascii_uppercase()
    }
}

/// The defaults as a tree.
pub(super) fn defaults() -> Value {
    serde_json::to_value(Keys::default()).unwrap_or_default()
}

/// Returns all keys there are.
pub(super) fn all_keys() -> Vec<Key> {
    keys_of(&defaults())
}

/// The keys that stand in `tree`, a tree of defaults.
pub(super) fn keys_of(tree: &Value) -> Vec<Key> {
    let mut found = Vec::new();
    collect(tree, "", &mut found);
    found
}

fn collect(node: &Value, path: &str, found: &mut Vec<Key>) {
    match node {
        Value::Object(children) => {
            for (name, child) in children {
                collect(child, &join(path, name), found);
            }
        }
        leaf => found.push(Key {
            path: path.to_owned(),
            kind: Kind::of(path, leaf),
        }),
    }
}

/// Checks what a file says against the keys there are, and returns the paths it sets. What SFTPGo takes for a value of a
/// key's kind becomes one.
pub(super) fn check(file: &mut Value, problems: &mut Vec<Problem>) -> Vec<String> {
    let mut set = Vec::new();
    check_node(file, &defaults(), "", &mut set, problems);
    set
}

fn check_node(
    node: &mut Value,
    default: &Value,
    path: &str,
    set: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) {
    let Value::Object(known) = default else {
        let kind = Kind::of(path, default);
        if node.is_null() {
            return;
        }
        if let Some(value) = kind.plain(node) {
            *node = value;
        }
        if kind.accepts(node) {
            set.push(path.to_owned());
            check_objects(node, &kind, path, problems);
        } else {
            problems.push(Problem::new(
                path,
                format!("{} is not {}", shown(node), kind.wanted()),
            ));
        }
        return;
    };
    match node {
        Value::Null => {}
        Value::Object(children) => {
            for (name, child) in children {
                let path = join(path, name);
                match known.get(name) {
                    Some(default) => check_node(child, default, &path, set, problems),
                    None => problems.push(Problem::new(&path, unknown(known))),
                }
            }
        }
        other => problems.push(Problem::new(
            path,
            format!("{} is not a section of keys", shown(other)),
        )),
    }
}

/// Checks each object of the list at `path` against the keys that it may have.
pub(super) fn check_objects(
    list: &mut Value,
    kind: &Kind,
    path: &str,
    problems: &mut Vec<Problem>,
) {
    let (Kind::Objects(object), Value::Array(list)) = (kind, list) else {
        return;
    };
    let default = Value::Object(object.clone());
    for (index, element) in list.iter_mut().enumerate() {
        let path = format!("{path}[{index}]");
        check_node(element, &default, &path, &mut Vec::new(), problems);
    }
}

/// Puts every leaf of `over` in its place in `base`.
pub(super) fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (_, Value::Null) => {}
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// The list at `path`, if there is one.
pub(super) fn list_at<'a>(tree: &'a mut Value, path: &str) -> Option<&'a mut Vec<Value>> {
    path.split('.')
        .try_fold(tree, |node, name| node.get_mut(name))?
        .as_array_mut()
}

/// The leaf at `path`.
pub(super) fn leaf<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(tree, |node, name| node.get(name))
}

/// A tree with nothing but `value` at `path`.
pub(super) fn tree_of(path: &str, value: Value) -> Value {
    path.rsplit('.').fold(value, |inner, name| {
        Value::Object(Map::from_iter([(name.to_owned(), inner)]))
    })
}

fn unknown(known: &Map<String, Value>) -> String {
    let names: Vec<_> = known.keys().map(String::as_str).collect();
    format!("is an unknown key; allowed here: {}", names.join(", "))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "a section".to_owned(),
        Value::Array(_) => "this list".to_owned(),
        scalar => scalar.to_string(),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems_of(mut file: Value) -> Vec<String> {
        let mut problems = Vec::new();
        check(&mut file, &mut problems);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_key_has_an_environment_name_and_a_kind() {
        let keys = all_keys();
        let find = |path: &str| keys.iter().find(|key| key.path == path).unwrap().clone();
        assert_eq!(
            find("sftpd.bind_port").environment_name(),
            "SFTPGO_SFTPD__BIND_PORT"
        );
        assert!(matches!(find("sftpd.keys").kind, Kind::Objects(_)));
        assert_eq!(find("sftpd.sync_uploads").kind, Kind::Boolean);
        assert_eq!(
            find("data_provider.actions.execute_on").environment_name(),
            "SFTPGO_DATA_PROVIDER__ACTIONS__EXECUTE_ON"
        );
    }

    #[test]
    fn unknown_keys_are_named_with_what_is_allowed() {
        let problems = problems_of(json!({"sftpd": {"bindport": 1}, "ftpd": {}}));
        assert_eq!(problems.len(), 2);
        assert!(problems.iter().any(|problem| {
            problem.starts_with("sftpd.bindport: is an unknown key")
                && problem.contains("bind_port")
        }));
        assert!(
            problems
                .iter()
                .any(|problem| problem.starts_with("ftpd: is an unknown key")
                    && problem.contains("data_provider"))
        );
    }

    #[test]
    fn values_of_another_kind_are_refused() {
        for (file, expected) in [
            (
                json!({"sftpd": {"bind_port": "x"}}),
                "sftpd.bind_port: \"x\" is not a whole number",
            ),
            (
                json!({"sftpd": {"bind_port": 1.5}}),
                "sftpd.bind_port: 1.5 is not a whole number",
            ),
            (
                json!({"sftpd": {"umask": 22}}),
                "sftpd.umask: 22 is not text in quotes",
            ),
            (
                json!({"sftpd": {"enable_scp": 2}}),
                "sftpd.enable_scp: 2 is not true or false",
            ),
            (
                json!({"sftpd": {"enable_scp": "yes please"}}),
                "sftpd.enable_scp: \"yes please\" is not true or false",
            ),
            (
                json!({"sftpd": {"ciphers": 1}}),
                "sftpd.ciphers: 1 is not a list of texts",
            ),
            (
                json!({"sftpd": {"keys": ["id_rsa"]}}),
                "sftpd.keys: this list is not a list of objects such as {\"private_key\":\"\"}",
            ),
            (
                json!({"sftpd": {"keys": [{"private_key": "a"}, {"private_key": 1}]}}),
                "sftpd.keys[1].private_key: 1 is not text in quotes",
            ),
            (
                json!({"sftpd": {"keys": [{"path": "a"}]}}),
                "sftpd.keys[0].path: is an unknown key; allowed here: private_key",
            ),
            (json!({"sftpd": 1}), "sftpd: 1 is not a section of keys"),
        ] {
            assert_eq!(problems_of(file), [expected]);
        }
    }

    #[test]
    fn what_sftpgo_takes_for_a_value_becomes_one() {
        let mut file = json!({
            "sftpd": {
                "bind_port": "2222", "idle_timeout": 5.0, "enable_scp": "True", "ciphers": "a, b",
                "password_authentication": 0, "bindings": [{"port": "22", "apply_proxy_config": "f"}],
            },
            "http": {"timeout": "0.5"},
        });
        let mut problems = Vec::new();
        check(&mut file, &mut problems);
        assert_eq!(problems, []);
        let expected = json!({
            "sftpd": {
                "bind_port": 2222, "idle_timeout": 5, "enable_scp": true, "ciphers": ["a", "b"],
                "password_authentication": false, "bindings": [{"port": 22, "apply_proxy_config": false}],
            },
            "http": {"timeout": 0.5},
        });
        assert_eq!(file, expected);
    }

    #[test]
    fn null_is_as_left_out() {
        assert!(problems_of(json!({"sftpd": null, "httpd": {"bind_port": null}})).is_empty());
        let mut tree = defaults();
        merge(&mut tree, json!({"httpd": {"bind_port": null}}));
        assert_eq!(tree, defaults());
    }
}
