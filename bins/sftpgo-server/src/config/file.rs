//! The configuration file: which one, and what it holds.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::Problem;

/// The endings of configuration files, in the order in which they are looked for.
const EXTENSIONS: [&str; 4] = ["json", "toml", "yaml", "yml"];
/// The endings of formats that SFTPGo reads and this server does not.
const OTHER_EXTENSIONS: [&str; 7] = ["properties", "props", "prop", "hcl", "dotenv", "env", "ini"];

/// The first of `NAME.{json,toml,yaml,yml}` in `directory`; a name with one of these extensions is taken as it is.
///
/// # Errors
/// More than one is there: reading one of them would ignore what an operator wrote in the other. Or there is one in a
/// format that is not read, or the system does not say whether one is there.
pub(super) fn find(directory: &Path, name: &str) -> Result<Option<PathBuf>, Problem> {
    let path = directory.join(name);
    if has_extension(&path, &EXTENSIONS) {
        return Ok(is_there(&path)?.then_some(path));
    }
    let mut found = Vec::new();
    for extension in EXTENSIONS {
        let path = directory.join(format!("{name}.{extension}"));
        if is_there(&path)? {
            found.push(path);
        }
    }
    if found.is_empty() {
        refuse_other_formats(directory, name)?;
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => Err(Problem::new(
            &first.display().to_string(),
            format!(
                "{} is there too: keep one of them, or name it with --config-file",
                second.display()
            ),
        )),
        (first, _) => Ok(first),
    }
}

/// Returns what was looked for and not found, for people.
pub(super) fn expected(path: &Path) -> String {
    if has_extension(path, &EXTENSIONS) {
        return path.display().to_string();
    }
    format!("{}.{}", path.display(), EXTENSIONS.join(", ."))
}

/// Reads the file at `path` as a tree.
pub(super) fn read(path: &Path) -> Result<Value, Problem> {
    let problem = |reason: String| Problem::new(&path.display().to_string(), reason);
    let text = fs::read_to_string(path).map_err(|error| {
        problem(match error.kind() {
            io::ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
            io::ErrorKind::NotFound => "is a link to a file that is not there".to_owned(),
            _ => format!("cannot be read: {error}"),
        })
    })?;
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let tree = match extension.as_ref() {
        "json" => serde_json::from_str(&text).map_err(|error| error.to_string()),
        "toml" => toml::from_str(&text).map_err(|error| error.to_string()),
        _ => serde_saphyr::from_str(&text).map_err(|error| error.to_string()),
    }
    .map_err(|reason| problem(format!("is not correct {extension}: {reason}")))?;
    match tree {
        // An empty YAML file.
        Value::Null => Ok(Value::Object(Map::new())),
        Value::Object(_) => Ok(tree),
        _ => Err(problem(
            "must hold the sections common, sftpd, data_provider and httpd".to_owned(),
        )),
    }
}

/// Starting without what is written there would start another server than the operator knows.
fn refuse_other_formats(directory: &Path, name: &str) -> Result<(), Problem> {
    let with_extension =
        OTHER_EXTENSIONS.map(|extension| directory.join(format!("{name}.{extension}")));
    let named = directory.join(name);
    let is_named = has_extension(&named, &OTHER_EXTENSIONS).then_some(named);
    for path in with_extension.into_iter().chain(is_named) {
        if is_there(&path)? {
            return Err(Problem::new(
                &path.display().to_string(),
                format!(
                    "is in a format that this server does not read: write it as one of {}",
                    EXTENSIONS.join(", ")
                ),
            ));
        }
    }
    Ok(())
}

/// A link is there wherever it leads: somebody meant a file, and starting without it would ignore what it should say.
fn is_there(path: &Path) -> Result<bool, Problem> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(Problem::new(
            &path.display().to_string(),
            format!("cannot be looked at: {error}"),
        )),
    }
}

