//! A disk that is full: uploads fail with words, nothing is lost or left over, and there is room again once something is removed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use sftpgo_e2e::{Server, noise, sftp, wait_for};

const MIB: usize = 1 << 20;

/// A disk of four MiB.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where this process may not mount.
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m,mode=0755", "small"])
            .arg(at)
            .output()
            .ok()?;
        mounted.status.success().then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_refuses_and_keeps_what_is_there_in_every_mode() {
    for mode in ["0", "1", "2"] {
        let server = Server::start_with(&[("SFTPGO_SFTPD__UPLOAD_MODE", mode)]);
        let Some(_disk) = SmallDisk::mount(&server.home("bob")) else {
            eprintln!("SKIPPED: nothing may be mounted here");
            return;
        };
        server.add_user(
            "bob",
            &json!({"quota_size": 1_u64 << 40, "quota_files": 1000}),
        );
        let (small, large) = (noise(MIB), noise(8 * MIB));
        fs::write(server.path("small"), &small).unwrap();
        fs::write(server.path("large"), &large).unwrap();
        sftp(&server, "bob", &[], "put small kept\nput small old\n").assert_ok();
        for name in ["new", "old"] {
            let refused = sftp(&server, "bob", &[], &format!("put large {name}\n"));
            assert!(!refused.ok, "mode {mode}: 8 MiB on a disk of 4");
        }
        let home = server.home("bob");
        assert_eq!(fs::read(home.join("kept")).unwrap(), small, "mode {mode}");
        if mode != "0" {
            assert_eq!(fs::read(home.join("old")).unwrap(), small, "mode {mode}");
        }
        wait_for("temporaries to be removed", || {
            let names = fs::read_dir(&home).unwrap();
            names
                .map(|entry| entry.unwrap().file_name())
                .all(|name| !name.as_encoded_bytes().starts_with(b".sftpgo-upload."))
        });
        wait_for("the usage to be what is there", || {
            server.usage("bob") == server.on_disk("bob")
        });
        sftp(&server, "bob", &[], "-rm new\n-rm old\nput small again\n").assert_ok();
        assert_eq!(fs::read(home.join("again")).unwrap(), small, "mode {mode}");
        wait_for("the usage to be what is there", || {
            server.usage("bob") == server.on_disk("bob")
        });
    }
}
