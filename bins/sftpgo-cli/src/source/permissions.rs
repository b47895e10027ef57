//! Permissions as SFTPGo dumps them: a list until 0.9.4, then an object from directory to list with three more names.

use serde_json::Value;

use crate::values::permission;

/// The permissions that SFTPGo has since 0.9.5 and `upload` includes here, as it did in SFTPGo before.
const INCLUDED_IN_UPLOAD: [&str; 3] = ["chmod", "chown", "chtimes"];

/// What a user may do in all directories.
#[derive(Debug, PartialEq)]
pub(super) struct Everywhere {
    pub(super) names: Vec<String>,
    /// What comes with `upload` here, and not in one of the directories there.
    added: Vec<&'static str>,
}

impl Everywhere {
    /// What whoever imports the user should know.
    pub(super) fn note(&self) -> Option<String> {
        let added = self.added.join(", ");
        (!added.is_empty()).then(|| format!("gets {added} too, which upload includes here"))
    }
}

/// The permissions of a list, or of an object of directories that all have the same.
pub(super) fn everywhere(value: Option<Value>) -> Result<Everywhere, String> {
    let mut directories = match value {
        None => return Err("it has no permissions".to_owned()),
        Some(Value::Object(directories)) => directories,
        Some(list) => {
            return Ok(Everywhere {
                names: here(&read(list)?)?,
                added: Vec::new(),
            });
        }
    };
    let root = directories
        .remove("/")
        .ok_or("its permissions say nothing of /")?;
    let root = read(root)?;
    let names = here(&root)?;
    let mut added = added_to(&root);
    for (directory, list) in directories {
        let list = read(list)?;
        if here(&list).as_ref() != Ok(&names) {
            return Err(format!(
                "its permissions for {directory} are not those for /"
            ));
        }
        added.extend(added_to(&list));
    }
    added.sort_unstable();
    added.dedup();
    Ok(Everywhere { names, added })
}

fn read(list: Value) -> Result<Vec<String>, String> {
    serde_json::from_value(list).map_err(|_| "its permissions cannot be read".to_owned())
}

/// The same as this server has them.
fn here(names: &[String]) -> Result<Vec<String>, String> {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    if !names.contains(&permission::ALL) {
        names.retain(|name| !INCLUDED_IN_UPLOAD.contains(name));
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

fn added_to(names: &[String]) -> Vec<&'static str> {
    let has = |name: &str| names.iter().any(|given| given == name);
    if has(permission::ALL) || !has(permission::UPLOAD) {
        return Vec::new();
    }
    let lacking = INCLUDED_IN_UPLOAD.into_iter().filter(|name| !has(name));
    lacking.collect()
}

/// The permissions of this server as SFTPGo has them since 0.9.5.
pub(crate) fn dumped(names: &[String]) -> Vec<&str> {
    let names = names.iter().map(String::as_str);
    names
        .flat_map(|name| {
            let included: &[&str] = match name {
                permission::UPLOAD => &INCLUDED_IN_UPLOAD,
                _ => &[],
            };
            [name].into_iter().chain(included.iter().copied())
        })
        .collect()
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
                json!({"/": ["list", "upload"], "/sub": ["upload", "list", "chtimes"]}),
                vec!["list", "upload"],
            ),
        ] {
            assert_eq!(everywhere(Some(permissions)).unwrap().names, names);
        }
        for (permissions, why) in [
            (json!({"/": ["*"], "/sub": ["list"]}), "for /sub"),
            (json!({"/": ["list"], "/sub": []}), "for /sub"),
            (json!({"/sub": ["list"]}), "nothing of /"),
            (
                json!({"/": ["list", "delete_files"]}),
                "delete_files is unknown",
            ),
            (json!({"/": ["chmod"]}), "allow nothing"),
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

    #[test]
    fn what_comes_with_upload_is_told() {
        for (permissions, added) in [
            (json!({"/": ["upload", "chmod"]}), vec!["chown", "chtimes"]),
            (
                json!({"/": ["upload", "chmod", "chown", "chtimes"], "/sub": ["upload", "chown", "chtimes"]}),
                vec!["chmod"],
            ),
            (
                json!({"/": ["*"], "/sub": permission::NAMES[1..]}),
                vec!["chmod", "chown", "chtimes"],
            ),
            (
                json!({"/": ["upload", "chtimes", "chmod", "chown"]}),
                vec![],
            ),
            (json!({"/": ["upload", "*"]}), vec![]),
            (json!({"/": ["list"]}), vec![]),
            // SFTPGo 0.9.4 and before, where upload includes them as well.
            (json!(["upload"]), vec![]),
        ] {
            let found = everywhere(Some(permissions.clone())).unwrap();
            assert_eq!(found.added, added, "{permissions}");
            assert_eq!(found.note().is_some(), !added.is_empty());
        }
    }

    #[test]
    fn a_dump_says_all_that_upload_includes() {
        let names = ["list".to_owned(), "upload".to_owned()];
        let dump = dumped(&names);
        assert_eq!(dump, ["list", "upload", "chmod", "chown", "chtimes"]);
        let read = everywhere(Some(json!({ "/": dump }))).unwrap();
        assert_eq!((read.names, read.added), (names.to_vec(), vec![]));
        assert_eq!(dumped(&["*".to_owned()]), ["*"]);
    }
}
