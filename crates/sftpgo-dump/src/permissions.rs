//! Permissions as SFTPGo dumps them: a list until 0.9.4, then an object from directory to list.

use serde_json::Value;

use crate::permission;

/// What a user may do in all directories: the permissions of a list, or of an object of directories that all have the
/// same.
pub(super) fn everywhere(value: Option<Value>) -> Result<Vec<String>, String> {
    let mut directories = match value {
        None => return Err("it has no permissions".to_owned()),
        Some(Value::Object(directories)) => directories,
        Some(list) => return here(&read(list)?),
    };
    let root = directories
        .remove("/")
        .ok_or("its permissions say nothing of /")?;
    let names = here(&read(root)?)?;
    for (directory, list) in directories {
        if here(&read(list)?).as_ref() != Ok(&names) {
            return Err(format!(
                "its permissions for {directory} are not those for /"
            ));
        }
    }
    Ok(names)
}

fn read(list: Value) -> Result<Vec<String>, String> {
    serde_json::from_value(list).map_err(|_| "its permissions cannot be read".to_owned())
}

/// The same as this server has them.
fn here(names: &[String]) -> Result<Vec<String>, String> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if !names.contains(&permission::ALL) {
        let unknown = |name: &&&str| !permission::NAMES.contains(name);
        if let Some(name) = names.iter().find(unknown) {
            return Err(format!("its permission {name} is unknown"));
        }
    }
    if names.is_empty() {
        return Err("its permissions allow nothing".to_owned());
    }
    Ok(permission::as_shown(&names))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn permissions_are_the_same_everywhere_or_not_taken() {
        for (permissions, names) in [
            (json!({"/": ["*"]}), vec!["*"]),
            (json!({"/": ["list", "*", "fly"]}), vec!["*"]),
            (json!(["download", "list"]), vec!["list", "download"]),
            (
                json!({"/": ["list", "chmod", "upload"], "/sub": ["upload", "list", "chmod"]}),
                vec!["list", "upload", "chmod"],
            ),
        ] {
            assert_eq!(everywhere(Some(permissions)).unwrap(), names);
        }
        for (permissions, why) in [
            (json!({"/": ["*"], "/sub": ["list"]}), "for /sub"),
            (json!({"/": ["list"], "/sub": []}), "for /sub"),
            (json!({"/sub": ["list"]}), "nothing of /"),
            (
                json!({"/": ["list", "delete_files"]}),
                "delete_files is unknown",
            ),
            (
                json!({"/": ["list", "upload"], "/sub": ["upload", "list", "chtimes"]}),
                "for /sub",
            ),
            (json!({"/": []}), "allow nothing"),
            (json!([]), "allow nothing"),
            (json!({}), "nothing of /"),
            (json!({"/": "list"}), "cannot be read"),
            (json!("*"), "cannot be read"),
        ] {
            let reason = everywhere(Some(permissions.clone())).unwrap_err();
            assert!(reason.contains(why), "{permissions}: {reason}");
        }
        assert!(everywhere(None).unwrap_err().contains("no permissions"));
    }
}
