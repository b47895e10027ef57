use super::*;
use crate::{
    ErrorKind,
    credential::second_factor::RecoveryCode,
    user::{TotpProtocols, UserTotp},
};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMFsrbbCYkKkrwB/cVk5Nclcz/oo3KS7aBKJAfjMsXUH";
const DSA_KEY: &str = "ssh-dss AAAAB3NzaC1kc3MAAACBAOAn1njr3AQq9jJBZv4r22s3Y+ggB2I7sfa3dTn0H/HQnvAitG1td0x1G2UUj72m9eaibgwwotaZIFHT0zrFzzDqvses7WAi3rWCce/xBX91Gh1Qmtpe8z9rHy2MaTUEM+/y+9cATDsNRTBgw/1jUgupR1DGfuvIfPrYfy6kxBRrAAAAFQCoiJ8g5TZZyHCVYHIDsGNgWh4WXwAAAIBrFmX/s/jDjjEmuJRBYHZsYRofJA1V+Jx3vMIbSRoTwYvUlI7Owm6+a5aRj2kq1UKtryZrkX4VGrR7jIxSswTpceQ7eAZDIrMr27OaQY7lGEtSOVMSwLhnP2qac66zYm3F66mX9bruAkPOQoKonvDHov02RrgTIx7xYi+8+AZqeQAAAIEA3tWsOtSoaWDkHsGIYkH4Slwsrns5rmKrCrLjiAjNm3sTH+7RGDrwKymCN6lkOXZHj8LouyZHogRIQ0bLl+mPuTagKk9rQji3c10Op21Zhwrv9WyBZ/01x3lYBqlT+SfUoCn18gqW/yDU++QEONzPuORTOs0Fn3Q8pH/UYXxMI04=";
/// Of `password`.
const HASH: &str =
    "$pbkdf2-sha256$150000$E86a9YMX3zC7$R5J62hsSq+pYw00hLLPKBbcGXmq7fj5+/M0IFoYtZbo=";

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn draft() -> UserDraft {
    UserDraft {
        username: "bob".to_owned(),
        password: Some(HASH.to_owned()),
        home_dir: "/srv/bob".to_owned(),
        permissions: vec!["list".to_owned()],
        ..UserDraft::default()
    }
}

/// A draft with one thing changed.
fn with(change: impl FnOnce(&mut UserDraft)) -> UserDraft {
    let mut draft = draft();
    change(&mut draft);
    draft
}

fn assert_refused(field: &str, draft: UserDraft) {
    let error = draft.validate(None).expect_err(field);
    assert_eq!(error.kind(), ErrorKind::Invalid, "{field}");
    assert!(
        error.message().starts_with(&format!("{field}: ")),
        "{error}"
    );
}

#[test]
fn a_full_draft_becomes_the_user_it_describes() {
    let user = UserDraft {
        username: "bob@example.com é".to_owned(),
        status: 0,
        expiration_date: i64::MAX,
        password: Some(HASH.to_owned()),
        public_keys: vec![format!("  {KEY} a comment \n")],
        home_dir: "/srv/bob".to_owned(),
        uid: 65_535,
        gid: 65_535,
        max_sessions: 3,
        quota_size: i64::MAX,
        quota_files: i32::MAX.into(),
        permissions: vec!["upload".to_owned(), "list".to_owned(), "list".to_owned()],
        upload_bandwidth: 4,
        download_bandwidth: 5,
        filters: FiltersDraft {
            denied_login_methods: vec!["password".to_owned(), "publickey".to_owned()],
            totp: Some(TotpDraft {
                secret: TotpSecret {
                    config_name: "Default".to_owned(),
                    secret: SECRET.to_owned(),
                },
                protocols: vec!["SSH".to_owned()],
            }),
        },
    }
    .validate(None)
    .unwrap();
    let expected = StoredUser {
        id: UserId(0),
        enabled: false,
        username: "bob@example.com é".to_owned(),
        expiration_date: i64::MAX,
        password: Some(HASH.to_owned()),
        public_keys: vec![format!("{KEY} a comment")],
        home_dir: PathBuf::from("/srv/bob"),
        uid: 65_535,
        gid: 65_535,
        max_sessions: 3,
        quota_size: i64::MAX as u64,
        quota_files: i32::MAX as u32,
        permissions: Permissions::LIST | Permissions::UPLOAD,
        upload_bandwidth: 4,
        download_bandwidth: 5,
        filters: UserFilters {
            denied_login_methods: LoginMethods::PASSWORD | LoginMethods::PUBLIC_KEY,
            totp: Some(UserTotp {
                secret: TotpSecret {
                    config_name: "Default".to_owned(),
                    secret: SECRET.to_owned(),
                },
                protocols: TotpProtocols::SSH,
            }),
            ..UserFilters::default()
        },
        spent_steps: 0,
        usage: Usage::default(),
        last_login: 0,
    };
    assert!(user == expected);
}

