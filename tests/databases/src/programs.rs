//! The programs of both databases, and who runs them.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

/// Servers refuse to run as root: then they run as one of these.
const UNPRIVILEGED: [&str; 3] = ["postgres", "mysql", "nobody"];

static RUNS_AS: LazyLock<Option<(u32, u32)>> = LazyLock::new(|| {
    if number("id", &["-u"]) != Some(0) {
        return None;
    }
    let found = UNPRIVILEGED
        .iter()
        .find_map(|name| Some((number("id", &["-u", name])?, number("id", &["-g", name])?)));
    Some(found.expect("root needs a user to run databases as: postgres, mysql or nobody"))
});

fn number(program: &str, arguments: &[&str]) -> Option<u32> {
    let output = Command::new(program).args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// A program of a database, which is seldom in the path.
pub(crate) fn program(name: &str) -> PathBuf {
    let mut places: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|version| version.unwrap().path().join("bin"))
        .collect();
    places.sort();
    places.reverse();
    places.extend(["/usr/sbin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from));
    let path = std::env::var_os("PATH").unwrap_or_default();
    places.extend(std::env::split_paths(&path));
    places
        .iter()
        .map(|place| place.join(name))
        .find(|program| program.exists())
        .unwrap_or_else(|| {
            panic!("{name} is missing: install postgresql and mariadb-server, or run ./test")
        })
}

/// Runs a program as whoever runs the servers.
pub(crate) fn as_server(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    if let Some((user, group)) = *RUNS_AS {
        command.uid(user).gid(group);
    }
    command.current_dir("/");
    command
}

/// Gives a file to whoever runs the servers.
pub(crate) fn give(path: &Path) {
    if let Some((user, group)) = *RUNS_AS {
        std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
    }
}

/// Where servers keep their data: beside what was built, unless whoever runs them cannot get there.
pub(crate) fn place_for_data() -> PathBuf {
    let mut place = std::env::current_exe().unwrap();
    place.pop();
    if place.ends_with("deps") {
        place.pop();
    }
    let can_get_there = place.ancestors().all(|directory| {
        use std::os::unix::fs::PermissionsExt;
        directory.metadata().unwrap().permissions().mode() & 0o001 != 0
    });
    if RUNS_AS.is_some() && !can_get_there {
        place = std::env::temp_dir();
    }
    place.push("test-databases");
    fs::create_dir_all(&place).unwrap();
    place
}

/// Runs to the end, and has to succeed.
pub(crate) fn must(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