/// Also when the directory is missing or is none, of which the check of `--config-dir` tells.
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| extensions.contains(&extension))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_three_formats_say_the_same() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [
            (
                "a.json",
                r#"{"sftpd": {"bind_port": 1, "ciphers": ["x"], "umask": "0022"}}"#,
            ),
            (
                "b.toml",
                "[sftpd]\nbind_port = 1\nciphers = [\"x\"]\numask = \"0022\"\n",
            ),
            (
                "c.yaml",
                "sftpd:\n  bind_port: 1\n  ciphers: [x]\n  umask: \"0022\"\n",
            ),
            (
                "d.yml",
                "sftpd: {bind_port: 1, ciphers: [x], umask: '0022'}\n",
            ),
        ] {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            let expected = json!({"sftpd": {"bind_port": 1, "ciphers": ["x"], "umask": "0022"}});
            assert_eq!(read(&path).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn a_broken_file_is_named_with_the_place() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("a.json", "{\n  \"sftpd\": {,}\n}"),
            ("b.toml", "\n[sftpd\n"),
            ("c.yaml", "\nsftpd: [\n"),
        ] {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            let problem = read(&path).unwrap_err().to_string();
            assert!(
                problem.contains(name) && problem.contains("line 2"),
                "{problem}"
            );
        }
    }

    #[test]
    fn an_empty_file_sets_nothing_and_a_list_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.yaml");
        fs::write(&path, "# nothing\n").unwrap();
        assert_eq!(read(&path).unwrap(), json!({}));
        fs::write(&path, "- sftpd\n").unwrap();
        assert!(read(&path).is_err());
    }

    #[test]
    fn files_are_found_by_name_and_two_of_a_name_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let yaml = directory.path().join("sftpgo.yaml");
        assert_eq!(find(directory.path(), "sftpgo").unwrap(), None);
        fs::write(&yaml, "").unwrap();
        assert_eq!(
            find(directory.path(), "sftpgo").unwrap(),
            Some(yaml.clone())
        );
        fs::write(directory.path().join("sftpgo.json"), "{}").unwrap();
        let problem = find(directory.path(), "sftpgo").unwrap_err().to_string();
        assert!(problem.contains("sftpgo.json") && problem.contains("sftpgo.yaml"));
        assert_eq!(find(directory.path(), "sftpgo.yaml").unwrap(), Some(yaml));
    }

    #[test]
    fn a_file_in_a_format_that_is_not_read_is_an_error_when_it_is_the_only_one() {
        let directory = tempfile::tempdir().unwrap();
        // SFTPGo's program lies there with its configuration.
        fs::write(directory.path().join("sftpgo"), "").unwrap();
        assert_eq!(find(directory.path(), "sftpgo").unwrap(), None);
        fs::write(directory.path().join("sftpgo.hcl"), "").unwrap();
        for name in ["sftpgo", "sftpgo.hcl"] {
            let problem = find(directory.path(), name).unwrap_err().to_string();
            assert!(
                problem.contains("sftpgo.hcl: is in a format that this server does not read"),
                "{problem}"
            );
        }
        let json = directory.path().join("sftpgo.json");
        fs::write(&json, "{}").unwrap();
        assert_eq!(find(directory.path(), "sftpgo").unwrap(), Some(json));
    }

    #[test]
    fn a_link_to_nothing_is_an_error_and_not_a_missing_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sftpgo.json");
        std::os::unix::fs::symlink("gone.json", &path).unwrap();
        for name in ["sftpgo", "sftpgo.json"] {
            assert_eq!(find(directory.path(), name).unwrap(), Some(path.clone()));
        }
        let problem = read(&path).unwrap_err().to_string();
        assert!(
            problem.ends_with("sftpgo.json: is a link to a file that is not there"),
            "{problem}"
        );
        fs::write(directory.path().join("gone.json"), "{}").unwrap();
        assert_eq!(read(&path).unwrap(), json!({}));
    }
}
