use serde_json::{Value, json};
use sftpgo_dump::{Candidate, DumpedUser, Step, Update, User, once_each, parse, permission, step};

const NUMBERS: [&str; 9] = [
    "status",
    "expiration_date",
    "uid",
    "gid",
    "max_sessions",
    "quota_size",
    "quota_files",
    "upload_bandwidth",
    "download_bandwidth",
];

/// A dump: each of its users is taken as it was, or not at all; and what this server dumps of a user changes nothing when it
/// is read again.
pub fn dump(data: &[u8]) {
    let Ok(dump) = parse(data) else {
        return;
    };
    let text = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let written: Value = serde_json::from_slice(text).unwrap();
    let written = written.get("users").unwrap_or(&written);
    let written = written.as_array().map(Vec::as_slice).unwrap_or_default();
    assert_eq!(dump.users.len(), written.len());
    for (entry, written) in dump.users.iter().zip(written) {
        match entry {
            Ok(candidate) => assert_is_as_written(candidate, written),
            Err(skipped) => assert!(!skipped.name.is_empty() && !skipped.reason.is_empty()),
        }
    }
    for candidate in once_each(dump.users).into_iter().flatten() {
        assert_survives_a_dump(candidate);
    }
}

fn assert_is_as_written(candidate: &Candidate, written: &Value) {
    assert_eq!(written["username"], candidate.name.as_str());
    let taken = serde_json::to_value(&candidate.user).unwrap();
    for name in NUMBERS {
        let as_written = taken.get(name).unwrap_or(&Value::Null) == &written[name];
        let is_disabled = name == "status" && written[name].is_null() && taken[name] == 0;
        assert!(as_written || is_disabled, "{name}: {taken}");
    }
    for key in candidate.user.public_keys.iter().flatten() {
        let lines = written["public_keys"].as_array().unwrap();
        let is_it = |line: &Value| line.as_str().is_some_and(|line| line.trim() == key);
        assert!(lines.iter().any(is_it), "{key}");
    }
    let given = candidate.user.permissions.as_deref().unwrap();
    assert!(!given.is_empty());
    match &written["permissions"] {
        Value::Object(directories) => {
            assert!(directories.contains_key("/"));
            directories
                .values()
                .for_each(|had| assert_none_is_added(given, had));
        }
        had => assert_none_is_added(given, had),
    }
}

fn assert_none_is_added(given: &[String], had: &Value) {
    let had: Vec<_> = had.as_array().unwrap().iter().collect();
    let has = |name: &str| had.iter().any(|had| *had == name);
    let has_all = has(permission::ALL) || permission::NAMES[1..].iter().all(|name| has(name));
    assert!(has_all || given.iter().all(|name| has(name)), "{given:?}");
}

/// The user as a server stores and dumps it.
fn assert_survives_a_dump(candidate: Candidate) {
    let name = candidate.name.clone();
    let Step::Add { user, .. } = step(candidate, None, Update::Never) else {
        return;
    };
    let mut stored = serde_json::to_value(&user).unwrap();
    stored["id"] = json!(1);
    let stored: User = serde_json::from_value(stored).unwrap();
    let dumped = DumpedUser::from(&stored).with_password(user.password.as_deref());
    let text = serde_json::to_vec(&json!({"users": [dumped]})).unwrap();
    let again = parse(&text).unwrap().users.remove(0).ok().unwrap();
    assert_eq!(again.name, name);
    assert!(again.user.password == user.password);
    assert!(matches!(
        step(again, Some(&stored), Update::Fields),
        Step::Unchanged
    ));
}
