//! A client that uploads for as long as it is let, whatever is refused meanwhile: its connection has to stay, and what was
//! acknowledged has to be there at the end.

use std::{
    fs,
    process::{Child, Stdio},
};

use serde_json::Value;
use sftpgo_e2e::{Server, python_command, wait_for};

/// Overwrites five files one after the other by one session, and adds to a long one by another. A small file is a number of
/// eight bytes, so many times.
const CLIENT: &str = r#"
import json, os, paramiko, time
t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
t.connect(username="bob", password="secret")
small, long = (paramiko.SFTPClient.from_transport(t) for _ in range(2))
# What each file was acknowledged to be, and what else it may be since.
state = {"stored": {}, "tried": {}, "refused": 0, "moved": 0, "turns": 0}
def attempt(action, *arguments):
    try:
        action(*arguments)
        return True
    except IOError as error:
        assert t.is_active(), f"the connection ended: {error}"
        assert str(error), "refused without a word"
        state["refused"] += 1
        return False
def put(name, content):
    f = small.open(name, "wb")
    try: f.write(content)
    finally:
        f._closed = True
        # Its own close() says nothing when there is no answer.
        small._request(paramiko.sftp.CMD_CLOSE, f.handle)
f = long.open("long", "wb")
while not os.path.exists("stop"):
    state["turns"] += 1
    number = state["turns"]
    name = f"f{number % 5}"
    state["tried"].setdefault(name, []).append(number)
    if attempt(put, name, number.to_bytes(8, "big") * 2000):
        state["stored"][name], state["tried"][name] = number, []
    if attempt(f.write, b"x" * 1000): state["moved"] += 1
    json.dump(state, open("state.new", "w")); os.rename("state.new", "state")
    time.sleep(0.01)
f._closed = True
state["is_long_stored"] = attempt(long._request, paramiko.sftp.CMD_CLOSE, f.handle)
json.dump(state, open("state", "w"))
"#;
const SMALL: usize = 8 * 2000;

/// The client, which logs in as bob. What it refers to is in the directory of its server.
pub(crate) struct Uploads(Child);

/// How far it has come.
pub(crate) struct Progress {
    /// Tries of small files.
    pub(crate) turns: u64,
    /// Pieces of the long one that were acknowledged.
    pub(crate) moved: u64,
    /// What was refused in words.
    pub(crate) refused: u64,
}

impl Uploads {
    /// Starts it, and waits until it uploads.
    pub(crate) fn start(server: &Server) -> Self {
        let client = python_command(server, CLIENT);
        let mut client = { client }.stdin(Stdio::null()).spawn().unwrap();
        wait_for("uploads", || {
            assert!(client.try_wait().unwrap().is_none(), "the client ended");
            progress(server).turns > 5
        });
        Self(client)
    }

    /// Waits until a fact about its progress holds, beginning with what it was at the call.
    #[track_caller]
    pub(crate) fn wait_until(
        &mut self,
        server: &Server,
        what: &str,
        fact: impl Fn(&Progress, &Progress) -> bool,
    ) {
        let before = progress(server);
        wait_for(what, || {
            assert!(self.0.try_wait().unwrap().is_none(), "the client ended");
            fact(&before, &progress(server))
        });
    }

    /// Waits for some more tries.
    #[track_caller]
    pub(crate) fn wait_for_turns(&mut self, server: &Server) {
        self.wait_until(server, "further uploads", |before, now| {
            now.turns > before.turns + 10
        });
    }

    /// Ends it, and looks at bob's home for what was acknowledged. Was the long file?
    pub(crate) fn finish(mut self, server: &Server) -> bool {
        fs::write(server.path("stop"), "").unwrap();
        wait_for("the end of the client", || {
            self.0.try_wait().unwrap().is_some()
        });
        assert!(self.0.wait().unwrap().success(), "the client failed");
        let state = state(server);
        let home = server.home("bob");
        for (name, stored) in state["stored"].as_object().unwrap() {
            let content = fs::read(home.join(name)).unwrap();
            let is_whole = |number: &Value| {
                let number = number.as_u64().unwrap().to_be_bytes();
                content.len() == SMALL && content.chunks(8).all(|chunk| chunk == number)
            };
            let tried = state["tried"][name].as_array().unwrap();
            assert!(
                is_whole(stored) || tried.iter().any(is_whole),
                "{name} is neither {stored} nor one of {tried:?}"
            );
        }
        let is_long_stored = state["is_long_stored"] == true;
        if is_long_stored {
            let long = fs::read(home.join("long")).unwrap();
            let size = 1000 * state["moved"].as_u64().unwrap();
            assert!(long.len() as u64 == size && long.iter().all(|byte| *byte == b'x'));
        }
        is_long_stored
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn state(server: &Server) -> Value {
    serde_json::from_str(&server.read("state")).unwrap_or_default()
}

fn progress(server: &Server) -> Progress {
    let state = state(server);
    let number = |name: &str| state[name].as_u64().unwrap_or(0);
    Progress {
        turns: number("turns"),
        moved: number("moved"),
        refused: number("refused"),
    }
}
