//! TCP ports for the servers that tests start.
#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails fails its test, which is what it is for"
)]

use std::{
    collections::hash_map::RandomState,
    env,
    fs::{self, File, Permissions},
    hash::{BuildHasher, Hasher},
    iter, mem,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
};

/// Below those that the system gives to outgoing connections, so that a server can have its port again after a restart.
const FIRST: u16 = 10_000;
const COUNT: u64 = 20_000;

/// A port of 127.0.0.1 that is free, and that no other test is given until this process has ended.
///
/// That it is free now is not enough: another test asks before the server that it is for listens on it. Therefore each
/// port has a file in the system's temporary directory, which who was given the port keeps locked.
pub fn reserve() -> u16 {
    let directory = env::temp_dir().join("sftpgo-test-ports");
    if fs::create_dir(&directory).is_ok() {
        // Tests run by other users have the same ports.
        fs::set_permissions(&directory, Permissions::from_mode(0o1777)).unwrap();
    }
    let random = || RandomState::new().build_hasher().finish() % COUNT;
    iter::repeat_with(|| FIRST + u16::try_from(random()).unwrap())
        .find(|port| {
            let Ok(file) = File::create(directory.join(port.to_string())) else {
                return false;
            };
            let is_ours =
                file.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
            if is_ours {
                // The process holds the lock until it ends.
                mem::forget(file);
            }
            is_ours
        })
        .unwrap()
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use super::*;

    #[test]
    fn nobody_is_given_what_another_has() {
        let threads: Vec<_> = (0..4)
            .map(|_| thread::spawn(|| (0..50).map(|_| reserve()).collect::<Vec<_>>()))
            .collect();
        let ports: Vec<_> = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        let different: HashSet<_> = ports.iter().collect();
        assert_eq!(different.len(), ports.len());
    }
}
