//! `user import` of dumps in the forms that releases of SFTPGo gave them, with what they write for users who have
//! nothing set.

use serde_json::{Value, json};

use crate::fake::{Fake, user};

const OF_0_9: &str = include_str!("dumps/sftpgo-0.9.json");
const OF_1_2: &str = include_str!("dumps/sftpgo-1.2.json");
const OF_2_6: &str = include_str!("dumps/sftpgo-2.6.json");

/// What an import tells, and the users it sends.
fn import(dump: &str) -> (Value, Vec<Value>) {
    let fake = Fake::answering([
        (200, json!([])),
        (200, user(1, "plain")),
        (200, user(2, "uploader")),
    ]);
    let outcome = fake.run_with(&["user", "import", "-", "--output=json"], dump);
    let told = serde_json::from_str(&outcome.stdout).unwrap_or_else(|_| panic!("{outcome:?}"));
    let requests = fake.requests();
    let sent = requests.iter().skip(1).map(|request| {
        assert_eq!(request.line, "POST /api/v1/user");
        request.body.clone()
    });
    (told, sent.collect())
}

/// The users skipped, each with the reason.
fn skipped(told: &Value) -> Vec<[&str; 2]> {
    let skipped = told["skipped"].as_array().unwrap();
    skipped
        .iter()
        .map(|user| ["username", "reason"].map(|field| user[field].as_str().unwrap()))
        .collect()
}

#[test]
fn of_0_9() {
    let (told, sent) = import(OF_0_9);
    assert_eq!(
        (skipped(&told), &told["failed"], &told["notes"]),
        (vec![], &json!([]), &json!([]))
    );
    assert_eq!(
        told["added"],
        json!([{"username": "plain", "notes": []}, {"username": "uploader", "notes": []}])
    );
    assert_eq!(sent[0]["permissions"], json!(["*"]));
    assert_eq!(sent[1]["permissions"], json!(["list", "upload"]));
    assert_eq!(sent[1]["upload_bandwidth"], 128);
}

#[test]
fn of_1_2() {
    let (told, sent) = import(OF_1_2);
    assert_eq!(
        skipped(&told),
        [
            [
                "by-directory",
                "its permissions for /dir1 are not those for /"
            ],
            ["by-pattern", "its filters.file_patterns cannot be enforced"],
            ["with-folder", "its virtual_folders cannot be enforced"],
            ["in-s3", "its filesystem.provider cannot be enforced"],
        ]
    );
    assert_eq!(
        told["added"],
        json!([
            {"username": "plain", "notes": []},
            {"username": "uploader", "notes": []},
        ])
    );
    assert_eq!(told["notes"], json!(["not imported: folders (1)"]));
    assert_eq!(
        sent,
        [
            json!({
                "username": "plain", "status": 1, "expiration_date": 0, "public_keys": [],
                "password": "$2a$10$9mxKQBrmn4Wm5vzFh1dqzO2XBDUlOW0bIPAwhUqjAqgEsKZ7QUmPO",
                "home_dir": "/srv/sftpgo/plain", "uid": 0, "gid": 0, "max_sessions": 0, "quota_size": 0,
                "quota_files": 0, "permissions": ["*"], "upload_bandwidth": 0, "download_bandwidth": 0,
            }),
            json!({
                "username": "uploader", "status": 1, "expiration_date": 0, "public_keys": [],
                "password": "$pbkdf2-sha256$150000$E86a9YMX3zC7$R5J62hsSq+pYw00hLLPKBbcGXmq7fj5+/M0IFoYtZbo=",
                "home_dir": "/srv/sftpgo/uploader", "uid": 33, "gid": 1000, "max_sessions": 2, "quota_size": 0,
                "quota_files": 3, "permissions": ["list", "upload", "chtimes"], "upload_bandwidth": 100,
                "download_bandwidth": 60,
            }),
        ]
    );
}

#[test]
fn of_2_6() {
    let (told, sent) = import(OF_2_6);
    assert_eq!(
        skipped(&told),
        [
            [
                "with-otp",
                "the secret of its filters.totp_config is not in the dump"
            ],
            ["in-group", "its groups cannot be enforced"],
            [
                "encrypted",
                "its filesystem.cryptconfig.passphrase.key cannot be enforced"
            ],
        ]
    );
    assert_eq!(
        told["added"],
        json!([{"username": "plain", "notes": []}, {"username": "uploader", "notes": []}])
    );
    assert_eq!(
        told["notes"],
        json!(["not imported: admins (1), configs, groups (1), roles (1)"])
    );
    assert_eq!(sent[0]["permissions"], json!(["*"]));
    assert_eq!(
        sent[1]["permissions"],
        json!(["list", "upload", "chmod", "chown", "chtimes"])
    );
}
