//! `user import --passwd`: accounts of a system.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde_json::json;
use tempfile::TempDir;

use crate::fake::{Fake, Outcome, user};

const KEY: &str = "ssh-ed25519 AAAA bob@home";

/// Files of a system in a directory, whose accounts have their homes there.
struct System(TempDir);

impl System {
    fn new(passwd: &str, shadow: &str) -> Self {
        let system = Self(TempDir::new().unwrap());
        let own = system.uid();
        let home = system.0.path().to_str().unwrap();
        fs::write(
            system.path("passwd"),
            passwd
                .replace("UID", &own.to_string())
                .replace("HOME", home),
        )
        .unwrap();
        fs::write(system.path("shadow"), shadow).unwrap();
        system
    }

    /// Of whoever runs the test, whose the homes and keys are; root's are good for everybody.
    fn uid(&self) -> u32 {
        fs::metadata(self.0.path()).unwrap().uid().max(1000)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn authorize(&self, name: &str, keys: &str) -> PathBuf {
        let file = self.path(name).join(".ssh/authorized_keys");
        let directory = file.parent().unwrap();
        fs::create_dir_all(directory).unwrap();
        fs::write(&file, keys).unwrap();
        for part in [&self.path(name), directory] {
            set_mode(part, 0o700);
        }
        set_mode(&file, 0o600);
        file
    }

    fn import(&self, fake: &Fake, options: &[&str]) -> Outcome {
        let passwd = format!("--passwd={}", self.path("passwd").display());
        let shadow = format!("--shadow={}", self.path("shadow").display());
        fake.run(&[&["user", "import", &passwd, &shadow], options].concat())
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn accounts_of_a_system_become_users() {
    let system = System::new(
        "root:x:0:0::/root:/bin/sh\n\
         bob:x:1001:1002:B\u{f6}b:/home/bob:/usr/sbin/nologin\n\
         carol:x:1003:1003::/home/carol:/bin/sh\n\
         nobody:x:65534:65534::/nonexistent:/bin/false\n",
        "bob:$6$s$SECRET:19000:0:99999:7::47482:\ncarol:$y$j9T$s$SECRET:19000::::::\n",
    );
    // Comments are of any age and encoding.
    let latin1: Vec<u8> = fs::read_to_string(system.path("passwd"))
        .unwrap()
        .chars()
        .map(|c| u8::try_from(c).unwrap())
        .collect();
    fs::write(system.path("passwd"), latin1).unwrap();
    let fake = Fake::answering([(200, json!([])), (200, user(1, "bob"))]);
    let options = [
        "--permission=list,download",
        "--max-sessions=2",
        "--quota-size=1GiB",
    ];
    let told = system.import(&fake, &options);
    assert_eq!(told.code, Some(5), "{told:?}");
    assert_eq!(
        told.stdout,
        "\
added bob

Added 1, changed 0, unchanged 0, skipped 1, failed 0.

OUTCOME  USER   REASON
skipped  carol  no password and no public key to log in with; its password is a $y$ hash, which this server does not read

accounts of the system itself, left out: 2 (uid below 1000, and nobody)
"
    );
    assert_eq!(
        fake.requests()[1].body,
        json!({
            "username": "bob", "status": 1, "expiration_date": 4_102_444_800_000_i64, "password": "$6$s$SECRET",
            "home_dir": "/home/bob", "uid": 1001, "gid": 1002, "max_sessions": 2, "quota_size": 1 << 30,
            "permissions": ["list", "download"],
        })
    );
}

#[test]
fn keys_are_taken_over_where_only_their_owner_could_have_put_them() {
    let accounts = ["good", "open", "none", "odd"];
    let passwd: String = accounts
        .map(|name| format!("{name}:x:UID:1000::HOME/{name}:/bin/sh\n"))
        .concat();
    let system = System::new(&passwd, "");
    system.authorize(
        "good",
        &format!("# home\n{KEY}\n\ncommand=\"ls\" ssh-rsa AAAA\n"),
    );
    set_mode(&system.authorize("open", KEY), 0o620);
    fs::remove_file(system.authorize("odd", "")).unwrap();
    fs::create_dir(system.path("odd/.ssh/authorized_keys")).unwrap();
    let fake = Fake::answering([(200, json!([])), (200, user(1, "good"))]);
    let told = system.import(&fake, &["--authorized-keys"]);
    assert_eq!(told.code, Some(5), "{told:?}");
    assert!(
        told.stdout
            .starts_with("added good: public key 2 is left out: options such as from= or command= cannot be enforced"),
        "{told:?}"
    );
    for reason in ["others may write to", "it is not a file"] {
        assert_eq!(told.stdout.matches(reason).count(), 1, "{told:?}");
    }
    assert_eq!(fake.requests().len(), 2);
    assert_eq!(fake.requests()[1].body["public_keys"], json!([KEY]));
    assert_eq!(fake.requests()[1].body["permissions"], json!(["*"]));
}

#[test]
fn what_the_files_do_not_say_stays_as_it_is() {
    let system = System::new("bob:x:UID:1000::HOME/bob:/bin/sh\n", "");
    set_mode(&system.authorize("bob", "ssh-rsa BBBB"), 0o666);
    let mut bob = user(7, "bob");
    bob["public_keys"] = json!([KEY]);
    bob["expiration_date"] = json!(5);
    bob["status"] = json!(0);
    bob["permissions"] = json!(["list"]);
    bob["uid"] = json!(system.uid());
    bob["gid"] = json!(1000);
    bob["home_dir"] = json!(system.path("bob"));
    let fake = Fake::answering([(200, json!([bob]))]);
    let told = system
        .import(&fake, &["--authorized-keys", "--update"])
        .done();
    assert!(told.contains("changed 0, unchanged 1"), "{told}");
}
