//! `/etc/passwd` with `/etc/shadow`, as `passwd(5)` has it: accounts of the system that become virtual users.

use sftpgo_dump::{Candidate, Entry, Skipped, UserChange, keys_of, password};

use super::shadow::Shadow;

/// `nobody`, which owns what nobody should.
const NOBODY: u32 = 65_534;

/// What a passwd file holds.
pub(crate) struct Accounts {
    pub(crate) entries: Vec<Result<Account, Skipped>>,
    /// How many accounts are the system's own.
    pub(crate) system: usize,
}

/// An account of a person.
// No Debug: it may hold a password.
pub(crate) struct Account {
    name: String,
    uid: u16,
    gid: u16,
    home: String,
    password: Result<String, String>,
    /// Not said without a line in a shadow file.
    expiration_date: Option<i64>,
}

/// What the files do not say of the users to be.
pub(crate) struct Settings {
    /// Homes are below it, instead of where the accounts have theirs.
    pub(crate) home_base: Option<String>,
    /// Permissions and limits.
    pub(crate) given: UserChange,
}

/// Reads the accounts whose uid is at least `min_uid`, as they are on the day `today` since 1970.
///
/// Without a shadow file there are no passwords but those that the passwd file itself may hold.
pub(crate) fn accounts(passwd: &str, shadow: &str, min_uid: u32, today: i64) -> Accounts {
    let shadow = Shadow::parse(shadow);
    let mut entries = Vec::new();
    let mut system = 0;
    for (index, line) in passwd.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match Line::parse(line) {
            Ok(line) if line.uid < min_uid || line.uid == NOBODY => system += 1,
            Ok(line) => entries.push(line.account(&shadow, today).map_err(|reason| Skipped {
                name: line.name.to_owned(),
                reason,
            })),
            Err(reason) => entries.push(Err(Skipped {
                name: format!("line {}", index + 1),
                reason: reason.to_owned(),
            })),
        }
    }
    Accounts { entries, system }
}

impl Account {
    /// Where the account has its home on the system.
    pub(crate) fn home(&self) -> &str {
        &self.home
    }

    /// Its user on the system.
    pub(crate) fn uid(&self) -> u32 {
        self.uid.into()
    }

    /// The virtual user; `keys` are the lines of authorized_keys, where they were asked for.
    pub(crate) fn into_entry(self, keys: Option<&[String]>, settings: &Settings) -> Entry {
        let home_dir = match &settings.home_base {
            Some(base) => format!("{}/{}", base.trim_end_matches('/'), self.name),
            None if self.home.trim_matches('/').is_empty() => {
                return Err(Skipped {
                    name: self.name,
                    reason: "its home is / and would show the whole disk".to_owned(),
                });
            }
            None => self.home,
        };
        let (public_keys, notes) = keys.map(keys_of).unzip();
        let (password, without_password) = match self.password {
            Ok(hash) => (Some(hash), None),
            Err(reason) => (None, Some(reason)),
        };
        Ok(Candidate {
            name: self.name,
            user: UserChange {
                password,
                expiration_date: self.expiration_date,
                public_keys,
                home_dir: Some(home_dir),
                uid: Some(self.uid),
                gid: Some(self.gid),
                ..settings.given.clone()
            },
            without_password,
            notes: notes.unwrap_or_default(),
            has_usage: false,
        })
    }
}

struct Line<'a> {
    name: &'a str,
    password: &'a str,
    uid: u32,
    gid: &'a str,
    home: &'a str,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Result<Self, &'static str> {
        if line.starts_with(['+', '-']) {
            return Err("it is of NIS and names no account");
        }
        let fields: Vec<&str> = line.split(':').collect();
        let [name, password, uid, gid, _, home, _] = *fields.as_slice() else {
            return Err("it does not have seven fields");
        };
        if name.is_empty() {
            return Err("it has no name");
        }
        Ok(Self {
            name,
            password,
            uid: uid.parse().map_err(|_| "its uid is not a number")?,
            gid,
            home,
        })
    }

    fn account(&self, shadow: &Shadow<'_>, today: i64) -> Result<Account, String> {
        // What was no UTF-8 has become this.
        if [self.name, self.home]
            .iter()
            .any(|text| text.contains('\u{fffd}'))
        {
            return Err("its name or home is not UTF-8".to_owned());
        }
        let within = |what: &str, number: Option<u32>| {
            number
                .and_then(|number| u16::try_from(number).ok())
                .ok_or_else(|| format!("its {what} is not between 0 and {}", u16::MAX))
        };
        let line = shadow.line(self.name);
        if let Some(line) = line {
            line.check_age(today)?;
        }
        Ok(Account {
            name: self.name.to_owned(),
            uid: within("uid", Some(self.uid))?,
            gid: within("gid", self.gid.parse().ok())?,
            home: self.home.to_owned(),
            password: match (self.password, line) {
                ("x", Some(line)) => usable(line.hash()),
                ("x", None) => Err("it has no line in a shadow file".to_owned()),
                (hash, _) => usable(hash),
            },
            expiration_date: line.map(|line| line.expiration_date()).transpose()?,
        })
    }
}

