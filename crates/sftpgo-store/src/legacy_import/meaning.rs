//! What an old row means here: pure, of its texts alone.

use serde_json::Value;
use sftpgo_core::Permissions;

use super::{EXTRA, OldRow};
use crate::{row::to_json, user_filters::is_empty};

/// The row's permissions here, or why the row says more than can be enforced.
pub(super) fn of(row: &OldRow) -> Result<String, String> {
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

fn permissions_here(stored: &str) -> Result<String, String> {
    let unreadable = || "its permissions cannot be read".to_owned();
    let read = |list| serde_json::from_value::<Vec<String>>(list).map_err(|_| unreadable());
    match serde_json::from_str(stored) {
        Ok(list @ Value::Array(_)) => known(&read(list)?).map(|_| stored.to_owned()),
        Ok(Value::Object(mut directories)) => match directories.remove("/") {
            Some(list) if directories.is_empty() => {
                let names = read(list)?;
                known(&names).map(|_| to_json(&names))
            }
            _ => Err("its permissions differ between directories".to_owned()),
        },
        _ => Err(unreadable()),
    }
}

fn known(names: &[String]) -> Result<Permissions, String> {
    Permissions::from_names(names).map_err(|bad| sftpgo_core::Error::from(bad).to_string())
}

fn says_nothing(stored: Option<&str>) -> bool {
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
    fn each_permission_stays_what_it_is() {
        for (stored, here) in [
            (r#"["list","upload"]"#, r#"["list","upload"]"#),
            (r#"["upload","chmod"]"#, r#"["upload","chmod"]"#),
            (r#"{"/":["*"]}"#, r#"["*"]"#),
            (r#"{"/":["list","chmod"]}"#, r#"["list","chmod"]"#),
            (r#"{"/":["upload"]}"#, r#"["upload"]"#),
            (r#"{"/":["chown","chtimes"]}"#, r#"["chown","chtimes"]"#),
        ] {
            assert_eq!(permissions_here(stored).unwrap(), here, "{stored}");
        }
        for refused in [
            r#"["fly"]"#,
            r#"{"/":["upload","fly"]}"#,
            r#"{"/":[]}"#,
            "[]",
        ] {
            permissions_here(refused).unwrap_err();
        }
    }
}