#[test]
fn a_user_survives_the_way_through_a_draft() {
    let user = draft().validate(None).unwrap();
    assert!(UserDraft::from(&user).validate(None).unwrap() == user);
}

#[test]
fn usernames_that_could_be_a_path_or_a_line_are_refused() {
    for bad in [
        "", ".", "..", "/", "a/b", "../x", "a\\b", "a\0b", "a\nb", "a\rb", "a\tb", "\u{7f}",
        "\u{85}", "-", "-rf",
    ] {
        assert_refused("username", with(|draft| draft.username = bad.to_owned()));
    }
    assert_refused("username", with(|draft| draft.username = "x".repeat(256)));
    for good in ["a", "a-b", "...", ".hidden", "a b", "Ünï", &"x".repeat(255)] {
        let user = with(|draft| draft.username = good.to_owned()).validate(None);
        assert_eq!(user.unwrap().username, good);
    }
}

#[test]
fn a_home_is_absolute_and_fits_its_column() {
    for bad in ["", "relative", "./x", "~", "/a\0b"] {
        assert_refused("home_dir", with(|draft| draft.home_dir = bad.to_owned()));
    }
    let longest = format!("/{}", "x".repeat(254));
    assert!(
        with(|draft| draft.home_dir = longest.clone())
            .validate(None)
            .is_ok()
    );
    assert_refused("home_dir", with(|draft| draft.home_dir = longest + "x"));
}

#[test]
fn an_empty_home_is_below_the_base_directory_when_there_is_one() {
    let base = Some(Path::new("/srv/users"));
    let homeless = with(|draft| draft.home_dir = String::new());
    let user = homeless.clone().validate(base).unwrap();
    assert_eq!(user.home_dir, Path::new("/srv/users/bob"));
    let user = draft().validate(base).unwrap();
    assert_eq!(user.home_dir, Path::new("/srv/bob"));
    // An empty home that a relative base would make is refused like any other.
    let error = homeless.validate(Some(Path::new("users"))).unwrap_err();
    assert!(error.message().starts_with("home_dir: "), "{error}");
    let long_base = format!("/{}", "x".repeat(251));
    let error = with(|draft| draft.home_dir = String::new())
        .validate(Some(Path::new(&long_base)))
        .unwrap_err();
    assert!(error.message().starts_with("home_dir: "), "{error}");
}

#[test]
fn a_credential_is_needed() {
    for password in [None, Some(String::new())] {
        assert_refused("password", with(|draft| draft.password = password.clone()));
        let user = with(|draft| {
            draft.password = password;
            draft.public_keys = vec![KEY.to_owned()];
        })
        .validate(None)
        .unwrap();
        assert_eq!(user.password, None);
    }
}

#[test]
fn a_plain_password_is_hashed_and_a_broken_hash_refused() {
    let user = with(|draft| draft.password = Some("secret".to_owned()))
        .validate(None)
        .unwrap();
    let hash = PasswordHash::parse(user.password.as_deref().unwrap()).unwrap();
    assert!(hash.verify(b"secret"));
    for bad in [
        "$2a$14$short",
        "$6$",
        "$argon2id$v=19$",
        "$pbkdf2-sha256$0$a$b",
    ] {
        assert_refused(
            "password",
            with(|draft| draft.password = Some(bad.to_owned())),
        );
    }
    assert_refused(
        "password",
        with(|draft| draft.password = Some("x".repeat(1025))),
    );
}

#[test]
fn a_bad_key_is_refused_by_its_number() {
    for bad in ["", "  ", "nonsense", DSA_KEY, &format!("{KEY}\n{KEY}")] {
        let draft = with(|draft| draft.public_keys = vec![KEY.to_owned(), bad.to_owned()]);
        let error = draft.validate(None).unwrap_err();
        assert!(
            error.message().starts_with("public_keys: key number 2: "),
            "{error}"
        );
    }
}

