//! One server.

use std::{
    collections::hash_map::RandomState,
    fs,
    hash::{BuildHasher, Hasher},
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Kind, PASSWORD, USER,
    programs::{as_server, give, must, place_for_data, program},
};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A server that listens on 127.0.0.1, with and without TLS: its certificate is `localhost`'s.
pub struct Server {
    /// Of which database.
    pub kind: Kind,
    /// TCP port.
    pub port: u16,
    directory: PathBuf,
    wanted_by: u32,
    has_tls: bool,
}

impl Server {
    /// A server of this test's own; it ends when this is dropped.
    pub fn start(kind: Kind) -> Self {
        Self::start_in(kind, &new_directory(kind), std::process::id(), true)
    }

    /// The same without TLS.
    pub fn start_without_tls(kind: Kind) -> Self {
        Self::start_in(kind, &new_directory(kind), std::process::id(), false)
    }

    pub(crate) fn start_in(kind: Kind, directory: &Path, wanted_by: u32, has_tls: bool) -> Self {
        fs::create_dir(directory).unwrap();
        give(directory);
        let server = Self {
            kind,
            port: sftpgo_test_ports::reserve(),
            directory: directory.to_owned(),
            wanted_by,
            has_tls,
        };
        make_certificates(directory, "localhost");
        for name in ["server.pem", "server.key", "ca.pem"] {
            give(&directory.join(name));
        }
        server.make_data();
        server.start_again();
        server
    }

    fn make_data(&self) {
        let (data, file) = (self.path("data"), self.path("secret"));
        match self.kind {
            Kind::Postgres => {
                fs::write(&file, PASSWORD).unwrap();
                // Names are sorted as people do unless a column says otherwise.
                must(
                    as_server(program("initdb"))
                        .args(["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"])
                        .args(["--locale-provider=icu", "--icu-locale=en-US"])
                        .args(["--auth=scram-sha-256", "--username", USER])
                        .arg(format!("--pwfile={}", file.display()))
                        .arg(format!("--pgdata={}", data.display())),
                );
            }
            Kind::Mariadb => {
                must(
                    as_server(program("mariadb-install-db"))
                        .env("TMPDIR", &self.directory)
                        .args(["--no-defaults", "--auth-root-authentication-method=normal"])
                        .args(["--skip-test-db", "--skip-name-resolve"])
                        .arg(format!("--datadir={}", data.display())),
                );
                let password = PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
                let sql = format!(
                    "CREATE OR REPLACE USER '{USER}'@'%' IDENTIFIED BY '{password}';\n\
                     GRANT ALL ON *.* TO '{USER}'@'%';\n"
                );
                fs::write(&file, sql).unwrap();
            }
        }
    }

    /// Starts a server that was stopped once more, on the same port with the same data.
    pub fn start_again(&self) {
        let _ = fs::remove_file(self.path("pid"));
        let (data, secret) = (self.path("data"), self.path("secret"));
        let [certificate, key] = ["server.pem", "server.key"].map(|name| self.path(name));
        let mut keeper = as_server("sh");
        keeper
            .args(["-c", include_str!("keep.sh"), "keep.sh"])
            // One that starts removes the temporary tables of all others that have the same directory for them.
            .env("TMPDIR", &self.directory)
            .arg(self.wanted_by.to_string())
            .arg(&self.directory);
        match self.kind {
            Kind::Postgres => keeper
                .arg("QUIT")
                .arg(program("postgres"))
                .arg("-D")
                .arg(data)
                .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
                .args([
                    "-c",
                    "unix_socket_directories=",
                    "-c",
                    "max_connections=400",
                ])
                .args(["-c", &format!("port={}", self.port)]),
            Kind::Mariadb => keeper
                .arg("KILL")
                .arg(program("mariadbd"))
                .args([
                    "--no-defaults",
                    "--bind-address=127.0.0.1",
                    "--skip-name-resolve",
                ])
                .args(["--character-set-server=utf8mb4", "--max-connections=400"])
                .args(["--collation-server=utf8mb4_general_ci", "--skip-log-bin"])
                .args([
                    "--innodb-flush-log-at-trx-commit=0",
                    "--innodb-flush-method=nosync",
                ])
                .arg(format!("--datadir={}", data.display()))
                .arg(format!("--init-file={}", secret.display()))
                .arg(format!("--port={}", self.port))
                .args(["--socket=socket", "--pid-file=own-pid"]),
        };
        let [certificate, key] = [certificate.display(), key.display()];
        match self.kind {
            _ if !self.has_tls => &mut keeper,
            Kind::Postgres => keeper
                .args([
                    "-c",
                    "ssl=on",
                    "-c",
                    &format!("ssl_cert_file={certificate}"),
                ])
                .args(["-c", &format!("ssl_key_file={key}")]),
            Kind::Mariadb => keeper
                .arg(format!("--ssl-cert={certificate}"))
                .arg(format!("--ssl-key={key}")),
        };
        let mut keeper = keeper
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::spawn(move || keeper.wait());
        self.wait(|| self.try_sql("", "SELECT 1").is_ok());
    }

    /// Stops the server as its operator would.
    pub fn stop(&self) {
        let pid = self.pid();
        signal(
            match self.kind {
                Kind::Postgres => "INT",
                Kind::Mariadb => "TERM",
            },
            &[pid],
        );
        self.wait(|| !Path::new(&format!("/proc/{pid}")).exists());
    }

