//! The program's own file, started once more.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// Where the program is that this process was started from, by the name that it was started by: a package that is upgraded
/// puts another file there, and what the process runs has no name any more.
pub(crate) fn path() -> io::Result<PathBuf> {
    let name = PathBuf::from(env::args_os().next().unwrap_or_default());
    if name.components().count() > 1 {
        return std::path::absolute(name);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|directory| directory.join(&name))
        .find(|file| file.is_file());
    found.map_or_else(env::current_exe, Ok)
}

/// The flag by which a process is told that it follows another.
pub(crate) const SUCCEED: &str = "--succeed";

/// The arguments by which the program is started to follow this process.
pub(crate) fn arguments_of_next() -> Vec<OsString> {
    let given = env::args_os().skip(1);
    let mut arguments: Vec<_> = given.filter(|argument| argument != SUCCEED).collect();
    arguments.push(SUCCEED.into());
    arguments
}

/// What systemd and such tell the process that they have started, and nobody else.
const OF_THE_FIRST: [&str; 4] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"];

/// Starts the program to follow this process, with these arguments and `line` as its standard input.
///
/// # Errors
/// It cannot be started.
pub(crate) fn start_next(
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    line: OwnedFd,
) -> io::Result<Child> {
    let mut command = Command::new(path()?);
    command.args(arguments).stdin(Stdio::from(line));
    for variable in OF_THE_FIRST {
        command.env_remove(variable);
    }
    command.spawn()
}
