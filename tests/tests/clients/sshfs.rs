//! sshfs: the kernel's file operations on a mounted home.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::{ffi::OsStrExt, fs::FileExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::json;
use sftpgo_e2e::{Server, assert_5000_names, make_5000_names, make_key, noise, run, ssh_options};

/// A mounted home; unmounted when dropped.
struct Mount<'a> {
    server: &'a Server,
    point: PathBuf,
}

impl<'a> Mount<'a> {
    /// Mounts the home of `bob`, or says that this machine has no FUSE.
    fn new(server: &'a Server) -> Option<Self> {
        let device = File::options().read(true).write(true).open("/dev/fuse");
        if let Err(error) = device {
            println!("SKIPPED: /dev/fuse cannot be opened: {error}");
            return None;
        }
        let key = make_key("ed25519", &server.path("key"));
        server.add_user("bob", &json!({ "public_keys": [key] }));
        let point = server.path("mount");
        fs::create_dir(&point).unwrap();
        let mounted = run(
            server,
            Command::new("sshfs")
                .args(ssh_options())
                .arg(format!("-oIdentityFile={}", server.path("key").display()))
                .args(["-p", &server.sftp_port.to_string()])
                .args(["bob@127.0.0.1:/", "mount"]),
        );
        // A container may show the device and still not let anybody mount.
        if mounted
            .text
            .contains("mount failed: Operation not permitted")
        {
            println!("SKIPPED: {}", mounted.text);
            return None;
        }
        mounted.assert_ok();
        Some(Self { server, point })
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.point.join(name)
    }

    fn unmount(&self) -> bool {
        run(
            self.server,
            Command::new("fusermount3").args(["-u", "mount"]),
        )
        .ok
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = self.unmount();
    }
}

/// Servers in every upload mode.
fn in_every_upload_mode(test: impl Fn(&Server)) {
    for mode in ["0", "1", "2"] {
        println!("upload_mode {mode}");
        test(&Server::start_with(&[("SFTPGO_SFTPD__UPLOAD_MODE", mode)]));
    }
}

#[test]
fn files_and_directories_behave_as_on_a_disk() {
    in_every_upload_mode(files_and_directories);
}

fn files_and_directories(server: &Server) {
    let Some(mount) = Mount::new(server) else {
        return;
    };
    let data = noise(10 << 20);
    fs::create_dir_all(mount.path("d/e")).unwrap();
    fs::write(mount.path("d/f"), &data).unwrap();
    assert!(fs::read(mount.path("d/f")).unwrap() == data);
    assert!(fs::read(server.home("bob").join("d/f")).unwrap() == data);

    let mut file = File::options()
        .append(true)
        .open(mount.path("d/f"))
        .unwrap();
    file.write_all(b"tail").unwrap();
    file.sync_all().unwrap();
    drop(file);
    let mut file = File::options()
        .read(true)
        .write(true)
        .open(mount.path("d/f"))
        .unwrap();
    assert_eq!(file.metadata().unwrap().len(), (10 << 20) + 4);
    file.seek(SeekFrom::End(-4)).unwrap();
    let mut tail = String::new();
    file.read_to_string(&mut tail).unwrap();
    assert_eq!(tail, "tail");
    file.write_at(b"XY", 100).unwrap();
    file.set_len(102).unwrap();
    drop(file);
    assert_eq!(
        fs::read(mount.path("d/f")).unwrap()[98..],
        [data[98], data[99], b'X', b'Y']
    );

    fs::rename(mount.path("d/f"), mount.path("d/e/g")).unwrap();
    fs::write(mount.path("other"), "other").unwrap();
    fs::rename(mount.path("other"), mount.path("d/e/g")).unwrap();
    assert_eq!(fs::read(mount.path("d/e/g")).unwrap(), b"other");
    fs::set_permissions(mount.path("d/e/g"), fs::Permissions::from_mode(0o600)).unwrap();
    let old = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = File::options()
        .write(true)
        .open(mount.path("d/e/g"))
        .unwrap();
    file.set_modified(old).unwrap();
    drop(file);
    let seen = fs::metadata(mount.path("d/e/g")).unwrap();
    assert_eq!(seen.permissions().mode() & 0o777, 0o600);
    assert_eq!(seen.modified().unwrap(), old);
    std::os::unix::fs::symlink("e/g", mount.path("d/link")).unwrap();
    assert_eq!(fs::read(mount.path("d/link")).unwrap(), b"other");
    fs::hard_link(mount.path("d/e/g"), mount.path("d/hard")).unwrap();
    assert_eq!(fs::read(mount.path("d/hard")).unwrap(), b"other");
    run(server, Command::new("df").arg("mount")).assert_ok();

    assert!(fs::remove_dir(mount.path("d")).is_err(), "it is not empty");
    fs::remove_dir_all(mount.path("d")).unwrap();
    assert_eq!(fs::read_dir(server.home("bob")).unwrap().count(), 0);
    assert!(mount.unmount());
}