#[test]
fn permissions_are_needed_and_known() {
    for bad in [
        vec![],
        vec!["fly"],
        vec!["list", ""],
        vec!["*", "fly"],
        vec!["List"],
    ] {
        assert_refused(
            "permissions",
            with(|draft| draft.permissions = bad.into_iter().map(str::to_owned).collect()),
        );
    }
}

#[test]
fn numbers_out_of_range_are_refused_by_name() {
    type Field = fn(&mut UserDraft) -> &mut i64;
    let most = i64::from(i32::MAX);
    let fields: [(&str, Field, i64); 9] = [
        ("status", |draft| &mut draft.status, 1),
        (
            "expiration_date",
            |draft| &mut draft.expiration_date,
            i64::MAX,
        ),
        ("uid", |draft| &mut draft.uid, 65_535),
        ("gid", |draft| &mut draft.gid, 65_535),
        ("max_sessions", |draft| &mut draft.max_sessions, most),
        ("quota_size", |draft| &mut draft.quota_size, i64::MAX),
        ("quota_files", |draft| &mut draft.quota_files, most),
        (
            "upload_bandwidth",
            |draft| &mut draft.upload_bandwidth,
            most,
        ),
        (
            "download_bandwidth",
            |draft| &mut draft.download_bandwidth,
            most,
        ),
    ];
    for (name, field, largest) in fields {
        for good in [0, 1, largest] {
            let draft = with(|draft| *field(draft) = good);
            assert!(draft.validate(None).is_ok(), "{name} {good}");
        }
        for bad in [-1, i64::MIN] {
            assert_refused(name, with(|draft| *field(draft) = bad));
        }
        if let Some(too_large) = largest.checked_add(1) {
            assert_refused(name, with(|draft| *field(draft) = too_large));
        }
    }
}

#[test]
fn a_change_keeps_what_only_the_provider_writes() {
    let stored = StoredUser {
        id: UserId(7),
        usage: Usage {
            size: 1,
            files: 2,
            updated_at: 3,
        },
        last_login: 4,
        ..draft().validate(None).unwrap()
    };
    let mut change = UserDraft::from(&stored);
    change.max_sessions = 9;
    let changed = change.validate_change_of(&stored, None).unwrap();
    let expected = StoredUser {
        max_sessions: 9,
        ..stored
    };
    assert!(changed == expected);
}

/// They came with a table of SFTPGo. Whoever cannot change such a user cannot disable it either.
#[test]
fn stored_names_that_new_users_may_not_have_are_kept_and_not_given_anew() {
    let named = |name: &str| StoredUser {
        username: name.to_owned(),
        ..draft().validate(None).unwrap()
    };
    let long = "x".repeat(256);
    for name in ["-x", "acme/bob", "acme\\bob", "..", "a\tb", &long] {
        let stored = named(name);
        let mut change = UserDraft::from(&stored);
        change.status = 0;
        assert!(!change.validate_change_of(&stored, None).unwrap().enabled);
        for (from, to) in [("a", name), (name, "../y")] {
            let mut change = UserDraft::from(&named(from));
            change.username = to.to_owned();
            let refused = change.validate_change_of(&named(from), None).unwrap_err();
            assert!(refused.message().starts_with("username: "), "{refused}");
        }
    }
    // No home is made of it.
    let stored = named("../bob");
    let mut change = UserDraft::from(&stored);
    change.home_dir.clear();
    let refused = change.validate_change_of(&stored, Some(Path::new("/srv")));
    assert!(refused.unwrap_err().message().starts_with("username: "));
}

#[test]
fn a_stored_password_that_is_no_hash_does_not_become_one_by_a_change() {
    for stored_password in ["*", "!", "x", "$1$old$hash", "$2a$broken"] {
        let stored = StoredUser {
            password: Some(stored_password.to_owned()),
            ..draft().validate(None).unwrap()
        };
        let changed = UserDraft::from(&stored)
            .validate_change_of(&stored, None)
            .unwrap();
        assert_eq!(changed.password.as_deref(), Some(stored_password));
    }
    let stored = draft().validate(None).unwrap();
    let mut change = UserDraft::from(&stored);
    change.password = Some("new".to_owned());
    let changed = change.validate_change_of(&stored, None).unwrap();
    let hash = PasswordHash::parse(changed.password.as_deref().unwrap()).unwrap();
    assert!(hash.verify(b"new"));
}

