//! kill −9 at any moment of a mixed load: uploads, overwrites, renames, replacements and removals by clients, and changes of users
//! and admins. What was acknowledged is there afterwards, what was under way is there as a whole or not at all, and the usage is
//! what is on the disk.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use sftpgo_e2e::{Random, Server, python_command, wait_for};

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

/// What is known of something: as it was acknowledged, and as it is if what was under way was done.
#[derive(Clone, Debug)]
struct Known<T> {
    acknowledged: T,
    under_way: Option<T>,
}

impl<T: PartialEq + Clone + std::fmt::Debug> Known<T> {
    fn new(acknowledged: T) -> Self {
        Self {
            acknowledged,
            under_way: None,
        }
    }

    fn begin(&mut self, next: T) {
        self.under_way = Some(next);
    }

    fn done(&mut self) {
        self.acknowledged = self.under_way.take().expect("something was under way");
    }

    #[track_caller]
    fn becomes(&mut self, now: T, what: &str) {
        let is_known = now == self.acknowledged || self.under_way.as_ref() == Some(&now);
        assert!(is_known, "{what}: {now:?} is neither of {self:?}");
        *self = Self::new(now);
    }
}

/// What the operator's calls have come to.
struct Managed {
    quota: Known<u64>,
    /// Is there a user `guest`?
    has_guest: Known<bool>,
    /// The description of the admin `helper`.
    description: Known<String>,
    changes: u64,
}

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

/// Files are the old or the new one as a whole.
const SETTINGS: [(&str, &str); 1] = [("SFTPGO_SFTPD__UPLOAD_MODE", "1")];

struct Campaign {
    server: Server,
    random: Random,
    files: Vec<Known<Files>>,
    managed: Managed,
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
            managed: Managed {
                quota: Known::new(FIRST_QUOTA),
                has_guest: Known::new(false),
                description: Known::new(String::new()),
                changes: 0,
            },
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
        let mut acknowledged = 0;
        for _ in 0..rounds {
            acknowledged += self.round();
        }
        assert!(acknowledged > 0, "nothing was changed");
        eprintln!(
            "{name}: {rounds} kills, {acknowledged} changes of files and {} of users and admins were acknowledged, and none was lost",
            self.managed.changes
        );
    }

    /// Returns the number of changes of files that were acknowledged.
    fn round(&mut self) -> usize {
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
        let (server, managed) = (&mut self.server, &mut self.managed);
        thread::scope(|scope| {
            scope.spawn(|| managed.change_until_gone(&operator));
            thread::sleep(delay);
            server.kill();
        });
        client.wait().unwrap();
        self.server.restart();
        let acknowledged = self.take_what_was_said();
        self.check();
        acknowledged
    }

    fn take_what_was_said(&mut self) -> usize {
        let said = self.server.read("said");
        // A line may have been cut off with its writer.
        let whole = said.rfind('\n').map_or("", |end| &said[..end]);
        let mut acknowledged = 0;
        for line in whole.lines() {
            let words: Vec<_> = line.split(' ').collect();
            let Some(known) = words[0]
                .parse()
                .ok()
                .and_then(|n: usize| self.files.get_mut(n))
            else {
                continue;
            };
            let mut next = known.acknowledged.clone();
            match words[1..] {
                ["begin", "put", name, number, times] => {
                    let content = (number.parse().unwrap(), times.parse().unwrap());
                    next.insert(name.to_owned(), content);
                    known.begin(next);
                }
                ["begin", "rename", from, to] => {
                    let moved = next.remove(from).unwrap();
                    next.insert(to.to_owned(), moved);
                    known.begin(next);
                }
                ["begin", "rm", name] => {
                    next.remove(name);
                    known.begin(next);
                }
                ["done"] => {
                    known.done();
                    acknowledged += 1;
                }
                _ => panic!("{line}"),
            }
        }
        acknowledged
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

impl Managed {
    fn change_until_gone(&mut self, operator: &Operator) {
        while self.change_once(operator).is_some() {
            self.changes += 3;
        }
    }

    /// None when the server does not answer.
    fn change_once(&mut self, operator: &Operator) -> Option<()> {
        let bob = operator.user("bob")?;
        let quota = self.quota.acknowledged + 1;
        self.quota.begin(quota);
        let path = format!("/api/v1/user/{}", bob["id"]);
        operator.change("PUT", &path, &json!({"quota_size": quota}), 200)?;
        self.quota.done();

        self.has_guest.begin(!self.has_guest.acknowledged);
        if self.has_guest.acknowledged {
            let path = format!("/api/v1/user/{}", operator.user("guest")?["id"]);
            operator.change("DELETE", &path, &Value::Null, 200)?;
        } else {
            let guest = json!({
                "username": "guest", "password": "secret", "status": 1, "permissions": ["*"],
                "home_dir": operator.guest_home,
            });
            operator.change("POST", "/api/v1/user", &guest, 200)?;
        }
        self.has_guest.done();

        let description = format!("change {quota}");
        let helper = json!({
            "username": "helper", "status": 1, "permissions": ["view_users"], "description": description,
        });
        self.description.begin(description);
        operator.change("PUT", "/api/v2/admins/helper", &helper, 200)?;
        self.description.done();
        Some(())
    }
}

/// Somebody with a token of root's.
struct Operator {
    base: String,
    token: String,
    guest_home: String,
}

impl Operator {
    fn of(server: &Server) -> Self {
        let mut operator = Self {
            base: format!("http://127.0.0.1:{}", server.http_port),
            token: "Basic cm9vdDpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=".to_owned(),
            guest_home: server.home("guest").to_str().unwrap().to_owned(),
        };
        let (status, token) = operator.call("GET", "/api/v2/token", None).unwrap();
        assert_eq!(status, 200, "{token}");
        operator.token = format!("Bearer {}", token["access_token"].as_str().unwrap());
        operator
    }

    /// Null when there is none of this name; nothing when the server does not answer.
    fn user(&self, name: &str) -> Option<Value> {
        let path = format!("/api/v1/user?username={name}");
        let (_, users) = self.call("GET", &path, None)?;
        Some(users[0].clone())
    }

    /// None when the server does not answer.
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", &self.token)
            .header("Content-Type", "application/json")
            .body(body.map(Value::to_string).unwrap_or_default())
            .unwrap();
        let mut response = agent.run(request).ok()?;
        let text = response.body_mut().read_to_string().ok()?;
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Some((response.status().as_u16(), value))
    }

    fn change(&self, method: &str, path: &str, body: &Value, expected: u16) -> Option<()> {
        let body = Some(body).filter(|body| !body.is_null());
        let (status, answer) = self.call(method, path, body)?;
        assert_eq!(status, expected, "{method} {path}: {answer}");
        Some(())
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
