//! The disk under a home goes away in the middle of transfers, and comes back: no connection ends for it, nobody else notices, and
//! what was acknowledged is there.

use std::{fs, path::PathBuf, process::Command};

use serde_json::json;
use sftpgo_e2e::{Server, Tracer, may_trace, sftp, wait_for};

use crate::uploads::Uploads;

/// A file that was refused is the old or the new one as a whole.
const SETTINGS: [(&str, &str); 1] = [("SFTPGO_SFTPD__UPLOAD_MODE", "1")];

/// A directory that is mounted over a home, which is unmounted at the end.
struct Disk {
    directory: PathBuf,
    home: PathBuf,
}

impl Disk {
    /// None where this process may not mount.
    fn over_home(server: &Server) -> Option<Self> {
        let disk = Self {
            directory: server.path("disk"),
            home: server.home("bob"),
        };
        fs::create_dir_all(&disk.directory).unwrap();
        fs::create_dir_all(&disk.home).unwrap();
        disk.mount().then_some(disk)
    }

    fn mount(&self) -> bool {
        let mut mount = Command::new("mount");
        let mounted = mount.arg("--bind").arg(&self.directory).arg(&self.home);
        mounted
            .output()
            .is_ok_and(|mounted| mounted.status.success())
    }

    /// At once, whoever has something open in it.
    fn unmount(&self) -> bool {
        let unmounted = Command::new("umount").arg("-l").arg(&self.home).output();
        unmounted.is_ok_and(|unmounted| unmounted.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.unmount();
    }
}

fn start() -> Server {
    let server = Server::start_with(&SETTINGS);
    for user in ["alice", "bob"] {
        server.add_user(
            user,
            &json!({"quota_size": 1_u64 << 40, "quota_files": 1000}),
        );
    }
    fs::write(server.path("new"), "content").unwrap();
    server
}

fn wait_for_usage(server: &Server) {
    wait_for("the usage to be what is there", || {
        server.usage("bob") == server.on_disk("bob")
    });
}

#[test]
fn a_disk_that_is_unmounted_under_transfers_and_mounted_again_loses_nothing() {
    let server = start();
    let Some(disk) = Disk::over_home(&server) else {
        eprintln!("SKIPPED: nothing may be mounted here");
        return;
    };
    let mut uploads = Uploads::start(&server);
    for _ in 0..2 {
        assert!(disk.unmount());
        uploads.wait_for_turns(&server);
        sftp(&server, "alice", &[], "put new f\nget f back\nrm f\n").assert_ok();
        // A directory is there, though it is not the disk's: he may log in, and what he does there stays there.
        sftp(&server, "bob", &[], "put new stray\n").assert_ok();
        assert!(disk.home.join("stray").exists() && !disk.directory.join("stray").exists());
        assert!(disk.mount());
        sftp(&server, "bob", &[], "get f0 back\n").assert_ok();
        uploads.wait_for_turns(&server);
    }
    let is_long_stored = uploads.finish(&server);
    assert!(is_long_stored, "the file that was open all the time");
    // What is under the mount is counted until a scan looks.
    let asked = server.rest(
        "POST",
        "/api/v1/quota_scan",
        Some(&json!({"username": "bob"})),
    );
    assert_eq!(asked.0, 201, "{asked:?}");
    wait_for_usage(&server);
}

/// As those of a network disk whose server is gone for good.
const CALLS: &str = "openat2,pwrite64,pwritev,pwritev2,pread64,preadv,preadv2,fsync,fdatasync,renameat,renameat2,linkat,unlinkat,mkdirat,ftruncate,fallocate,getdents64,statx,newfstatat,fchmod";

#[test]
fn a_disk_that_fails_every_call_for_a_while_ends_no_connection_and_loses_nothing() {
    if let Err(reason) = may_trace() {
        eprintln!("SKIPPED: strace may not trace here: {reason}");
        return;
    }
    for error in ["ESTALE", "EIO", "ENOTCONN"] {
        let mut server = start();
        let mut uploads = Uploads::start(&server);
        let tracer = Tracer::attach(
            &server,
            "/dev/null",
            &[
                "-e",
                &format!("inject=?{}:error={error}", CALLS.replace(',', ",?")),
            ],
        );
        uploads.wait_until(&server, "refusals", |before, now| {
            now.refused > before.refused + 10
        });
        tracer.detach();
        uploads.wait_until(&server, "the disk to be back", |before, now| {
            now.turns - before.turns > now.refused - before.refused + 10
        });
        for user in ["alice", "bob"] {
            sftp(&server, user, &[], "put new g\nget g back\nrm g\n").assert_ok();
        }
        uploads.finish(&server);
        // What could not be removed then is removed by the next start.
        server.signal("TERM");
        assert_eq!(server.wait(), Some(0));
        server.restart();
        wait_for("temporaries to be removed", || {
            let names = fs::read_dir(server.home("bob")).unwrap();
            names
                .map(|entry| entry.unwrap().file_name())
                .all(|name| !name.as_encoded_bytes().starts_with(b".sftpgo-upload."))
        });
        wait_for_usage(&server);
    }
}
