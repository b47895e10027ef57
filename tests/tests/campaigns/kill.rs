//! kill −9 at any moment of a mixed load: uploads, overwrites, renames, replacements and removals by clients, and changes of users
//! and admins. What was acknowledged is there afterwards, what was under way is there as a whole or not at all, the usage is what
//! is on the disk, and the chain of the audit log is whole.

mod audited;
mod known;
mod managed;

use std::{
    collections::BTreeMap,
    fs, mem,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use serde_json::json;
use sftpgo_e2e::{Random, Server, python_command, wait_for};

use self::{
    audited::{AuditLog, History, LOGIN, OPERATOR},
    known::Known,
    managed::{Managed, Operator},
};
use crate::rounds;

/// Clients of a round, each with a directory of its own.
const CLIENTS: usize = 4;
const PASSWORD: &str = "correct horse battery";
/// The quota of bob grows by one with each change.
const FIRST_QUOTA: u64 = 1 << 40;

/// Changes files in the directories d0 to d3 until the server is gone. Says of each change when it begins and when it is
/// acknowledged. A file is one number of eight bytes, so many times.
const CLIENT: &str = r#"
import os, paramiko, random, threading
def say(*words): os.write(1, (" ".join(map(str, words)) + "\n").encode())
def work(n, s):
    r = random.Random(int(os.environ["SEED"]) * 16 + n)
    have = set(s.listdir(f"d{n}"))
    while True:
        what = r.choice(["put", "put", "put", "rename", "replace", "rm"])
        a, b = r.sample(["f0", "f1", "f2", "f3"], 2)
        pa, pb = f"d{n}/{a}", f"d{n}/{b}"
        if what == "put":
            number, times = r.getrandbits(63), r.randrange(1, 20000)
            say(n, "begin", "put", a, number, times)
            f = s.open(pa, "wb")
            f.set_pipelined(True)
            f.write(number.to_bytes(8, "big") * times)
            # Its own close() says nothing when there is no answer.
            s._request(paramiko.sftp.CMD_CLOSE, f.handle)
            have.add(a)
        elif what == "rename" and a in have and b not in have:
            say(n, "begin", "rename", a, b)
            s.rename(pa, pb)
            have.remove(a); have.add(b)
        elif what == "replace" and a in have and b in have:
            say(n, "begin", "rename", a, b)
            s.posix_rename(pa, pb)
            have.remove(a)
        elif what == "rm" and a in have:
            say(n, "begin", "rm", a)
            s.remove(pa)
            have.remove(a)
        else:
            continue
        say(n, "done")
t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
t.connect(username="bob", password="secret")
clients = [paramiko.SFTPClient.from_transport(t) for _ in range(4)]
for n, s in enumerate(clients):
    if f"d{n}" not in s.listdir("."): s.mkdir(f"d{n}")
def until_gone(n, s):
    try: work(n, s)
    except (EOFError, OSError, paramiko.SSHException): pass
threads = [threading.Thread(target=until_gone, args=(n, s)) for n, s in enumerate(clients)]
say("ready")
for thread in threads: thread.start()
for thread in threads: thread.join()
"#;

/// A file's number, and how often it is in there.
type Files = BTreeMap<String, (u64, u64)>;

#[test]
fn what_was_acknowledged_survives_on_sqlite() {
    let server = Server::start_with(&SETTINGS);
    Campaign::new(server).run("SQLite");
}

#[cfg(feature = "databases")]
#[test]
fn what_was_acknowledged_survives_on_postgres() {
    use sftpgo_databases::{Kind, Server as Database};

    let database = Database::start(Kind::Postgres);
    let name = database.make_database();
    let of_database = database.settings(&name);
    let of_database = of_database
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    let settings: Vec<_> = SETTINGS.into_iter().chain(of_database).collect();
    Campaign::new(Server::start_with(&settings)).run("PostgreSQL");
}

const SETTINGS: [(&str, &str); 2] = [
    // Files are the old or the new one as a whole.
    ("SFTPGO_SFTPD__UPLOAD_MODE", "1"),
    audited::SETTING,
];

struct Campaign {
    server: Server,
    random: Random,
    files: Vec<Known<Files>>,
    managed: Managed,
    audit_log: AuditLog,
    counts: Counts,
}

/// What came of the rounds.
#[derive(Default)]
struct Counts {
    of_files: usize,
    of_operator: usize,
    /// Acknowledged changes of files, users and admins that the audit log lacks.
    not_audited: usize,
    /// The same of one round, at most.
    most_not_audited: usize,
}

impl Campaign {
    fn new(server: Server) -> Self {
        server.add_user(
            "bob",
            &json!({"quota_size": FIRST_QUOTA, "quota_files": 1000}),
        );
        let code = fs::read_to_string(server.path("setup-code")).unwrap();
        let root = json!({
            "username": "root", "password": PASSWORD, "status": 1, "permissions": ["*"],
        });
        let header = [("X-SFTPGO-SETUP-CODE", code.trim())];
        let made = server.rest_with("POST", "/api/v2/admins", &header, Some(&root));
        assert_eq!(made.0, 201, "{made:?}");
        let campaign = Self {
            server,
            random: Random::new(),
            files: vec![Known::new(Files::new()); CLIENTS],
            managed: Managed::new(),
            audit_log: AuditLog::new(),
            counts: Counts::default(),
        };
        let helper = json!({
            "username": "helper", "password": PASSWORD, "status": 1, "permissions": ["view_users"],
        });
        let made = Operator::of(&campaign.server).call("POST", "/api/v2/admins", Some(&helper));
        assert_eq!(made.unwrap().0, 201);
        campaign
    }

    fn run(mut self, name: &str) {
        let rounds = rounds(5);
        for round in 0..rounds {
            if round == rounds / 2 {
                self.audit_log.use_key(&self.server);
            }
            self.round();
        }
        let Counts {
            of_files,
            of_operator,
            not_audited,
            most_not_audited,
        } = self.counts;
        assert!(
            of_files > 0 && of_operator > 0,
            "of one kind nothing was changed"
        );
        assert!(
            not_audited < of_files + of_operator,
            "the audit log has nothing of it"
        );
        eprintln!(
            "{name}: {rounds} kills, {of_files} changes of files and {of_operator} of users and admins were acknowledged, and none was lost; the chain of the audit log is whole, {not_audited} of them are not in it, {most_not_audited} at most after one kill, and {} lines were torn",
            self.audit_log.torn
        );
    }

    fn round(&mut self) {
        let operator = Operator::of(&self.server);
        let mut client = python_command(&self.server, CLIENT)
            .env("SEED", self.random.below(1 << 40).to_string())
            .stdin(Stdio::null())
            .stdout(fs::File::create(self.server.path("said")).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("the clients", || {
            let said = self.server.read("said");
            assert!(
                said.contains("ready") || is_running(&mut client),
                "no client"
            );
            said.contains("ready")
        });
        let delay = Duration::from_millis(self.random.below(500));
        // Half of the kills come while the audit log is being put aside.
        let puts_aside = self.random.below(2) == 0;
        let until_kill = Duration::from_micros(self.random.below(5000));
        let (server, managed) = (&mut self.server, &mut self.managed);
        thread::scope(|scope| {
            scope.spawn(|| managed.change_until_gone(&operator));
            thread::sleep(delay);
            if puts_aside {
                server.signal("USR1");
                thread::sleep(until_kill);
            }
            server.kill();
        });
        client.wait().unwrap();
        self.server.restart();
        let of_files = self.take_what_was_said();
        let of_operator = mem::take(&mut self.managed.history);
        self.check();
        self.audit_log.verify(&self.server);
        let logged = self.audit_log.changes(&self.server);
        let (by_operator, by_clients) = logged.into_iter().partition(|(who, _)| *who == OPERATOR);
        let not_audited = of_files.missing_in(by_clients) + of_operator.missing_in(by_operator);
        let counts = &mut self.counts;
        counts.of_files += of_files.acknowledged();
        counts.of_operator += of_operator.acknowledged();
        counts.not_audited += not_audited;
        counts.most_not_audited = counts.most_not_audited.max(not_audited);
    }

    /// Returns what the clients did.
    fn take_what_was_said(&mut self) -> History {
        let said = self.server.read("said");
        // A line may have been cut off with its writer.
        let whole = said.rfind('\n').map_or("", |end| &said[..end]);
        let mut history = History::default();
        for line in whole.lines() {
            let words: Vec<_> = line.split(' ').collect();
            if words == ["ready"] {
                history.begins(LOGIN, "login bob");
                history.done(LOGIN);
                continue;
            }
            let client: usize = words[0].parse().unwrap();
            let known = &mut self.files[client];
            let mut next = known.acknowledged.clone();
            match words[1..] {
                ["begin", "put", name, number, times] => {
                    let times: u64 = times.parse().unwrap();
                    next.insert(name.to_owned(), (number.parse().unwrap(), times));
                    known.begin(next);
                    history.begins(client, format!("upload {name} {}", 8 * times));
                }
                ["begin", "rename", from, to] => {
                    let moved = next.remove(from).unwrap();
                    next.insert(to.to_owned(), moved);
                    known.begin(next);
                    history.begins(client, format!("rename {from} {to}"));
                }
                ["begin", "rm", name] => {
                    next.remove(name);
                    known.begin(next);
                    history.begins(client, format!("remove {name}"));
                }
                ["done"] => {
                    known.done();
                    history.done(client);
                }
                _ => panic!("{line}"),
            }
        }
        history
    }

    fn check(&mut self) {
        let home = self.server.home("bob");
        wait_for("temporaries to be removed", || {
            (0..CLIENTS).all(|n| {
                let names = fs::read_dir(home.join(format!("d{n}"))).unwrap();
                names
                    .map(|entry| entry.unwrap().file_name())
                    .all(|name| !name.as_encoded_bytes().starts_with(b".sftpgo-upload."))
            })
        });
        let mut on_disk = (0, 0);
        for (n, known) in self.files.iter_mut().enumerate() {
            let now = files_of(&home.join(format!("d{n}")));
            for (_, times) in now.values() {
                on_disk = (on_disk.0 + 8 * times, on_disk.1 + 1);
            }
            known.becomes(now, &format!("the files of client {n}"));
        }
        let operator = Operator::of(&self.server);
        wait_for("the usage to be what is there", || {
            let bob = operator.user("bob").unwrap();
            let number = |key: &str| bob[key].as_u64().unwrap_or_else(|| panic!("{bob}"));
            (number("used_quota_size"), number("used_quota_files")) == on_disk
        });
        let managed = &mut self.managed;
        let bob = operator.user("bob").unwrap();
        managed
            .quota
            .becomes(bob["quota_size"].as_u64().unwrap(), "bob's quota");
        let has_guest = !operator.user("guest").unwrap().is_null();
        managed.has_guest.becomes(has_guest, "the guest");
        let helper = operator
            .call("GET", "/api/v2/admins/helper", None)
            .unwrap()
            .1;
        let description = helper["description"].as_str().unwrap_or_default();
        managed
            .description
            .becomes(description.to_owned(), "the admin's description");
    }
}

fn is_running(client: &mut Child) -> bool {
    client.try_wait().unwrap().is_none()
}

/// What is in a directory; fails when a file is not one number so many times.
fn files_of(directory: &Path) -> Files {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let content = fs::read(entry.path()).unwrap();
            let what = entry.path();
            let first: [u8; 8] = content
                .get(..8)
                .and_then(|first| first.try_into().ok())
                .unwrap_or_else(|| panic!("{what:?} has {} bytes", content.len()));
            assert!(
                content.chunks(8).all(|chunk| chunk == first),
                "{what:?} is neither the old nor the new file"
            );
            let times = content.len() as u64 / 8;
            let name = entry.file_name().into_string().unwrap();
            (name, (u64::from_be_bytes(first), times))
        })
        .collect()
}
