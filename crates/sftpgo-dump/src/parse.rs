//! A dump of SFTPGo: the JSON of its `dumpdata`, or a list of users as its REST API gives.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::{Entry, dump_user, restriction};

/// What a dump holds.
pub struct Dump {
    /// Its users, in their order.
    pub users: Vec<Entry>,
    /// The other parts, as `folders (2)`.
    pub others: Vec<String>,
}

#[derive(Deserialize)]
struct Parts {
    // With a function of its own it may be null, as Go writes an empty list, but not be missing.
    #[serde(deserialize_with = "Option::deserialize")]
    users: Option<Vec<Parsed>>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// A user as read, in whatever form: what is wrong with one does not stop the others.
struct Parsed(Entry);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(dump_user::entry(value)))
    }
}

/// Reads a dump.
///
/// # Errors
/// Says what is wrong, with line and column where it is not JSON.
pub fn parse(text: &[u8]) -> Result<Dump, String> {
    // Editors of other systems put it there.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let is_list = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let Parts { users, others } = if is_list {
        serde_json::from_slice(text).map(|users| Parts {
            users: Some(users),
            others: Map::new(),
        })
    } else {
        serde_json::from_slice(text)
    }
    .map_err(|error| format!("is not a dump: {error}"))?;
    Ok(Dump {
        users: numbered(users.unwrap_or_default()),
        others: others.iter().filter_map(described).collect(),
    })
}

/// The entries, those without a name called by their place.
fn numbered(users: Vec<Parsed>) -> Vec<Entry> {
    let named = |(index, Parsed(entry)): (usize, Parsed)| {
        entry.map_err(|mut skipped| {
            if skipped.name.is_empty() {
                skipped.name = format!("entry {}", index + 1);
            }
            skipped
        })
    };
    users.into_iter().enumerate().map(named).collect()
}

fn described((name, part): (&String, &Value)) -> Option<String> {
    match part {
        // Of the dump's form, not of anything that could be imported.
        _ if name == "version" => None,
        Value::Array(list) if list.is_empty() => None,
        Value::Array(list) => Some(format!("{name} ({})", list.len())),
        part => (!restriction::is_empty(part)).then(|| name.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let entries = parse(text.as_bytes()).unwrap().users;
        let name = |entry: Entry| entry.map_or_else(|skipped| skipped.name, |user| user.name);
        entries.into_iter().map(name).collect()
    }

    #[test]
    fn a_dump_is_an_object_or_a_list() {
        let user = r#"{"username": "bob", "status": 1, "permissions": {"/": ["*"]}}"#;
        assert_eq!(
            names(&format!(
                "\u{feff}\n{{\"users\": [{user}], \"version\": 5}}"
            )),
            ["bob"]
        );
        assert_eq!(names(&format!(" [{user}]")), ["bob"]);
        assert_eq!(names("[]"), [""; 0]);
        assert_eq!(names(r#"{"users": null, "folders": []}"#), [""; 0]);
    }

    #[test]
    fn what_is_no_user_is_called_by_its_place() {
        assert_eq!(
            names(r#"[7, {"username": "bob"}, {}, null]"#),
            ["entry 1", "bob", "entry 3", "entry 4"]
        );
    }

    #[test]
    fn other_parts_are_named_where_they_hold_something() {
        let text = r#"{"users": [], "folders": [{}, {}], "admins": [], "api_keys": null, "configs": {"smtp": {"host": "x"}},
            "empty": {"smtp": {}}, "version": 10}"#;
        let mut others = parse(text.as_bytes()).unwrap().others;
        others.sort_unstable();
        assert_eq!(others, ["configs", "folders (2)"]);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        for (text, place) in [
            ("", "line 1 column 0"),
            ("{\"users\": [\n{\"username\": bob}]}", "line 2 column"),
            ("{\"users\": 7}", "line 1 column"),
            ("[{}", "line 1 column 3"),
            ("[{}] x", "line 1 column 6"),
            ("\"x\"", "line 1"),
            ("{}", "`users` at line 1 column 2"),
            (
                "{\"username\": \"bob\",\n\"public_keys\": []}",
                "`users` at line 2",
            ),
        ] {
            let problem = parse(text.as_bytes()).err().unwrap();
            assert!(problem.contains(place), "{text}: {problem}");
        }
        assert!(parse(b"[\"\xff\"]").is_err());
    }
}