    /// From now on nothing answers, and nothing says so.
    pub fn freeze(&self) {
        let processes = self.processes();
        signal("STOP", &processes);
        // It is sent, and threads that run have not noticed yet.
        self.wait(|| processes.iter().all(|process| has_stopped(*process)));
    }

    /// It answers again.
    pub fn thaw(&self) {
        signal("CONT", &self.processes());
    }

    /// By which a server of ours uses a database here, as its environment has them.
    pub fn settings(&self, database: &str) -> Vec<(String, String)> {
        [
            ("DRIVER", self.kind.driver()),
            ("HOST", "127.0.0.1"),
            ("PORT", &self.port.to_string()),
            ("NAME", database),
            ("USERNAME", USER),
            ("PASSWORD", PASSWORD),
        ]
        .map(|(key, value)| (format!("SFTPGO_DATA_PROVIDER__{key}"), value.to_owned()))
        .to_vec()
    }

    /// Certificates of the authority that signed the server's.
    pub fn authority(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// Makes a database, and answers its name.
    pub fn make_database(&self) -> String {
        let name = format!("test_{}", random());
        self.sql("", &format!("CREATE DATABASE {name}"));
        name
    }

    /// Runs SQL in a database (`""` is none) and answers rows of columns between tabs.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.try_sql(database, sql)
            .unwrap_or_else(|error| panic!("{error}: {sql}\n{}", self.log()))
    }

    fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut running = self.client(database).spawn().unwrap();
        // One that cannot connect reads nothing.
        let _ = running.stdin.take().unwrap().write_all(sql.as_bytes());
        let output = running.wait_with_output().unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// A client that runs what comes on its input, and prints each row at once.
    pub(crate) fn client(&self, database: &str) -> Command {
        let mut client = match self.kind {
            Kind::Postgres => {
                let mut psql = Command::new(program("psql"));
                psql.env("PGPASSWORD", PASSWORD)
                    .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", USER])
                    .args(["--no-psqlrc", "-qAt", "-F", "\t", "-v", "ON_ERROR_STOP=1"])
                    .args([
                        "-d",
                        if database.is_empty() {
                            "postgres"
                        } else {
                            database
                        },
                    ])
                    .args(["-f", "-"]);
                psql
            }
            Kind::Mariadb => {
                let mut mariadb = Command::new(program("mariadb"));
                mariadb
                    .arg("--no-defaults")
                    .env("MYSQL_PWD", PASSWORD)
                    .args(["-h", "127.0.0.1", "-P", &self.port.to_string(), "-u", USER])
                    .args(["-nBN", "--default-character-set=utf8mb4", database]);
                mariadb
            }
        };
        client
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        client
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The database server's process.
    pub fn pid(&self) -> u32 {
        let pid = fs::read_to_string(self.path("pid")).unwrap();
        pid.trim().parse().unwrap()
    }

    /// The server's process and its children.
    fn processes(&self) -> Vec<u32> {
        let server = self.pid();
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
        let children = children.unwrap_or_default();
        let children = children.split_whitespace().map(|pid| pid.parse().unwrap());
        std::iter::once(server).chain(children).collect()
    }

    fn wait(&self, mut fact: impl FnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !fact() {
            assert!(Instant::now() < until, "{:?}: {}", self.kind, self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// What others need to use this server.
    pub(crate) fn of_others(kind: Kind, port: u16, directory: &Path) -> Self {
        Self {
            kind,
            port,
            directory: directory.to_owned(),
            wanted_by: 0,
            has_tls: true,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.wanted_by != std::process::id() {
            return;
        }
        // One that its test stopped has no process.
        if self.path("pid").exists() && Path::new(&format!("/proc/{}", self.pid())).exists() {
            let processes = self.processes();
            signal("KILL", &processes);
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn signal(name: &str, processes: &[u32]) {
    let processes = processes.iter().map(ToString::to_string);
    // One may be gone by now.
    let _ = Command::new("kill")
        .args(["-s", name])
        .args(processes)
        .stderr(Stdio::null())
        .status();
}

/// Has every thread of the process stopped, or ended?
fn has_stopped(process: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return true;
    };
    threads.flatten().all(|thread| {
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        let state = status
            .lines()
            .find_map(|line| line.strip_prefix("State:\t"));
        state.is_none_or(|state| state.starts_with(['T', 'Z', 'X']))
    })
}

/// Makes an authority `ca.pem` and a certificate `server.pem` with `server.key` that it signed for `name`.
pub fn make_certificates(directory: &Path, name: &str) {
    let openssl = |arguments: &str| {
        must(
            Command::new("openssl")
                .current_dir(directory)
                .args(arguments.split(' ')),
        )
    };
    let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!(
        "req -x509 {new_key} -days 30 -subj /CN=authority -keyout ca.key -out ca.pem"
    ));
    openssl(&format!(
        "req {new_key} -subj /CN={name} -keyout server.key -out server.csr"
    ));
    fs::write(
        directory.join("names"),
        format!("subjectAltName=DNS:{name}"),
    )
    .unwrap();
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out server.pem",
    );
}

fn new_directory(kind: Kind) -> PathBuf {
    place_for_data().join(format!("{kind:?}-{}", random()))
}

pub(crate) fn random() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}