/// What is done to a file between its open and its close.
#[test]
fn a_file_is_there_while_it_is_written() {
    in_every_upload_mode(|server| {
        let Some(mount) = Mount::new(server) else {
            return;
        };
        let mut file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(mount.path("f"))
            .unwrap();
        file.write_all(b"written").unwrap();
        file.sync_all().unwrap();
        assert_eq!(fs::metadata(mount.path("f")).unwrap().len(), 7);
        assert_eq!(fs::read(mount.path("f")).unwrap(), b"written");
        let mut again = File::options();
        let again = again.write(true).create_new(true);
        assert!(again.open(mount.path("f")).is_err());
        fs::set_permissions(mount.path("f"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(mount.path("f"), mount.path("g")).unwrap();
        file.write_all(b" on").unwrap();
        drop(file);
        assert_eq!(fs::read(mount.path("g")).unwrap(), b"written on");
        // The lock of flock(1) is a file that is opened for reading.
        run(server, Command::new("flock").args(["mount/lock", "true"])).assert_ok();
        // Two who append to one log.
        let append = || {
            File::options()
                .append(true)
                .create(true)
                .open(mount.path("log"))
        };
        let (mut one, mut other) = (append().unwrap(), append().unwrap());
        for n in 0..3 {
            writeln!(one, "one {n}").unwrap();
            one.sync_all().unwrap();
            writeln!(other, "other {n}").unwrap();
            other.sync_all().unwrap();
        }
        drop((one, other));
        let log = fs::read_to_string(server.home("bob").join("log")).unwrap();
        assert_eq!(log, "one 0\nother 0\none 1\nother 1\none 2\nother 2\n");
        assert!(mount.unmount());
        let mode = fs::metadata(server.home("bob").join("g")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(server.home("bob")).unwrap().count(), 3);
    });
}

#[test]
fn five_thousand_names_and_names_that_are_no_text() {
    let server = Server::start();
    let Some(mount) = Mount::new(&server) else {
        return;
    };
    make_5000_names(&server.home("bob").join("many"));
    let listing = run(&server, Command::new("ls").args(["-l", "mount/many"]));
    assert_5000_names(&listing.assert_ok());

    for name in [&b"\xff\xfe"[..], b"new\nline", "ü".as_bytes(), &[b'a'; 255]] {
        let path = mount.path(OsStr::from_bytes(name));
        fs::write(&path, name).unwrap();
        let there = server.home("bob").join(OsStr::from_bytes(name));
        assert_eq!(fs::read(there).unwrap(), name);
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_sparse_file_is_written_and_read_past_four_gib() {
    let server = Server::start();
    let Some(mount) = Mount::new(&server) else {
        return;
    };
    let offsets = [0_u64, (4 << 30) - 3, 5 << 30, 1 << 40];
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(mount.path("sparse"))
        .unwrap();
    for offset in offsets {
        file.write_all_at(&offset.to_be_bytes(), offset).unwrap();
    }
    file.sync_all().unwrap();
    for offset in offsets {
        let mut read = [0; 8];
        file.read_exact_at(&mut read, offset).unwrap();
        assert_eq!(u64::from_be_bytes(read), offset);
    }
    let there = File::open(server.home("bob").join("sparse")).unwrap();
    assert_eq!(there.metadata().unwrap().len(), (1 << 40) + 8);
    let mut read = [0; 8];
    there.read_exact_at(&mut read, 5 << 30).unwrap();
    assert_eq!(u64::from_be_bytes(read), 5 << 30);
}
