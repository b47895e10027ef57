//! What an old row means here: pure, of its texts alone.

use serde_json::Value;
use sftpgo_core::Permissions;

use super::{EXTRA, OldRow};
use crate::row::to_json;

/// Permissions of 0.9.5 and later that uploading includes here, as it did before.
const INCLUDED_IN_UPLOAD: [&str; 3] = ["chmod", "chown", "chtimes"];

pub(super) struct Meaning {
    /// In this server's form.
    pub(super) permissions: String,
    /// What comes with `upload` here and the row does not have.
    pub(super) added: Vec<&'static str>,
}

/// The row's permissions here, or why the row says more than can be enforced.
pub(super) fn of(row: &OldRow) -> Result<Meaning, String> {
    if row.out_of_range {
        return Err("one of its numbers is out of range".to_owned());
    }
    for (name, value) in EXTRA
        .iter()
        .zip([&row.filters, &row.filesystem, &row.virtual_folders])
    {
        if !says_nothing(value.as_deref()) {
            return Err(format!("its {name} cannot be enforced"));
        }
    }
    permissions_here(&row.permissions)
}

fn permissions_here(stored: &str) -> Result<Meaning, String> {
    let unreadable = || "its permissions cannot be read".to_owned();
    let read = |list| serde_json::from_value::<Vec<String>>(list).map_err(|_| unreadable());
    match serde_json::from_str(stored) {
        // A list is of 0.9.4 or before, when upload included all that it does here.
        Ok(list @ Value::Array(_)) => {
            let names = read(list)?;
            let known = Permissions::from_names(&names).map(|_| stored.to_owned());
            let permissions = known.or_else(|_| without_included(&names))?;
            Ok(Meaning {
                permissions,
                added: Vec::new(),
            })
        }
        Ok(Value::Object(mut directories)) => match directories.remove("/") {
            Some(list) if directories.is_empty() => {
                let names = read(list)?;
                Ok(Meaning {
                    permissions: without_included(&names)?,
                    added: added_to(&names),
                })
            }
            _ => Err("its permissions differ between directories".to_owned()),
        },
        _ => Err(unreadable()),
    }
}

fn without_included(names: &[String]) -> Result<String, String> {
    let kept: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !INCLUDED_IN_UPLOAD.contains(name))
        .collect();
    match Permissions::from_names(&kept) {
        Ok(_) => Ok(to_json(&kept)),
        Err(error) => Err(error.to_string()),
    }
}

fn added_to(names: &[String]) -> Vec<&'static str> {
    let has = |name: &str| names.iter().any(|given| given == name);
    if has("*") || !has("upload") {
        return Vec::new();
    }
    let lacking = INCLUDED_IN_UPLOAD.into_iter().filter(|name| !has(name));
    lacking.collect()
}

fn says_nothing(stored: Option<&str>) -> bool {
    fn is_empty(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Bool(set) => !set,
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(fields) => fields.values().all(is_empty),
        }
    }
    match stored.map(str::trim) {
        None | Some("") => true,
        Some(json) => serde_json::from_str(json).is_ok_and(|value| is_empty(&value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_says_nothing_when_all_in_it_is_empty() {
        for nothing in [
            None,
            Some(""),
            Some(" "),
            Some("null"),
            Some("{}"),
            Some("[]"),
            Some(r#"{"allowed_ip":[],"denied_ip":null}"#),
            Some(r#"{"provider":0,"s3config":{"bucket":""}}"#),
        ] {
            assert!(says_nothing(nothing), "{nothing:?}");
        }
        for something in [
            r#"{"denied_ip":["10.0.0.0/8"]}"#,
            r#"{"provider":1}"#,
            r#"[{"virtual_path":"/v"}]"#,
            "[{}]",
            "true",
            "not json",
        ] {
            assert!(!says_nothing(Some(something)), "{something}");
        }
    }

    #[test]
    fn what_comes_with_upload_is_told_of_the_newer_form() {
        for (stored, here, added) in [
            (
                r#"["list","upload"]"#,
                r#"["list","upload"]"#,
                &[] as &[&str],
            ),
            (r#"["upload","chmod"]"#, r#"["upload"]"#, &[]),
            (r#"{"/":["*"]}"#, r#"["*"]"#, &[]),
            (r#"{"/":["list","chmod"]}"#, r#"["list"]"#, &[]),
            (r#"{"/":["upload"]}"#, r#"["upload"]"#, &INCLUDED_IN_UPLOAD),
            (
                r#"{"/":["chmod","upload"]}"#,
                r#"["upload"]"#,
                &["chown", "chtimes"],
            ),
            (
                r#"{"/":["upload","chmod","chown","chtimes"]}"#,
                r#"["upload"]"#,
                &[],
            ),
        ] {
            let meaning = permissions_here(stored).unwrap();
            assert_eq!(meaning.permissions, here, "{stored}");
            assert_eq!(meaning.added, added, "{stored}");
        }
    }
}