fn usable(hash: &str) -> Result<String, String> {
    if hash.is_empty() {
        return Err("it needs no password there, and would here".to_owned());
    }
    if hash.starts_with(['!', '*']) {
        return Err("its password is locked".to_owned());
    }
    password::check(hash).map(|()| hash.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TODAY: i64 = 20_000;

    fn settings() -> Settings {
        Settings {
            home_base: None,
            given: UserChange::default(),
        }
    }

    fn entries(passwd: &str, shadow: &str, keys: Option<&[String]>) -> Vec<Entry> {
        accounts(passwd, shadow, 1000, TODAY)
            .entries
            .into_iter()
            .map(|account| account.and_then(|account| account.into_entry(keys, &settings())))
            .collect()
    }

    fn only(passwd: &str, shadow: &str) -> Entry {
        let mut entries = entries(passwd, shadow, None);
        assert_eq!(entries.len(), 1);
        entries.remove(0)
    }

    fn sent(entry: Entry) -> Value {
        let candidate = entry.unwrap_or_else(|skipped| panic!("{}", skipped.reason));
        serde_json::to_value(&candidate.user).unwrap()
    }

    #[test]
    fn an_account_is_a_user() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\nbob:x:1000:65535:Bob,,,:/home/bob:/usr/sbin/nologin\n";
        let shadow = "root:*:1::::::\nbob:$6$s$h:19000:0:99999:7::20001:\n";
        assert_eq!(
            sent(only(passwd, shadow)),
            json!({
                "password": "$6$s$h", "expiration_date": 20_001_i64 * 86_400_000, "home_dir": "/home/bob", "uid": 1000,
                "gid": 65535,
            })
        );
    }

    #[test]
    fn the_systems_own_accounts_are_counted_only() {
        let passwd = "root:x:0:0::/root:/bin/sh\na:x:999:1::/a:\nnobody:x:65534:65534::/:\n# a comment\n\nb:x:1000:1::/b:\n";
        let found = accounts(passwd, "", 1000, TODAY);
        assert_eq!((found.entries.len(), found.system), (1, 3));
        assert_eq!(accounts(passwd, "", 0, TODAY).system, 1);
    }

    #[test]
    fn passwords_are_hashes_that_the_server_reads_or_none() {
        for (hash, word) in [
            ("!", "locked"),
            ("*", "locked"),
            ("!$6$s$SECRET", "locked"),
            ("!!", "locked"),
            ("", "no password"),
            ("$y$j9T$s$SECRET", "$y$"),
            ("$5$s$SECRET", "$5$"),
            ("$1$s$SECRET", "$1$"),
            ("abSECRETabcde", "no hash"),
        ] {
            for (passwd, shadow) in [("x", hash), (hash, "$6$s$not-looked-at")] {
                let passwd = format!("bob:{passwd}:1000:1000::/home/bob:/bin/sh");
                let user = only(&passwd, &format!("bob:{shadow}:::::::")).ok().unwrap();
                let reason = user.without_password.unwrap();
                assert!(user.user.password.is_none());
                assert!(
                    reason.contains(word) && !reason.contains("SECRET"),
                    "{reason}"
                );
            }
        }
        for hash in ["$6$s$h", "$2a$10$x", "$2b$10$x", "$2y$10$x"] {
            let user = only("bob:x:1000:1::/b:", &format!("bob:{hash}::"))
                .ok()
                .unwrap();
            assert_eq!(user.user.password.unwrap(), hash);
        }
        let user = only("bob:x:1000:1::/b:", "").ok().unwrap();
        assert!(user.without_password.unwrap().contains("shadow"));
    }

    #[test]
    fn lines_that_are_no_account_here_are_skipped_with_the_reason() {
        for (line, reason) in [
            ("+::::::", "NIS"),
            ("-bob:x:1000:1::/b:", "NIS"),
            ("bob:x:1000:1::/b", "seven fields"),
            ("bob", "seven fields"),
            (":x:1000:1::/b:", "no name"),
            ("bob:x:many:1::/b:", "uid"),
            ("bob:x:-1:1::/b:", "uid"),
            ("bob:x:65536:1::/b:", "uid"),
            ("bob:x:1000:65536::/b:", "gid"),
            ("bob:x:1000:::/b:", "gid"),
            ("bob:x:1000:1:::", "whole disk"),
            ("bob:x:1000:1::/:", "whole disk"),
            ("bob:x:1000:1:://:", "whole disk"),
            ("b\u{fffd}b:x:1000:1::/b:", "UTF-8"),
        ] {
            let skipped = only(line, "").err().unwrap();
            assert!(skipped.reason.contains(reason), "{line}: {skipped:?}");
        }
        let skipped = only("bob:x:1000:1::/b:", "bob:$6$s$h:0:").err().unwrap();
        assert_eq!(skipped.name, "bob");
        assert!(skipped.reason.contains("changed before"), "{skipped:?}");
    }

    #[test]
    fn keys_settings_and_another_place_for_homes() {
        let keys = [
            "ssh-ed25519 AAAA".to_owned(),
            "restrict ssh-rsa AAAA".to_owned(),
        ];
        let settings = Settings {
            home_base: Some("/srv/".to_owned()),
            given: UserChange {
                permissions: Some(vec!["list".to_owned()]),
                max_sessions: Some(2),
                ..UserChange::default()
            },
        };
        let mut found = accounts("bob:*:1000:1::/:", "", 1000, TODAY).entries;
        let account = found.remove(0).ok().unwrap();
        let user = account.into_entry(Some(&keys), &settings).ok().unwrap();
        assert_eq!(
            serde_json::to_value(&user.user).unwrap(),
            json!({
                "public_keys": ["ssh-ed25519 AAAA"], "home_dir": "/srv/bob", "uid": 1000, "gid": 1,
                "permissions": ["list"], "max_sessions": 2,
            })
        );
        assert_eq!(user.notes.len(), 1, "{:?}", user.notes);
    }
}
