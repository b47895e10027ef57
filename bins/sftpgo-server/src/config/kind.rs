//! What kind of value a key takes, and how the environment writes it.

use serde_json::{Map, Number, Value};

use super::{keys, schema};

/// What a key takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number.
    Integer,
    /// A number, whole or not.
    Number,
    /// A whole number, perhaps in quotes.
    IntegerOrText,
    /// `true` or `false`.
    Boolean,
    /// Any text.
    Text,
    /// A list of texts.
    List,
    /// A list of objects, each with these keys and defaults.
    Objects(Map<String, Value>),
}

impl Kind {
    /// Returns the kind of the key at `path`, by its default.
    pub(super) fn of(path: &str, default: &Value) -> Self {
        match default {
            Value::Number(_) if keys::may_be_text(path) => Self::IntegerOrText,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Integer,
            // The one key without a default of its own is a switch.
            Value::Bool(_) | Value::Null => Self::Boolean,
            Value::Array(_) => match keys::object_of(path) {
                Some(Value::Object(object)) => Self::Objects(object),
                _ => Self::List,
            },
            Value::String(_) | Value::Object(_) => Self::Text,
        }
    }

    /// Is `value` of this kind? What is in the objects of a list is not looked at.
    pub(super) fn accepts(&self, value: &Value) -> bool {
        match self {
            Self::Integer => value.as_i64().is_some(),
            Self::Number => value.is_number(),
            Self::IntegerOrText => {
                value.as_i64().is_some()
                    || value
                        .as_str()
                        .is_some_and(|text| text.trim().parse::<i64>().is_ok())
            }
            Self::Boolean => value.is_boolean(),
            Self::Text => value.is_string(),
            Self::List => value
                .as_array()
                .is_some_and(|list| list.iter().all(Value::is_string)),
            Self::Objects(_) => value
                .as_array()
                .is_some_and(|list| list.iter().all(Value::is_object)),
        }
    }

    /// The value of this kind that `value` of another one stands for, where SFTPGo's reader of configuration files takes it
    /// for that: a number or a switch in quotes, 1 and 0, a number that is written with a fraction and is whole, and a list
    /// as one text.
    pub(super) fn plain(&self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::Integer | Self::Number | Self::Boolean | Self::List, Value::String(text)) => {
                self.parse(text).ok()
            }
            (Self::Integer, Value::Number(number)) if number.is_f64() => {
                whole(number).map(Value::from)
            }
            (Self::Boolean, Value::Number(number)) => match number.as_i64() {
                Some(0) => Some(Value::Bool(false)),
                Some(1) => Some(Value::Bool(true)),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn wanted(&self) -> String {
        match self {
            Self::Integer | Self::IntegerOrText => "a whole number".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Text => "text in quotes".to_owned(),
            Self::List => "a list of texts".to_owned(),
            Self::Objects(object) => {
                let example = Value::Object(object.clone());
                format!("a list of objects such as {example}")
            }
        }
    }

    /// The value that `text` from the environment stands for.
    ///
    /// A list is JSON when it begins with a bracket; else its items are separated by commas. Objects that have one key,
    /// for a text, may be written as that text.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub(super) fn parse(&self, text: &str) -> Result<Value, String> {
        let refused = || format!("{text:?} is not {}", self.wanted());
        let value = match self {
            Self::Integer | Self::IntegerOrText => {
                Value::from(text.trim().parse::<i64>().map_err(|_| refused())?)
            }
            Self::Number => {
                let number = text.trim().parse::<f64>();
                Value::from(
                    number
                        .ok()
                        .filter(|number| number.is_finite())
                        .ok_or_else(refused)?,
                )
            }
            Self::Boolean => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "t" | "1" => Value::Bool(true),
                "false" | "f" | "0" => Value::Bool(false),
                _ => return Err(refused()),
            },
            Self::Text => Value::from(text),
            Self::List => list(text)?,
            Self::Objects(object) => {
                let items = list(text)?;
                match only_text_of(object) {
                    Some(key) => with_key(key, items),
                    None => items,
                }
            }
        };
        if self.accepts(&value) {
            Ok(value)
        } else {
            Err(refused())
        }
    }
}

