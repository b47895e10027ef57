//! A server for all tests of a run.

use std::{
    fs::{self, File},
    ops::Deref,
    os::unix::process::parent_id,
    path::Path,
};

use crate::{Kind, Server, programs::place_for_data};

/// A database of one test on the shared server.
pub struct Database {
    server: Server,
    /// What it is called.
    pub name: String,
}

impl Database {
    /// An empty one.
    pub fn new(kind: Kind) -> Self {
        let server = shared(kind);
        let name = server.make_database();
        Self { server, name }
    }

    /// Runs SQL in it and answers rows of columns between tabs.
    pub fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }
}

impl Deref for Database {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// The server of this test run, started by whoever comes first.
fn shared(kind: Kind) -> Server {
    let run = test_run();
    let directory = place_for_data().join(format!("{kind:?}-of-{run}"));
    let lock = File::create(directory.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let port = directory.join("port");
    if let Ok(port) = fs::read_to_string(&port) {
        return Server::of_others(kind, port.parse().unwrap(), &directory);
    }
    // Left by one who could not start it.
    let _ = fs::remove_dir_all(&directory);
    let server = Server::start_in(kind, &directory, run, true);
    fs::write(port, server.port.to_string()).unwrap();
    if run == std::process::id() {
        // Other tests of this process use it after this one.
        return Server::of_others(kind, server.port, &forgotten(server));
    }
    server
}

/// The directory of a server that is left to its keeper.
fn forgotten(server: Server) -> std::path::PathBuf {
    let directory = server.directory().to_owned();
    std::mem::forget(server);
    directory
}

/// cargo-nextest gives each test a process of its own; otherwise all tests of a program are in this one.
fn test_run() -> u32 {
    let parent = parent_id();
    let name = fs::read_to_string(Path::new("/proc").join(parent.to_string()).join("comm"));
    if name.is_ok_and(|name| name.contains("nextest")) {
        parent
    } else {
        std::process::id()
    }
}
