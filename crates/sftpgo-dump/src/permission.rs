//! The permissions of REST API v1.2.0, with the three that SFTPGo 0.9.4 added.

/// The name of all permissions at once.
pub const ALL: &str = "*";

/// The names that the server knows, in the contract's order; the first stands for all the others.
pub const NAMES: [&str; 12] = [
    ALL,
    "list",
    "download",
    "upload",
    "overwrite",
    "delete",
    "rename",
    "create_dirs",
    "create_symlinks",
    "chmod",
    "chown",
    "chtimes",
];

/// Returns permissions as the server shows them: each once, in the contract's order, and all of them as `*`.
///
/// Names that the contract does not have are left out.
pub fn as_shown<S: AsRef<str>>(names: &[S]) -> Vec<String> {
    let has = |name: &str| names.iter().any(|given| given.as_ref() == name);
    let single: Vec<String> = NAMES
        .iter()
        .skip(1)
        .filter(|name| has(name))
        .map(|name| (*name).to_owned())
        .collect();
    if has(ALL) || single.len() + 1 == NAMES.len() {
        return vec![ALL.to_owned()];
    }
    single
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_server_knows() {
        let known = sftpgo_core::Permissions::known().map(|(name, _)| name);
        assert!(NAMES.into_iter().eq(std::iter::once(ALL).chain(known)));
    }

    #[test]
    fn one_form_for_one_set() {
        assert_eq!(as_shown(&["upload", "list", "upload"]), ["list", "upload"]);
        assert_eq!(as_shown(&["list", "*"]), ["*"]);
        assert_eq!(as_shown(&NAMES[1..]), ["*"]);
        assert_eq!(as_shown(&NAMES[1..9]), NAMES[1..9]);
        assert_eq!(as_shown(&["fly"]), [""; 0]);
    }
}