/// The whole number that is written as 2022.0 or 2.022e3.
fn whole(number: &Number) -> Option<i64> {
    let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
    // As text, since a float beyond the integers would be cut to fit.
    format!("{float:.0}").parse().ok()
}

fn list(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text)
            .map_err(|error| format!("begins as a list in JSON and is none: {error}"));
    }
    let items = text.split(',').map(str::trim);
    Ok(items.filter(|item| !item.is_empty()).collect())
}

/// The key of objects that have no other, if it takes a text.
fn only_text_of(object: &Map<String, Value>) -> Option<&str> {
    let mut keys = object.iter();
    match (keys.next(), keys.next()) {
        (Some((key, Value::String(_))), None) => Some(key),
        _ => None,
    }
}

fn with_key(key: &str, items: Value) -> Value {
    let Value::Array(items) = items else {
        return items;
    };
    let object = |item| match item {
        Value::String(_) => schema::tree_of(key, item),
        other => other,
    };
    items.into_iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn objects(object: Value) -> Kind {
        match object {
            Value::Object(object) => Kind::Objects(object),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn numbers_and_switches_are_read_from_text() {
        assert_eq!(Kind::Integer.parse("2022"), Ok(json!(2022)));
        assert_eq!(Kind::Boolean.parse("True"), Ok(json!(true)));
        assert!(Kind::Integer.parse("20x").is_err());
        assert_eq!(Kind::Number.parse("0.5"), Ok(json!(0.5)));
        assert!(Kind::Number.accepts(&json!(20)) && Kind::Number.parse("inf").is_err());
        assert!(Kind::Boolean.parse("yes").is_err());
    }

    #[test]
    fn what_stands_for_a_value_of_another_kind_is_that_value() {
        for (kind, value, expected) in [
            (Kind::Integer, json!("2022"), Some(json!(2022))),
            (Kind::Integer, json!(2022.0), Some(json!(2022))),
            (Kind::Integer, json!(-1.0), Some(json!(-1))),
            (Kind::Integer, json!(i64::MAX - 1), None),
            (Kind::Integer, json!(1.5), None),
            (Kind::Integer, json!(1e300), None),
            (Kind::Integer, json!("x"), None),
            (Kind::Integer, json!(true), None),
            (Kind::Boolean, json!("false"), Some(json!(false))),
            (Kind::Boolean, json!(1), Some(json!(true))),
            (Kind::Boolean, json!(2), None),
            (Kind::List, json!("a,b"), Some(json!(["a", "b"]))),
            (Kind::List, json!({}), None),
            // Which digits were meant is not known: YAML reads 0022 as 18.
            (Kind::Text, json!(22), None),
        ] {
            assert_eq!(kind.plain(&value), expected, "{value}");
        }
    }

    #[test]
    fn a_list_is_separated_by_commas_or_json() {
        for (text, expected) in [
            ("a, b,,", json!(["a", "b"])),
            ("", json!([])),
            (r#"["a", "b,c"]"#, json!(["a", "b,c"])),
            (" [] ", json!([])),
        ] {
            assert_eq!(Kind::List.parse(text), Ok(expected), "{text}");
        }
        for text in ["[1]", "[\"a\"", "[{}]", "[a]"] {
            assert!(Kind::List.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn objects_of_one_text_may_be_that_text() {
        let kind = objects(json!({"private_key": ""}));
        let expected = json!([{"private_key": "k1"}, {"private_key": "/k2"}]);
        for text in [
            "k1,/k2",
            r#"["k1", "/k2"]"#,
            r#"[{"private_key": "k1"}, "/k2"]"#,
        ] {
            assert_eq!(kind.parse(text).as_ref(), Ok(&expected), "{text}");
        }
        assert!(kind.parse("[1]").is_err());
    }

    #[test]
    fn other_objects_are_json() {
        let kind = objects(json!({"port": 0, "address": ""}));
        assert_eq!(kind.parse(r#"[{"port": 1}]"#), Ok(json!([{"port": 1}])));
        for text in ["8080", r#"["8080"]"#, "{\"port\": 1}"] {
            let reason = kind.parse(text).unwrap_err();
            assert!(reason.contains("objects such as {"), "{reason}");
        }
    }
}
