//! Which keys there are and what kind of value each takes, read off the defaults.

use serde_json::{Map, Value};

use super::{Problem, keys::Keys};

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// Any text.
    Text,
    /// A list of texts.
    List,
    /// A list of `{"private_key": "…"}`.
    HostKeys,
}

impl Kind {
    fn of(path: &str, default: &Value) -> Self {
        match default {
            Value::Number(_) => Self::Integer,
            // The one key without a default of its own is a switch.
            Value::Bool(_) | Value::Null => Self::Boolean,
            Value::Array(_) if path == "sftpd.keys" => Self::HostKeys,
            Value::Array(_) => Self::List,
            Value::String(_) | Value::Object(_) => Self::Text,
        }
    }

    fn accepts(self, value: &Value) -> bool {
        match self {
            Self::Integer => value.as_i64().is_some(),
            Self::Boolean => value.is_boolean(),
            Self::Text => value.is_string(),
            Self::List => value
                .as_array()
                .is_some_and(|list| list.iter().all(Value::is_string)),
            Self::HostKeys => value
                .as_array()
                .is_some_and(|list| list.iter().all(is_host_key)),
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::Text => "text in quotes",
            Self::List => "a list of texts",
            Self::HostKeys => "a list of {\"private_key\": \"PATH\"}",
        }
    }

    /// The value that `text` from the environment stands for.
    pub(super) fn parse(self, text: &str) -> Result<Value, String> {
        let refused = || format!("{text:?} is not {}", self.wanted());
        Ok(match self {
            Self::Integer => Value::from(text.trim().parse::<i64>().map_err(|_| refused())?),
            Self::Boolean => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" => Value::Bool(true),
                "false" | "0" => Value::Bool(false),
                _ => return Err(refused()),
            },
            Self::Text => Value::from(text),
            Self::List => items(text).collect(),
            Self::HostKeys => items(text)
                .map(|path| serde_json::json!({ "private_key": path }))
                .collect(),
        })
    }
}

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
        format!(
            "SFTPGO_{}",
            self.path.replace('.', "__").to_ascii_uppercase()
        )
    }
}

/// The defaults as a tree.
pub(super) fn defaults() -> Value {
    serde_json::to_value(Keys::default()).unwrap_or_default()
}

/// Every key there is.
pub(super) fn all_keys() -> Vec<Key> {
    let mut found = Vec::new();
    collect(&defaults(), "", &mut found);
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

/// Checks what a file says against the keys there are, and answers the paths it sets.
pub(super) fn check(file: &Value, problems: &mut Vec<Problem>) -> Vec<String> {
    let mut set = Vec::new();
    check_node(file, &defaults(), "", &mut set, problems);
    set
}

fn check_node(
    node: &Value,
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
        if kind.accepts(node) {
            set.push(path.to_owned());
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

fn is_host_key(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|key| key.len() == 1 && key.get("private_key").is_some_and(Value::is_string))
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
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

    fn problems_of(file: Value) -> Vec<String> {
        let mut problems = Vec::new();
        check(&file, &mut problems);
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
        assert_eq!(find("sftpd.keys").kind, Kind::HostKeys);
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
                json!({"sftpd": {"enable_scp": 1}}),
                "sftpd.enable_scp: 1 is not true or false",
            ),
            (
                json!({"sftpd": {"ciphers": "a"}}),
                "sftpd.ciphers: \"a\" is not a list of texts",
            ),
            (
                json!({"sftpd": {"keys": ["id_rsa"]}}),
                "sftpd.keys: this list is not a list of {\"private_key\": \"PATH\"}",
            ),
            (json!({"sftpd": 1}), "sftpd: 1 is not a section of keys"),
        ] {
            assert_eq!(problems_of(file), [expected]);
        }
    }

    #[test]
    fn null_is_as_left_out() {
        assert!(problems_of(json!({"sftpd": null, "httpd": {"bind_port": null}})).is_empty());
        let mut tree = defaults();
        merge(&mut tree, json!({"httpd": {"bind_port": null}}));
        assert_eq!(tree, defaults());
    }

    #[test]
    fn environment_texts_become_typed_values() {
        assert_eq!(Kind::Integer.parse("2022"), Ok(json!(2022)));
        assert_eq!(Kind::Boolean.parse("True"), Ok(json!(true)));
        assert_eq!(Kind::List.parse("a, b,,"), Ok(json!(["a", "b"])));
        assert_eq!(Kind::List.parse(""), Ok(json!([])));
        assert_eq!(
            Kind::HostKeys.parse("k1,/k2"),
            Ok(json!([{"private_key": "k1"}, {"private_key": "/k2"}]))
        );
        assert!(Kind::Integer.parse("20x").is_err());
        assert!(Kind::Boolean.parse("yes").is_err());
    }
}