#[test]
fn expiry_is_the_moment_after_the_date() {
    let expiring = |expiration_date| StoredUser {
        expiration_date,
        ..draft().validate(None).unwrap()
    };
    assert!(!expiring(0).is_expired_at(i64::MAX));
    assert!(!expiring(1000).is_expired_at(1000));
    assert!(expiring(1000).is_expired_at(1001));
}

#[test]
fn all_faults_are_told_and_the_first_refuses() {
    let bad = with(|draft| {
        draft.username = "a/b".to_owned();
        draft.home_dir = "relative".to_owned();
        draft.permissions.clear();
        draft.uid = 70_000;
        draft.quota_size = -1;
    });
    let faults = bad.faults(None, None);
    let fields: Vec<_> = faults
        .iter()
        .filter_map(|fault| fault.message().split_once(": "))
        .map(|(field, _)| field)
        .collect();
    assert_eq!(
        fields,
        ["username", "home_dir", "permissions", "uid", "quota_size"]
    );
    assert_refused("username", bad);
    assert!(draft().faults(None, None).is_empty());
}

#[test]
fn debug_shows_no_credential() {
    let draft = with(|draft| draft.public_keys = vec![KEY.to_owned()]);
    let shown = format!("{draft:?} {:?}", draft.clone().validate(None).unwrap());
    assert!(shown.contains("bob"), "{shown}");
    assert!(
        !shown.contains("pbkdf2") && !shown.contains("AAAA"),
        "{shown}"
    );
}

#[test]
fn filters_that_cannot_be_enforced_are_refused() {
    let denied = |names: &[&str]| {
        with(|draft| {
            draft.filters.denied_login_methods = names.iter().map(|name| (*name).into()).collect();
        })
    };
    assert_refused("denied_login_methods", denied(&["telnet"]));
    let all: Vec<_> = LoginMethods::known().collect();
    assert_refused("denied_login_methods", denied(&all));
    denied(all.get(1..).unwrap()).validate(None).unwrap();
    let totp = |secret: &str, protocols: &[&str]| {
        with(|draft| {
            draft.filters.totp = Some(TotpDraft {
                secret: TotpSecret {
                    config_name: "Default".to_owned(),
                    secret: secret.to_owned(),
                },
                protocols: protocols.iter().map(|name| (*name).into()).collect(),
            });
        })
    };
    assert_refused("totp_config.secret", totp("", &["SSH"]));
    assert_refused("totp_config.secret", totp("no base32!", &["SSH"]));
    assert_refused("totp_config.protocols", totp(SECRET, &[]));
    assert_refused("totp_config.protocols", totp(SECRET, &["SSH", "DAV"]));
}

#[test]
fn a_change_keeps_recovery_codes_as_long_as_the_secret_stays_the_same() {
    let with_factor = with(|draft| {
        draft.filters.totp = Some(TotpDraft {
            secret: TotpSecret {
                config_name: "Default".to_owned(),
                secret: SECRET.to_owned(),
            },
            protocols: vec!["SSH".to_owned()],
        });
    });
    let mut stored = with_factor.validate(None).unwrap();
    stored.spent_steps = 7;
    stored.filters.others = r#"{"of_tomorrow":1}"#.to_owned();
    stored.filters.recovery_codes = vec![RecoveryCode {
        code: "code".to_owned(),
        used: true,
    }];
    let same = UserDraft::from(&stored).validate_change_of(&stored, None);
    assert!(same.unwrap() == stored);
    let change = |change: fn(&mut TotpDraft)| {
        let mut draft = UserDraft::from(&stored);
        change(draft.filters.totp.as_mut().unwrap());
        let changed = draft.validate_change_of(&stored, None).unwrap();
        changed.filters.recovery_codes
    };
    let kept = change(|totp| totp.protocols.push("HTTP".to_owned()));
    assert!(kept == stored.filters.recovery_codes);
    let other = change(|totp| totp.secret.secret = SECRET.chars().rev().collect());
    assert!(other.is_empty());
    let mut without = UserDraft::from(&stored);
    without.filters.totp = None;
    let without = without.validate_change_of(&stored, None).unwrap();
    assert!(without.filters.recovery_codes.is_empty());
    assert_eq!(without.filters.others, stored.filters.others);
    assert_eq!(without.spent_steps, 7);
}
