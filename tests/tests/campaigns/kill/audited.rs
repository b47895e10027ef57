//! What the audit log has after a kill: its chain is whole, and what a kill has lost of it is its end.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Command,
};

use serde_json::{Value, json};
use sftpgo_e2e::{Server, binary, wait_for};
use tempfile::TempDir;

/// Who changes users and admins. The clients are 0 and so on.
pub(super) const OPERATOR: usize = 100;
/// Who logs in for the clients.
pub(super) const LOGIN: usize = 101;
/// What is changed of users and admins in a round.
const MANAGED: [&str; 4] = [
    "user updated bob",
    "user added guest",
    "user deleted guest",
    "admin updated helper",
];
/// Switches the log on.
pub(super) const SETTING: (&str, &str) = ("SFTPGO_COMMON__AUDIT__FILE", "audit.log");

/// What was done, and by whom.
type Change = (usize, String);

/// What several did, in the order in which they did it.
#[derive(Default)]
pub(super) struct History(Vec<Step>);

enum Step {
    Begins(Change),
    /// What this one has begun last is acknowledged.
    Done(usize),
}

impl History {
    pub(super) fn begins(&mut self, who: usize, what: impl Into<String>) {
        self.0.push(Step::Begins((who, what.into())));
    }

    pub(super) fn done(&mut self, who: usize) {
        self.0.push(Step::Done(who));
    }

    /// Changes that were acknowledged.
    pub(super) fn acknowledged(&self) -> usize {
        let is_done = |step: &&Step| matches!(step, Step::Done(who) if *who != LOGIN);
        self.0.iter().filter(is_done).count()
    }

    /// Compares it with what the audit log has of the same. Each one's changes are there in their order, and none without all
    /// that was acknowledged before it began. Returns how many of the acknowledged ones are missing at the end.
    pub(super) fn missing_in(&self, logged: Vec<Change>) -> usize {
        let mut of_each: BTreeMap<usize, VecDeque<String>> = BTreeMap::new();
        for (who, what) in logged {
            of_each.entry(who).or_default().push_back(what);
        }
        let mut begun = BTreeMap::new();
        let mut missing = Vec::new();
        for step in &self.0 {
            match step {
                Step::Begins((who, what)) => {
                    let next = of_each.get_mut(who).and_then(VecDeque::pop_front);
                    if let Some(next) = &next {
                        assert_eq!(next, what, "the audit log has another change of {who}");
                        assert!(
                            missing.is_empty(),
                            "the audit log has {what:?}, and lacks what was acknowledged before: {missing:?}"
                        );
                    }
                    begun.insert(*who, (what, next.is_some()));
                }
                Step::Done(who) => {
                    let (what, is_logged) = begun[who];
                    if !is_logged {
                        missing.push((who, what));
                    }
                }
            }
        }
        of_each.retain(|_, rest| !rest.is_empty());
        assert!(of_each.is_empty(), "nobody has made these: {of_each:?}");
        missing.iter().filter(|(who, _)| **who != LOGIN).count()
    }
}

/// The audit log of a server.
pub(super) struct AuditLog {
    /// Where its key is.
    apart: TempDir,
    is_keyed: bool,
    /// How often the server has been started.
    starts: usize,
    /// The number of the last line that was looked at.
    seen: u64,
    /// Lines that a kill has torn.
    pub(super) torn: usize,
}

impl AuditLog {
    /// The log of a server that was started once.
    pub(super) fn new() -> Self {
        Self {
            apart: tempfile::tempdir().unwrap(),
            is_keyed: false,
            starts: 1,
            seen: 0,
            torn: 0,
        }
    }

    /// Lines have an HMAC from the next start on.
    pub(super) fn use_key(&mut self, server: &Server) {
        let key = self.key();
        fs::write(&key, "00112233445566778899aabbccddeeff").unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let configuration = json!({"common": {"audit": {"key_file": key}}});
        fs::write(server.path("sftpgo.json"), configuration.to_string()).unwrap();
        self.is_keyed = true;
    }

    fn key(&self) -> PathBuf {
        self.apart.path().join("audit.key")
    }

    /// Verifies the chain of a server that was killed and has started again.
    pub(super) fn verify(&mut self, server: &Server) {
        self.starts += 1;
        wait_for("the audit log to tell of the start", || {
            let lines = lines(server);
            let starts = lines.iter().filter(|line| line["event"] == "audit_started");
            starts.count() == self.starts
        });
        let mut command = Command::new(binary("sftpgo-server"));
        command.args(["audit", "verify"]);
        if self.is_keyed {
            command.arg("--key-file").arg(self.key());
        }
        let said = command.args(files(server)).output().unwrap();
        let text = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
        assert!(said.status.success(), "{text}");
        assert!(!text.contains("could not be written"), "{text}");
        self.torn = text.matches("was torn by a crash").count();
    }

    /// What the log has of [`History`] since it was asked last.
    pub(super) fn changes(&mut self, server: &Server) -> Vec<Change> {
        let home = server.home("bob");
        let home = format!("{}/d", home.to_str().unwrap());
        let number = |line: &Value| line["seq"].as_u64().unwrap();
        let mut lines = lines(server);
        lines.retain(|line| number(line) > self.seen);
        self.seen = lines.last().map_or(self.seen, number);
        let changes = lines.iter().filter_map(|line| change_of(line, &home));
        changes.collect()
    }
}

fn change_of(line: &Value, home: &str) -> Option<Change> {
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    let below_home = |name: &str| text(name).strip_prefix(home)?.split_once('/');
    let event = text("event");
    match event {
        "login" if text("username") == "bob" => Some((LOGIN, "login bob".to_owned())),
        "upload" | "rename" | "remove" => {
            assert!(line["error"].is_null(), "{line}");
            let (client, name) = below_home("file_path")?;
            let what = match below_home("target_path") {
                Some((_, target)) => format!("{event} {name} {target}"),
                None if event == "upload" => format!("{event} {name} {}", line["size_bytes"]),
                None => format!("{event} {name}"),
            };
            Some((client.parse().ok()?, what))
        }
        "change" => {
            let what = format!("{} {}", text("change"), text("username"));
            MANAGED.contains(&&*what).then_some((OPERATOR, what))
        }
        _ => None,
    }
}

/// Of all files, the oldest first. What is no line was torn, or is being written.
fn lines(server: &Server) -> Vec<Value> {
    let texts = files(server)
        .into_iter()
        .map(|file| fs::read(file).unwrap());
    let bytes = texts.collect::<Vec<_>>().concat();
    let lines = bytes.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

/// By their names, which the newest one's comes behind.
fn files(server: &Server) -> Vec<PathBuf> {
    let entries = fs::read_dir(server.path("")).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("audit") && name.ends_with(".log")
        })
        .collect();
    files.sort();
    files
}
